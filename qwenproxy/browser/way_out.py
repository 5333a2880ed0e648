"""The way out of one browser of an account: its proxy, if it has one, from the launch to the end of the browser.

local.py holds one for each Chrome. Turns what the forwarder learned into errors for people.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qwenproxy.browser.forwarding import Dialer, Forwarder, lets_pass
from qwenproxy.browser.proxies import ProxyAddress, proxy_of
from qwenproxy.disk.folder import BrowserFolder
from qwenproxy.errors import BrowserError, NetworkFailed, ProxyError, SetupError, Transient
from qwenproxy.texts import Phrase

Result = TypeVar("Result")


class WayOut:
    """The account's proxy as it is now, with a forwarder to it while the way is open."""

    def __init__(
        self, folder: BrowserFolder, default: ProxyAddress | None, is_refused: Callable[[str], bool] = lets_pass
    ) -> None:
        """`default` is for an account without a proxy; hosts that are refused get no connection. Raises SetupError."""
        self._folder = folder
        self._default = default
        self._is_refused = is_refused
        self._proxy = proxy_of(folder, default)
        self._forwarder: Forwarder | None = None

    @property
    def url(self) -> str:
        """The address for the browser, "" for no proxy."""
        return self._forwarder.url if self._forwarder else ""

    @property
    def is_current(self) -> bool:
        """Whether the account has still the same proxy."""
        try:
            return proxy_of(self._folder, self._default) == self._proxy
        except SetupError:
            return False

    def open(self) -> None:
        """Open the way. Raises BrowserError: a browser must not start without it."""
        if self._proxy is None:
            return
        try:
            self._forwarder = Forwarder.start(Dialer(self._proxy), self._folder.id, self._is_refused)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise BrowserError(Phrase("forwarder_cannot_start", reason=reason)) from error

    def close(self) -> None:
        """Close the way and every connection on it. Idempotent."""
        if self._forwarder:
            self._forwarder.close()

    def carry(self, host: str, work: Callable[[str], Result]) -> Result:
        """Return what `work` makes of the way's address ("" for no proxy); the way to `host` is open meanwhile.

        Raises what `work` raises, and BrowserError or NetworkFailed in its place where the proxy leads nowhere.
        """
        self.open()
        try:
            return work(self.url)
        except Transient as error:  # over plain HTTP the way itself answers when its proxy fails
            raise self.trouble(host) or error from error
        finally:
            self.close()

    def trouble(self, host: str) -> ProxyError | None:
        """Return why the proxy does not lead to a host, None if it does or nobody asked.

        A proxy that leads nowhere, or will not lead to this host, keeps the browser from being used at all, as one that
        does not start.
        """
        failure = self._forwarder.failure_for(host) if self._forwarder else None
        if failure is None:
            return None
        error = BrowserError(Phrase("proxy_fails", id=self._folder.id, failure=failure.phrase))
        return error if failure.of_proxy or failure.is_refusal else NetworkFailed(error.message)
