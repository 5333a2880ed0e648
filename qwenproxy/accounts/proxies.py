"""The outgoing proxies of the accounts: kept beside each account, shown without user and password.

The command line and the login window write them, the state of the server shows them; browsers and uploads read them by
themselves (browser/proxies.py), each time anew. Knows no browser.
"""

from __future__ import annotations

from dataclasses import dataclass

from qwenproxy.accounts import standing
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.proxies import ProxyAddress, proxy_of
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import ConfigError, SetupError
from qwenproxy.texts import Phrase

UNREADABLE = "unreadable"


def default_proxy(setting: str) -> ProxyAddress | None:
    """Return the proxy of accounts that have none of their own, None for an empty setting. Raises ConfigError."""
    try:
        return ProxyAddress.parse(setting) if setting else None
    except SetupError as error:
        raise ConfigError(Phrase("bad_proxy_setting", reason=error.phrase or error.message)) from None


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of all accounts; `default` is for those that have none of their own."""

    registry: Registry
    default: ProxyAddress | None = None

    def own(self, account_id: str) -> ProxyAddress | None:
        """Return the account's own proxy. Raises SetupError for a file that names none."""
        return proxy_of(self.registry.folder(account_id))

    def shown(self, account_id: str) -> str | None:
        """Return the address that an account's browser uses, without user and password; None for none.

        UNREADABLE for a file that names none: the browser does not open then.
        """
        try:
            proxy = proxy_of(self.registry.folder(account_id), self.default)
        except SetupError:
            return UNREADABLE
        return proxy.public if proxy else None

    def change(self, account_id: str, proxy: ProxyAddress | None) -> None:
        """Give an account another proxy, or none; a rest because of the last one ends. Raises SetupError."""
        keep_proxy(self.registry.folder(account_id), proxy)
        account = self.registry.get(account_id)
        if account and account.reason == standing.BROWSER:
            self.registry.mark_ok(account_id)


def keep_proxy(folder: AccountFolder, proxy: ProxyAddress | None) -> None:
    """Write an account's proxy, for its owner alone, or delete it. Raises StorageError."""
    if proxy is None:
        if files.delete(folder.proxy):
            files.sync_folder(folder.path)
        return
    files.ensure_folder(folder.path)
    files.write_atomic(folder.proxy, f"{proxy.url}\n".encode())
