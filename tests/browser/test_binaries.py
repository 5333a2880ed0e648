"""Which browser and driver are used: found anew at each start, copied where possible, fetched where they do not fit."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from fake_browser import listening, program, unfit
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.selenium_manager import SeleniumManager

from qwenproxy.browser import driver_copies, fetching
from qwenproxy.browser.binaries import Programs, binary_version, same_version
from qwenproxy.browser.driver_copies import cache_folders, home_cache, patched_copy, usable_folder
from qwenproxy.browser.fetching import ASK_AGAIN, Fetcher
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.config import cache_home
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import BrowserError, SetupError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the programs are shell scripts")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH of this process."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}")
    return folder


class Manager:
    """Selenium Manager: hands out `answer`, a dictionary or an error, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: dict[str, str] | Exception = WebDriverException("error sending request")
        self.asked: list[list[str]] = []

    def binary_paths(self, words: list[str]) -> dict[str, str]:
        self.asked.append(words)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    """Selenium Manager as the fetcher finds it."""
    manager = Manager()
    monkeypatch.setattr(SeleniumManager, "binary_paths", lambda _, words: manager.binary_paths(words))
    return manager


# found anew


def test_what_was_replaced_is_used_at_the_next_start(path: Path, tmp_path: Path) -> None:
    program(path, "chromium", "echo Chromium 156.0.1")
    program(path, "chromedriver", "echo ChromeDriver 140.0.1")
    programs = Programs(undetected=True, caches=[tmp_path / "cache"])
    before = programs.find()
    assert programs.find() == before, "nothing has changed"
    program(path, "chromedriver.new", "echo ChromeDriver 156.0.1")
    os.replace(path / "chromedriver.new", path / "chromedriver")
    after = programs.find()
    assert [binary_version(one.chromedriver) for one in (before, after)] == ["140.0.1", "156.0.1"]


def test_a_browser_that_is_gone_for_a_moment_is_told_and_found_again(path: Path, tmp_path: Path) -> None:
    chrome = program(tmp_path / "opt", "chrome", "echo Chrome 156.0.1")
    programs = Programs(chrome, program(path, "chromedriver", ""))
    found = programs.find()
    os.rename(chrome, f"{chrome}.old")
    with pytest.raises(SetupError, match=r"QWENPROXY_CHROME names .*/chrome, but") as caught:
        programs.find()
    assert str(tmp_path) not in caught.value.client_message
    os.rename(f"{chrome}.old", chrome)
    assert programs.find() == found


def test_a_driver_that_goes_while_it_is_copied_is_told(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(path, "chromium", "")
    program(path, "chromedriver", "")
    programs = Programs(undetected=True, caches=[tmp_path / "cache"])
    monkeypatch.setattr(programs, "_installed", lambda: (str(path / "chromium"), str(path / "gone")))
    with pytest.raises(BrowserError, match="gone cannot be started: No such file"):
        programs.find()


# the copies


def test_the_original_driver_stays_as_it_is(tmp_path: Path) -> None:
    driver = program(tmp_path / "bin", "chromedriver", "echo ChromeDriver 156.0.1")
    before = Path(driver).read_bytes()
    copy = patched_copy(Path(driver), [tmp_path / "cache"])
    assert Path(driver).read_bytes() == before
    assert Path(copy).parent == tmp_path / "cache" / "drivers"
    assert patched_copy(Path(driver), [tmp_path / "cache"]) == copy
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def _in_the_way(folder: Path) -> None:
    folder.write_text("a file")


def _without_programs(folder: Path) -> None:
    """Mounted with noexec; the system tells so of each file."""


@pytest.mark.parametrize("spoil", [_in_the_way, _without_programs], ids=["in the way", "no programs"])
def test_a_cache_that_does_not_do_gives_way_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    spoil(first)
    if spoil is _without_programs:
        may = os.access
        forbidden = {str(first)}
        monkeypatch.setattr(os, "access", lambda path, mode: not forbidden & _above(path) and may(path, mode))
        monkeypatch.setattr(driver_copies, "forbids_programs", lambda path: bool(forbidden & _above(path)))
    driver = program(tmp_path / "bin", "chromedriver", "echo ChromeDriver 156.0.1")
    copy = patched_copy(Path(driver), [first, second])
    assert Path(copy).parent == second / "drivers"
    assert binary_version(copy) == "156.0.1"
    assert usable_folder([first, second]) == second
    assert usable_folder([first]) is None
    with pytest.raises(BrowserError) as caught:
        patched_copy(Path(driver), [first])
    assert str(first) in caught.value.message and "XDG_CACHE_HOME" in caught.value.say("ru")
    assert str(tmp_path) not in caught.value.client_message
    assert ("noexec" in caught.value.message) == (spoil is _without_programs)


def _above(path: object) -> set[str]:
    return {str(path), *map(str, Path(str(path)).parents)}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC], ids=["rights", "read-only", "full"])
