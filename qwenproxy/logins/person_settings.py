"""An account's settings on the site, opened for its person to see and to change.

The only place that changes them, and only when the person has ordered it (`account settings`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.logins import site_report
from qwenproxy.logins.check import answer_renewed
from qwenproxy.logins.site_questions import ask_settings
from qwenproxy.upstream import calls
from qwenproxy.upstream.account_settings import AccountSettings, changed_sections, read_settings, settings_in
from qwenproxy.upstream.ask import call


class PersonSettings:
    """The settings of one account whose page is open; what the site says of them is kept beside the account."""

    def __init__(self, page: KeptPage, folder: AccountFolder) -> None:
        self._page = page
        self._folder = folder

    def read(self) -> AccountSettings:
        """Return the settings as the site has them now. Raises as `answer_renewed`, ProtocolChanged, StorageError."""
        _, body = answer_renewed(self._page, calls.account_settings())
        return self._kept(read_settings(settings_in(body)))

    def switch(self, wishes: Mapping[str, bool]) -> AccountSettings:
        """Switch settings on or off, and return all as the site has them then. Raises as `read`."""
        # Read them again: their person may have changed others since, and whole sections go back.
        settings = settings_in(call(self._page, calls.account_settings()))
        call(self._page, calls.update_account_settings(changed_sections(settings, wishes)))
        return self._kept(ask_settings(self._page))

    def _kept(self, settings: AccountSettings) -> AccountSettings:
        report = site_report.read(self._folder)
        site_report.write(self._folder, replace(report, settings=settings, settings_at=time.time()))
        return settings


@contextmanager
def opened_settings(registry: Registry, opener: TabOpener, account: Account) -> Iterator[PersonSettings]:
    """Open an account's page for its settings and close it at the end. Raises as `opener`, also ProfileInUse."""
    page = opener(account)
    try:
        yield PersonSettings(page, registry.folder(account.id))
    finally:
        page.close()
