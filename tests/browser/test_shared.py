"""Accounts that share Chromes: who sits where, what one start costs the others, and what stays behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from clocks import FakeClock
from selenium.common.exceptions import WebDriverException

from qwenproxy.browser import shared
from qwenproxy.browser.contexts import Context
from qwenproxy.browser.profile import ProfileClaim, ProfileInUse, profile_owner
from qwenproxy.browser.shared import ContextBrowser, SharedLauncher
from qwenproxy.disk.folder import AccountFolder, BrowserFolder, SessionFolder
from qwenproxy.errors import BrowserError, SharedBrowserError, TabLost
from qwenproxy.texts import Phrase


class Session:
    """A driver session on a Chrome without Chrome."""

    command_executor = "http://driver.test"

    def __init__(self, chrome: RunningChrome) -> None:
        self.chrome = chrome
        self.session_id = f"s{len(chrome.sessions)}"


class RunningChrome:
    """A Chrome of a FakeLocal: its sessions, its contexts and tabs, and how often it was closed."""

    devtools = "chrome.test:1"

    def __init__(self, folder: BrowserFolder) -> None:
        self.folder = folder
        self.claim = ProfileClaim.take(folder)
        self.sessions: list[Session] = []
        self.contexts: dict[str, list[str]] = {}
        self.refusals: list[Exception] = []  # of the next attaching sessions
        self.is_running = True

    def attach(self) -> Session:
        if self.refusals:
            raise self.refusals.pop(0)
        self.sessions.append(Session(self))
        return self.sessions[-1]

    def close(self, *, politely: bool = True) -> None:
        self.is_running = False
        self.claim.release()


class FakeLocal:
    """Starts RunningChromes, or fails as it was told."""

    proxy = None  # the one of accounts without one of their own

    def __init__(self) -> None:
        self.chromes: list[RunningChrome] = []
        self.failures: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()

    def check(self) -> None:
        pass

    def launch(self, folder: BrowserFolder) -> RunningChrome:
        self.gate.wait(5)
        if self.failures:
            raise self.failures.pop(0)
        self.chromes.append(RunningChrome(folder))
        return self.chromes[-1]


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLocal]:
    """A machine whose Chromes obey orders about contexts in Python."""

    def open_context(driver: Session, proxy_server: str = "") -> Context:
        contexts = driver.chrome.contexts
        context = Context(f"c{len(driver.chrome.sessions)}", f"tab{len(driver.chrome.sessions)}")
        contexts[context.id] = [context.handle]
        return context

    def open_context_tab(driver: Session, context_id: str) -> str:
        driver.chrome.contexts[context_id].append(f"tab{len(driver.chrome.sessions)}")
        return driver.chrome.contexts[context_id][-1]

    def close_context(driver: Session, context_id: str) -> None:
        del driver.chrome.contexts[context_id]

    def close_context_tab(driver: Session, handle: str) -> None:
        for tabs in driver.chrome.contexts.values():
            if handle in tabs:
                tabs.remove(handle)

    for replacement in (open_context, open_context_tab, close_context, close_context_tab):
        monkeypatch.setattr(shared, replacement.__name__, replacement)
    local = FakeLocal()
    yield local
    for chrome in local.chromes:
        chrome.close()


@pytest.fixture
def session(tmp_path: Path) -> SessionFolder:
    return SessionFolder(tmp_path)


def launcher_on(local: FakeLocal, accounts: int, clock: Any = None) -> SharedLauncher:
    return SharedLauncher(cast(Any, local), accounts, *([clock] if clock else []))


def launched(launcher: SharedLauncher, session: SessionFolder, names: str) -> list[ContextBrowser]:
    return [launcher.launch(session.account(name)) for name in names]


def test_a_chrome_starts_when_no_other_has_room_and_ends_with_its_last_account(
    local: FakeLocal, session: SessionFolder
) -> None:
    launcher = launcher_on(local, 2)
    a, b, c = launched(launcher, session, "abc")
    first, second = local.chromes
    assert [chrome.folder.id for chrome in local.chromes] == ["1", "2"]
    assert (len(first.contexts), len(second.contexts)) == (2, 1)
    a.close()
    assert (first.is_running, len(first.contexts)) == (True, 1)
    [d] = launched(launcher, session, "d")
    assert len(local.chromes) == 2
    for browser in (b, c, d):
        browser.close()
        browser.close()
    assert not first.is_running
    assert not second.is_running
    assert not list(session.root.glob("*/*/browser.json"))
    assert not list(session.root.glob("*/*/profile"))


def test_the_fullest_chrome_takes_the_next_account(local: FakeLocal, session: SessionFolder) -> None:
    launcher = launcher_on(local, 3)
    browsers = launched(launcher, session, "abcdef")
    for browser in (browsers[0], browsers[1], browsers[3]):
        browser.close()
    launched(launcher, session, "g")
    assert [len(chrome.contexts) for chrome in local.chromes] == [1, 3]


def test_an_account_that_another_process_has_open_is_refused(local: FakeLocal, session: SessionFolder) -> None:
    claim = ProfileClaim.take(session.account("a"))
    with pytest.raises(ProfileInUse):
        launched(launcher_on(local, 2), session, "a")
    assert local.chromes == []
    claim.release()
    [browser] = launched(launcher_on(local, 2), session, "a")
    assert profile_owner(session.account("a")) is not None
    browser.close()
    assert profile_owner(session.account("a")) is None


def test_the_folder_of_another_processs_chrome_is_passed_over(local: FakeLocal, session: SessionFolder) -> None:
    claim = ProfileClaim.take(session.shared_browser(1))
    launched(launcher_on(local, 2), session, "a")
    assert [chrome.folder.id for chrome in local.chromes] == ["2"]
    claim.release()


def test_accounts_that_come_during_a_start_share_it(local: FakeLocal, session: SessionFolder) -> None:
    launcher = launcher_on(local, 8)
    local.gate.clear()
    threads = [threading.Thread(target=launched, args=(launcher, session, name)) for name in "abcd"]
    for thread in threads:
        thread.start()
    local.gate.set()
    for thread in threads:
        thread.join(10)
    assert [len(chrome.contexts) for chrome in local.chromes] == [4]


def test_a_start_that_fails_is_paid_for_once_and_tried_again_later(local: FakeLocal, session: SessionFolder) -> None:
    clock = FakeClock()
    launcher = launcher_on(local, 2, clock)
    local.failures = [BrowserError(Phrase("browser_died", reason="Boom.")) for _ in range(2)]
    waits = []
    for _ in range(2):
        for name in "abc":
            with pytest.raises(SharedBrowserError, match="Boom") as refused:
                launched(launcher, session, name)
            waits.append(refused.value.retry_after)
        clock.now += shared.FIRST_REST * 2
    assert waits == [10, 10, 10, 20, 20, 20]
    assert local.failures == []
    launched(launcher, session, "a")
    assert profile_owner(session.account("b")) is None, "a refused account is held"


@pytest.mark.parametrize("dies", [True, False], ids=["dead", "alive"])
def test_a_chrome_that_takes_nobody_is_no_fault_of_the_account(
    local: FakeLocal, session: SessionFolder, dies: bool
) -> None:
    launcher = launcher_on(local, 3)
    launched(launcher, session, "a")
    [chrome] = local.chromes
    chrome.refusals = [WebDriverException("gone")] * 2
    chrome.is_running = not dies
    if dies:
        launched(launcher, session, "b")
        assert [each.is_running for each in local.chromes] == [False, True]
        assert not chrome.claim._lock.is_locked
    else:
        with pytest.raises(TabLost):
            launched(launcher, session, "b")
        assert (chrome.is_running, len(chrome.contexts)) == (True, 1)
        assert profile_owner(session.account("b")) is None


def test_a_session_that_met_a_closing_tab_is_asked_for_again(local: FakeLocal, session: SessionFolder) -> None:
    launcher = launcher_on(local, 2)
    launched(launcher, session, "a")
    local.chromes[0].refusals = [WebDriverException("no such window")]
    launched(launcher, session, "b")
    assert len(local.chromes[0].contexts) == 2


def test_a_further_tab_is_in_the_same_context_and_the_last_one_ends_it(
    local: FakeLocal, session: SessionFolder
) -> None:
    a, _ = launched(launcher_on(local, 2), session, "ab")
    [chrome] = local.chromes
    first, second = a.tab, a.open_tab()
    assert chrome.contexts == {"c1": [first.handle, second.handle], "c2": ["tab2"]}
    first.close()
    first.close(politely=False)
    assert chrome.contexts["c1"] == [second.handle]
    assert a.is_running
    second.close()
    assert list(chrome.contexts) == ["c2"]
    assert not a.is_running
    with pytest.raises(WebDriverException):
        a.open_tab()


def test_a_chrome_that_does_not_obey_is_ended_and_replaced(
    local: FakeLocal, session: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise TimeoutError("silent")

    launcher = launcher_on(local, 2)
    a, b = launched(launcher, session, "ab")
    monkeypatch.setattr(shared, "close_context", silent)
    a.close()
    assert not b.is_running
    launched(launcher, session, "a")
    b.close()
    assert [chrome.is_running for chrome in local.chromes] == [False, True]


def test_an_accounts_folder_has_no_profile_while_it_is_held(session: SessionFolder) -> None:
    folder: AccountFolder = session.account("a")
    claim = ProfileClaim.take(folder)
    assert not folder.profile.exists()
    claim.release()
