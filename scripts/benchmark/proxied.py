"""Streams through the proxy, each over a connection of its own."""

from __future__ import annotations

import asyncio
import math
import re

from benchmark.streams import Stream, run_together
from benchmark.wire_apis import WIRE_APIS, WireApi

CHAT_TIME = re.compile(rb"chat;dur=([\d.]+)")  # in the Server-Timing header


async def load_through_proxy(port: int, streams: int, prompt: str, api: str = "chat") -> list[Stream]:
    """Run so many streams of a wire API at once, each in a new chat."""
    wire_api = WIRE_APIS[api]
    request = wire_api.request(prompt)
    return await run_together(lambda: _ask(port, request, wire_api), streams)


async def _ask(port: int, request: bytes, api: WireApi) -> Stream:
    stream = Stream(api.repeats)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    tail = b""
    while data := await reader.read(65536):
        if math.isnan(stream.chat) and (chat_time := CHAT_TIME.search(data)):
            stream.chat = float(chat_time[1])
        stream.feed(data)
        stream.ended = stream.ended or api.end in tail + data
        tail = data[-len(api.end) :]
    writer.close()
    return stream
