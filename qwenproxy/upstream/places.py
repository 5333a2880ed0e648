"""Chats on the site, and places in them where a conversation can go on. Pure values (protocol 4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteChat:
    """A chat on the site. Only the account that made it can see it."""

    account_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class SitePlace:
    """A place in a chat of the site where a conversation can go on (protocol 4.6).

    The site holds the conversation's first `holds` messages, up to the answer `response_id` (None: no answer yet).
    `model` is the only one that may go on there ("": any), `way` how functions were offered in the chat ("": not at
    all). A place is no longer the newest of its chat once another question was asked there after it.
    """

    chat: SiteChat
    response_id: str | None = None
    holds: int = 0
    model: str = ""
    way: str = ""
    is_newest: bool = True


def parse_site_chat(row: object) -> SiteChat | None:
    """Read a chat of the site from its JSON form; None for anything else."""
    if not isinstance(row, Mapping):
        return None
    account_id, chat_id = filled_text(row.get("accountId")), filled_text(row.get("chatId"))
    return SiteChat(account_id, chat_id) if account_id and chat_id else None


def format_site_chat(chat: SiteChat) -> dict[str, str]:
    """Return the JSON form of a chat of the site."""
    return {"accountId": chat.account_id, "chatId": chat.chat_id}


def filled_text(value: object) -> str | None:
    """Return a value that is a text and not empty, None for any other."""
    return value if isinstance(value, str) and value else None
