"""The tabs that reach the scripted site, and the opener that a pool asks for tabs."""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque

from fake_site import ORIGIN, FakeResponse, FakeSite

from qwenproxy.accounts.account import Account
from qwenproxy.browser.page import PageRequest
from qwenproxy.errors import GridFull, SetupError, TabLost
from qwenproxy.texts import Phrase

_OPEN = threading.Event()
_OPEN.set()


class FakeTab:
    """An open tab of one account."""

    def __init__(self, account: Account, site: FakeSite, opener: FakeOpener) -> None:
        self.account_id = account.id
        self.origin = ORIGIN
        self.token = account.token
        self.alive = True
        self.given_up = False
        self.closed = False
        self.loads = 0
        self.age = 0.0  # seconds since the page was loaded
        self.distrusted = False
        self.is_current = True
        self.renewable = True
        self.unrenewed = False
        self._site = site
        self._opener = opener

    def fetch(self, request: PageRequest) -> FakeResponse:
        if not self.alive:
            raise TabLost("The tab is gone.")
        return self._site.ask(self.account_id, request)

    @property
    def is_fit(self) -> bool:
        return not self.distrusted

    def make_fit(self) -> None:
        if self.distrusted:
            self.renew(self.loads)

    def renew(self, seen: int, *, suspect: bool = False) -> bool:
        if seen != self.loads:
            return False
        self.distrusted = False
        self.loads += 1
        self.unrenewed = suspect and self.account_id in self._site.renews_nothing
        self._site.load(self.account_id)
        return True

    def give_up(self) -> None:
        self.alive, self.given_up = False, True

    def distrust(self) -> None:
        self.distrusted = True

    def send(self, request: PageRequest) -> None:
        self._site.sent.append((self.account_id, request))

    def close(self) -> None:
        self._opener.close_gates.get(self.account_id, _OPEN).wait(10)
        if not self.closed:
            self.closed = True
            self.alive = False
            self._opener.note_closed(self)


class FakeOpener:
    """Opens fake tabs; refuses, as a real profile would, to open an account that is open."""

    def __init__(self, site: FakeSite) -> None:
        self.site = site
        self.opened: list[str] = []
        self.tabs: dict[str, FakeTab] = {}
        self.most_open = 0
        self.slots: float = math.inf  # tabs that the Grid has room for
        self.refused = 0  # openings for which it had none
        self.errors: dict[str, deque[Exception]] = defaultdict(deque)
        self.open_gates: dict[str, threading.Event] = {}
        self.close_gates: dict[str, threading.Event] = {}
        self.opening = threading.Event()  # set when an opening begins
        self._lock = threading.Lock()

    def __call__(self, account: Account) -> FakeTab:
        self.opening.set()
        self.open_gates.get(account.id, _OPEN).wait(10)
        if self.errors[account.id]:
            raise self.errors[account.id].popleft()
        with self._lock:
            if account.id in self.tabs:
                raise SetupError(f"The browser profile of {account.id} is in use.")
            if len(self.tabs) >= self.slots:
                self.refused += 1
                raise GridFull(Phrase("grid_full", hub="http://hub:4444", slots=self.slots), retry_after=5.0)
            tab = self.tabs[account.id] = FakeTab(account, self.site, self)
            self.opened.append(account.id)
            self.most_open = max(self.most_open, len(self.tabs))
        return tab

    def note_closed(self, tab: FakeTab) -> None:
        with self._lock:
            del self.tabs[tab.account_id]
