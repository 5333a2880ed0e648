"""The right to run one answer on one account.

Given out by the pool, held by the relay and by the answer under way. Knows no site and no queue.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from qwenproxy.accounts.slots import Slot
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone, unless_gone
from qwenproxy.errors import BareRefusal, BrowserError, LoginUnrenewed, NotLoggedIn, ProxyError, SetupError, Transient

if TYPE_CHECKING:
    from qwenproxy.accounts.pool import AccountPool

log = logging.getLogger(__name__)

Result = TypeVar("Result")

FRESH = 60.0  # seconds: the site does not refuse a younger page because of its age


class Lease:
    """An account for one answer, from the pool until close()."""

    def __init__(self, pool: AccountPool, slot: Slot, client_gone: ClientGoneCheck = never_gone) -> None:
        """`client_gone` ends waiting for a browser or a page."""
        self._pool = pool
        self._client_gone = client_gone
        self._slot = slot
        self._closing = threading.Lock()
        self._is_closed = False
        self._loads = 0  # the page's loads when `open` returned it
        self.account_id = slot.id

    def open(self) -> KeptPage:
        """Return the account's page; may start a browser or load the page anew, which takes seconds.

        Raises TabLost, NetworkFailed, NotLoggedIn, VerificationRequired, SetupError, BrowserError, ClientGone.
        """
        page = self._pool.page_of(self._slot, self._client_gone)
        self._loads = page.loads
        return page

    def attempt(self, work: Callable[[Lease], Result]) -> Result:
        """Do some work with the account; load its page anew and try once more if that may mend a refusal.

        Raises what the work raises, what keeps the page from loading, and LoginUnrenewed if the page neither renewed a
        refused login nor asked for a new one.
        """
        try:
            return work(self)
        except (BareRefusal, NotLoggedIn) as error:
            if not self.renew_page(error):
                raise
        try:
            return work(self)
        except NotLoggedIn as error:
            page = self._slot.page
            if page is not None and page.alive and page.unrenewed and page.renewable:
                raise LoginUnrenewed(error.message) from error
            raise

    def renew_page(self, error: ProxyError) -> bool:
        """Load the page anew after a refusal that its age may explain; return False if that cannot help.

        Raises what the site says about the account meanwhile, ClientGone.
        """
        page = self._slot.page
        if page is None or not page.alive or not isinstance(error, BareRefusal | NotLoggedIn):
            return False
        loads, suspect = self._loads, isinstance(error, NotLoggedIn)
        if not suspect and page.loads == loads and page.age < FRESH:
            return False
        log.info("account=%s asked again after a refusal: %s", self.account_id, error.message)
        try:
            unless_gone(lambda: page.renew(loads, suspect=suspect), self._client_gone, f"page-load-{self.account_id}")
        except Transient as failure:
            # The next try opens the browser anew.
            log.warning("account=%s its page could not be loaded: %s", self.account_id, failure.message)
        return True

    def close(self) -> None:
        """Give the account back. Idempotent, from any thread; never waits for a disk."""
        with self._closing:
            was_closed, self._is_closed = self._is_closed, True
        if not was_closed:
            self._pool.release(self._slot)

    def reject(self, error: ProxyError) -> None:
        """Give the account back and note what the site said about it."""
        page = self._slot.page
        if page is not None and isinstance(error, BrowserError):
            page.give_up()  # so that the next request shows whether a browser starts at all
        try:
            self._pool.note_refusal(self.account_id, error, page.token if page else None)
        except (SetupError, OSError) as failure:
            log.error("account=%s its status could not be kept: %s", self.account_id, failure)
        finally:
            self.close()

    def reject_late(self, error: ProxyError) -> None:
        """Give the account back after a refusal in the middle of an answer.

        Such a refusal proves nothing about a login until the page is loaded anew, which the next request does.
        """
        page = self._slot.page
        if isinstance(error, NotLoggedIn) and page is not None:
            page.distrust()
            self.close()
        else:
            self.reject(error)
