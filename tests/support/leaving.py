"""Clients that leave an answer, or do not read it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
from asking import COMPLETIONS, request_body, streaming
from proxy_process import Proxy

NOTICED_WITHIN = 15  # seconds, contract 6
FLOWING = "{{stream chunks=100000 interval_ms=20}}"
SILENT = "{{say one two three four five six}}{{fault stall after=2 seconds=1000}}"
SILENT_FROM_THE_START = "{{say never}}{{fault stall seconds=1000}}"

# The streams of the other wire APIs: their addresses, and the bodies that ask a question.
STREAMS: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "responses": ("/v1/responses", lambda question: {"model": "qwen-max", "input": question, "stream": True}),
    "messages": (
        "/v1/messages",
        lambda question: {"model": "qwen-max", "max_tokens": 900_000, "stream": True, "messages": _said(question)},
    ),
    "gemini": (
        "/v1beta/models/qwen-max:streamGenerateContent?alt=sse",
        lambda question: {"contents": [{"parts": [{"text": question}]}]},
    ),
    "gemini array": (
        "/v1beta/models/qwen-max:streamGenerateContent",
        lambda question: {"contents": [{"parts": [{"text": question}]}]},
    ),
    "ollama": ("/ollama/api/chat", lambda question: {"model": "qwen-max", "messages": _said(question)}),
    "ollama generate": ("/ollama/api/generate", lambda question: {"model": "qwen-max", "prompt": question}),
}
_FIRST_WORDS = ('"one', '"chunk')  # of the answers to the questions above, as JSON holds them


def leave_stream(proxy: Proxy, api: str, question: str) -> None:
    """Ask for a stream of one of STREAMS, and leave at its first words."""
    path, body = STREAMS[api]
    with httpx.stream("POST", f"{proxy.url}{path}", json=body(question), timeout=30) as answer:
        assert answer.status_code == 200
        text = ""
        for piece in answer.iter_text():
            text += piece
            if any(words in text for words in _FIRST_WORDS):
                return
    raise AssertionError(f"the stream ended: {text}")


def _said(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}]


def hang_up_in_mid_stream(proxy: Proxy, question: str) -> None:
    """Ask for a stream, and leave at its first words."""
    with streaming(proxy.url, question) as answer:
        answer.until_text()


def asked_and_unread(proxy: Proxy, question: str, *, stream: bool, **more: object) -> socket.socket:
    """Send a request and return the connection, which nobody reads from."""
    body = json.dumps(request_body(question, stream=stream, **more)).encode()
    address = urlsplit(proxy.url)
    head = f"POST {COMPLETIONS} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
    connection = socket.socket()
    connection.settimeout(30)
    # else the system takes tens of megabytes on the client's behalf
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.connect(proxy.address)
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection
