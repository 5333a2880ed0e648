"""Close the connection after an answer that leaves a part of the request's body unread, and say so in the answer.

Otherwise the server would read the rest of that body as the next request. Stands around the whole application and knows
no route. Waitress reads a whole body before it calls the application, so there is nothing to do there.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wsgi import get_content_length


def closing_unread(serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Return `serve`, with answers that close the connection if they leave a part of the request's body unread."""

    def serve_and_close(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Call gunicorn's own method: it drops a Connection header of the application.
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

    return serve_and_close


class _Body(io.RawIOBase):
    """A request's body that counts the bytes `left`; infinity for one in chunks until its end."""

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
