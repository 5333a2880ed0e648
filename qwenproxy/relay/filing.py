"""Puts clients' files on the site with the first account that can, as questions.py does with questions.

Stands between the file routes and uploads/; knows neither forms nor signatures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from qwenproxy.accounts.pool import Lease
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import TooLarge
from qwenproxy.relay.attempts import Wish
from qwenproxy.relay.questions import Relay
from qwenproxy.uploads.uploader import SiteCalls, Uploader
from qwenproxy.upstream.files import SiteFile

Result = TypeVar("Result")


class Filing:
    """Uploads files through the accounts of a relay."""

    def __init__(self, relay: Relay, uploader: Uploader) -> None:
        self._relay = relay
        self._uploader = uploader

    @property
    def max_file_size(self) -> int:
        """How many bytes a file may have."""
        return self._uploader.max_file_size

    def too_large(self) -> TooLarge:
        """Return the error for a file over the limit."""
        return self._uploader.too_large()

    def upload(self, name: str, data: bytes, client_gone: ClientGoneCheck = never_gone) -> SiteFile:
        """Put a file on the site and remember it, so that its URL works in later messages.

        Raises RequestError, TooLarge, NoAccounts, AccountsResting, QueueTimeout, ClientGone, or what the last account
        said.
        """
        file = self._uploader.check(name, data)
        site_file = self._on_some_account(lambda site: self._uploader.store(file, site), client_gone)
        self._uploader.remember(site_file, data)
        return site_file

    def issue_credentials(
        self, name: str, size: int, kind: str, client_gone: ClientGoneCheck = never_gone
    ) -> dict[str, Any]:
        """Return the site's own upload credentials for one file of `size` bytes. Raises as upload()."""
        self._uploader.check_announced(name, size)
        return self._on_some_account(lambda site: self._uploader.issue_credentials(name, size, kind, site), client_gone)

    def _on_some_account(self, work: Callable[[SiteCalls], Result], client_gone: ClientGoneCheck) -> Result:
        """Do some work with the page of the first account that can."""

        def with_page(lease: Lease) -> Result:
            return work(self._relay.site_calls(lease, lease.open(), client_gone))

        return self._relay.attempts.do(with_page, client_gone, Wish(kinds=("upload",)))
