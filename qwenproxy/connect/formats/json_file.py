"""JSON with comments and trailing commas: changes members in the text itself, so that all else stays to the letter.

`jsonc.py` says where each value stands. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from qwenproxy.connect.formats.jsonc import Node, parse
from qwenproxy.connect.formats.unreadable import Unreadable
from qwenproxy.connect.program import Default, Entries, plain


def merge(text: str, changes: Mapping[str, object] | Entries) -> str:
    """Return the text with the changes in it. Raises Unreadable."""
    if not text.strip():
        return json.dumps(plain(changes), indent=2, ensure_ascii=False) + "\n"
    editor = _Editor(text)
    editor.change(parse(text), changes, "")
    return editor.result()


class _Editor:
    """Collects replacements of parts of a text. They never overlap."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts: list[tuple[int, int, str]] = []
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def result(self) -> str:
        text = self._text
        # From the end, so that the places of those before it stay true.
        for start, end, new in sorted(self._parts, key=lambda part: part[0], reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def change(self, node: Node, new: object, name: str) -> None:
        """Give a value its changes: objects and entries into it, anything else in its place."""
        if isinstance(new, Mapping):
            if node.kind != "object":
                raise Unreadable.kind(name)
            self._change_object(node, new)
        elif isinstance(new, Entries):
            if node.kind != "array":
                raise Unreadable.kind(name)
            self._change_entries(node, new)
        elif json.dumps(node.value) != json.dumps(plain(new)):
            self._parts.append((node.start, node.end, self._render(new, self._indent_at(node.start))))

    def _change_object(self, node: Node, new: Mapping[str, object]) -> None:
        members = node.members
        for key, value in new.items():
            if key in members and not isinstance(value, Default):
                self.change(members[key], value, key)
        missing = {key: value for key, value in new.items() if key not in members}
        indent = self._child_indent(node)
        self._append(
            node, [f"{json.dumps(key, ensure_ascii=False)}: {self._render(missing[key], indent)}" for key in missing]
        )

    def _change_entries(self, node: Node, new: Entries) -> None:
        missing = []
        for entry in new.entries:
            same = [each for each in node.items if _name_of(each, new.key) == entry[new.key]]
            if same:
                self.change(same[0], entry, new.key)
            else:
                missing.append(entry)
        indent = self._child_indent(node)
        self._append(node, [self._render(entry, indent) for entry in missing])

    def _append(self, node: Node, children: list[str]) -> None:
        """Put new children behind the last one and behind the comments that follow it."""
        if not children:
            return
        close = node.end - 1
        body = self._text[:close].rstrip()
        is_open = "\n" in self._text[len(body) : close]  # the closing bracket stands on a line of its own
        lead = self._newline + self._child_indent(node)
        block = lead + f",{lead}".join(children)
        block += "" if is_open else self._newline + self._indent_at(node.start)
        end_of_last = max((child.end for child in node.children), default=0)
        if not node.children or node.has_trailing_comma:
            self._parts.append((len(body), close if not is_open else len(body), block))
        elif end_of_last == len(body):
            self._parts.append((len(body), close if not is_open else len(body), f",{block}"))
        else:
            self._parts.append((end_of_last, end_of_last, ","))
            self._parts.append((len(body), close if not is_open else len(body), block))

    def _render(self, value: object, indent: str) -> str:
        unit = self._unit()
        lines = json.dumps(plain(value), indent=unit, ensure_ascii=False).split("\n")
        return f"{self._newline}{indent}".join(lines)

    def _unit(self) -> str:
        """Return the indentation of one level, as the text has it."""
        found = re.search(r"[{\[][ \t]*\r?\n([ \t]+)\S", self._text)
        return found[1] if found and not self._indent_at(found.start()) else "  "

    def _indent_at(self, place: int) -> str:
        """Return the indentation of the line on which a place is."""
        line = self._text[self._text.rfind("\n", 0, place) + 1 :]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _child_indent(self, node: Node) -> str:
        for start in node.child_starts:
            before = self._text[self._text.rfind("\n", 0, start) + 1 : start]
            if not before.strip() and start > node.start and "\n" in self._text[node.start : start]:
                return before
        return self._indent_at(node.start) + self._unit()


def _name_of(node: Node, key: str) -> object:
    return node.members[key].value if node.kind == "object" and key in node.members else None