def test_a_copy_that_cannot_be_written_is_told_with_the_systems_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path / "cache" / "x"))

    monkeypatch.setattr("shutil.copy2", refuse)
    driver = program(tmp_path / "bin", "chromedriver", "")
    with pytest.raises(BrowserError, match=os.strerror(number)) as caught:
        patched_copy(Path(driver), [tmp_path / "cache", tmp_path / "session" / "cache"])
    assert str(tmp_path) not in caught.value.client_message


def test_copies_of_drivers_that_are_gone_are_deleted_in_time(tmp_path: Path) -> None:
    old, used = (program(tmp_path / "bin", name, f"echo {name}") for name in ("old", "used"))
    copies = [Path(patched_copy(Path(driver), [tmp_path / "cache"])) for driver in (old, used)]
    long_ago = time.time() - driver_copies.UNUSED - 60
    for copy in copies:
        os.utime(copy, (long_ago, long_ago))
    patched_copy(Path(used), [tmp_path / "cache"])
    fresh = Path(patched_copy(Path(program(tmp_path / "bin", "fresh", "echo fresh")), [tmp_path / "cache"]))
    assert [copy.exists() for copy in (*copies, fresh)] == [False, True, True]


def test_the_users_cache_comes_before_the_session_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    named = cache_home({"XDG_CACHE_HOME": str(tmp_path / "xdg")})
    session = tmp_path / "session"
    assert cache_folders(named, session / "cache") == (tmp_path / "xdg" / "qwenproxy", home_cache(), session / "cache")
    assert cache_folders("relative", session / "cache") == (home_cache(), session / "cache")
    assert cache_folders(cache_home({}), session / "cache") == (home_cache(), session / "cache")


@pytest.mark.parametrize("home", ["", "relative", None], ids=["empty", "relative", "none"])
def test_a_user_without_a_home_has_the_session_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    def homeless() -> None:
        raise RuntimeError("Could not determine home directory.")

    if home is None:
        monkeypatch.setattr(Path, "home", homeless)
    else:
        monkeypatch.setattr(Path, "home", lambda: Path(home))
    assert cache_folders("", tmp_path / "cache") == (tmp_path / "cache",)


# fetched


def test_a_driver_that_does_not_fit_gives_way_to_one_that_is_fetched(
    path: Path, tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    chrome = listening(tmp_path / "bin", "chrome")
    listening(path, "chromedriver", unfit("140", "156.0.8078.108"), version="140.0.1")
    fitting = listening(tmp_path / "fetched", "chromedriver", version="156.0.2")
    manager.answer = {"browser_path": chrome, "driver_path": fitting}
    programs = Programs(chrome)
    for _ in range(2):
        browser = LocalLauncher(programs).launch(AccountFolder(tmp_path / "acc_1"))
        browser.close()
        assert browser.tab.driver.session_id == "s1"
    assert len(manager.asked) == 1, "the second start knows"
    assert "--skip-driver-in-path" in manager.asked[0]
    assert "one that fits takes over" in caplog.text
    assert [one for one in psutil.process_iter(["cmdline"]) if str(path) in " ".join(one.info["cmdline"] or ())] == []


def test_a_browser_that_ended_by_itself_runs_no_more(path: Path, tmp_path: Path) -> None:
    programs = Programs(listening(tmp_path / "bin", "chrome"), listening(path, "chromedriver"))
    folder = AccountFolder(tmp_path / "acc_1")
    browser = LocalLauncher(programs).launch(folder)
    try:
        assert browser.is_running
        (chrome, _) = json.loads(folder.browser_note.read_text())["processes"][0]
        process = psutil.Process(chrome)
        process.kill()
        process.wait(10)
        assert not browser.is_running
    finally:
        browser.close()


def _start_and_fail(programs: Programs, folder: Path) -> BrowserError:
    with pytest.raises(BrowserError) as caught:
        LocalLauncher(programs).launch(AccountFolder(folder))
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [WebDriverException("error sending request"), OSError("gone"), "140.0.2", ""],
    ids=["no network", "no manager", "another that does not fit", "none"],
)
def test_where_none_that_fits_comes_the_versions_are_told_and_nobody_waits_twice(
    path: Path, tmp_path: Path, manager: Manager, answer: str | Exception
) -> None:
    chrome = listening(tmp_path / "bin", "chrome")
    listening(path, "chromedriver", unfit("140", "156.0.8078.108"))
    if isinstance(answer, str):
        other = program(tmp_path / "fetched", "chromedriver", f"echo ChromeDriver {answer}") if answer else ""
        manager.answer = {"browser_path": chrome, "driver_path": other}
    else:
        manager.answer = answer
    programs = Programs(chrome)
    for _ in range(2):
        error = _start_and_fail(programs, tmp_path / "acc_1")
        assert " 140," in error.message and "156.0.8078.108" in error.message and "apt-get" in error.message
    assert len(manager.asked) == 1


def test_a_driver_that_the_person_chose_is_theirs_to_change(tmp_path: Path, manager: Manager) -> None:
    chrome = listening(tmp_path / "bin", "chrome")
    driver = listening(tmp_path / "bin", "driver", unfit("140", "156.0.8078.108"))
    error = _start_and_fail(Programs(chrome, driver), tmp_path / "acc_1")
    assert "QWENPROXY_CHROMEDRIVER" in error.message
    assert manager.asked == []


