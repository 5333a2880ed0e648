"""A connection whose request was answered before its body was read ends with that answer, and the answer says so.

Around the whole application, beside the server: what a refused client still sends stands where the server looks for
the next request. Knows no route. Under waitress a body is there in full before the application is asked, so there
nothing has to end.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wsgi import get_content_length


def end_unread(serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Serve as before, but let an answer that leaves some of its request's body unread close the connection."""

    def with_closing(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # A gunicorn answer. It drops the Connection header of an application, and has to be told this way.
        force_close = getattr(getattr(start_response, "__self__", None), "force_close", None)
        length = math.inf if "HTTP_TRANSFER_ENCODING" in environ else get_content_length(environ) or 0
        if force_close is None or not length:
            return serve(environ, start_response)
        body = environ["wsgi.input"] = _Body(environ["wsgi.input"], length)

        def start(*answer: Any) -> Any:
            if body.left > 0:
                force_close()
            return start_response(*answer)

        return serve(environ, start)

    return with_closing


class _Body(io.RawIOBase):
    """A request's body that knows how many bytes are `left`; infinity for one in chunks, until its end was seen."""

    def __init__(self, stream: Any, length: float) -> None:
        super().__init__()
        self.left = length
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.left -= len(data)
        if len(buffer) and not data and self.left == math.inf:
            self.left = 0
        return len(data)
