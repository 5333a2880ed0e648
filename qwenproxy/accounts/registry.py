"""The accounts on disk: tokens.json and accounts/<id>/ (contract 3, 5 and 6).

The pool reads it before every lease and writes what the site said; the command line changes it while a server runs.
Each change takes a lock and starts from what the file holds at that moment, so that no change is lost. Must not know
browsers or leases; never logs a token.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from qwenproxy.accounts.account import (
    Account,
    UserKnown,
    check_token,
    iso_text,
    new_record,
    one_per_user,
    parse_accounts,
    parse_records,
)
from qwenproxy.accounts.salvage import completed, salvaged, tokens_in
from qwenproxy.browser.tokens import token_user
from qwenproxy.disk import files
from qwenproxy.disk.cached import CachedFile
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.disk.locks import PathLock
from qwenproxy.errors import SetupError, StorageError
from qwenproxy.texts import Phrase

__all__ = ["Account", "Registry", "check_token"]

log = logging.getLogger(__name__)

_Records = list[dict[str, Any]]


class Registry:
    """The accounts of one session folder. Safe among threads and processes; `clock` gives seconds since 1970."""

    def __init__(self, session: SessionFolder, clock: Callable[[], float] = time.time) -> None:
        """Touch no disk: `open` prepares the folder, else the first change creates what it needs."""
        self._session = session
        self._file = session.tokens
        self._clock = clock
        self._mutex = threading.Lock()
        self._cache = CachedFile(self._file, self._load)
        self._lock = PathLock(self._file)

    @classmethod
    def open(cls, session: SessionFolder, clock: Callable[[], float] = time.time) -> Registry:
        """Return the accounts of a session folder that is ready for use. Raises SetupError."""
        registry = cls(session, clock)
        registry.prepare()
        return registry

    def prepare(self) -> None:
        """Create the folders if need be and clear what a crash left there. Raises SetupError."""
        files.ensure_folder(self._session.root)
        # A read-only folder can still be listed; the first change says what the disk refuses.
        with contextlib.suppress(StorageError):
            files.ensure_folder(self._session.accounts)
            with self._lock:
                self._tidy()

    def all(self) -> tuple[Account, ...]:
        """Return the accounts in the order of the file, as they are on disk now. Raises SetupError."""
        with self._mutex:
            return tuple(self._cache.get().values())

    def get(self, account_id: str) -> Account | None:
        """Return one account, None when there is no such account. Raises SetupError."""
        with self._mutex:
            return self._cache.get().get(account_id)

    def folder(self, account_id: str) -> AccountFolder:
        """Return the folder of an account. Raises SetupError for an id that cannot name one."""
        return self._session.account(_check_id(account_id))

    def new_id(self) -> str:
        """Reserve an id `acc_<ms>` by creating its folder, so that a login can fill the profile before `add`.

        `remove` gives the id up. Raises SetupError.
        """
        number = int(self._clock() * 1000)
        with self._changing():
            ids = {record["id"] for record in self._records()}
            while f"acc_{number}" in ids or self.folder(f"acc_{number}").path.exists():
                number += 1
            files.ensure_folder(self.folder(f"acc_{number}").path)
        return f"acc_{number}"

    def add(
        self, token: str, account_id: str | None = None, user_id: str | None = None, *, renewable: bool = False
    ) -> str:
        """Register a logged-in account and return its id; `user_id` is its person's if the token names none.

        `renewable`: its profile holds a login, from which the page renews the token.
        Raises UserKnown if the person has an account, SetupError for an id that is invalid or in use.
        """
        user_id = token_user(token) or user_id
        with self._changing():
            records = self._records()
            for record in records:
                if user_id and token_user(record["token"]) == user_id:
                    raise UserKnown(record["id"])
            account_id = self.new_id() if account_id is None else _check_id(account_id)
            if any(record["id"].casefold() == account_id.casefold() for record in records):
                raise SetupError(Phrase("account_exists", id=account_id))
            self._write_token(account_id, token)
            self._write([*records, new_record(account_id, token, renewable=renewable)])
        return account_id

    def rest(self, account_id: str, until: float, reason: str | None = None, trouble: Phrase | None = None) -> bool:
        """Keep an account from use until a moment (s since 1970); a later end stays.

        `reason` is a word for programs, `trouble` a text for people if there is more to say.
        False when there is no such account (any more). Raises SetupError.
        """
        with self._changing():  # nobody notes a later end between the look and the change
            account = parse_accounts(self._records()).get(account_id)
            if account is not None and account.reset_at is not None and account.reset_at >= max(until, self._clock()):
                return True
            words = trouble.to_json() if trouble else None
            return self._change(account_id, resetAt=iso_text(until), reason=reason, trouble=words)

    def mark_invalid(self, account_id: str, token: str | None = None) -> bool:
        """Mark that an account needs a new login. Raises SetupError.

        With `token` only while the account still has that token, so that a request from before a relogin cannot undo
        it. False when nothing was marked.
        """
        return self._change(account_id, only_for_token=token, invalid=True)

    def mark_ok(self, account_id: str) -> bool:
        """Mark that an account is usable. False when there is no such account (any more). Raises SetupError."""
        return self._change(account_id, invalid=False, resetAt=None, reason=None, trouble=None)

    def mark_logged_in(self, account_id: str) -> bool:
        """Mark that the site accepts an account's login: ends INVALID, while a rest goes on. Raises SetupError.

        False when there is no such account (any more).
        """
        return self._change(account_id, invalid=False)

    def renew(self, account_id: str, token: str, *, renewable: bool = False) -> bool:
        """Give an account a new token, which makes it usable again; `renewable` as for `add`. Raises SetupError.

        False when there is no such account (any more).
        """
        fields = {"token": token, "renewable": renewable, "invalid": False, "resetAt": None, "reason": None}
        return self._change(account_id, None, **fields, trouble=None)

    def keep_token(self, account_id: str, token: str) -> bool:
        """Take over a token that the site renewed by itself; a rest goes on. Raises SetupError.

        False when there is no such account (any more).
        """
        return self._change(account_id, token=token, renewable=True)

    def forget(self, account_id: str) -> bool:
        """Delete an account's record and token; False when there was no such account. Raises SetupError."""
        with self._changing():
            records = self._records()
            others = [record for record in records if record["id"] != account_id]
            # Delete the token first: what a failed removal leaves behind must never count as an account again.
            files.delete(self.folder(account_id).token)
            if len(others) != len(records):
                self._write(others)
        return len(others) != len(records)

    def remove(self, account_id: str) -> bool:
        """Delete an account with its whole folder; False when there was neither. Raises SetupError."""
        folder = self.folder(account_id).path
        was_known = self.forget(account_id)
        try:
            had_folder = files.delete_tree(folder)
        except OSError as error:
            raise SetupError(Phrase("folder_stays", id=account_id, path=folder, reason=error.strerror)) from error
        return had_folder or was_known

    def newcomers(self, candidates: _Records) -> _Records:
        """Return copies of those records of another folder that are new here, one for each user. Raises SetupError."""
        with self._changing():
            records = self._records()
        ids = {record["id"].casefold() for record in records}
        logins = {token_user(record["token"]) or record["token"] for record in records}
        others = [one for one in candidates if (token_user(one["token"]) or one["token"]) not in logins]
        return [dict(one) for one in one_per_user(others) if one["id"].casefold() not in ids]

    def adopt(self, candidates: _Records) -> tuple[str, ...]:
        """Take over records of another folder, as far as they are new; return their ids. Raises SetupError."""
        with self._changing():
            records, new = self._records(), self.newcomers(candidates)
            for record in new:
                self._write_token(record["id"], record["token"])
            if new:
                self._write([*records, *new])
        return tuple(record["id"] for record in new)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        files.ensure_folder(self._session.root)
        with self._lock:
            yield

    def _change(self, account_id: str, only_for_token: str | None = None, **fields: object) -> bool:
        with self._changing():
            records = self._records()
            for record in records:
                if record["id"] == account_id and only_for_token in (None, record["token"].strip()):
                    break
            else:
                return False
            changes = {name: value for name, value in fields.items() if record.get(name) != value}
            if "token" in changes:
                self._write_token(account_id, str(changes["token"]))
            if changes:
                record.update(changes)
                self._write(records)
        return True

    def _load(self) -> dict[str, Account]:
        data = files.read_bytes(self._file)
        try:
            records = completed(parse_records(data or b""), self._session)
            if not self._without_token_file(records):
                return parse_accounts(map(self._with_renewable, records))
        except ValueError:
            records = salvaged(data or b"", tokens_in(self._session))
        if data is None and not records:
            return {}
        # A disk that refuses the repair still lets us read.
        with contextlib.suppress(StorageError), self._lock:
            records = self._records()
            self._complete_token_files(records)
        return parse_accounts(map(self._with_renewable, records))

    def _with_renewable(self, record: dict[str, Any]) -> dict[str, Any]:
        """Take an older record's profile, or kept login, for one that renews the token, until the site objects."""
        if "renewable" in record:
            return record
        return {**record, "renewable": self.folder(record["id"]).has_login}

    def _records(self) -> _Records:
        """Return the file's records, mended from the accounts' folders if need be. The lock is held.

        Writes no file if nothing could be salvaged: it would say that there are no accounts.
        """
        data = files.read_bytes(self._file)
        if data is not None:
            try:
                return completed(parse_records(data), self._session)
            except ValueError as error:
                reason = str(error)
        records = salvaged(data or b"", tokens_in(self._session))
        if data is not None:
            # Before the file moves, so that a crash between the two writes loses no token.
            self._complete_token_files(records)
            files.set_aside(self._file, reason)
        if records:
            self._write(records)
        return records

    def _without_token_file(self, records: _Records) -> _Records:
        """Return the records of the older project, or of a mended file, whose token stands in tokens.json alone."""
        return [one for one in records if one["token"].strip() and not self.folder(one["id"]).token.exists()]

    def _complete_token_files(self, records: _Records) -> None:
        for record in self._without_token_file(records):
            self._write_token(record["id"], record["token"])

    def _write(self, records: _Records) -> None:
        files.write_atomic(self._file, files.format_json(records))

    def _write_token(self, account_id: str, token: str) -> None:
        files.ensure_folder(self.folder(account_id).path)
        files.write_atomic(self.folder(account_id).token, token.encode())

    def _tidy(self) -> None:
        files.sweep(self._session.root, self._file.name)
        files.make_private(self._file)
        for file in [one for folder in self._session.account_folders() for one in (folder.token, folder.proxy)]:
            if file.exists():
                files.sweep(file.parent, file.name)
                files.make_private(file.parent)
                files.make_private(file)


def _check_id(account_id: str) -> str:
    if not files.valid_id(account_id):
        raise SetupError(Phrase("bad_account_id"))
    return account_id
