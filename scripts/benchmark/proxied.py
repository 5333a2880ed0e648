"""Streams through the proxy, each over a connection of its own."""

from __future__ import annotations

import asyncio
import json
import re

from benchmark.streams import Stream, run_together

CHAT_TIME = re.compile(rb"chat;dur=([\d.]+)")  # in the Server-Timing header


async def load_through_proxy(port: int, streams: int, prompt: str) -> list[Stream]:
    """Run so many streams at once, each in a new chat."""
    request = _request(prompt)
    return await run_together(lambda: _ask(port, request), streams)


def _request(prompt: str) -> bytes:
    messages = [{"role": "user", "content": prompt}]
    body = json.dumps({"model": "qwen3.7-plus", "stream": True, "messages": messages}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _ask(port: int, request: bytes) -> Stream:
    stream = Stream()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    end = b""
    while data := await reader.read(65536):
        if not end and (chat_time := CHAT_TIME.search(data)):
            stream.chat = float(chat_time[1])
        stream.feed(data)
        end = (end + data)[-64:]
    stream.ended = b"[DONE]" in end
    writer.close()
    return stream
