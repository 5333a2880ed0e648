"""A call that is a JSON object: a name and arguments, under the keys that models use for them.

One of the notations below reader.py; lenient.py knows how JSON is written, draft.py what becomes of the arguments.
"""

from __future__ import annotations

from typing import Any

from qwenproxy.chat.calls.draft import ALONE, Block, Draft
from qwenproxy.chat.calls.lenient import parse, read_key, read_string, read_value, skip_gap
from qwenproxy.chat.calls.quotes import MEMBER, QUOTES
from qwenproxy.chat.calls.source import Faulty, Incomplete, Source, Steps, Talk

_NAMES = frozenset({"name", "function", "tool", "tool_name", "function_name", "recipient_name"})
_ARGUMENTS = frozenset(
    {"arguments", "parameters", "args", "input", "params", "tool_input", "function_args", "tool_arguments", "kwargs"}
)
_LISTS = frozenset({"tool_calls", "function_calls", "calls"})
_BESIDE = frozenset({"type", "id", "index", "call_id", "tool_call_id"})  # what may stand beside both
_ABSENT = object()


class _Object:
    """The members of a call's object that wait for the rest of it."""

    def __init__(self) -> None:
        self.name = ""
        self.arguments: Any = _ABSENT
        self.others: dict[str, Any] = {}
        self.draft: Draft | None = None  # once the arguments have begun to stream
        self.is_done = False
        self.is_keyed = False  # the name is the only key, as in {"look": {...}}
        self.holds_calls = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a call was read."""
        return not self.name and not self.others and self.arguments is _ABSENT and not self.holds_calls


def read_object(source: Source, block: Block) -> Steps[None]:
    """Read the call whose `{` comes next. Raises Talk if it is none, Faulty."""
    parts = _Object()
    try:
        yield from _members(source, block, parts)
    except Incomplete:
        # Only braces are missing behind arguments that are whole.
        if not parts.is_done:
            raise
    except Faulty:
        if not parts.is_done or not block.is_started:
            raise
    if not parts.holds_calls:
        _end(source, block, parts)


def add_arguments(draft: Draft, arguments: Any) -> None:
    """Give a draft arguments that are known whole: an object, its JSON, or nothing. Raises Faulty."""
    if isinstance(arguments, str) and arguments.strip():
        try:
            value = parse(arguments)
        except Faulty:
            if not draft.tool.freeform:
                raise
            value = arguments
        arguments = value if isinstance(value, dict) or not draft.tool.freeform else {"input": arguments}
    if arguments is None or arguments == "":
        arguments = {}
    if not isinstance(arguments, dict):
        raise Faulty("its arguments must be a JSON object")
    for key, value in arguments.items():
        draft.add(key, value)


def stream_arguments(source: Source, draft: Draft) -> Steps[None]:
    """Read the object of arguments whose `{` comes next into a draft. Raises Faulty."""
    draft.begin()
    source.take(1)
    while (key := (yield from read_key(source))) is not None:
        yield from stream_argument(source, draft, key, MEMBER)


def stream_argument(source: Source, draft: Draft, key: str, place: str) -> Steps[None]:
    """Read the value of an argument that comes next into a draft. Raises Faulty."""
    char = yield from skip_gap(source)
    if char and char in QUOTES and draft.streams_string(key):
        draft.begin_text(key)
        yield from read_string(source, place, draft.add_text)
        draft.end_text()
    else:
        draft.add(key, (yield from read_value(source, place)))


def _members(source: Source, block: Block, parts: _Object) -> Steps[None]:
    source.take(1)
    while (key := (yield from read_key(source))) is not None:
        char = yield from skip_gap(source)
        if parts.is_keyed:
            raise Faulty("another key stands beside its name")
        if key in _LISTS and char == "[" and not parts.name:
            parts.holds_calls = True
            yield from _list(source, block)
        elif key in _NAMES and not parts.name and char == "{":
            yield from _members(source, block, parts)
        elif key in _NAMES and not parts.name:
            yield from _name(source, block, parts)
        elif key in _ARGUMENTS and parts.arguments is _ABSENT:
            yield from _arguments(source, block, parts)
        elif char == "{" and parts.is_empty and block.needs != ALONE and block.offer.tool(key):
            parts.name, parts.is_keyed = key, True
            block.name = key[:64]
            yield from _arguments(source, block, parts)
        elif key in _BESIDE or block.needs != ALONE:
            parts.others[key] = yield from read_value(source, MEMBER)
        else:
            raise Talk


def _list(source: Source, block: Block) -> Steps[None]:
    source.take(1)
    while (char := (yield from skip_gap(source))) in ("{", ","):
        if char == "{":
            yield from read_object(source, block)
        else:
            source.take(1)
    if char == "]":
        source.take(1)


def _name(source: Source, block: Block, parts: _Object) -> Steps[None]:
    name = yield from read_value(source, MEMBER)
    if not isinstance(name, str) or not name.strip():
        raise Talk
    parts.name = name
    block.name = name[:64]
    if block.offer.tool(name) is None:
        block.draft(name, source)


def _arguments(source: Source, block: Block, parts: _Object) -> Steps[None]:
    """Read the arguments; they stream if the name came before them."""
    char = yield from skip_gap(source)
    tool = block.offer.tool(parts.name) if parts.name else None
    if char == "{" and tool and "description" not in parts.others:
        parts.arguments = None
        parts.draft = block.draft(parts.name, source)
        yield from stream_arguments(source, parts.draft)
    else:
        parts.arguments = yield from read_value(source, MEMBER)
    parts.is_done = bool(parts.name)


def _end(source: Source, block: Block, parts: _Object) -> None:
    if not parts.name:
        raise Talk if block.needs == ALONE else Faulty("it has no name")
    arguments = parts.arguments
    if "description" in parts.others and arguments is not _ABSENT and not block.is_started:
        raise Talk  # the offer of a tool, repeated
    if parts.draft is not None:
        parts.draft.end()
        return
    if arguments is _ABSENT:
        arguments = {key: value for key, value in parts.others.items() if key not in _BESIDE}
        if block.needs == ALONE:
            raise Talk
    draft = block.draft(parts.name, source)
    add_arguments(draft, arguments)
    draft.end()
