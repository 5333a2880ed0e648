"""Heads of HTTP messages, as far as a forwarder has to understand them: where a request goes, how a proxy answers.

Used by forwarder.py and dialing.py. `read_head` reads from whatever it is given; the rest is pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST_HEAD = 1 << 16  # bytes
_END = re.compile(rb"\r?\n\r?\n")
# Headers that concern one connection only.
_OF_ONE_HOP = frozenset(("connection", "proxy-connection", "keep-alive", "proxy-authorization", "te", "upgrade"))


class BadHead(Exception):
    """What came is no head of an HTTP message, or one that we do not serve."""


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request to a proxy. `headers` are lines; `target` is as it came.

    `body` is the number of bytes that follow, None for a body that says its end itself.
    """

    method: str
    target: str
    host: str
    port: int
    headers: tuple[str, ...]
    body: int | None

    @property
    def is_tunnel(self) -> bool:
        """Whether it asks for a connection to `host`, and not for a document from there."""
        return self.method == "CONNECT"

    def for_proxy(self, authorization: str) -> bytes:
        """Return the head for a further HTTP proxy; `authorization` is the header's value, "" for none."""
        more = [f"Proxy-Authorization: {authorization}"] if authorization else []
        return self._head(self.target, more)

    def for_server(self) -> bytes:
        """Return the head for the server itself."""
        parts = urlsplit(self.target)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return self._head(path, [])

    def _head(self, target: str, more: list[str]) -> bytes:
        # One request for each connection: the next one may be for another server.
        lines = [f"{self.method} {target} HTTP/1.1", *self.headers, *more, "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1")


def read_head(receive: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """Return a head with its blank line, and the bytes that came behind it.

    `receive` returns at most so many bytes, b"" at the end. Raises BadHead, OSError.
    """
    data = b""
    while not (end := _END.search(data)):
        piece = receive(LONGEST_HEAD)
        if not piece:
            raise BadHead("the connection ended within the head")
        data += piece
        if len(data) > LONGEST_HEAD and not _END.search(data, 0, LONGEST_HEAD):
            raise BadHead("the head is too long")
    return data[: end.end()], data[end.end() :]


def parse_request(head: bytes) -> Request:
    """Read the head of a request to a proxy. Raises BadHead."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").replace("\r\n", "\n").split("\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadHead("no request line")
    method, target, _ = words
    host, port = _place(target if method == "CONNECT" else _netloc(target), 0 if method == "CONNECT" else 80)
    fields = [(line.partition(":")[0].strip().lower(), line) for line in lines]
    headers = tuple(line for name, line in fields if name not in _OF_ONE_HOP)
    return Request(method, target, host, port, headers, _body_length(fields))


def parse_status(head: bytes) -> int:
    """Return the status of an answer. Raises BadHead."""
    match = re.match(rb"HTTP/1\.[01] ([1-9]\d\d)\b", head)
    if match is None:
        raise BadHead("no status line")
    return int(match[1])


def _netloc(target: str) -> str:
    parts = urlsplit(target) if re.match(r"http://[^/]", target, re.IGNORECASE) else None
    if parts is None:
        raise BadHead("no address of a proxied request")
    return parts.netloc.rpartition("@")[2]


def _place(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port or default_port
    except ValueError as error:
        raise BadHead("no host and port") from error
    if not host or not port or parts.path or "@" in text:
        raise BadHead("no host and port")
    return host, port


def _body_length(fields: list[tuple[str, str]]) -> int | None:
    values = {name: line.partition(":")[2].strip() for name, line in fields}
    if "transfer-encoding" in values:
        return None
    length = values.get("content-length", "0")
    if not re.fullmatch(r"\d{1,18}", length):
        raise BadHead("no length of a body")
    return int(length)
