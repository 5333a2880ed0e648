"""A profile without cookies, or on which no browser starts, gives way to a new one if the login is kept beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from fake_driver import FakeBrowser
from selenium.common.exceptions import WebDriverException

from qwenproxy.accounts import healing
from qwenproxy.browser.launching import Browser, Launcher
from qwenproxy.browser.page_login import Login
from qwenproxy.browser.profile import ProfileClaim, ProfileInUse
from qwenproxy.browser.start_failures import EndedAtStart
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import BrowserError
from qwenproxy.texts import Phrase

COOKIE = {"name": "refresh", "value": "r", "domain": "site.test"}
LOGIN = Login("t1", (COOKIE,))
ENDED = EndedAtStart(Phrase("cure_log", log="chrome.log"))
LATE = BrowserError(Phrase("cure_late", log="chrome.log"))


class FakeLauncher:
    """Starts a browser with the cookies that its profile has in a file; `failure` says what fails, by profile."""

    def __init__(self) -> None:
        self.browsers: list[FakeBrowser] = []
        self.launches = 0
        self.has_profile = True
        self.failure: Callable[[AccountFolder], Exception | None] = lambda folder: None

    def launch(self, folder: AccountFolder) -> FakeBrowser:
        self.launches += 1
        assert all(browser.closed for browser in self.browsers), "two browsers on one profile"
        claim = ProfileClaim.take(folder)
        if error := self.failure(folder):
            claim.release()
            raise error
        browser = FakeBrowser()
        browser.has_profile = self.has_profile
        if (folder.profile / "Cookies").exists() and (folder.profile / "Cookies").read_text() == "good":
            browser.tab.cookies = [dict(COOKIE)]
        browser.on_close = claim.release
        self.browsers.append(browser)
        return browser


@pytest.fixture
def launcher() -> FakeLauncher:
    return FakeLauncher()


@pytest.fixture
def folder(tmp_path: Path) -> AccountFolder:
    folder = SessionFolder(tmp_path).account("a")
    folder.profile.mkdir(parents=True)
    return folder


def fill(folder: AccountFolder, cookies: str) -> None:
    folder.profile.mkdir(exist_ok=True)
    (folder.profile / "Cookies").write_text(cookies)


def heal(launcher: FakeLauncher, folder: AccountFolder, login: Login = LOGIN) -> Browser:
    browser = healing.launch(cast(Launcher, launcher), folder, login)
    assert not launcher.browsers[-1].closed
    browser.close()
    return browser


def asides(folder: AccountFolder) -> list[str]:
    return [path.read_text() for path in sorted(folder.path.glob("profile.corrupt-*/Cookies"))]


def test_a_good_profile_stays(launcher: FakeLauncher, folder: AccountFolder) -> None:
    fill(folder, "good")
    heal(launcher, folder)
    assert (launcher.launches, asides(folder)) == (1, [])


def test_a_profile_without_cookies_is_set_aside(
    launcher: FakeLauncher, folder: AccountFolder, caplog: pytest.LogCaptureFixture
) -> None:
    fill(folder, "torn")
    heal(launcher, folder)
    assert (launcher.launches, asides(folder)) == (2, ["torn"])
    assert not (folder.profile / "Cookies").exists()
    assert "it has lost its cookies" in caplog.text


def test_one_profile_is_kept_aside(launcher: FakeLauncher, folder: AccountFolder) -> None:
    for number in range(3):
        fill(folder, f"torn {number}")
        heal(launcher, folder)
    assert asides(folder) == ["torn 2"]


@pytest.mark.parametrize("is_missing", [False, True], ids=["empty", "missing"])
def test_a_profile_that_is_gone_needs_no_second_start(
    launcher: FakeLauncher, folder: AccountFolder, caplog: pytest.LogCaptureFixture, is_missing: bool
) -> None:
    if is_missing:
        folder.profile.rmdir()
    heal(launcher, folder)
    assert (launcher.launches, asides(folder)) == (1, [])
    assert "account=a has no browser profile" in caplog.text


def test_without_a_kept_login_nothing_is_touched(launcher: FakeLauncher, folder: AccountFolder) -> None:
    fill(folder, "torn")
    heal(launcher, folder, Login("t1"))
    assert (launcher.launches, asides(folder)) == (1, [])
    launcher.failure = lambda folder: ENDED
    with pytest.raises(EndedAtStart):
        heal(launcher, folder, Login("t1"))
    assert launcher.launches == 2


def test_a_browser_that_keeps_no_profile_is_not_asked(launcher: FakeLauncher, folder: AccountFolder) -> None:
    launcher.has_profile = False
    fill(folder, "torn")
    heal(launcher, folder)
    assert (launcher.launches, asides(folder)) == (1, [])


def test_a_profile_on_which_no_browser_starts_is_set_aside(launcher: FakeLauncher, folder: AccountFolder) -> None:
    fill(folder, "deadly")
    launcher.failure = lambda folder: ENDED if (folder.profile / "Cookies").exists() else None
    heal(launcher, folder)
    assert (launcher.launches, asides(folder)) == (2, ["deadly"])


@pytest.mark.parametrize("then", [ENDED, LATE], ids=["ends", "hangs"])
def test_a_browser_that_starts_nowhere_leaves_the_profile_as_it_was(
    launcher: FakeLauncher, folder: AccountFolder, then: BrowserError
) -> None:
    fill(folder, "good")
    launcher.failure = lambda folder: ENDED if (folder.profile / "Cookies").exists() else then
    with pytest.raises(EndedAtStart):
        heal(launcher, folder)
    assert (launcher.launches, asides(folder)) == (2, [])
    assert (folder.profile / "Cookies").read_text() == "good"


def test_a_failure_with_a_known_cause_costs_one_start(launcher: FakeLauncher, folder: AccountFolder) -> None:
    fill(folder, "good")
    launcher.failure = lambda folder: LATE
    with pytest.raises(BrowserError):
        heal(launcher, folder)
    assert launcher.launches == 1


def test_a_profile_in_use_stays(launcher: FakeLauncher, folder: AccountFolder) -> None:
    fill(folder, "torn")
    claim = ProfileClaim.take(folder)
    with pytest.raises(ProfileInUse):
        heal(launcher, folder)
    claim.release()
    assert asides(folder) == []


def test_a_browser_that_goes_away_at_once_is_closed(launcher: FakeLauncher, folder: AccountFolder) -> None:
    fill(folder, "good")
    started = launcher.launch

    def launch(folder: AccountFolder) -> FakeBrowser:
        browser = started(folder)
        browser.tab.driver.always = WebDriverException("gone")
        return browser

    launcher.launch = launch  # type: ignore[method-assign]
    with pytest.raises(BrowserError):
        healing.launch(cast(Launcher, launcher), folder, LOGIN)
    assert launcher.browsers[0].closed
