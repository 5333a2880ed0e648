"""Open an account's browser: the composition of browser/ parts that the pool asks for.

Stands between the pool and the browser package; knows accounts and folders, not requests.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from qwenproxy.accounts import identity, standing
from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.browser.kept_page import POLL, KeptPage, Upkeep
from qwenproxy.browser.launching import Launcher
from qwenproxy.browser.page_login import Login
from qwenproxy.browser.site import Site, load_site, remember_token
from qwenproxy.browser.tab import Tab
from qwenproxy.browser.tokens import is_fresher
from qwenproxy.errors import ProxyError, TabLost
from qwenproxy.observe import journal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TabOpener:
    """Opens pages on one site in browsers of one launcher.

    `clock` gives seconds since 1970; `poll` is how often pages look at it (seconds). `note_load` gets a page's tab
    after each load, as in `Upkeep`.
    """

    registry: Registry
    site: Site
    launcher: Launcher
    clock: Callable[[], float] = time.time
    poll: float = POLL
    note_load: Callable[[Tab], None] = lambda tab: None

    def __call__(self, account: Account) -> KeptPage:
        """Return a logged-in page of the account.

        Raises SetupError, BrowserError, GridError, NetworkFailed, NotLoggedIn, VerificationRequired; then no process
        stays behind.
        """
        folder = self.registry.folder(account.id)
        browser = self.launcher.launch(folder)
        try:
            login = identity.read(folder, account.token)
            profile = folder if browser.has_profile else None
            page_load = load_site(browser.tab, self.site, profile, login, self.clock)
            if page_load.renewed:
                self._keep(account.id, page_load.login)
            upkeep = self._upkeep(account.id, renewable=page_load.renewed or account.renewable)
            return KeptPage(account.id, browser, self.site, page_load, upkeep)
        except TabLost as error:
            browser.close()
            raise self.launcher.died(error) from error
        except BaseException:
            browser.close()
            raise

    def _upkeep(self, account_id: str, *, renewable: bool) -> Upkeep:
        return Upkeep(
            lambda login: self._keep(account_id, login),
            lambda error: self._note(account_id, error),
            self.clock,
            self.poll,
            renewable,
            self.note_load,
            lambda: self._login(account_id),
        )

    def _login(self, account_id: str) -> Login | None:
        """Return the login on file, for a further browser of the account; None where none can be read."""
        try:
            account = self.registry.get(account_id)
            return identity.read(self.registry.folder(account_id), account.token) if account else None
        except ProxyError as error:
            log.warning("account=%s its login could not be read: %s", account_id, error)
            return None

    def _keep(self, account_id: str, login: Login) -> None:
        """Keep a login that the site renewed in the account's page; never replace a fresher one."""
        try:
            account = self.registry.get(account_id)
            if account is None or is_fresher(account.token, login.token):
                return
            folder = self.registry.folder(account_id)
            identity.write(folder, login)
            self.registry.keep_token(account_id, login.token)
            remember_token(folder, self.site, login.token)
            journal.note(journal.TokenRenewed(account_id))
        except (ProxyError, OSError) as error:
            log.warning("account=%s renewed token could not be kept: %s", account_id, error)

    def _note(self, account_id: str, error: ProxyError) -> None:
        """Write down what the loading of a page showed about its account."""
        try:
            account = self.registry.get(account_id)
            token = account.token if account else None
            standing.note_refusal(self.registry, account_id, error, token, self.clock())
        except (ProxyError, OSError) as failure:
            log.error("account=%s its status could not be kept: %s", account_id, failure)
