"""What the model sees, message by message: the chat's path, with folded conversations taken apart.

A proxy folds a conversation into one message and marks who speaks with lines such as `[user 0123456789ab]`; the key
stands in its first paragraph. A real model reads those marks, so this one does. Results of functions are also known in
the unmarked forms that clients of the site use (protocol 4.8). Knows no directives and no frames.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

_FIRST_PARAGRAPH = 4000  # characters at most
_KEY = re.compile(r"\b[0-9a-f]{12}\b")
_ID = re.compile(r'\bid=("(?:[^"\\]|\\.)*")')
_NAME = re.compile(r'\bname=("(?:[^"\\]|\\.)*")')
_WRITTEN_CALL = re.compile(r"<tool_call>|<use_function |<function=|<invoke ")
_HEADINGS = re.compile(
    r"^(?:### Tool result: (?P<name>[^\n(]+?)(?: \((?P<id>[^\n)]*)\))?[ \t]*$|Tool result \((?P<other>[^\n)]+)\):)",
    re.MULTILINE,
)
_RESPONSES = re.compile(r"<tool_response>\n?(.*?)\n?</tool_response>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the view. `role` is system, user, assistant, tool, file, or the topic of a proxy's note.

    `message` counts the site's messages from 0; `calls` marks an assistant that calls functions; `marked` an entry that
    was taken from a folded conversation.
    """

    role: str
    text: str
    name: str = ""
    id: str = ""
    message: int = 0
    calls: bool = False
    marked: bool = False

    def json(self) -> dict[str, Any]:
        """Return this entry as {{view}} shows it."""
        shown: dict[str, Any] = {"role": self.role, "text": self.text}
        others = {"name": self.name, "id": self.id, "calls": self.calls}
        return {**shown, **{key: value for key, value in others.items() if value}}


def read_view(context: Sequence[dict[str, Any]], unfold: bool = True) -> list[Entry]:
    """Return the entries of a path of messages, oldest first; with `unfold` False one per message and file."""
    entries: list[Entry] = []
    for number, message in enumerate(context):
        found = _entries(message) if unfold else _plain(message)
        entries += [replace(entry, message=number) for entry in found]
    return entries


def text_of(content: Any) -> str:
    """Return the text of a message's content, a string or an array of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


def _plain(message: dict[str, Any]) -> Iterator[Entry]:
    for file in message.get("file_texts") or ():
        yield Entry("file", file["text"], file["name"])
    text = text_of(message["content"])
    calls = message["role"] == "assistant" and bool(message.get("calls") or _WRITTEN_CALL.search(text))
    yield Entry(message["role"], text, calls=calls)


def _entries(message: dict[str, Any]) -> Iterator[Entry]:
    if message["role"] != "user":
        yield from _plain(message)
        return
    text = text_of(message["content"])
    files = message.get("file_texts") or ()
    key = _key_of([text, *(file["text"] for file in files)])
    for file in files:
        folded = list(_unfolded(file["text"].removesuffix("\n\n"), key)) if key else []
        yield from folded if any(entry.marked for entry in folded) else [Entry("file", file["text"], file["name"])]
    yield from _unfolded(text, key) if key else _unmarked(text)


def _key_of(texts: Iterable[str]) -> str:
    """Return the key of the marks: named in a first paragraph, and at the end of a line in brackets."""
    whole = list(texts)
    for text in whole:
        for key in _KEY.findall(text[:_FIRST_PARAGRAPH].split("\n\n", 1)[0]):
            if any(_mark(key).search(other) for other in whole):
                return str(key)
    return ""


def _mark(key: str) -> re.Pattern[str]:
    return re.compile(rf"^\[([^\n]+) {key}\]$", re.MULTILINE)


def _unfolded(text: str, key: str) -> Iterator[Entry]:
    marks = list(_mark(key).finditer(text))
    before = text[: marks[0].start()].strip() if marks else text
    held: Entry | None = None
    if before:
        held = Entry("note" if key in before else "user", before)
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        end = following.start() if following else len(text)
        words = _without_breaks(text[mark.end() : end], is_last=following is None)
        if held is not None and re.match(r"(image|file) ", mark[1]):
            # an attachment in the middle of a message
            held = replace(held, text=f"{held.text}\n[{mark[1]}]\n{words}".strip("\n"))
            continue
        if held is not None:
            yield held
        held = _speaker(mark[1], words)
    if held is not None:
        yield held


def _without_breaks(text: str, *, is_last: bool) -> str:
    text = text.removeprefix("\n")
    if is_last:
        return text
    return text[:-2] if text.endswith("\n\n") else text.removesuffix("\n")


def _speaker(mark: str, text: str) -> Entry:
    call_id, name = (json.loads(found[1]) if (found := one.search(mark)) else "" for one in (_ID, _NAME))
    words = mark.split()
    if words[:2] == ["tool", "result"]:
        return Entry("tool", text, name, call_id, marked=True)
    if words[:2] == ["assistant", "calls"]:
        return Entry("assistant", text, name, call_id, calls=True, marked=True)
    return Entry(words[0], text, name, call_id, marked=True)


def _unmarked(text: str) -> Iterator[Entry]:
    """Read a message without marks: a person's words, or results of functions under headings."""
    headings = list(_HEADINGS.finditer(text))
    responses = list(_RESPONSES.finditer(text))
    if responses and not _RESPONSES.sub("", text).strip():
        yield from (Entry("tool", response[1]) for response in responses)
        return
    if not headings:
        yield Entry("user", text)
        return
    before = text[: headings[0].start()].strip()
    if before:
        yield Entry("note", before)
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        result = text[heading.end() : following.start() if following else len(text)].strip()
        yield Entry("tool", result, heading["name"] or heading["other"], heading["id"] or "")