def test_a_browser_that_was_upgraded_is_asked_about_anew(path: Path, tmp_path: Path, manager: Manager) -> None:
    chrome = program(tmp_path / "bin", "chrome", "")
    program(path, "chromedriver", "echo ChromeDriver 140.0.1")
    programs = Programs(chrome)
    for version in ("156.0.1", "157.0.1"):
        fetched = program(tmp_path / version, "chromedriver", f"echo ChromeDriver {version}")
        manager.answer = {"browser_path": chrome, "driver_path": fetched}
        found = programs.find_fitting(version)
        assert found and found.chromedriver == fetched == programs.find().chromedriver
    os.unlink(programs.find().chromedriver)
    assert programs.find().chromedriver == str(path / "chromedriver"), "what was fetched is gone"


@pytest.mark.parametrize("names", [[], ["chromium"], ["chromedriver"]], ids=["nothing", "browser", "driver"])
def test_what_is_missing_is_fetched_or_told(path: Path, tmp_path: Path, manager: Manager, names: list[str]) -> None:
    for name in names:
        program(path, name, "")
    with pytest.raises(SetupError, match="and the download failed") as caught:
        Programs().find()
    assert str(tmp_path) not in caught.value.client_message
    browser = str(path / "chromium") if "chromium" in names else program(tmp_path / "fetched", "chrome", "")
    manager.answer = {"browser_path": browser, "driver_path": program(tmp_path / "fetched", "driver", "")}
    found = Programs().find()
    assert (found.chrome, found.chromedriver) == (browser, manager.answer["driver_path"])


def test_a_question_that_failed_is_asked_again_after_a_while(tmp_path: Path, manager: Manager) -> None:
    now = [0.0]
    fetcher = Fetcher([], clock=lambda: now[0])
    asked = []
    for seconds, chrome, stamp in (
        (0.0, "/chrome", "1"),
        (ASK_AGAIN - 1, "/chrome", "1"),
        (ASK_AGAIN - 1, "/chrome", "2"),
        (ASK_AGAIN + 1, "/chrome", "1"),
    ):
        now[0] = seconds
        assert fetcher.fetch(chrome, stamp).driver == ""
        asked.append(len(manager.asked))
    assert asked == [1, 1, 2, 3]


def test_what_is_fetched_is_kept_where_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: Manager
) -> None:
    monkeypatch.setattr(fetching, "home_cache", lambda: tmp_path / "home")
    (tmp_path / "file").write_text("")
    Fetcher([tmp_path / "home"]).fetch("/chrome", "")
    Fetcher([tmp_path / "file", tmp_path / "cache"]).fetch("/chrome", "")
    own, other = manager.asked
    assert "--cache-path" not in own
    assert other[other.index("--cache-path") + 1] == str(tmp_path / "cache" / "selenium")


# versions


def test_a_version_is_what_the_program_says_of_itself(tmp_path: Path) -> None:
    assert binary_version(program(tmp_path, "one", "echo Chromium 156.0.8078.108 built on Debian")) == "156.0.8078.108"
    assert binary_version(program(tmp_path, "two", "echo no number")) == ""


def test_the_version_of_chrome_on_windows_is_the_newest_folder_beside_it(tmp_path: Path) -> None:
    """There `chrome.exe --version` opens a window and prints nothing."""
    chrome = program(tmp_path, "chrome.exe", 'echo 1.0 >&2; touch "$0.ran"')
    assert binary_version(chrome) == ""
    for name in ("99.0.1.2", "156.0.8078.108", "156.0.8078.9", "Dictionaries", "SetupMetrics"):
        (tmp_path / name).mkdir()
    assert binary_version(chrome) == "156.0.8078.108"
    assert not (tmp_path / "chrome.exe.ran").exists()
    with pytest.raises(BrowserError):
        binary_version(str(tmp_path / "nowhere" / "chrome.exe"))


def test_a_program_that_fails_or_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "chrome: error while loading shared libraries: libnss3.so: cannot open shared object file"
    with pytest.raises(BrowserError, match="libnss3"):
        binary_version(program(tmp_path, "one", f"echo '{words}' >&2; exit 127"))
    with pytest.raises(BrowserError, match="No such file"):
        binary_version(str(tmp_path / "nowhere"))

    def hang(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 20)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(BrowserError, match="no answer within 20 s") as caught:
        binary_version(str(tmp_path / "one"))
    assert str(tmp_path) not in caught.value.client_message


@pytest.mark.parametrize(
    ("one", "other", "fit"),
    [("156.0.1", "156.9", True), ("156.0", "15.6", False), ("", "156.0", True)],
    ids=["the same", "another", "not known"],
)
def test_versions_fit_by_their_first_number(one: str, other: str, fit: bool) -> None:
    assert same_version(one, other) == same_version(other, one) == fit
