"""The chats on the server: each a tree of messages, linked by parent id (protocol 3 and 4.6)."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from qwenproxy.sandbox.envelope import SiteError, bad_request


@dataclass(slots=True)
class ChatMessage:
    """One message of a tree. `fields` is its JSON form, with the ids the server gave it."""

    id: str
    parent_id: str | None
    fields: dict[str, Any]

    @property
    def model_view(self) -> dict[str, Any]:
        """The part of this message that the model sees."""
        keys = ("role", "content", "files", "feature_config", "chat_type", "model")
        view = {key: self.fields.get(key) for key in keys}
        calls = [part["extra"] for part in self.fields.get("content_list") or () if part.get("phase") == "local_tool"]
        return {**view, "calls": calls} if calls else view


@dataclass(slots=True)
class Chat:
    """A chat of one account. `busy_until` is on the monotonic clock; `answering` while an answer is under way.

    `personal_text` stands before its messages, `project_id` names the project whose instruction does. A `local` chat is
    not listed.
    """

    id: str
    account_id: str
    user_id: str
    title: str
    models: list[str]
    chat_type: str
    created_at: int
    updated_at: int
    messages: dict[str, ChatMessage] = field(default_factory=dict)
    current_id: str | None = None
    answering: bool = False
    busy_until: float = 0.0
    personal_text: str = ""
    project_id: str | None = None
    local: bool = False

    @property
    def busy(self) -> bool:
        """Whether another answer would be refused now."""
        return self.answering or time.monotonic() < self.busy_until

    def check_parent(self, parent_id: str | None, *, older: bool) -> None:
        """Raise SiteError for a parent that is unknown, or, unless `older`, that is not the newest message."""
        if parent_id and parent_id not in self.messages:
            raise bad_request(f"PARENT_NOT_FOUND: Invalid input the parent_id {parent_id} is not exist.")
        if not older and (parent_id or None) != self.current_id:
            raise bad_request(f"PARENT_NOT_FOUND: the parent_id {parent_id} is not found at the end of the chat.")

    def add(self, parent_id: str | None, fields: dict[str, Any]) -> ChatMessage:
        """Append a message under `parent_id`, which check_parent() let pass, with an id of its own."""
        parent = self.messages[parent_id] if parent_id else None
        message = ChatMessage(str(uuid.uuid4()), parent_id or None, {**fields})
        message.fields.update(id=message.id, parentId=message.parent_id, childrenIds=[])
        if parent is not None:
            parent.fields["childrenIds"].append(message.id)
        self.messages[message.id] = message
        self.current_id = message.id
        self.updated_at = int(time.time())
        return message

    def path_to(self, message: ChatMessage) -> list[ChatMessage]:
        """Return the messages from the root of the tree down to this one."""
        path = [message]
        while path[-1].parent_id is not None:
            path.append(self.messages[path[-1].parent_id])
        return path[::-1]

    def row(self) -> dict[str, Any]:
        """Return this chat as the list shows it (protocol 3.2)."""
        return {
            "id": self.id,
            "title": self.title,
            "updated_at": self.updated_at,
            "created_at": self.created_at,
            "chat_type": self.chat_type,
        }

    def detail(self) -> dict[str, Any]:
        """Return this chat with all its messages (protocol 3.3)."""
        messages = {message.id: message.fields for message in self.messages.values()}
        return {
            **self.row(),
            "user_id": self.user_id,
            "currentId": self.current_id,
            "chat": {
                "models": self.models,
                "currentId": self.current_id,
                "messages": list(messages.values()),
                "history": {
                    "currentId": self.current_id,
                    "currentResponseIds": [self.current_id] if self.current_id else [],
                    "messages": messages,
                },
            },
        }


class Chats:
    """All chats of all accounts. Used from the server's thread; other threads only read ids()."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}

    def new(self, account_id: str, user_id: str, body: dict[str, Any]) -> Chat:
        """Create a chat from a chats/new body, all of whose fields are optional."""
        now = int(time.time())
        models = body.get("models")
        chat = Chat(
            id=str(uuid.uuid4()),
            account_id=account_id,
            user_id=user_id,
            title=str(body.get("title") or "New Chat"),
            models=list(models) if isinstance(models, list) else [],
            chat_type=str(body.get("chat_type") or "t2t"),
            created_at=now,
            updated_at=now,
            local=body.get("chat_mode") == "local",
        )
        self._chats[chat.id] = chat
        return chat

    def get(self, account_id: str, chat_id: object) -> Chat:
        """Return a chat of this account. Raises SiteError (404) if it has no such chat."""
        chat = self._chats.get(chat_id) if isinstance(chat_id, str) else None
        if chat is None or chat.account_id != account_id:
            raise SiteError(404, "Not_Found", f"CHAT_NOT_FOUND: chat {chat_id} is not exist")
        return chat

    def of(self, account_id: str) -> list[Chat]:
        """Return the account's chats, the most recently used first; those that are local are not listed."""
        own = [chat for chat in self._chats.values() if chat.account_id == account_id and not chat.local]
        return sorted(own, key=lambda chat: chat.updated_at, reverse=True)

    def delete(self, chat: Chat) -> None:
        """Forget a chat."""
        self._chats.pop(chat.id, None)

    def ids(self, account_id: str | None = None) -> list[str]:
        """Return the ids of the account's chats (None: of all), oldest first."""
        # a copy in one step: the server's thread may add a chat meanwhile
        chats = list(self._chats.values())
        return [chat.id for chat in chats if account_id in (None, chat.account_id)]
