"""A short cut past the HTTP server for the frames of answers, and the means to break a connection on purpose.

Hypercorn's own path costs some 200 microseconds a frame, most of it in handing each one from task to task. Here a frame
goes straight into the HTTP/2 connection, and all that come in the same round of the event loop share one write: about a
third of the cost at 64 streams, which a benchmark on a small machine needs. Where the short cut is closed (HTTP/1, a
full window, a slow client, another version of hypercorn), write() returns False and the frame takes the usual way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from qwenproxy.sandbox.chats.generations import Generation

_SCOPE_KEY = "qwenproxy.exchange"
_BACKLOG = 1 << 20  # bytes the transport may hold before frames take the way that waits for the client
_FLUSH_DUE = "_qwenproxy_flush_due"


class Wire:
    """The connection below one exchange. `send` is the ASGI callable of hypercorn."""

    def __init__(self, send: Callable[..., Any]) -> None:
        stream = getattr(send, "__self__", None)
        self._stream_id: int = getattr(stream, "stream_id", 0)
        self._protocol: Any = getattr(getattr(stream, "send", None), "__self__", None)
        tcp = getattr(getattr(self._protocol, "send", None), "__self__", None)
        self.writer: Any = getattr(tcp, "writer", None)
        self._connection: Any = getattr(self._protocol, "connection", None)
        buffers = getattr(self._protocol, "stream_buffers", None)
        # HTTP/1 has a `connection` too, but streams only under HTTP/2
        self._open = hasattr(self._connection, "send_data") and self.writer is not None and buffers is not None

    def write(self, data: bytes) -> bool:
        """Send `data` now and return True; return False with nothing sent if the frame must take the usual way."""
        if not self._open:
            return False
        protocol = self._protocol
        buffer = protocol.stream_buffers.get(self._stream_id)
        # what is queued already must go first
        if buffer is None or buffer.buffer or not self._takes_more():
            return False
        try:
            window = self._connection.local_flow_control_window(self._stream_id)
            if len(data) > min(window, self._connection.max_outbound_frame_size):
                return False
            self._connection.send_data(self._stream_id, data)
        except ProtocolError:
            return False
        if not getattr(protocol, _FLUSH_DUE, False):
            setattr(protocol, _FLUSH_DUE, True)
            asyncio.get_running_loop().call_soon(self._flush)
        return True

    def drop(self, *, whole_connection: bool) -> None:
        """Break the connection without a word, or (HTTP/2) only this stream by a reset."""
        if whole_connection or not self._open:
            if self.writer is not None:
                self.writer.transport.abort()
            return
        try:
            self._connection.reset_stream(self._stream_id, ErrorCodes.INTERNAL_ERROR)
        except ProtocolError:
            return  # the client was faster
        self._flush()

    def _flush(self) -> None:
        setattr(self._protocol, _FLUSH_DUE, False)
        data = self._connection.data_to_send()
        if data and self._backlog() is not None and not self.writer.is_closing():
            self.writer.write(data)

    def _takes_more(self) -> bool:
        backlog = self._backlog()
        return backlog is not None and backlog <= _BACKLOG

    def _backlog(self) -> int | None:
        """Return how many bytes the transport holds, None if its connection has gone."""
        try:
            return int(self.writer.transport.get_write_buffer_size())
        except AttributeError:  # Python 3.10's TLS asks a socket that it has no more
            return None


class Exchange:
    """One request and its answer: the wire below it, and what must end when it does."""

    def __init__(self, send: Callable[..., Any]) -> None:
        self.wire = Wire(send)
        self.generation: Generation | None = None

    @staticmethod
    def of(scope: Any) -> Exchange:
        """Return the exchange that belongs to an ASGI scope."""
        exchange = scope[_SCOPE_KEY]
        assert isinstance(exchange, Exchange)
        return exchange

    def attach(self, scope: MutableMapping[str, Any]) -> None:
        """Make this the exchange of an ASGI scope."""
        scope[_SCOPE_KEY] = self

    def close(self) -> None:
        """End an answer that is still under way: its client left. Idempotent."""
        if self.generation is not None:
            self.generation.end(lost=True)
