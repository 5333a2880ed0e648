"""What a client gets of an answer that may hold calls: the stage's events, put together and easy to compare."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from qwenproxy.chat import (
    CallArguments,
    CallDropped,
    CallEnded,
    CallStarted,
    ChatRequest,
    Event,
    Finish,
    Message,
    Text,
    TextPart,
    Tool,
)
from qwenproxy.chat.calls.stage import find_calls
from qwenproxy.chat.corrections import Corrections, NeedsCorrection


def an_object(required: str = "", **properties: Any) -> dict[str, Any]:
    """Return the schema of an object; `required` names members, separated by spaces."""
    return {"type": "object", "properties": properties, "required": required.split()}


STRING = {"type": "string"}
WEATHER = Tool("get_weather", "Look at the sky", an_object("city", city=STRING, days={"type": "integer"}))
WRITE = Tool("write_file", "", an_object("path content", path=STRING, content=STRING, mode={"type": "integer"}))
TIME = Tool("get_time")
LOOK = Tool("look", "", {"type": "object", "properties": {}})
PATCH = Tool("apply_patch", freeform=True)
TOOLS = (WEATHER, WRITE, TIME, LOOK, PATCH)


def asked(*tools: Tool, **fields: Any) -> ChatRequest:
    """Return a request that offers `tools`, or some of all kinds."""
    return ChatRequest((Message("user", (TextPart("?"),)),), tools=tools or TOOLS, **{"streamed": True, **fields})


def texts(pieces: Iterable[str]) -> Iterator[Event]:
    """Return the pieces as events of a complete answer."""
    return iter([*(Text(piece) for piece in pieces), Finish()])


def outcome(events: Iterable[Event], request: ChatRequest | None = None, *, final: bool = False) -> list[Any]:
    """Return what comes out, joined: text, (name, arguments) of a call, and the reason of a Finish that is not stop.

    `{"correction": text}` stands for a correction, which is not possible any more if `final`. Arguments that are no
    JSON, as of a call that was cut or of a freeform tool, stay text.
    """
    corrections = Corrections()
    if final:
        corrections.end()
    try:
        return joined(find_calls(iter(events), request or asked(), corrections))
    except NeedsCorrection as correction:
        return [{"correction": correction.text}]


def joined(events: Iterable[Event]) -> list[Any]:
    """Return events in the form that `outcome` has."""
    results: list[Any] = []
    for event in events:
        if isinstance(event, Text):
            if not results or not isinstance(results[-1], str):
                results.append("")
            results[-1] += event.text
        elif isinstance(event, CallStarted):
            results.append([event.name, ""])
        elif isinstance(event, CallArguments):
            results[-1][1] += event.text
        elif isinstance(event, CallEnded):
            results[-1] = (results[-1][0], _read(results[-1][1]))
        elif isinstance(event, CallDropped) and event.name:
            results.append({"dropped": event.name})
        elif isinstance(event, Finish):
            results.append({"finish": event.reason})
    return results


def _read(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments
