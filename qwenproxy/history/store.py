"""The chats kept on disk: history/<chatId>.json, one file a chat (contract 3, 4, 4.1 and 6).

The chat routes read a chat before a request and add the finished turn after it; nothing is written while an answer
runs, so a failed turn leaves no trace. Must not know HTTP, accounts or the site.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.disk import files
from qwenproxy.disk.cached import CachedFile, Stamp, stamp, stamp_of
from qwenproxy.disk.locks import PathLock
from qwenproxy.errors import ChatNotFound, RequestError, StorageError
from qwenproxy.history.format import (
    RECORDED,
    Chat,
    ChatSummary,
    StoredMessage,
    format_chat,
    parse_chat,
    parse_criteria,
    select_for_cleanup,
    trim,
)
from qwenproxy.history.turns import TurnQueues
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

BeforeDeletion = Callable[[Sequence[Chat]], None]


def _do_nothing(_chats: Sequence[Chat]) -> None:
    """Allow every deletion."""


class HistoryStore:
    """All chats of one folder. Safe among threads and processes; `clock` gives seconds since 1970."""

    def __init__(self, folder: Path, max_messages: int, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._max_messages = max_messages
        self._clock = clock
        self._index: dict[str, tuple[Stamp, ChatSummary]] = {}
        self._turns = TurnQueues()
        self._mutex = threading.Lock()
        self._listing = CachedFile(folder, self._scan)
        self._lock = PathLock(folder)

    @classmethod
    def open(cls, folder: Path, max_messages: int, clock: Callable[[], float] = time.time) -> HistoryStore:
        """Return the chats of a folder that is ready for use. Raises StorageError."""
        store = cls(folder, max_messages, clock)
        store.prepare()
        return store

    def prepare(self) -> None:
        """Create the folder if need be and clear what a crash left there. Raises StorageError."""
        files.ensure_folder(self._folder)
        with self._lock:
            files.sweep(self._folder, "*.json")

    def get(self, chat_id: str, client: str = "") -> Chat | None:
        """Return a chat, None when the client sees no such chat or its file is corrupt. Raises StorageError."""
        chat = self._read(chat_id)
        return chat if chat and chat.is_seen_by(client) else None

    def _read(self, chat_id: str) -> Chat | None:
        if not files.valid_id(chat_id):
            return None
        path = self._path(chat_id)
        status = files.regular_status(path)
        data = files.read_bytes(path) if status else None
        if status is None or data is None:
            return None
        try:
            return parse_chat(chat_id, data, status.st_mtime_ns // 1_000_000)
        except ValueError as error:
            with self._lock:
                if files.read_bytes(path) == data:
                    files.set_aside(path, str(error))
            return None

    def has(self, chat_id: str) -> bool:
        """Tell whether there is a file for a chat. Raises StorageError."""
        return files.valid_id(chat_id) and stamp(self._path(chat_id)) is not None

    def existing(self, chat_id: str, client: str = "") -> Chat:
        """Return a chat that a client sees. Raises ChatNotFound, StorageError."""
        chat = self.get(chat_id, client)
        if chat is None:
            raise ChatNotFound("There is no such chat; GET /api/chats lists them.")
        return chat

    def list(self) -> tuple[ChatSummary, ...]:
        """Return all chats, newest first. Raises StorageError.

        Looks at the folder only if that changed since the last call, and reads only the files that changed.
        """
        with self._mutex:
            return self._listing.get()

    def create(
        self,
        name: str,
        messages: Sequence[StoredMessage] = (),
        chat_id: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """Write a new chat, its first turn included, in one step, and return its id (a new uuid unless given).

        `extra` fields are kept beside the documented ones.
        Raises RequestError for an id that is invalid or in use, StorageError if the disk refuses.
        """
        chat_id = str(uuid.uuid4()) if chat_id is None else chat_id
        if not files.valid_id(chat_id):
            raise RequestError("chatId is not a valid id", param="chatId")
        with self._lock:
            if stamp(self._path(chat_id)) is not None:
                raise RequestError("a chat with this chatId exists", param="chatId")
            created = int(self._clock() * 1000)
            self._save(Chat(chat_id, name, created, self._complete((), messages), extra or {}))
        return chat_id

    def append_turn(
        self, chat_id: str, messages: Sequence[StoredMessage], extra: Mapping[str, Any] | None = None
    ) -> Chat:
        """Add the messages of one turn, all or none, and return the chat as it is now.

        Each needs `role` and `content`; id, timestamp (s) and chat_type are filled in. Over the limit the first message
        stays and the oldest others go. `extra` fields replace those of the same name.
        Raises ChatNotFound, StorageError.
        """
        with self._lock:
            chat = self.existing(chat_id)
            all_messages = self._complete(chat.messages, messages)
            chat = replace(chat, messages=all_messages, extra={**chat.extra, **(extra or {})})
            self._save(chat)
        return chat

    def rename(self, chat_id: str, name: object, client: str = "") -> str:
        """Give a chat another name and return it. Raises RequestError for a blank one, ChatNotFound, StorageError.

        A record is none any more, because a person who names a chat wants to keep it.
        """
        if not isinstance(name, str) or not name.strip():
            raise RequestError("name must be a text that is not blank", param="name")
        with self._lock:
            chat = self.existing(chat_id, client)
            extra = {field: value for field, value in chat.extra.items() if field != RECORDED}
            self._save(replace(chat, name=name.strip(), extra=extra))
        return name.strip()

    def delete(self, chat_id: str, before: BeforeDeletion = _do_nothing, client: str = "") -> None:
        """Remove a chat. Calls `before` with it first; an error there keeps it. Raises ChatNotFound, StorageError."""
        with self._lock:
            self._delete((self.existing(chat_id, client),), before)

    def cleanup(
        self, criteria: Mapping[str, object], before: BeforeDeletion = _do_nothing, client: str = ""
    ) -> tuple[str, ...]:
        """Delete a client's chats that meet all given criteria, and the oldest beyond `maxChats`; return their ids.

        Ages are in ms; `before` is as for delete(). Raises RequestError, with nothing deleted, for a bad criterion or
        none at all; StorageError.
        """
        limits = parse_criteria(criteria)
        with self._lock:
            seen = [chat for chat in self._scan() if chat.is_seen_by(client)]
            chat_ids = select_for_cleanup(seen, limits, self._clock() * 1000)
            self._delete([chat for chat_id in chat_ids if (chat := self.get(chat_id))], before)
        return chat_ids

    def delete_those(
        self, chat_ids: Sequence[str], is_due: Callable[[Chat], bool], before: BeforeDeletion = _do_nothing
    ) -> None:
        """Remove those of some chats that are due; `before` is as for delete(). Raises StorageError."""
        with self._lock:
            self._delete([chat for chat_id in chat_ids if (chat := self.get(chat_id)) and is_due(chat)], before)

    @contextmanager
    def turn(
        self, chat_id: str, turn_wait: float | None = None, client_gone: ClientGoneCheck = never_gone
    ) -> Iterator[None]:
        """Hold a chat for one turn; others wait, and get it in order of arrival. Not re-entrant.

        `turn_wait` is in seconds, None for no bound. Raises QueueTimeout, ClientGone, and StorageError if no turn
        could be kept.
        """
        with self._turns.turn(chat_id, turn_wait, client_gone):
            files.ensure_writable(self._folder)
            yield

    def recorded(self) -> tuple[str, ...]:
        """Return the ids of the recorded chats, the one that changed longest ago first. Raises StorageError."""
        with self._mutex:
            self._listing.get()
            rows = [(file_stamp, each.id) for file_stamp, each in self._index.values() if each.is_recorded]
        return tuple(chat_id for _, chat_id in sorted(rows))

    @property
    def lock(self) -> PathLock:
        """What keeps other changes of all chats away. Re-entrant."""
        return self._lock

    def in_line(self, chat_id: str) -> int:
        """Return how many hold the chat's turn or wait for it."""
        return self._turns.length(chat_id)

    def _path(self, chat_id: str) -> Path:
        return self._folder / f"{chat_id}.json"

    def _complete(self, before: Sequence[StoredMessage], new: Sequence[StoredMessage]) -> tuple[StoredMessage, ...]:
        timestamp = int(self._clock())
        additions = (
            {
                "id": str(uuid.uuid4()),
                "role": message["role"],
                "content": message["content"],
                "timestamp": timestamp,
                "chat_type": "t2t",
                **message,
            }
            for message in new
        )
        return trim((*before, *additions), self._max_messages)

    def _save(self, chat: Chat) -> None:
        files.ensure_folder(self._folder)
        files.write_atomic(self._path(chat.id), format_chat(chat))

    def _delete(self, chats: Sequence[Chat], before: BeforeDeletion) -> None:
        if not chats:
            return
        before(chats)
        for chat in chats:
            files.delete(self._path(chat.id))
        files.sync_folder(self._folder)

    def _scan(self) -> tuple[ChatSummary, ...]:
        before = self._index
        index: dict[str, tuple[Stamp, ChatSummary]] = {}
        for chat_id, file_stamp in self._files():
            entry = before.get(chat_id)
            if entry is None or entry[0] != file_stamp:
                entry = self._summarize(chat_id, file_stamp)
            if entry is not None:
                index[chat_id] = entry
        self._index = index
        chats = [summary for _, summary in index.values()]
        return tuple(sorted(chats, key=lambda chat: (-chat.created, chat.id)))

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    # A chat may go away while the folder is read.
                    with suppress(FileNotFoundError):
                        if entry.name.endswith(".json") and entry.is_file(follow_symlinks=False):
                            yield entry.name[:-5], stamp_of(entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return  # somebody removed the folder; the next chat makes it anew
        except OSError as error:
            raise StorageError(Phrase("list_refused", path=self._folder, reason=error.strerror)) from error

    def _summarize(self, chat_id: str, file_stamp: Stamp) -> tuple[Stamp, ChatSummary] | None:
        try:
            chat = self.get(chat_id)
        except StorageError as error:
            log.warning("left out of the list of chats: %s", error)
            return None
        return None if chat is None else (file_stamp, chat.summary)


def import_chats(source: Path, target: Path) -> int:
    """Copy the chats of another history folder that `target` lacks; return their number. Raises StorageError."""
    files.ensure_folder(target)
    count = 0
    with PathLock(target):
        for path in sorted(source.glob("*.json")):
            data = files.read_bytes(path) if files.regular_status(path) else None
            if data is None or not files.valid_id(path.stem) or (target / path.name).exists():
                continue
            files.write_atomic(target / path.name, data)
            count += 1
    return count
