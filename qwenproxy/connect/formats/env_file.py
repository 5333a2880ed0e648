"""Files of variables, a `NAME=value` on each line. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from qwenproxy.connect.formats.unreadable import Unreadable
from qwenproxy.connect.program import Entries
from qwenproxy.texts import Phrase


def merge(text: str, changes: Mapping[str, object] | Entries) -> str:
    """Return the text with each variable set once: in its own line, or at the end. Raises Unreadable."""
    if isinstance(changes, Entries):
        raise Unreadable.kind(changes.key)
    newline = "\r\n" if "\r\n" in text else "\n"
    for name, value in changes.items():
        line = re.compile(rf"^([ \t]*(?:export[ \t]+)?{re.escape(name)}[ \t]*=)[^\r\n]*", re.MULTILINE)
        # Where a variable stands twice, the readers differ in which one they take.
        if line.search(text):
            text = line.sub(functools.partial(_with_value, _quoted(value)), text)
        else:
            text += ("" if not text or text.endswith("\n") else newline) + f"{name}={_quoted(value)}{newline}"
    return text


def _with_value(value: str, line: re.Match[str]) -> str:
    return f"{line[1]}{value}"


def _quoted(value: object) -> str:
    text = str(value)
    if re.fullmatch(r"[\w./:@%+,=~-]*", text):
        return text
    if "'" in text:
        raise Unreadable(Phrase("connect_unfit"))
    return f"'{text}'"
