"""What a kept chat is, as pure values and rules: its file's form, trimming, and which chats a clean-up takes.

history/store.py applies these to the disk; the chat routes read the values (contract 3, 4, 4.1 and 6). No input or
output here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard, TypeVar

from qwenproxy.access.admin import ADMIN
from qwenproxy.disk.files import format_json, parse_json
from qwenproxy.errors import RequestError

RECORDED = "recorded"  # the field of a chat's file that says that it records a conversation which a client keeps
OWNER = "client"  # the field that says whose key it was made with

M = TypeVar("M")
StoredMessage = Mapping[str, Any]


@dataclass(frozen=True)
class Chat:
    """One chat. `created` is in ms; `extra` holds the fields of its file that this module does not know."""

    id: str
    name: str
    created: int
    messages: tuple[StoredMessage, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recorded_end(self) -> str | None:
        """What stands for the conversation that this chat records; None unless it is a record."""
        mark = self.extra.get(RECORDED)
        end = mark.get("end") if isinstance(mark, Mapping) else None
        return end if isinstance(end, str) and end else None

    @property
    def owner(self) -> str:
        """What stands for the key with which this chat was made, "" for none."""
        owner = self.extra.get(OWNER)
        return owner if isinstance(owner, str) else ""

    def is_seen_by(self, client: str) -> bool:
        """Tell whether a client may see this chat."""
        return _sees(client, self.owner)

    @property
    def summary(self) -> ChatSummary:
        """This chat as a line in the list of chats."""
        from_user = sum(message["role"] == "user" for message in self.messages)
        is_recorded = self.recorded_end is not None
        return ChatSummary(self.id, self.name, self.created, len(self.messages), from_user, is_recorded, self.owner)

    def to_json(self) -> dict[str, Any]:
        """Return the documented fields in their documented order."""
        return {"id": self.id, "name": self.name, "created": self.created, "messages": list(self.messages)}


@dataclass(frozen=True)
class ChatSummary:
    """One line in the list of chats."""

    id: str
    name: str
    created: int
    message_count: int
    user_message_count: int
    is_recorded: bool = False
    owner: str = ""

    def is_seen_by(self, client: str) -> bool:
        """Tell whether a client may see the chat."""
        return _sees(client, self.owner)


def format_chat(chat: Chat) -> bytes:
    """Write a chat as its file holds it, unknown fields included."""
    return format_json({**chat.to_json(), **chat.extra})


def parse_chat(chat_id: str, data: bytes, modified_ms: int) -> Chat:
    """Read a chat's file, also the bare array of messages the older project wrote. Raises ValueError.

    The file's name gives the id. A file without a date gets that of its first message, else `modified_ms`.
    """
    document = parse_json(data)
    if isinstance(document, list):
        document = {"messages": document}
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
        raise ValueError("not a chat")
    messages = document.pop("messages")
    if not all(isinstance(one, dict) and isinstance(one.get("role"), str) for one in messages):
        raise ValueError("not a list of messages")
    name, created = document.pop("name", None), document.pop("created", None)
    if not _is_date(created):
        first = messages[0].get("timestamp") if messages else None
        created = first * 1000 if _is_date(first) else modified_ms
    document.pop("id", None)
    has_name = isinstance(name, str) and name
    return Chat(chat_id, name if has_name else f"Chat {chat_id[:8]}", int(created), tuple(messages), document)


def owner_field(client: str) -> dict[str, str]:
    """Return the field of a chat's file for the client that it is made for; none where no key was asked for."""
    return {OWNER: client} if client else {}


def trim(messages: Sequence[M], limit: int) -> tuple[M, ...]:
    """Return at most `limit` messages: the first one and the newest others (contract 4.1)."""
    surplus = max(len(messages) - limit, 0)
    return (*messages[:1], *messages[1 + surplus :])


def parse_criteria(criteria: Mapping[str, object]) -> dict[str, float]:
    """Read the body of a clean-up request. Raises RequestError for a bad criterion and for none at all."""
    limits: dict[str, float] = {}
    for name in (*_CRITERIA, "maxChats"):
        if name in criteria:
            limits[name] = _limit(name, criteria[name])
    if not limits:
        raise RequestError(f"give at least one of {', '.join(_CRITERIA)}, maxChats")
    return limits


def select_for_cleanup(
    newest_first: Sequence[ChatSummary], limits: Mapping[str, float], now_ms: float
) -> tuple[str, ...]:
    """Return the ids of the chats that meet all given criteria, and of the oldest beyond `maxChats` of the others."""
    tests = [(_CRITERIA[name], limit) for name, limit in limits.items() if name in _CRITERIA]
    chat_ids: list[str] = []
    others: list[str] = []
    for chat in newest_first:
        meets_all = bool(tests) and all(test(chat, limit, now_ms) for test, limit in tests)
        (chat_ids if meets_all else others).append(chat.id)
    if "maxChats" in limits:
        chat_ids += others[int(limits["maxChats"]) :]
    return tuple(chat_ids)


def _sees(client: str, owner: str) -> bool:
    """Tell whether a client sees a chat: its owner does, and the admin.

    Everybody sees a chat without an owner, and where no key is needed, all people share all chats.
    """
    return owner in ("", client) or client in ("", ADMIN)


def _limit(name: str, value: object) -> float:
    if not _is_number(value) or value < 0:
        raise RequestError(f"{name} must be a number and not negative", param=name)
    if name in ("olderThan", "maxChats") and value == 0:
        raise RequestError(f"{name} must be above 0", param=name)
    if name == "maxChats" and value != int(value):
        raise RequestError(f"{name} must be a whole number", param=name)
    return value


def _is_number(value: object) -> TypeGuard[float]:
    # Compared with infinity, since math.isfinite fails on an int beyond the range of float.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _is_date(value: object) -> TypeGuard[float]:
    return _is_number(value) and 0 <= value < 1e15


_CRITERIA: Mapping[str, Callable[[ChatSummary, float, float], bool]] = {
    "olderThan": lambda chat, limit, now_ms: now_ms - chat.created > limit,
    "userMessageCountLessThan": lambda chat, limit, now_ms: chat.user_message_count < limit,
    "messageCountLessThan": lambda chat, limit, now_ms: chat.message_count < limit,
}
