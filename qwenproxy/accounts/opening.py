"""Open an account's browser: the composition of browser/ parts that the pool asks for.

Stands between the pool and the browser package; knows accounts and folders, not requests.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from qwenproxy.accounts import healing, identity, standing
from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.browser.launching import Launcher
from qwenproxy.browser.page_login import Login, read_login
from qwenproxy.browser.site import Site, load_site, remember_token
from qwenproxy.browser.tab import Tab
from qwenproxy.browser.tokens import is_fresher
from qwenproxy.browser.upkeep import POLL, Upkeep
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import ProxyError, TabLost
from qwenproxy.observe import journal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TabOpener:
    """Opens pages on one site in browsers of one launcher.

    `clock` gives seconds since 1970; `poll` is how often pages look at it (seconds). `note_load` gets a page's tab
    after each load, as in `Upkeep`. Where the launcher's browsers have no profiles, `profiles` opens those that
    accounts have from before, to take the login out of them.
    """

    registry: Registry
    site: Site
    launcher: Launcher
    clock: Callable[[], float] = time.time
    poll: float = POLL
    note_load: Callable[[Tab], None] = lambda tab: None
    profiles: Launcher | None = None

    def __call__(self, account: Account) -> KeptPage:
        """Return a logged-in page of the account.

        Raises SetupError, BrowserError, GridError, NetworkFailed, NotLoggedIn, VerificationRequired; then no process
        stays behind.
        """
        folder = self.registry.folder(account.id)
        token = self._move_out(self.profiles, folder, account.token) if self.profiles else account.token
        login = identity.read(folder, token)
        browser = healing.launch(self.launcher, folder, login)
        try:
            profile = folder if browser.has_profile else None
            page_load = load_site(browser.tab, self.site, profile, login, self.clock)
            if page_load.token not in ("", account.token):
                self._keep(account.id, page_load.login, in_profile=browser.has_profile)
            renewable = page_load.renewed or account.renewable
            upkeep = self._upkeep(account.id, renewable=renewable, in_profile=browser.has_profile)
            return KeptPage(account.id, browser, self.site, page_load, upkeep)
        except TabLost as error:
            browser.close()
            raise self.launcher.died(error) from error
        except BaseException:
            browser.close()
            raise

    def _move_out(self, profiles: Launcher, folder: AccountFolder, token: str) -> str:
        """Take the login out of a profile, with the cookies that renew it, unless its file has it; return its token.

        Raises as `__call__`.
        """
        login = identity.read(folder, token)
        if (login.cookies and not login.outdated) or not folder.profile.exists():
            return token
        log.info("account=%s its login moves from its profile to a file", folder.id)
        browser = profiles.launch(folder)
        try:
            page_load = load_site(browser.tab, self.site, folder, login, self.clock)
            found = read_login(browser.tab, self.site.origin)
            if found:
                self._keep(folder.id, found)
            return found.token if found else page_load.token or token
        except TabLost as error:
            raise profiles.died(error) from error
        except DRIVER_ERRORS as error:
            raise profiles.died(TabLost(f"The browser tab died ({type(error).__name__}).")) from error
        finally:
            browser.close()

    def _upkeep(self, account_id: str, *, renewable: bool, in_profile: bool) -> Upkeep:
        return Upkeep(
            lambda login: self._keep(account_id, login, in_profile=in_profile),
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

    def _keep(self, account_id: str, login: Login, *, in_profile: bool = True) -> None:
        """Keep a login of the account's page, renewed or read once more; never replace a fresher one.

        `in_profile` tells whether the browser writes it into the account's profile.
        """
        try:
            account = self.registry.get(account_id)
            if account is None or is_fresher(account.token, login.token):
                return
            folder = self.registry.folder(account_id)
            identity.write(folder, login)
            if login.token == account.token:
                return
            self.registry.keep_token(account_id, login.token)
            if in_profile:
                remember_token(folder, self.site, login.token)
            journal.note(journal.TokenRenewed(account_id))
        except (ProxyError, OSError) as error:
            log.warning("account=%s its login could not be kept: %s", account_id, error)

    def _note(self, account_id: str, error: ProxyError) -> None:
        """Write down what the loading of a page showed about its account."""
        try:
            account = self.registry.get(account_id)
            token = account.token if account else None
            standing.note_refusal(self.registry, account_id, error, token, self.clock())
        except (ProxyError, OSError) as failure:
            log.error("account=%s its status could not be kept: %s", account_id, failure)
