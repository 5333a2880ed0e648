"""Reads the settings of each account that change its answers, whenever its page was loaded, and warns of them.

Works in the background through pages that requests opened anyway: no request waits for it, and its failures harm
nobody. It never changes a setting. What it read is kept beside the account (site_report.py).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.page import Page
from qwenproxy.errors import ProxyError, TabLost
from qwenproxy.logins import site_report
from qwenproxy.logins.site_questions import ask_settings
from qwenproxy.observe import journal
from qwenproxy.upstream.account_settings import AccountSettings

log = logging.getLogger(__name__)


class AccountTab(Page, Protocol):
    """A tab that knows its account: `name` is the account's id."""

    @property
    def name(self) -> str:
        """Return the account's id."""


class SettingsWatch:
    """The settings of the accounts whose pages are open."""

    def __init__(self, registry: Registry, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970."""
        self._registry = registry
        self._clock = clock
        self._mutex = threading.Lock()
        self._readers: dict[str, threading.Thread] = {}
        self._settings: dict[str, AccountSettings] = {}
        self._failed: set[str] = set()  # accounts whose last reading failed

    def note_load(self, tab: AccountTab) -> None:
        """Begin to read the settings of a tab's account, unless that is under way. Returns at once."""
        with self._mutex:
            reader = self._readers.get(tab.name)
            if reader is None or not reader.is_alive():
                reader = threading.Thread(target=self._read, args=(tab,), name=f"settings-{tab.name}", daemon=True)
                self._readers[tab.name] = reader
                reader.start()

    def settings_of(self, account_id: str) -> AccountSettings | None:
        """Return the settings read last, by this process or an earlier one; None if nobody has. Raises SetupError."""
        with self._mutex:
            settings = self._settings.get(account_id)
        return settings or site_report.read(self._registry.folder(account_id)).settings

    def _read(self, tab: AccountTab) -> None:
        try:
            self._keep(tab.name, ask_settings(tab))
        except TabLost:
            return  # the page was closed; the next one reads them
        except ProxyError as error:
            if tab.name not in self._failed:
                self._failed.add(tab.name)
                log.info("account=%s its settings were not read and kept: %s", tab.name, error.message)
            return
        self._failed.discard(tab.name)

    def _keep(self, account_id: str, settings: AccountSettings) -> None:
        """Keep settings and warn if they change answers in a new way. Raises StorageError."""
        if self._registry.get(account_id) is None:
            return  # it was removed, and its folder must not come back
        known = self.settings_of(account_id)
        with self._mutex:
            self._settings[account_id] = settings
        if settings.changing and settings.changing != (known.changing if known else ()):
            journal.note(journal.SettingsChangeAnswers(account_id, settings.changing))
        folder = self._registry.folder(account_id)
        report = site_report.read(folder)
        site_report.write(folder, replace(report, settings=settings, settings_at=self._clock()))
