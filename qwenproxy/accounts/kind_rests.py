"""Limits of the site that concern one kind of work only, such as uploads.

The pool asks it before it gives an account out for such work; the commands read what it wrote. Knows no registry.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from qwenproxy.accounts.standing import rest_until, spell_wait
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import AccountsResting, ProxyError, RateLimited, StorageError
from qwenproxy.observe import journal

log = logging.getLogger(__name__)

# What the site's names for kinds of work mean.
_NAMES = {
    "t2i": "pictures",
    "image_edit": "changed pictures",
    "t2v": "films",
    "i2v": "films",
    "deep_research": "research",
    "tts": "speech",
    "upload": "uploads",
}


def read_rests(folder: AccountFolder, now: float) -> dict[str, float]:
    """Return until when an account rests, by kind of work (both in s since 1970); nothing of a file that is damaged."""
    try:
        content = files.parse_json(files.read_bytes(folder.rests) or b"{}")
    except (StorageError, ValueError) as error:
        log.warning("account=%s its %s cannot be read: %s", folder.id, folder.rests.name, type(error).__name__)
        return {}
    rests = content.items() if isinstance(content, dict) else ()
    return {
        kind: float(until)
        for kind, until in rests
        if isinstance(until, int | float) and not isinstance(until, bool) and until > now
    }


class KindRests:
    """Which accounts rest for one kind of work only, such as uploads; they do all other work.

    Written beside each account, so that a restart costs no refusal. Safe among threads.
    """

    def __init__(self, folder_of: Callable[[str], AccountFolder]) -> None:
        """`folder_of` returns an account's folder."""
        self._folder_of = folder_of
        self._until: dict[str, dict[str, float]] = {}  # by account, then by kind
        self._lock = threading.Lock()

    def note(self, account_id: str, error: ProxyError, now: float) -> bool:
        """Let the account rest for the kind that an error limits; False for an error that limits none.

        Sets the error's `retry_after`, so that the client learns how long that is.
        """
        if not isinstance(error, RateLimited) or error.kind is None:
            return False
        until = rest_until(error, now)
        error.retry_after = until - now
        with self._lock:
            rests = {**self._known(account_id, now), error.kind: until}
            self._until[account_id] = rests
            self._write(account_id, rests)
        journal.note(journal.KindRests(account_id, error.kind, until - now, error.message))
        return True

    def of(self, account_id: str, now: float) -> dict[str, float]:
        """Return until when an account rests, by kind of work (both in s since 1970)."""
        with self._lock:
            return self._known(account_id, now)

    def resting(self, kinds: Sequence[str], usable: Iterable[str], now: float) -> frozenset[str]:
        """Return those of the usable accounts that rest for one of these kinds of work (`now` in s since 1970).

        Raises AccountsResting if that is all of them.
        """
        waits = self._waits(kinds, usable, now)
        if none := _all_resting(kinds, waits):
            raise none
        return frozenset(account_id for account_id, wait in waits.items() if wait > 0)

    def why_none(self, kinds: Sequence[str], usable: Iterable[str], now: float) -> AccountsResting | None:
        """Return the error if all usable accounts rest for one of these kinds of work, with the wait for the first."""
        return _all_resting(kinds, self._waits(kinds, usable, now))

    def _waits(self, kinds: Sequence[str], usable: Iterable[str], now: float) -> dict[str, float]:
        """Return for how many seconds each account rests for the last of these kinds, none or less if for none."""
        rests = {each: self.of(each, now) for each in usable}
        return {each: max(rests[each].get(kind, now) - now for kind in kinds) for each in rests}

    def everywhere(self, ids: Iterable[str], now: float) -> dict[str, float]:
        """Return the kinds of work that none of these accounts does now, and when the first of them is back."""
        rests = [self.of(each, now) for each in ids]
        kinds = set(rests[0]).intersection(*rests[1:]) if rests else set[str]()
        return {kind: min(each[kind] for each in rests) for kind in sorted(kinds)}

    def _known(self, account_id: str, now: float) -> dict[str, float]:
        """Return what an account rests for now; the first look reads what an earlier server wrote."""
        if account_id not in self._until:
            self._until[account_id] = read_rests(self._folder_of(account_id), now)
        return {kind: until for kind, until in self._until[account_id].items() if until > now}

    def _write(self, account_id: str, rests: dict[str, float]) -> None:
        folder = self._folder_of(account_id)
        if not folder.path.is_dir():
            return  # the account was removed, and its folder must not come back
        try:
            files.write_atomic(folder.rests, files.format_json(rests))
        except StorageError as error:
            log.warning("account=%s what it rests for is forgotten at a restart: %s", account_id, error.message)


def _all_resting(kinds: Sequence[str], waits: Mapping[str, float]) -> AccountsResting | None:
    """Return the error if every account has to wait for work of these kinds, None if one has not, or there is none."""
    wait = min(waits.values(), default=0.0)
    if wait <= 0:
        return None
    wait = max(1.0, wait)
    names = " and ".join(dict.fromkeys(_NAMES.get(kind, kind) for kind in kinds))
    return AccountsResting(
        f"Every account is over its limit of {names}; the first one is back in {spell_wait(wait)}. Other requests go "
        "on. To go on with this now: qwenproxy account add",
        retry_after=wait,
    )
