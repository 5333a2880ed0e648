"""Where each value stands in a JSON text that may have comments and trailing commas. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal

from qwenproxy.connect.formats.unreadable import Unreadable

_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*"')
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place in the text: from `start` to before `end`. Children are in the order of the text."""

    kind: Literal["object", "array", "scalar"]
    start: int
    end: int
    scalar: object = None
    names: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()
    child_starts: tuple[int, ...] = field(default=())  # of members: where the name begins
    has_trailing_comma: bool = False

    @property
    def members(self) -> dict[str, Node]:
        """The members of an object; of those with the same name the last one, as all readers of JSON do."""
        return dict(zip(self.names, self.children, strict=True))

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of an array."""
        return self.children

    @property
    def value(self) -> object:
        """What the text says here."""
        if self.kind == "object":
            return {name: child.value for name, child in self.members.items()}
        return [child.value for child in self.children] if self.kind == "array" else self.scalar


def parse(text: str) -> Node:
    """Return the value of a whole text. Raises Unreadable."""
    scanner = _Scanner(text)
    try:
        node = scanner.value(scanner.skip(0))
    except RecursionError:
        raise scanner.fault(0) from None
    end = scanner.skip(node.end)
    if end != len(text):
        raise scanner.fault(end)
    return node


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text

    def fault(self, at: int) -> Unreadable:
        return Unreadable.at(self._text.count("\n", 0, at) + 1)

    def skip(self, at: int) -> int:
        """Return where the next word begins, behind space and comments."""
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def value(self, at: int) -> Node:
        first = self._text[at : at + 1]
        if first == "{":
            return self._container(at, "object", "}")
        if first == "[":
            return self._container(at, "array", "]")
        return self._scalar(at)

    def _scalar(self, at: int) -> Node:
        found = (_STRING if self._text[at : at + 1] == '"' else _WORD).match(self._text, at)
        if found is None:
            raise self.fault(at)
        try:
            return Node("scalar", at, found.end(), json.loads(found[0]))
        except ValueError as error:
            raise self.fault(at) from error

    def _container(self, start: int, kind: Literal["object", "array"], close: str) -> Node:
        names: list[str] = []
        starts: list[int] = []
        children: list[Node] = []
        has_comma = True  # none is needed before the first child
        at = self.skip(start + 1)
        while self._text[at : at + 1] != close:
            if not has_comma:
                raise self.fault(at)
            starts.append(at)
            if kind == "object":
                name, at = self._name(at)
                names.append(name)
            children.append(self.value(at))
            at = self.skip(children[-1].end)
            has_comma = self._text[at : at + 1] == ","
            at = self.skip(at + 1) if has_comma else at
        is_trailing = has_comma and bool(children)
        return Node(kind, start, at + 1, None, tuple(names), tuple(children), tuple(starts), is_trailing)

    def _name(self, at: int) -> tuple[str, int]:
        """Return a member's name and where its value begins."""
        name = self._scalar(at)
        colon = self.skip(name.end)
        if not isinstance(name.scalar, str) or self._text[colon : colon + 1] != ":":
            raise self.fault(at)
        return name.scalar, self.skip(colon + 1)
