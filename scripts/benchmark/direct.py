"""Streams straight from the stand-in, over one HTTP/2 connection, as Chrome does it."""

from __future__ import annotations

import asyncio
import json
import ssl
import uuid
from collections.abc import Callable

import h2.config
import h2.connection
import h2.events

from benchmark.streams import Stream, run_together
from qwenproxy.upstream import calls

MODEL = "qwen3.7-plus"

Headers = list[tuple[str, str]]
Sink = Callable[[bytes], None]


class DirectConnection(asyncio.Protocol):
    """One HTTP/2 connection that carries every stream."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        configuration = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(configuration)
        self.settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._window_grew = asyncio.Event()
        self._answers: dict[int, tuple[Sink, asyncio.Future[None]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the site, with a window that never fills."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(2**30)
        self.transport.write(self.h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        """Hand on what the site sent."""
        for event in self.h2.receive_data(data):
            self._handle(event)
        self.transport.write(self.h2.data_to_send())
        self._window_grew.set()

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RemoteSettingsChanged) and not self.settled.done():
            # Chrome lets requests wait that are over the site's limit.
            self._room = asyncio.Semaphore(min(self.h2.remote_settings.max_concurrent_streams, 10_000))
            self.settled.set_result(None)
        elif isinstance(event, h2.events.DataReceived):
            self._answers[event.stream_id][0](event.data or b"")
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
            end = self._answers[event.stream_id][1]
            if not end.done():
                end.set_result(None)

    async def post(self, path: str, headers: Headers, body: bytes, sink: Sink) -> None:
        """Make a call; `sink` gets the pieces of its answer. Return when the answer has ended."""
        async with self._room:
            while self.h2.outbound_flow_control_window < len(body):
                self._window_grew.clear()
                await self._window_grew.wait()
            number = self.h2.get_next_available_stream_id()
            end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._answers[number] = (sink, end)
            self.h2.send_headers(number, [(":method", "POST"), (":path", path), *headers])
            self.h2.send_data(number, body, end_stream=True)
            self.transport.write(self.h2.data_to_send())
            await end


async def load_directly(base_url: str, token: str, streams: int, prompt: str) -> list[Stream]:
    """Run so many streams at once, each in a new chat."""
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2"])
    host, port = base_url.removeprefix("https://").split(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(DirectConnection, host, int(port), ssl=context)
    await connection.settled  # before that, HTTP/2's own limit of 100 streams would hold
    common = [
        (":scheme", "https"),
        (":authority", f"{host}:{port}"),
        ("content-type", "application/json"),
        ("authorization", f"Bearer {token}"),
        ("version", "0.3.12"),
        ("source", "web"),
    ]
    try:
        return await run_together(lambda: _ask(connection, common, prompt), streams)
    finally:
        connection.transport.close()


async def _ask(connection: DirectConnection, common: Headers, prompt: str) -> Stream:
    stream = Stream()
    answer = bytearray()
    headers = [*common, ("x-request-id", str(uuid.uuid4()))]
    await connection.post("/api/v2/chats/new", headers, json.dumps({"models": [MODEL]}).encode(), answer.extend)
    chat_id = json.loads(bytes(answer))["data"]["id"]
    stream.chat = stream.age()
    question = calls.completion(chat_id, calls.Question(MODEL, prompt)).body or ""
    await connection.post(f"/api/v2/chat/completions?chat_id={chat_id}", headers, question.encode(), stream.feed)
    stream.ended = True
    return stream
