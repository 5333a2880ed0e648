"""The tools that Anthropic defines and a client runs: a request only names them, so their schemas are here. Data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from qwenproxy.chat import Tool

_TEXT = {"type": "string"}
_COUNT = {"type": "integer"}
_RANGE = {"type": "array", "items": _COUNT, "description": "First and last line, from 1; -1 is the last one"}


def _an_object(required: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split()}


_BASH = Tool(
    "bash",
    "Run a command in a persistent bash shell.",
    _an_object("", command=_TEXT, restart={"type": "boolean", "description": "Restart the shell instead"}),
)
_EDITOR = Tool(
    "str_replace_based_edit_tool",
    "View, create and edit text files. view shows a file or a folder; str_replace replaces old_str, which must occur "
    "exactly once, by new_str; create writes file_text; insert puts insert_text behind line insert_line.",
    _an_object(
        "command path",
        command={"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
        path=_TEXT,
        file_text=_TEXT,
        old_str=_TEXT,
        new_str=_TEXT,
        insert_line=_COUNT,
        insert_text=_TEXT,
        view_range=_RANGE,
    ),
)
_OLD_EDITOR = Tool(
    "str_replace_editor",
    "View, create and edit text files. view shows a file or a folder; str_replace replaces old_str, which must occur "
    "exactly once, by new_str; create writes file_text; insert puts new_str behind line insert_line; undo_edit undoes "
    "the last edit of a file.",
    _an_object(
        "command path",
        command={"type": "string", "enum": ["view", "create", "str_replace", "insert", "undo_edit"]},
        path=_TEXT,
        file_text=_TEXT,
        old_str=_TEXT,
        new_str=_TEXT,
        insert_line=_COUNT,
        view_range=_RANGE,
    ),
)
_MEMORY = Tool(
    "memory",
    "Keep notes for later conversations as files under /memories. Look there before you begin. view shows a file or a "
    "folder; the other commands create, edit, delete and rename files.",
    _an_object(
        "command",
        command={"type": "string", "enum": ["view", "create", "str_replace", "insert", "delete", "rename"]},
        path=_TEXT,
        view_range=_RANGE,
        file_text=_TEXT,
        old_str=_TEXT,
        new_str=_TEXT,
        insert_line=_COUNT,
        insert_text=_TEXT,
        old_path=_TEXT,
        new_path=_TEXT,
    ),
)
_KINDS: tuple[tuple[re.Pattern[str], Tool], ...] = (
    (re.compile(r"bash_[0-9]+"), _BASH),
    (re.compile(r"text_editor_(20241022|20250124)"), _OLD_EDITOR),
    (re.compile(r"text_editor_[0-9]+"), _EDITOR),
    (re.compile(r"memory_[0-9]+"), _MEMORY),
)


def client_tool(kind: str) -> Tool | None:
    """Return what a tool of this type is, None if the type is not one of a client's."""
    return next((tool for pattern, tool in _KINDS if pattern.fullmatch(kind)), None)
