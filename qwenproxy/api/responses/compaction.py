"""Compaction: a conversation becomes a summary, sealed in an item that the client sends in its place (contract 4.4).

The model writes the summary. Pure; request.py asks for it, output.py makes the item, items.py reads it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qwenproxy.api.responses.objects import Item, compaction_item, new_id
from qwenproxy.api.responses.sealed import seal, unseal
from qwenproxy.chat import Message, TextPart

TRIGGER: Mapping[str, str] = {"type": "compaction_trigger"}
INSTRUCTION = (
    "Our conversation becomes too long, so it is going to be replaced by a summary that you write now. Whoever goes on "
    "sees nothing but this summary and the newest messages of the user. Write down, as briefly as completeness allows: "
    "what the user wants, with all requirements and preferences; what has been done and found out, with exact names, "
    "paths, numbers and commands; decisions and their reasons; errors and how they were solved; what is left to do, "
    "and the next step. Write only the summary, and call no function."
)
_BEFORE = "What came before in this conversation, as a summary:\n"
KEPT_CHARACTERS = 40_000  # of the user's newest messages, about 10,000 tokens


def instruction() -> Message:
    """Return the message that asks the model for the summary."""
    return Message("user", (TextPart(INSTRUCTION),))


def sealed_summary(summary: str) -> Item:
    """Return the item that stands for a summarised conversation."""
    return compaction_item(seal({"summary": summary}))


def summary_message(sealed: str) -> Message | None:
    """Return what the model reads in place of a compaction, None for one that was not made here."""
    value = unseal(sealed)
    summary = value.get("summary") if value else None
    return Message("user", (TextPart(_BEFORE + summary),)) if isinstance(summary, str) else None


def kept_messages(items: Iterable[Item]) -> list[Item]:
    """Return the messages that stay beside the summary: those of the system, and the user's newest ones in order."""
    messages = [item for item in items if item.get("type") == "message"]
    kept: list[Item] = []
    left = KEPT_CHARACTERS
    for message in reversed(messages):
        if message["role"] in ("system", "developer"):
            kept.append(message)
        elif message["role"] == "user" and left > 0:
            left -= _length(message)
            if left >= 0:
                kept.append(message)
    return kept[::-1]


def compacted(response: Mapping[str, Any], items: Iterable[Item]) -> dict[str, Any]:
    """Return the compacted conversation, from the response that holds the summary and the items before it."""
    return {
        "id": new_id("resp"),
        "object": "response.compaction",
        "created_at": response["created_at"],
        "output": [*kept_messages(items), *response["output"]],
        "usage": response["usage"],
    }


def _length(message: Item) -> int:
    """Return the number of characters of a message, pictures and files included."""
    return sum(len(value) for part in message["content"] for value in part.values() if isinstance(value, str))
