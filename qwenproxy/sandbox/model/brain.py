"""A real model in the stand-in's place: any endpoint that speaks OpenAI's chat completions, streamed.

It gets the view of the stand-in's model, and native functions as `tools`; its calls become native ones. What goes wrong
there is a failure of the site: an error frame.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx

from qwenproxy.sandbox.model.offers import Function, Offer, read_offer
from qwenproxy.sandbox.model.parts import NativeCalls, Thinking
from qwenproxy.sandbox.model.playing import play
from qwenproxy.sandbox.model.script import Prompt
from qwenproxy.sandbox.model.stream import FrameWriter
from qwenproxy.sandbox.model.view import read_view

_CONNECT_WAIT_S = 10.0
_STALL_WAIT_S = 300.0
_DONE: dict[str, Any] = {}  # the mark at the end of a stream


@dataclass(frozen=True, slots=True)
class Brain:
    """Where the model is: the address, with or without `/chat/completions`; its name there; a key if one is needed."""

    url: str
    model: str
    key: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """The address to post to."""
        url = self.url.rstrip("/")
        return url if url.endswith("/chat/completions") else f"{url}/chat/completions"


class BrainFailure(Exception):
    """The brain did not answer, or answered something else than a stream of chunks."""


async def think(
    brain: Brain, prompt: Prompt, writer: FrameWriter, keep_alive_s: float
) -> AsyncGenerator[tuple[float, bytes], None]:
    """Yield the frames of the brain's answer, each due at once, with signs of life while it is silent."""
    yield 0.0, writer.created()
    answer = _Answer(prompt, writer)
    try:
        async with aclosing(_chunks(brain, prompt)) as chunks, aclosing(_with_silences(chunks, keep_alive_s)) as timed:
            async for chunk in timed:
                for frame in [writer.keep_alive()] if chunk is None else answer.frames(chunk):
                    yield 0.0, frame
        if not answer.is_finished:
            raise BrainFailure("The brain's answer is no complete stream of chunks.")
        for frame in answer.end():
            yield 0.0, frame
    except BrainFailure as failure:
        yield 0.0, writer.frame({"error": {"code": "internal_error", "details": str(failure)}})


async def _with_silences(chunks: AsyncGenerator[Any, None], seconds: float) -> AsyncGenerator[Any, None]:
    """Yield the chunks, and None whenever none came for `seconds`."""
    while True:
        coming = asyncio.ensure_future(anext(chunks, ...))
        try:
            while not (await asyncio.wait({coming}, timeout=seconds))[0]:
                yield None
        finally:
            coming.cancel()
            await asyncio.wait({coming})
        chunk = coming.result()
        if chunk is ...:
            return
        yield chunk


async def _chunks(brain: Brain, prompt: Prompt) -> AsyncGenerator[Any, None]:
    """Yield the parsed chunks of the brain's stream. Raises BrainFailure."""
    headers = {"authorization": f"Bearer {brain.key}"} if brain.key else {}
    wait = httpx.Timeout(_STALL_WAIT_S, connect=_CONNECT_WAIT_S)
    try:
        async with (
            httpx.AsyncClient(timeout=wait) as client,
            client.stream("POST", brain.address, json=_request(brain, prompt), headers=headers) as response,
        ):
            if response.status_code != 200:
                await response.aread()
                raise BrainFailure(f"The brain answered {response.status_code}: {response.text[:200]}")
            async for line in response.aiter_lines():
                data = line.removeprefix("data:").strip()
                if line.startswith("data:"):
                    yield _DONE if data == "[DONE]" else _parsed(data)
    except httpx.HTTPError as error:
        raise BrainFailure(f"The brain cannot be reached: {type(error).__name__}") from error


def _parsed(data: str) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except ValueError as error:
        raise BrainFailure("The brain sent a chunk that is no JSON.") from error
    if not isinstance(chunk, dict) or chunk.get("error"):
        raise BrainFailure(f"The brain sent an error: {str(chunk)[:200]}")
    return chunk


def _request(brain: Brain, prompt: Prompt) -> dict[str, Any]:
    entries = read_view(prompt.context, unfold=False)
    messages = [{"role": "user" if entry.role == "file" else entry.role, "content": entry.text} for entry in entries]
    offer = read_offer(entries, prompt.features)
    tools = [_tool(one, prompt) for one in offer.functions] if offer.way == "native" else []
    body: dict[str, Any] = {"model": brain.model, "messages": messages, "stream": True}
    return {**body, "tools": tools} if tools else body


def _tool(function: Function, prompt: Prompt) -> dict[str, Any]:
    description = prompt.features["local_mcp"][function.server][function.name]["description"]
    shown = {"name": function.name, "description": description, "parameters": function.parameters}
    return {"type": "function", "function": shown}


class _Answer:
    """Turns the chunks of one answer into frames; calls wait for their end, as the site shows them whole."""

    def __init__(self, prompt: Prompt, writer: FrameWriter) -> None:
        self._prompt = prompt
        self._writer = writer
        self._thoughts: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self.is_finished = False  # the brain has said why it ends

    def frames(self, chunk: dict[str, Any]) -> Iterator[bytes]:
        """Return the frames for a chunk."""
        choices = chunk.get("choices") or [{}]
        delta = choices[0].get("delta") or {}
        self.is_finished = self.is_finished or chunk is _DONE or bool(choices[0].get("finish_reason"))
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and self._prompt.thinking:
            self._thoughts.append(thought)
        if isinstance(delta.get("content"), str) and delta["content"]:
            yield from self._end_of_thoughts()
            yield self._writer.text(delta["content"])
        for piece in delta.get("tool_calls") or []:
            call = self._calls.setdefault(piece.get("index", 0), {"name": "", "arguments": ""})
            for key, text in (piece.get("function") or {}).items():
                if key in call and isinstance(text, str):
                    call[key] += text

    def end(self) -> Iterator[bytes]:
        """Return the frames at the end of the answer."""
        yield from self._end_of_thoughts()
        if self._calls:
            yield from play([self._native()], self._writer)
        yield self._writer.text("")
        yield self._writer.finished()

    def _end_of_thoughts(self) -> Iterator[bytes]:
        thoughts, self._thoughts = "".join(self._thoughts), []
        if thoughts:
            yield from play([Thinking(self._prompt.thinking or "detail", (("Thinking", thoughts),))], self._writer)

    def _native(self) -> NativeCalls:
        offer: Offer = read_offer([], self._prompt.features)
        switches = self._prompt.switches
        named = []
        for call in self._calls.values():
            function = offer.function(call["name"]) or Function(call["name"])
            named.append((function.server, call["name"], _arguments(call["arguments"])))
        form = switches.native_form
        frames = [(one,) for one in named] if form == "function_call" else [tuple(named)]
        return NativeCalls(tuple(frames), form, switches.native_prefix)


def _arguments(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError as error:
        raise BrainFailure("The brain called a function with arguments that are no JSON.") from error
