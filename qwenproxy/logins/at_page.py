"""A login whose window the dashboard shows: its person may sit at any machine, and the browser needs no screen.

One login, on a thread of its own in the server's process: window.py does what it does at a terminal, with this person
in the terminal's place. The dashboard's routes begin it, show it and end it. Knows no HTTP, and logs nothing that is
typed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Literal

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.browser.view.hands import Hands
from qwenproxy.browser.view.outbox import Outbox
from qwenproxy.browser.view.view import View
from qwenproxy.errors import NotFound, ProxyError, SetupError
from qwenproxy.logins.watch import LoginFailed, LoginWindow, Step
from qwenproxy.logins.window import add_account, renew_account
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

LONGEST = 1800.0  # seconds that a window is open at most
IDLE = 300.0  # seconds without any input after which a window that was looked at closes
PLACE_WAIT = 1.5  # seconds: a page that is loaded anew comes before its old socket has closed
END_WAIT = 15.0  # seconds for the browser to end

State = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where such logins take place.

    `open_window` takes the time limit (s); `reserve` sets an account aside for its person. `lang` is that of errors.
    """

    registry: Registry
    open_window: Callable[[float], LoginWindow]
    reserve: Callable[[str], AbstractContextManager[object]]
    lang: str = "en"
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants: a new login for `account`, or with None another account, with this id and this proxy."""

    account: Account | None = None
    new_id: str | None = None
    proxy: ProxyAddress | None = field(default=None, repr=False)
    login_wait: float = LONGEST


@dataclass(frozen=True, slots=True)
class Standing:
    """How a login stands. `outcome` is a word for why it ended, `message` a sentence where there is one.

    `account_id` is "" for an account that is not there yet; `remaining` is in seconds.
    """

    state: State
    account_id: str
    is_new: bool
    step: Step
    remaining: float
    outcome: str = ""
    message: str = ""


class PageLogin:
    """One login. `id` names it in addresses. Any thread may call."""

    def __init__(self, login_id: str, place: Place, wish: Wish) -> None:
        self.id = login_id
        self.wish = wish
        self._place = place
        self._lock = threading.Lock()
        self._viewing = threading.Lock()
        account_id = wish.account.id if wish.account else wish.new_id or ""
        self._standing = Standing("running", account_id, wish.account is None, "opening", wish.login_wait)
        self._view: View | None = None
        self._is_local = False
        self._outbox: Outbox | None = None
        self._last_input_at: float | None = None  # None until somebody looks
        self._is_cancelled = False
        self._is_confirmed = False
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"login-{login_id}", daemon=True)

    def start(self) -> None:
        """Open the window."""
        self._thread.start()

    @property
    def standing(self) -> Standing:
        """How it stands now."""
        return self._standing

    @property
    def present(self) -> bool:
        """Whether its person has looked at the window."""
        return self._last_input_at is not None

    def show(self, step: Step, remaining: float) -> None:
        """Note the step of the login; `remaining` is in seconds."""
        self._change(replace(self._standing, step=step, remaining=remaining))

    def pause(self, seconds: float) -> bool:
        """Wait for the person's word that all is done; return whether it came.

        Raises KeyboardInterrupt if the person cancels, LoginFailed if nobody does anything any more.
        """
        self._news.wait(seconds)
        self._news.clear()
        if self._is_cancelled:
            raise KeyboardInterrupt
        if self._last_input_at is not None and self._place.clock() - self._last_input_at > IDLE:
            raise LoginFailed("idle")
        is_confirmed, self._is_confirmed = self._is_confirmed, False
        return is_confirmed

    def confirm(self) -> None:
        """Say that the person has done what they came for."""
        self._is_confirmed = True
        self._news.set()

    def cancel(self) -> None:
        """End it without a login. Idempotent."""
        self._is_cancelled = True
        self._news.set()

    def close(self) -> None:
        """Cancel it and wait for its browser to end. Idempotent."""
        self.cancel()
        if self._thread.ident is not None:
            self._thread.join(END_WAIT)

    @contextlib.contextmanager
    def viewer(self, outbox: Outbox) -> Iterator[bool]:
        """Show the window to a viewer, as soon as it is there; give False while somebody else looks."""
        is_free = self._viewing.acquire(timeout=PLACE_WAIT)
        try:
            if is_free:
                self._begin_view(outbox)
            yield is_free
        finally:
            if is_free:
                with self._lock:
                    self._outbox, view = None, self._view
                if view:
                    view.leave(outbox)
                self._viewing.release()

    def note_input(self) -> None:
        """Note that the viewer did something."""
        self._last_input_at = self._place.clock()

    def hands(self) -> Hands | None:
        """Return new hands for a viewer, None while there is no window."""
        view = self._view
        return Hands(view, files_reach=self._is_local) if view else None

    def _begin_view(self, outbox: Outbox) -> None:
        self.note_input()
        with self._lock:
            self._outbox, view = outbox, self._view
        self._change(self._standing, always=True)
        if view:
            view.show_to(outbox)

    def _change(self, standing: Standing, *, always: bool = False) -> None:
        with self._lock:
            is_news = always or (standing.step, standing.state) != (self._standing.step, self._standing.state)
            self._standing, outbox = standing, self._outbox
        if outbox and is_news:
            outbox.note("state", **_as_note(standing))
            if standing.state != "running":
                outbox.close()

    def _run(self) -> None:
        log.info("account=%s a person's window opens in the dashboard", self._standing.account_id or "new")
        try:
            self._end("done", "", account_id=self._log_in())
        except LoginFailed as error:
            self._end("failed", error.outcome)
        except KeyboardInterrupt:
            self._end("failed", "cancelled")
        except ProxyError as error:
            self._end("failed", "error", message=error.say(self._place.lang))
        except DRIVER_ERRORS as error:
            log.warning("a person's window failed (%s)", type(error).__name__)
            self._end("failed", "closed")
        except Exception as error:
            log.error("a person's window failed: unexpected %s", type(error).__name__)
            self._end("failed", "error", message=Phrase("window_failed").say(self._place.lang))

    def _end(self, state: State, outcome: str, *, account_id: str = "", message: str = "") -> None:
        before = self._standing
        log.info("account=%s a person's window closed: %s", account_id or before.account_id or "new", outcome or state)
        ended = replace(before, state=state, remaining=0.0, outcome=outcome, message=message)
        self._change(replace(ended, account_id=account_id or before.account_id))

    def _log_in(self) -> str:
        place, wish = self._place, self.wish
        try:
            window = replace(place.open_window(wish.login_wait), on_open=self._meet, stays=True, proxy=wish.proxy)
            if wish.account is None:
                return add_account(place.registry, window, self, wish.new_id)
            with place.reserve(wish.account.id):
                account = place.registry.get(wish.account.id)
                if account is None:
                    raise NotFound(f"There is no account {wish.account.id[:80]}.")
                renew_account(place.registry, window, self, account)
            return account.id
        finally:
            with self._lock:
                view, self._view = self._view, None
            if view:
                view.close()

    def _meet(self, tab: ChromeTab) -> None:
        """Look at the tab in which the person logs in. Raises SetupError."""
        try:
            if tab.devtools is None:
                raise OSError("the Grid has no DevTools")
            view = View(tab.devtools, tab.handle)
            view.start()
        except OSError as error:
            raise SetupError(Phrase("window_unseen", reason=error)) from error
        with self._lock:
            self._view, self._is_local, outbox = view, tab.devtools.is_local, self._outbox
        if outbox:
            view.show_to(outbox)


def _as_note(standing: Standing) -> dict[str, object]:
    names = ("state", "step", "outcome", "message")
    return {"account": standing.account_id, **{name: getattr(standing, name) for name in names}}
