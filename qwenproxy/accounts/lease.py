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
from qwenproxy.errors import BareRefusal, NotLoggedIn, ProxyError, SetupError

if TYPE_CHECKING:
    from qwenproxy.accounts.pool import AccountPool

log = logging.getLogger(__name__)

Result = TypeVar("Result")

FRESH = 60.0  # seconds: a page that was loaded no longer ago is not refused because of its age


class Lease:
    """An account for one answer, from the pool until close()."""

    def __init__(self, pool: AccountPool, slot: Slot) -> None:
        self._pool = pool
        self._slot = slot
        self._closing = threading.Lock()
        self._closed = False
        self._loads = 0  # how often the page had been loaded when it was asked for
        self.account_id = slot.id

    @property
    def tab(self) -> KeptPage:
        """The account's page, opened or loaded anew now if need be.

        Raises TabLost, NetworkFailed, NotLoggedIn, VerificationRequired, SetupError, BrowserError.
        """
        page = self._pool.page_of(self._slot)
        self._loads = page.loads
        return page

    def attempt(self, work: Callable[[Lease], Result]) -> Result:
        """Do some work with the account; once more where loading its page anew may mend a refusal of the site.

        Raises what the work raises, and what keeps the page from being loaded.
        """
        try:
            return work(self)
        except (BareRefusal, NotLoggedIn) as error:
            if not self.renew_page(error):
                raise
            return work(self)

    def renew_page(self, error: ProxyError) -> bool:
        """Have the page loaded anew after a refusal that its age may explain; False where that cannot help.

        Raises what keeps the page from being loaded.
        """
        page = self._slot.page
        if page is None or not page.alive or not isinstance(error, BareRefusal | NotLoggedIn):
            return False
        if isinstance(error, BareRefusal) and page.loads == self._loads and page.age < FRESH:
            return False
        log.info("account=%s its page is loaded anew after a refusal: %s", self.account_id, error.message)
        page.renew(self._loads)
        return True

    def close(self) -> None:
        """Give the account back. Idempotent, from any thread; never waits for a disk."""
        with self._closing:
            closed, self._closed = self._closed, True
        if not closed:
            self._pool.release(self._slot)

    def reject(self, error: ProxyError) -> None:
        """Give the account back and note what the site said of it."""
        page = self._slot.page
        try:
            self._pool.note_refusal(self.account_id, error, page.token if page else None)
        except (SetupError, OSError) as failure:
            log.error("account=%s its status could not be kept: %s", self.account_id, failure)
        finally:
            self.close()

    def reject_late(self, error: ProxyError) -> None:
        """Give the account back after a refusal in the middle of an answer.

        A login that is refused there proves nothing before the page was loaded anew, which the next request does.
        """
        page = self._slot.page
        if isinstance(error, NotLoggedIn) and page is not None:
            page.distrust()
            self.close()
        else:
            self.reject(error)
