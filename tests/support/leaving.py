"""Clients that leave an answer, or do not read it."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

from asking import COMPLETIONS, request_body, streaming
from proxy_process import Proxy

NOTICED_WITHIN = 15  # seconds, contract 6
FLOWING = "{{stream chunks=100000 interval_ms=20}}"
SILENT = "{{say one two three four five six}}{{fault stall after=2 seconds=1000}}"
SILENT_FROM_THE_START = "{{say never}}{{fault stall seconds=1000}}"


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
