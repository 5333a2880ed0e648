"""Requests and answers as bytes, for clients that keep to no library's rules."""

from __future__ import annotations

import json

HOST = b"Host: localhost\r\n"
JSON_HEADERS = HOST + b"Content-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n"


def status_of(answer: bytes) -> int:
    """Return the status of an answer."""
    return int(answer.split(b" ", 2)[1])


def body_of(answer: bytes) -> dict[str, object]:
    """Return the JSON body of an answer."""
    body: dict[str, object] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return body
