"""The login a page carries: when a token counts as renewed, and how a kept login is put into a browser."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from clocks import NOW
from jwts import jwt
from selenium.common.exceptions import InvalidArgumentException, JavascriptException, TimeoutException

from qwenproxy.browser import navigation, page_login
from qwenproxy.browser.chrome_tab import ChromeTab, no_trouble
from qwenproxy.browser.page_login import Before, Login, Storage, await_token, navigate_as, put_login, read_login
from qwenproxy.errors import NetworkFailed, NotLoggedIn

ORIGIN = "https://site.test"

# What a page shows of itself, its origin and its token or status, or why no script runs in it.
View = tuple[str, Any] | Exception | None


def token(left: float, user: str = "u") -> str:
    return jwt(id=user, exp=NOW + left)


OLD, FRESH = token(100), token(900)


class ScriptedTab:
    """A tab whose page shows these (origin, token) pairs, one each time it is looked at; the last one stays."""

    def __init__(self, *views: View, cookies: Sequence[dict[str, Any]] = ()) -> None:
        self.views = list(views)
        self.cookies = list(cookies)
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.refused = ""  # a cookie that the browser does not take
        self.driver = SimpleNamespace(execute_script=self._view, get=lambda address: None)
        self.way_trouble = no_trouble

    def _view(self, _script: str) -> tuple[str, Any] | None:
        view = self.views.pop(0) if len(self.views) > 1 else self.views[0]
        if isinstance(view, Exception):
            raise view
        return view

    def cdp(self, command: str, **parameters: Any) -> dict[str, Any]:
        self.commands.append((command, parameters))
        if any(one["name"] == self.refused for one in parameters.get("cookies", [])):
            raise InvalidArgumentException("Invalid cookie fields")
        return {"cookies": self.cookies, "identifier": "1"}


def commands_of(tab: ScriptedTab, command: str) -> list[dict[str, Any]]:
    """Return the parameters of each such command that the tab got."""
    return [parameters for name, parameters in tab.commands if name == command]


def as_tab(tab: ScriptedTab) -> ChromeTab:
    return cast(ChromeTab, tab)


def awaited(tab: ScriptedTab, before: Before | None = None, wait: float = 0.1) -> str:
    return await_token(as_tab(tab), ORIGIN, before or Before(OLD), lambda: NOW, wait)


def test_a_token_that_lasts_is_taken_as_it_is() -> None:
    assert awaited(ScriptedTab((ORIGIN, FRESH)), Before(FRESH)) == FRESH


def test_one_that_ends_soon_is_given_time_to_be_renewed() -> None:
    assert awaited(ScriptedTab((ORIGIN, OLD), (ORIGIN, OLD), (ORIGIN, FRESH))) == FRESH


def test_one_that_nobody_renews_is_what_there_is() -> None:
    assert awaited(ScriptedTab((ORIGIN, OLD))) == OLD


def test_one_that_was_refused_will_not_do_however_long_it_lasts() -> None:
    other = token(901)
    assert awaited(ScriptedTab((ORIGIN, FRESH), (ORIGIN, other)), Before(FRESH, refused=True)) == other
    assert awaited(ScriptedTab((ORIGIN, FRESH)), Before(FRESH, refused=True)) == FRESH, "for as long as it may take"


def test_a_new_one_counts_though_this_clock_says_that_it_has_run_out() -> None:
    assert awaited(ScriptedTab((ORIGIN, token(-900)), (ORIGIN, token(-1))), Before(token(-900))) == token(-1)


@pytest.mark.parametrize(
    "away", [TimeoutException("x"), JavascriptException("x"), (ORIGIN, "")], ids=["silent", "gone", "none"]
)
def test_a_page_on_its_way_is_waited_for(away: View) -> None:
    assert awaited(ScriptedTab(away, away, (ORIGIN, FRESH))) == FRESH


def test_a_page_at_sign_in_has_no_login() -> None:
    with pytest.raises(NotLoggedIn):
        awaited(ScriptedTab((ORIGIN, OLD), ("https://auth.site.test", "")))


def test_the_cookie_counts_where_the_storage_is_empty() -> None:
    cookie = {"name": "token", "value": FRESH}
    assert awaited(ScriptedTab((ORIGIN, ""), cookies=[cookie])) == FRESH


COOKIES = [
    {
        "name": "refresh",
        "value": "r",
        "domain": "site.test",
        "path": "/",
        "secure": True,
        "httpOnly": True,
        "expires": 9.0,
    },
    {"name": "all", "value": "a", "domain": ".test", "path": "/x", "secure": False, "session": True, "expires": -1},
]


STORED = [("lswusea", "device"), ("token", FRESH)]


def kept(cookie: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a cookie: how the browser counts it is not."""
    return {name: value for name, value in cookie.items() if name != "session"}


def test_a_login_is_read_with_cookies_and_storage() -> None:
    tab = ScriptedTab((ORIGIN, [list(item) for item in reversed(STORED)]), cookies=COOKIES)
    login = read_login(as_tab(tab), ORIGIN)
    assert login == Login(FRESH, (kept(COOKIES[1]), kept(COOKIES[0])), Storage(ORIGIN, tuple(STORED)))


@pytest.mark.parametrize(
    "view",
    [("https://auth.site.test", STORED), (ORIGIN, []), None, TimeoutException("x")],
    ids=["elsewhere", "no token", "changing", "silent"],
)
def test_a_page_without_a_login_has_nothing_to_keep(view: Any) -> None:
    assert read_login(as_tab(ScriptedTab(view, cookies=COOKIES)), ORIGIN) is None


