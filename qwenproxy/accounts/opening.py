"""Open an account's browser: the composition of browser/ parts that the pool asks for.

Stands between the pool and the browser package; knows accounts and folders, not requests.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.browser.chrome import Chrome, ChromeSettings
from qwenproxy.browser.site import Site, load_site, remember_token
from qwenproxy.browser.tab import Tab
from qwenproxy.errors import ProxyError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TabOpener:
    """Opens tabs on one site with one set of browser settings."""

    registry: Registry
    site: Site
    chrome: ChromeSettings

    def __call__(self, account: Account) -> Tab:
        """Return a logged-in tab of the account.

        Raises SetupError, TabLost, NetworkFailed, NotLoggedIn, VerificationRequired; leaves no process behind then.
        """
        folder = self.registry.folder(account.id)
        chrome = Chrome(folder, self.chrome)
        try:
            load_site(chrome, self.site, folder, account.token)
            return Tab(account.id, chrome, self.site, account.token, lambda token: self._keep(account.id, token))
        except BaseException:
            chrome.close()
            raise

    def _keep(self, account_id: str, token: str) -> None:
        """Keep a token that the site renewed in the account's page."""
        try:
            self.registry.keep_token(account_id, token)
            remember_token(self.registry.folder(account_id), self.site, token)
            log.info("account=%s token renewed by the site", account_id)
        except (ProxyError, OSError) as error:
            log.warning("account=%s renewed token could not be kept: %s", account_id, error)
