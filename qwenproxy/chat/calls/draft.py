"""A call that is being written: its arguments are checked and made to fit one by one, and go out as they come.

Readers of all notations feed it. What it passes on is the same whether the call is held back to its end or not, because
both ways share these lines. Knows no notation.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from qwenproxy.chat import CallArguments, CallEnded, CallStarted, Tool
from qwenproxy.chat.calls.lenient import Unreal, dumped, parse
from qwenproxy.chat.calls.names import Offer
from qwenproxy.chat.calls.schema import Misfit, Schema
from qwenproxy.chat.calls.source import Faulty, Source, Talk

# Characters of arguments. A call that is shorter can still be corrected; a longer one is worth to be seen as it grows.
HELD = 256

FREE, LINE, ALONE = "free", "line", "alone"  # what a block needs: nothing; the end of its line; the end of the answer
FREEFORM = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}

CallEvent = CallStarted | CallArguments | CallEnded


class Block:
    """Calls that stand together. Whether they are calls or talk may show only behind them."""

    def __init__(self, offer: Offer, deliver: Callable[[CallEvent], None], needs: str = FREE) -> None:
        """`deliver` takes the events; `needs` says what must follow."""
        self.offer = offer
        self.needs = needs
        self.streams = True  # a long call goes out as it comes
        self.is_bare = False  # nothing but the calls may stand there, no bracket of a document around them
        self.is_started = False  # a call is under way that was announced already
        self.name = ""  # of the last call
        self.count = 0  # complete calls
        self._deliver = deliver
        self._waiting: list[CallEvent] | None = None if needs == FREE else []

    @property
    def is_certain(self) -> bool:
        """Whether the calls count, whatever follows."""
        return self._waiting is None

    def draft(self, name: str, source: Source) -> Draft:
        """Begin a call. Raises Faulty, or Talk where prose may hold such a thing."""
        tool = self.offer.tool(name)
        if tool is None:
            if self.needs != FREE:
                raise Talk
            raise Faulty(f"there is no function {name[:64]!r}; the functions are {', '.join(self.offer.names[:50])}")
        self.name = tool.name
        return Draft(tool, self, source)

    def emit(self, event: CallEvent) -> None:
        """Pass an event on, now or once the block is certain."""
        self.is_started = not isinstance(event, CallEnded)
        if self._waiting is None:
            self._deliver(event)
        else:
            self._waiting.append(event)

    def make_certain(self) -> None:
        """Let the calls go: they are no talk."""
        waiting, self._waiting, self.needs = self._waiting or [], None, FREE
        for event in waiting:
            self._deliver(event)


class Draft:
    """One call. Its readers name each argument once, with its value or with the pieces of its text."""

    def __init__(self, tool: Tool, block: Block, source: Source) -> None:
        self.tool = tool
        self._block = block
        self._source = source
        self._schema = Schema(FREEFORM if tool.freeform else tool.parameters)
        self._seen: set[str] = set()
        self._is_empty = True
        self._is_begun = False
        self._waiting: list[str] | None = []  # None once the call has been announced

    def begin(self) -> None:
        """Note that the arguments begin here in the source."""
        if self._block.streams and not self._is_begun:
            self._is_begun = True
            self._source.ring_after(HELD, self._announce)

    def declares(self, key: str) -> bool:
        """Tell whether the tool has an argument of this name that was not given yet."""
        return self._schema.declares(key) and key not in self._seen

    def streams_string(self, key: str) -> bool:
        """Tell whether a string for this argument stays as it is, so that its pieces can be passed on."""
        member = self._schema.member(key)
        return self._is_new(key) and (member.types is None or "string" in member.types) and not member.is_choice

    def streams_text(self, key: str) -> bool:
        """Tell the same of bare text, which may also spell another value."""
        return self._is_new(key) and self._schema.member(key).only_text

    def begin_text(self, key: str) -> None:
        """Begin an argument that comes in pieces."""
        self._seen.add(key)
        self._out("" if self.tool.freeform else self._frame(key) + '"')

    def add_text(self, text: str) -> None:
        """Take a piece of it."""
        self._out(text if self.tool.freeform else json.dumps(text, ensure_ascii=False)[1:-1])
        self._source.hold()

    def end_text(self) -> None:
        """End it."""
        self._out("" if self.tool.freeform else '"')

    def add_bare(self, key: str, text: str) -> None:
        """Take an argument that was written as bare text. Raises Faulty."""
        types = self._schema.member(key).types
        if types is not None and "string" not in types:
            self.add(key, text)
            return
        try:
            value = parse(text)
        except Faulty:
            value = text
        if isinstance(value, Unreal):
            value = text
        is_text = types is not None and (isinstance(value, str) or self._misfits(key, value))
        self.add(key, text if is_text else value)

    def add(self, key: str, value: Any) -> None:
        """Take an argument. Raises Faulty."""
        if key in self._seen:
            self._blame(f"the argument {key!r} is given twice")
            return
        self._seen.add(key)
        self._source.hold()
        try:
            value = self._schema.member(key).fit(value)
        except Misfit as error:
            if value is None and key not in self._schema.required:
                return  # models write null for what they leave out
            self._blame(f"the argument {key!r} must be {error}")
        if not self.tool.freeform:
            self._out(self._frame(key) + dumped(value))
        elif key == "input":
            self._out(value if isinstance(value, str) else dumped(value))

    def end(self) -> None:
        """End the call. Raises Faulty, or Talk for a tool's offer that was repeated."""
        if (
            self._waiting is not None
            and {"type", "properties"} <= self._seen
            and not self._schema.declares("properties")
        ):
            raise Talk
        missing = [name for name in self._schema.required if name not in self._seen]
        if missing:
            self._blame(f"the argument {', '.join(map(repr, missing))} is missing")
        self._source.no_alarm()
        if not self.tool.freeform:
            self._out("{}" if self._is_empty else "}")
        self._announce_quietly()
        self._block.count += 1
        self._block.emit(CallEnded())

    def _is_new(self, key: str) -> bool:
        return key not in self._seen and (not self.tool.freeform or key == "input")

    def _misfits(self, key: str, value: Any) -> bool:
        try:
            fitted = self._schema.member(key).fit(value)
        except Misfit:
            return True
        return isinstance(fitted, str)

    def _blame(self, text: str) -> None:
        """Refuse the call, unless the client has seen its beginning: then it judges by itself."""
        if self._waiting is not None:
            raise Faulty(text)

    def _frame(self, key: str) -> str:
        opening = "{" if self._is_empty else ", "
        self._is_empty = False
        return f"{opening}{dumped(key)}: "

    def _out(self, text: str) -> None:
        if self._waiting is not None:
            self._waiting.append(text)
        elif text:
            self._block.emit(CallArguments(text))

    def _announce(self) -> None:
        """Let the client see the call from here on."""
        self._block.make_certain()
        self._announce_quietly()
        self._source.unmark()
        self._source.hold()

    def _announce_quietly(self) -> None:
        if self._waiting is None:
            return
        text, self._waiting = "".join(self._waiting), None
        self._block.emit(CallStarted(f"call_{uuid.uuid4().hex[:24]}", self.tool.name))
        if text:
            self._block.emit(CallArguments(text))
