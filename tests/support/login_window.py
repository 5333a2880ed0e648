"""A scripted login window and person, for the tests of what a login does: no browser, no clock, no waiting."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Protocol

import pytest
from clocks import FakeClock
from selenium.common.exceptions import NoSuchWindowException, WebDriverException

from qwenproxy.browser import navigation, page_login
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.chrome_tab import no_trouble
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.profile import ProfileClaim
from qwenproxy.browser.site import Site
from qwenproxy.browser.tokens import token_user
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.logins import watch
from qwenproxy.logins.window import LoginWindow

SITE = "https://localhost:4433"
SOMEBODY = object()  # the site names the person of the token
NOBODY = [200, {"x-actual-status-code": "401"}, '{"success":false,"data":{"code":"Unauthorized"}}']
CAPTCHA = [200, {}, '{"ret":["FAIL_SYS_USER_VALIDATE","RGV587_ERROR"],"data":{"url":"/punish"}}']
COOKIE = {"name": "refresh_token", "value": "r", "domain": ".localhost", "httpOnly": True}
STRANGE = [200, {"content-type": "application/json"}, '{"something":"else"}']


def somebody(user_id: str) -> object:
    """Return the site's answer about this person."""
    return [200, {"content-type": "application/json"}, f'{{"id":"{user_id}","role":"user"}}']


@dataclass(frozen=True)
class View:
    """What the window shows, and what the site would answer about who is logged in (None: no answer)."""

    token: str = ""
    origin: str = SITE
    settled: bool = True
    verification: bool = False
    failed: bool = False
    answer: object = None


SIGN_IN = View(answer=NOBODY)
GOING = View(origin="")  # a page that is going while it is looked at


class FakeDriver:
    """A driver over one scripted window. `view` None: the window is closed; an exception: the page does not answer."""

    def __init__(self, view: View | Exception | None) -> None:
        self.view = view
        self.handles = ["first"]
        self.asked: list[str] = []
        self.opened: list[str] = []
        self.turned_to = ""
        self.token_cookie = ""
        self.put: list[tuple[str, str]] = []  # cookies, by name and value
        self.switch_to = SimpleNamespace(window=self._turn)

    def get(self, url: str) -> None:
        self.opened.append(url)

    def set_script_timeout(self, seconds: float) -> None:
        assert seconds > 0

    def set_window_rect(self, left: int, top: int, width: int, height: int) -> None:
        assert width > left >= 0 and height > top >= 0

    @property
    def window_handles(self) -> list[str]:
        if self.view is None and not self.turned_to and self.handles == ["first"]:
            raise WebDriverException("disconnected: not connected to DevTools")
        return self.handles

    def cdp(self, command: str, **parameters: object) -> dict[str, object]:
        """Return the answer of DevTools."""
        if command == "Network.getAllCookies":
            return {"cookies": [COOKIE]}
        if command == "Network.getCookies":
            return {"cookies": [{"name": "token", "value": self.token_cookie}] if self.token_cookie else []}
        if command == "Network.setCookie":
            self.put.append((str(parameters["name"]), str(parameters["value"])))
        return {"identifier": "1"}

    def execute_script(self, script: str, *args: object) -> object:
        if script == navigation.PAGE_STATE:
            return [self.opened[-1], 200]
        if script == page_login.PLACE_AND_TOKEN:  # of the empty page that a browser begins with
            return ["null", ""]
        if script == page_login.PLACE_AND_STORAGE:
            assert isinstance(self.view, View)
            return [self.view.origin, [["lswusea", "device"], ["token", self.view.token]]]
        assert script == watch.LOOK
        if self.view is None:
            raise NoSuchWindowException
        if isinstance(self.view, Exception):
            raise self.view
        if self.view == GOING:
            return None
        fields = ("origin", "token", "settled", "verification", "failed")
        return {name: getattr(self.view, name) for name in fields}

    def execute_async_script(self, script: str, path: str, headers: dict[str, str], token: str) -> object:
        assert (script, path) == (watch.ASK, "/api/v1/auths/")
        assert headers["x-request-id"]
        self.asked.append(token)
        assert isinstance(self.view, View)
        if isinstance(self.view.answer, Exception):
            raise self.view.answer
        if self.view.answer is SOMEBODY:
            return somebody(token_user(token) or "u1")
        return self.view.answer

    def _turn(self, handle: str) -> None:
        self.turned_to = handle


class Script:
    """A person who does one thing at each pause: shows the window another view, presses ENTER, or lets time go by."""

    def __init__(self, first: View | Exception | None, *then: object) -> None:
        self.driver = FakeDriver(first)
        self.then = list(then)
        self.steps: list[str] = []
        self.clock = FakeClock()
        self._started = self.clock.now
        self.closed = 0
        self.present = True

    @property
    def waited(self) -> float:
        """The seconds that went by in pauses."""
        return self.clock.now - self._started

    def show(self, step: str, remaining: float) -> None:
        if self.steps[-1:] != [step]:
            self.steps.append(step)

    def pause(self, seconds: float) -> bool:
        assert seconds > 0
        self.clock.now += seconds
        action = self.then.pop(0) if self.then else "wait"
        if action == "ctrl-c":
            raise KeyboardInterrupt
        if callable(action):
            action(self.driver)
        elif action not in ("enter", "wait"):
            assert action is None or isinstance(action, View | Exception)
            self.driver.view = action
        return action == "enter"


class Play(Protocol):
    """Put a script in the place of the browser; as the arguments of Script."""

    def __call__(self, first: View | Exception | None, *then: object) -> Script: ...


def login_window(clock: FakeClock) -> LoginWindow:
    """Return the place of a login that lasts a minute at most."""
    launcher = LocalLauncher(Programs("chrome", "chromedriver"), screen="person")
    return LoginWindow(Site(SITE), launcher, login_wait=60.0, clock=clock)


def play(monkeypatch: pytest.MonkeyPatch, clock: FakeClock, script: Script) -> Script:
    """Put a script in the place of the browser; its pauses move the clock, which is the window's."""
    script.clock = clock

    class FakeBrowser:
        def __init__(self, folder: AccountFolder) -> None:
            self._claim = ProfileClaim.take(folder)
            self.tab = SimpleNamespace(driver=script.driver, cdp=script.driver.cdp, way_trouble=no_trouble)
            self.has_profile = True

        def close(self, *, politely: bool = True) -> None:
            script.closed += 1
            self._claim.release()

    monkeypatch.setattr(LocalLauncher, "launch", lambda _launcher, folder: FakeBrowser(folder))
    return script
