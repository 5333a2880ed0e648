"""Events of accounts, their browsers and their pages."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

from qwenproxy.observe.journal.event import Event


@dataclass(frozen=True, slots=True)
class AccountRests(Event):
    """An account gets no requests for `seconds`. `reason` is "", verification, browser or renewal."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    seconds: float
    reason: str
    message: str

    def __str__(self) -> str:
        if self.reason == "verification":
            return f"account={self.account_id} VERIFY: {self.message}"
        causes = {"browser": ", its browser does not start", "renewal": ", its page did not renew the login"}
        return f"account={self.account_id} WAIT for {self.seconds:.0f} s{causes.get(self.reason, '')}: {self.message}"


@dataclass(frozen=True, slots=True)
class KindRests(Event):
    """An account does no work of one kind, such as uploads, for `seconds`."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    kind: str
    seconds: float
    message: str

    def __str__(self) -> str:
        return f"account={self.account_id} no {self.kind} for {self.seconds:.0f} s: {self.message}"


@dataclass(frozen=True, slots=True)
class AccountInvalid(Event):
    """An account needs a new login."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    message: str

    def __str__(self) -> str:
        return f"account={self.account_id} INVALID: {self.message} Run: qwenproxy account relogin {self.account_id}"


@dataclass(frozen=True, slots=True)
class BrowserOpened(Event):
    """An account's browser is up, with the site's page in it."""

    account_id: str
    seconds: float

    def __str__(self) -> str:
        return f"account={self.account_id} browser opened in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class BrowserEnded(Event):
    """An account's browser ended by itself: it crashed, or somebody ended it."""

    level: ClassVar[int] = logging.WARNING

    account_id: str

    def __str__(self) -> str:
        return f"account={self.account_id} its browser ended by itself"


@dataclass(frozen=True, slots=True)
class PageLoaded(Event):
    """An account's page was loaded anew; `second_tab`: a second tab took over."""

    account_id: str
    seconds: float
    second_tab: bool = False

    def __str__(self) -> str:
        how = "loaded in a second tab, which takes over" if self.second_tab else "loaded anew"
        return f"account={self.account_id} page {how} in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class TokenRenewed(Event):
    """The site renewed a login in the account's page, and the proxy kept it."""

    account_id: str

    def __str__(self) -> str:
        return f"account={self.account_id} token renewed by the site"


@dataclass(frozen=True, slots=True)
class SettingsChangeAnswers(Event):
    """The settings of an account on the site change its answers, and did not do so in this way before."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"account={self.account_id} its settings on the site change its answers ({', '.join(self.names)}). "
            f"See and change them: qwenproxy account settings {self.account_id}"
        )
