"""The stores that are files: random changes of each in a thread of its own, and what they hold after a kill.

Each knows its store by the public methods that the product uses.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from kill_store.model import Changes, Model, Snapshot, Wrong
from kill_store.writing import Change, Tell, change_for_ever, make_change, teller
from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.files import read_rows
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.history.store import HistoryStore
from qwenproxy.media.store import MediaStore
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.uploads.ledger import Ledger
from qwenproxy.upstream.files import SiteFile
from qwenproxy.upstream.places import SiteChat

MOST_OBJECTS = 8  # of one store, where something can be deleted
SIZES = (20, 300, 30_000)  # characters
UNTRIMMED = 10_000  # messages

Known = Mapping[str, Snapshot]


class FileStore(Protocol):
    """One store on the disk. Objects have names; a snapshot is what a later process has to find under one."""

    def change(self, chance: random.Random, known: Known) -> Change:
        """Return some change, and what makes it."""

    def look(self, names: Iterable[str]) -> dict[str, Snapshot]:
        """Return all objects, or those of these names where nothing lists them."""


class Accounts:
    """tokens.json and the folders of the accounts."""

    def __init__(self, session: SessionFolder) -> None:
        self._registry = Registry.open(session)

    def change(self, chance: random.Random, known: Known) -> Change:
        name, token = _some(chance, known), f"token-{_new_name()}"
        if name is None or (len(known) < MOST_OBJECTS and chance.random() < 0.4):
            name = _new_name()
            return {name: {"token": token, "invalid": False}}, lambda: self._registry.add(token, name)
        kind = chance.choice(("remove", "invalid", "renew"))
        if kind == "remove":
            return {name: None}, lambda: self._registry.remove(name)
        if kind == "invalid":
            return {name: {**known[name], "invalid": True}}, lambda: self._registry.mark_invalid(name)
        return {name: {"token": token, "invalid": False}}, lambda: self._registry.renew(name, token)

    def look(self, names: Iterable[str]) -> dict[str, Snapshot]:
        return {each.id: {"token": each.token, "invalid": each.invalid} for each in self._registry.all()}


class Keys:
    """Authorization.txt."""

    def __init__(self, session: SessionFolder) -> None:
        self._keys = KeyFile.open(session.keys)

    def change(self, chance: random.Random, known: Known) -> Change:
        name = _some(chance, known)
        if name is None or (len(known) < MOST_OBJECTS and chance.random() < 0.5):
            name = _new_name()
            return {name: {}}, lambda: self._keys.add(name)
        return {name: None}, lambda: self._keys.remove(name)

    def look(self, names: Iterable[str]) -> dict[str, Snapshot]:
        keys = self._keys.keys()
        return {key: {} for key in keys}


class Chats:
    """history/."""

    def __init__(self, session: SessionFolder) -> None:
        self._history = HistoryStore.open(session.history, UNTRIMMED)

    def change(self, chance: random.Random, known: Known) -> Change:
        name, text = _some(chance, known), _text(chance)
        turn = [{"role": "user", "content": text}, {"role": "assistant", "content": text[::-1]}]
        if name is None or (len(known) < MOST_OBJECTS and chance.random() < 0.3):
            name = _new_name()
            said = {"name": "New", "said": [each["content"] for each in turn]}
            return {name: said}, lambda: self._history.create("New", turn, name)
        kind = chance.choice(("say", "say", "rename", "delete"))
        if kind == "say":
            said = {**known[name], "said": [*known[name]["said"], *(each["content"] for each in turn)]}
            return {name: said}, lambda: self._history.append_turn(name, turn)
        if kind == "rename":
            return {name: {**known[name], "name": text[:20]}}, lambda: self._history.rename(name, text[:20])
        return {name: None}, lambda: self._history.delete(name)

    def look(self, names: Iterable[str]) -> dict[str, Snapshot]:
        chats = [self._history.existing(each.id) for each in self._history.list()]
        return {chat.id: {"name": chat.name, "said": [each["content"] for each in chat.messages]} for chat in chats}


class Uploads:
    """uploads.json and uploads/."""

    def __init__(self, session: SessionFolder) -> None:
        self._ledger = Ledger.open(session)

    def change(self, chance: random.Random, known: Known) -> Change:
        name = _some(chance, known)
        if name is None or chance.random() < 0.7:
            name, text = f"https://files.example/{_new_name()}", _text(chance)
            made = {"text": text, "accounts": ["a"]}
            return {name: made}, lambda: self._ledger.add(_copy("a", name), text.encode())
        account = _new_name()
        after = {**known[name], "accounts": [*known[name]["accounts"], account]}
        return {name: after}, lambda: self._add_copy(name, account)

    def look(self, names: Iterable[str]) -> dict[str, Snapshot]:
        found: dict[str, Snapshot] = {}
        for name in names:
            if upload := self._ledger.find(name):
                text = (self._ledger.data_of(upload) or b"").decode()
                found[name] = {"text": text, "accounts": [copy.account_id for copy in upload.copies]}
        return found

    def _add_copy(self, name: str, account: str) -> None:
        if upload := self._ledger.find(name):
            self._ledger.add_copy(upload, _copy(account, name))


class Media:
    """media/."""

    def __init__(self, session: SessionFolder) -> None:
        self._store = MediaStore(session.media)

    def change(self, chance: random.Random, known: Known) -> Change:
        old, text = _some(chance, known), _text(chance)
        if old is not None and (len(known) >= MOST_OBJECTS or chance.random() < 0.2):
            return {old: None}, lambda: self._store.drop(old)
        name = f"https://cdn.example/{_new_name()}" if old is None or chance.random() < 0.7 else old
        return {name: {"text": text}}, lambda: self._store.keep(name, text.encode())

    def look(self, names: Iterable[str]) -> dict[str, Snapshot]:
        return {name: {"text": data.decode()} for name in names if (data := self._store.get(name)) is not None}


class Deletions:
    """The chats that the site still has to delete; without an open tab they stay."""

    def __init__(self, session: SessionFolder) -> None:
        self._path = session.deletions
        self._deletions = UpstreamDeletions.open(self._path, Registry(session))

    def change(self, chance: random.Random, known: Known) -> Change:
        name = _some(chance, known)
        if name is None or (len(known) < MOST_OBJECTS and chance.random() < 0.5):
            name = _new_name()
            return {name: {}}, lambda: self._deletions.add([SiteChat("a", name)])
        return {name: None}, lambda: self._deletions.note_deleted([SiteChat("a", name)])

    def look(self, names: Iterable[str]) -> dict[str, Snapshot]:
        return {row["chatId"]: {} for row in read_rows(self._path, "chats")}


STORES: tuple[Callable[[SessionFolder], FileStore], ...] = (Accounts, Keys, Chats, Uploads, Media, Deletions)


def change_files_until_killed(path: Path, model: Model, seed: int, pipe: int) -> None:
    """Change every store in the session folder `path` for ever, and tell it to `pipe`."""
    session, tell = SessionFolder(path), teller(pipe)
    change_for_ever(
        [
            _Worker(make(session), thread, random.Random(seed * len(STORES) + thread), tell, model).step
            for thread, make in enumerate(STORES)
        ]
    )


class _Worker:
    def __init__(self, store: FileStore, thread: int, chance: random.Random, tell: Tell, model: Model) -> None:
        self._store = store
        self._thread = thread
        self._chance = chance
        self._tell = tell
        self._model = model

    def step(self) -> None:
        change = self._store.change(self._chance, self._model.objects.get(self._thread, {}))
        make_change(self._tell, self._thread, self._model, change)


def check_files(path: Path, model: Model, pending: dict[int, Changes], counts: Counter[str]) -> None:
    """Hold every store against the model, and bring the model up to date with it. Raises Wrong.

    `pending` is the change that each thread had begun. `counts` gets what became of those.
    """
    session = SessionFolder(path)
    for thread, make in enumerate(STORES):
        before, changes = model.objects.get(thread, {}), pending.get(thread, {})
        done = {name: each for name, each in {**before, **changes}.items() if each is not None}
        actual = make(session).look([*before, *changes])
        if actual not in (before, done):
            raise Wrong(
                f"{make.__name__}: {_difference(actual, before)}; or, with the last change, {_difference(actual, done)}"
            )
        if changes:
            counts["changes cut off, done" if actual == done else "changes cut off, not done"] += 1
        counts["objects looked at"] += len(actual)
        model.objects[thread] = dict(actual)
    broken = [each.name for each in path.rglob("*") if "corrupt" in each.name]
    if broken:
        raise Wrong(f"a store took these for broken: {broken}")


def _difference(actual: Known, expected: Known) -> str:
    pairs = [(name, str(actual.get(name)), str(expected.get(name))) for name in {*actual, *expected}]
    return ", ".join(f"{name}: {now[:200]} in place of {was[:200]}" for name, now, was in pairs if now != was)


def _some(chance: random.Random, known: Known) -> str | None:
    return chance.choice(list(known)) if known else None


def _new_name() -> str:
    return uuid.uuid4().hex


def _text(chance: random.Random) -> str:
    return f"{_new_name()} " + "Привет " * (chance.choice(SIZES) // 7)


def _copy(account_id: str, url: str) -> SiteFile:
    return SiteFile(account_id, _new_name(), url, "user", "a.txt", 1, "text/plain", "file", 0.0, False)
