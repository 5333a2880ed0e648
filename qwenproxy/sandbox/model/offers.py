"""The functions that a question offers: natively by `local_mcp`, or in the text the model sees. Pure.

In the text they stand between `<tools>` and `</tools>`, the notation that the models were trained on, or between
`<functions>` and `</functions>`: one JSON object each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qwenproxy.sandbox.model.dialects import Call
from qwenproxy.sandbox.model.values import value_for
from qwenproxy.sandbox.model.view import Entry

MADE_UP = "(made up by the stand-in)"  # so that nobody takes a call that fails for a fault of the proxy
_OPENING = re.compile(r"<(tools|functions)>\s*\{")
_MUST = re.compile(r"\bmust call\b", re.IGNORECASE)
_SPEAKERS = frozenset({"assistant", "tool", "file"})
_WAYS = {"native": "native", "tools": "tool_call", "functions": "use_function"}
# what a question says when it wants no function channel (protocol 5.6); only all of them together silence it
_NO_CHANNEL: Mapping[str, Any] = {
    "function_calling": False,
    "enable_tools": False,
    "enable_function_call": False,
    "tool_choice": "none",
    "plugins_enabled": False,
    "code_interpreter": False,
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function on offer. `server` is the one that has it, for a native offer."""

    name: str
    parameters: Any = field(default_factory=dict)
    server: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """The functions on offer. `way` is native, tools, functions, or empty.

    `intercepted`: the text offers functions as the model was trained, and the site's own channel is open.
    """

    way: str
    functions: tuple[Function, ...]
    intercepted: bool

    @property
    def dialect(self) -> str:
        """The dialect that calls are to be made in."""
        return _WAYS.get(self.way, "tool_call")

    def function(self, name: str) -> Function | None:
        """Return the function of this name."""
        return next((one for one in self.functions if one.name == name), None)

    def call(self, function: Function, dialect: str = "") -> Call:
        """Return a call with arguments that fit the function's schema."""
        arguments = value_for(function.parameters, text=MADE_UP)
        return Call(function.name, arguments if isinstance(arguments, dict) else {}, dialect)

    def named_in(self, text: str) -> Function | None:
        """Return the function that the text names first, as a whole word."""
        return next(iter(self.all_named_in(text)), None)

    def all_named_in(self, text: str) -> list[Function]:
        """Return the functions that the text names, each once, in its order."""
        places = [(_place(one.name, text), number) for number, one in enumerate(self.functions)]
        return [self.functions[number] for at, number in sorted(places) if at >= 0]

    def meant_in(self, text: str) -> Function | None:
        """Return the function `get_x` of a text that asks about x."""
        topics = [(one, one.name.removeprefix("get_")) for one in self.functions if one.name.startswith("get_")]
        return next((one for one, topic in topics if topic and _place(topic, text.lower()) >= 0), None)

    def demanded(self, entries: Sequence[Entry]) -> Function | None:
        """Return the function that the newest message of the site says must be called."""
        newest = max((entry.message for entry in entries), default=0)
        for entry in reversed(entries):
            speaks = entry.role in _SPEAKERS or (entry.role == "user" and entry.marked)
            if entry.message == newest and self.functions and not speaks:
                demand = _MUST.search(without_offers(entry.text))
                if demand is not None:
                    after = without_offers(entry.text)[demand.end() :]
                    return self.named_in(after.split("\n", 1)[0]) or self.functions[0]
        return None


def read_offer(entries: Sequence[Entry], features: Mapping[str, Any]) -> Offer:
    """Return what is on offer in this view, and by the question's `feature_config`."""
    way, functions = _written(entries)
    is_open = any(features.get(key, ...) != value for key, value in _NO_CHANNEL.items())
    intercepted = is_open and way == "tools"
    native = features.get("local_mcp")
    if isinstance(native, dict) and native:
        return Offer("native", tuple(_native(native)), intercepted)
    return Offer(way, functions, intercepted)


def without_offers(text: str) -> str:
    """Return the text without the blocks that offer functions."""
    pieces, at = [], 0
    for _, start, end in _blocks(text):
        pieces.append(text[at:start])
        at = end
    return "".join([*pieces, text[at:]])


def _blocks(text: str) -> Iterator[tuple[str, int, int]]:
    """Return tag, start and end of each block that offers functions. No regular expression: texts may be very long."""
    at = 0
    while opening := _OPENING.search(text, at):
        closing = f"</{opening[1]}>"
        end = text.find(closing, opening.end())
        if end < 0:
            return
        at = end + len(closing)
        yield opening[1], opening.start(), at


def _native(servers: Mapping[str, Any]) -> Iterator[Function]:
    for server, tools in servers.items():
        for name, tool in tools.items():
            yield Function(name, tool["input_schema"], server)


def _written(entries: Sequence[Entry]) -> tuple[str, tuple[Function, ...]]:
    for entry in reversed(entries):
        if entry.role in _SPEAKERS:
            continue
        for tag, start, end in reversed(list(_blocks(entry.text))):
            functions = tuple(_objects(entry.text[entry.text.index("{", start) : end]))
            if functions:
                return tag, functions
    return "", ()


def _objects(text: str) -> Iterator[Function]:
    """Read JSON objects one after the other; end where there is something else."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            return
        value = value.get("function", value) if isinstance(value, dict) else {}
        if isinstance(value, dict) and isinstance(value.get("name"), str) and value["name"]:
            yield Function(value["name"], value.get("parameters") or {})
        while at < len(text) and text[at] in " \t\r\n":
            at += 1


def _place(name: str, text: str) -> int:
    found = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
    return found.start() if found else -1