@pytest.mark.parametrize(("domain", "is_its_own"), [("site.test", True), (".test", True), ("other.test", False)])
def test_without_storage_the_token_is_the_cookie_of_the_site(domain: str, is_its_own: bool) -> None:
    cookie = {"name": "token", "value": FRESH, "domain": domain}
    login = read_login(as_tab(ScriptedTab((ORIGIN, []), cookies=[cookie])), ORIGIN)
    assert (login is not None) == is_its_own
    assert login is None or login.token == FRESH


def test_cookies_without_end_do_not_fill_the_disk() -> None:
    big = [{"name": f"c{number}", "value": "x" * 4000, "domain": "site.test"} for number in range(1000)]
    login = read_login(as_tab(ScriptedTab((ORIGIN, STORED), cookies=[*big, *COOKIES])), ORIGIN)
    assert login is not None
    assert sum(len(cookie["value"]) for cookie in login.cookies) < page_login.COOKIES_LIMIT
    assert {"refresh", "all"} <= {cookie["name"] for cookie in login.cookies}, "small ones stay"


class TestPuttingALoginBack:
    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(page_login, "navigate", lambda tab, address: None)

    def test_brings_its_cookies_as_they_were(self) -> None:
        tab = ScriptedTab((ORIGIN, FRESH))
        put_login(as_tab(tab), ORIGIN, Login(FRESH, tuple(COOKIES)))
        [cookies] = commands_of(tab, "Network.setCookies")
        assert cookies["cookies"] == [
            {
                "name": "refresh", "value": "r", "path": "/", "secure": True, "httpOnly": True, "expires": 9.0,
                "url": "https://site.test/",
            },
            {"name": "all", "value": "a", "path": "/x", "secure": False, "domain": ".test"},
        ]  # fmt: skip

    def test_goes_on_without_a_cookie_that_the_browser_refuses(self) -> None:
        tab = ScriptedTab((ORIGIN, FRESH))
        tab.refused = "all"
        put_login(as_tab(tab), ORIGIN, Login(FRESH, tuple(COOKIES)))
        each = [[one["name"] for one in call["cookies"]] for call in commands_of(tab, "Network.setCookies")]
        assert each == [["refresh", "all"], ["refresh"], ["all"]]

    def test_brings_the_storage_into_an_empty_one_and_the_token_into_any(self) -> None:
        tab = ScriptedTab((ORIGIN, FRESH))
        put_login(as_tab(tab), ORIGIN, Login(FRESH, (), Storage(ORIGIN, (("id", "1"), ("token", OLD)))))
        [script] = commands_of(tab, "Page.addScriptToEvaluateOnNewDocument")
        assert 'if (!localStorage.length) for (const item of [["id", "1"]])' in script["source"]
        assert f"localStorage.setItem('token', \"{FRESH}\")" in script["source"]
        assert OLD not in script["source"]
        assert commands_of(tab, "Page.removeScriptToEvaluateOnNewDocument")

    def test_leaves_out_the_storage_of_another_site(self) -> None:
        tab = ScriptedTab((ORIGIN, FRESH))
        put_login(as_tab(tab), ORIGIN, Login(FRESH, (), Storage("https://other.test", (("id", "1"),))))
        [script] = commands_of(tab, "Page.addScriptToEvaluateOnNewDocument")
        assert '"id"' not in script["source"]

    def test_fills_only_a_lost_storage_where_the_profile_has_the_login(self) -> None:
        tab = ScriptedTab((ORIGIN, FRESH))
        navigate_as(as_tab(tab), ORIGIN, Login(FRESH, (), Storage(ORIGIN, (("id", "1"),))))
        [script] = commands_of(tab, "Page.addScriptToEvaluateOnNewDocument")
        assert "token" not in script["source"]
        assert not commands_of(tab, "Network.setCookies") + commands_of(tab, "Network.setCookie")
        bare = ScriptedTab((ORIGIN, FRESH))
        navigate_as(as_tab(bare), ORIGIN, Login(FRESH))
        assert bare.commands == []


class TestNavigating:
    def test_a_page_of_the_gateways_is_loaded_once_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(navigation, "FAILED_PAGE_PAUSE", 0.0)
        loads: list[str] = []
        tab = ScriptedTab((ORIGIN, 502), ("", 0), (ORIGIN, 200))
        tab.driver.get = loads.append
        navigation.navigate(as_tab(tab), ORIGIN)
        assert loads == [f"{ORIGIN}/"] * 2

    def test_one_that_stays_is_told_as_the_network_s(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(navigation, "PAGE_LOAD_WAIT", 0.0)
        with pytest.raises(NetworkFailed, match="HTTP 503"):
            navigation.navigate(as_tab(ScriptedTab((ORIGIN, 503))), ORIGIN)

    def test_a_page_that_runs_no_script_for_a_while_is_waited_for(self) -> None:
        navigation.navigate(as_tab(ScriptedTab(TimeoutException("x"), TimeoutException("x"), (ORIGIN, 200))), ORIGIN)

    def test_a_site_that_cannot_be_reached_is_told(self) -> None:
        with pytest.raises(NetworkFailed, match="Is it up"):
            navigation.navigate(as_tab(ScriptedTab(("chrome-error://chromewebdata/", 0))), ORIGIN)
