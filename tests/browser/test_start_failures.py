"""A browser that does not start says why, with the cure, in both languages; clients hear of no folder.

The browsers are scripts that say what Chrome says; browser/test_browser_start.py has the real one.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol, cast

import psutil
import pytest
from fake_browser import listening, program, refusal, unfit
from selenium.common.exceptions import WebDriverException

from qwenproxy.browser import attaching, start_failures
from qwenproxy.browser import local as local_module
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.last_words import LENGTH, as_sentence, last_words
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.start_failures import Started, cannot_attach, cannot_run, does_not_run, is_late
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import BrowserError
from qwenproxy.texts import EN, RU, Phrase

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the programs are shell scripts")

HEAD = "[585:585:1126/143405.221460:ERROR:some/file.cc:349] "
NOISE = """/usr/bin/chromium: 9: [: 25325268992: unexpected operator
[1:1:1126/143307.917362:ERROR:third_party/crashpad/crashpad/util/file/filesystem_posix.cc:63] mkdir : No such file (2)
chrome_crashpad_handler: --database is required
[1:2:1126/143308.005178:ERROR:dbus/bus.cc:405] Failed to connect to the bus: Failed to connect to socket /run/dbus/x
(process:1): dconf-CRITICAL **: 14:33:08.145: unable to create directory '/.cache/dconf': Permission denied.
DevTools listening on ws://127.0.0.1:45671/devtools/browser/1d243aa6-dc6b-4531-a788-a53afc1c525b
"""
STACK = """Received signal 6
#0 0x55e8f2ae594a <unknown>
  r8: 0000000000000000  r9: 00007ffd5a1c0e10 r10: 0000000000000008
[end of stack trace]
[940:940:0100/000000.656634:ERROR:content/zygote/zygote_linux.cc:662] write: Broken pipe (32)
"""
# What Chrome or its launcher writes, the status it ends with, and the cure.
ENDINGS = {
    "sandbox": (
        "No usable sandbox! If you are running on Ubuntu 23.10+ see https://x.org/userns.md.",
        1,
        "cure_sandbox",
    ),
    "root": ("Running as root without --no-sandbox is not supported. See https://crbug.com/638180.", 1, "cure_sandbox"),
    "library": (
        "/usr/lib/chromium/chromium: error while loading shared libraries: libnss3.so: cannot open shared object file: "
        "No such file or directory",
        127,
        "cure_libraries",
    ),
    "display": ("Missing X server or $DISPLAY", 1, "cure_display"),
    "profile": ("Failed to create /home/me/profile/SingletonLock: File exists (17)", 21, "cure_profile"),
    "other machine": ("The profile appears to be in use by another Chromium process (4242)", 21, "cure_profile"),
    "hand-over to a browser": ("Opening in existing browser session.", 0, "cure_profile"),
    "shm": ("Creating shared memory in /dev/shm/.org.chromium.x failed: No space left on device (28)", 1, "cure_shm"),
    "disk full": ("Failed to write /home/me/profile/Local State: No space left on device", 1, "cure_disk"),
    "read-only": ("mkdir /home/me/profile: Read-only file system (30)", 1, "cure_disk"),
    "home": ("Failed to get the path for 1001", 134, "cure_rights"),
    "snap": ("cannot create user data directory: /root/snap/chromium/1: Permission denied", 1, "cure_rights"),
    "rights": ("exec: /opt/chrome/chrome: Permission denied", 126, "cure_executable"),
    "kind of machine": ("exec: /opt/chrome/chrome: Exec format error", 126, "cure_architecture"),
    "launcher": ("", 0, "cure_handover"),
    "killed": ("", 137, "cure_memory"),
    "anything else": ("The moon is full", 3, "cure_log"),
    "no word": ("", 3, "cure_log"),
}


class Start(Protocol):
    """Start a browser from two programs, by default a driver that answers; return the error that comes of it."""

    def __call__(self, browser: str, driver: str = "") -> BrowserError: ...


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Return a starter of browsers that do not start."""

    def start(browser: str, driver: str = "") -> BrowserError:
        programs = Programs(browser, driver or listening(tmp_path / "bin", "chromedriver"))
        with pytest.raises(BrowserError) as caught:
            LocalLauncher(programs).launch(AccountFolder(tmp_path / "accounts" / "acc_1"))
        return caught.value

    return start


def places(text: str) -> list[str]:
    """Return what looks like a folder of a machine in a text, other than what the texts name themselves."""
    return [found for found in re.findall(r"(?<![\w:/])/[\w.]+(?:/[\w.-]+)*", text) if found != "/dev/shm"]


def assert_told(error: BrowserError, cure: str, *words: str) -> None:
    """Assert what every error of a browser start has: the sentence, the cure, both languages, no place for clients."""
    assert (error.status, error.code) == (503, "browser_error")
    for lang, catalogue in (("en", EN), ("ru", RU)):
        before, _, after = catalogue[cure].partition("{log}")
        said = error.say(lang)
        assert before in said and after in said
        for word in words:
            assert word in said
    assert places(error.client_message) == []


@pytest.mark.parametrize("noise", ["", NOISE], ids=["quiet", "noise"])
@pytest.mark.parametrize(("words", "status", "cure"), ENDINGS.values(), ids=ENDINGS)
def test_a_browser_that_ends_at_once_says_why(
    start: Start, tmp_path: Path, words: str, status: int, cure: str, noise: str
) -> None:
    (tmp_path / "said").write_text(f"{noise}{HEAD + words if words else ''}\n{STACK if noise else ''}")
    error = start(program(tmp_path / "bin", "chrome", f"cat {tmp_path}/said >&2; exit {status}"))
    told = as_sentence(words)
    assert_told(error, cure, *([told] if told else []), str(status))
    assert str(tmp_path / "bin" / "chrome") in error.message
    assert "chrome " in error.client_message
    assert "devtools" not in error.message.lower(), "who knows that address has the browser"


def test_a_driver_that_ends_at_once_says_why(start: Start, tmp_path: Path) -> None:
    browser = listening(tmp_path / "bin", "chrome")
    words = "chromedriver: error while loading shared libraries: libnss3.so: cannot open shared object file"
    error = start(browser, program(tmp_path / "bin", "driver", f"echo {words!r} >&2; exit 127"))
    assert_told(error, "cure_libraries", words, str(tmp_path / "bin" / "driver"))


def be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (attaching, local_module):
        monkeypatch.setattr(module, "START_WAIT", 0.3)


def test_a_browser_that_hangs_is_told_after_its_time(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_impatient(monkeypatch)
    chrome = program(tmp_path / "bin", "chrome", "exec sleep 600")
    assert_told(start(chrome), "cure_late", chrome)


def test_a_driver_whose_port_never_answers_is_told(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_impatient(monkeypatch)
    chrome, driver = (program(tmp_path / "bin", name, "exec sleep 600") for name in ("chrome", "driver"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports = iter([nullcontext(listener.getsockname()[1]), attaching.kept_port()])
        monkeypatch.setattr(local_module, "kept_port", lambda: next(ports))
        assert_told(start(chrome, driver), "cure_late", driver)


@pytest.mark.parametrize(
    ("words", "cure"),
    [("", "cure_late"), ("moon", "cure_late"), ("No usable sandbox!", "cure_sandbox")],
    ids=["no word", "no cause", "the cause"],
)
def test_a_browser_that_hangs_says_what_may_be_the_cause(tmp_path: Path, words: str, cure: str) -> None:
    (tmp_path / "chrome.log").write_text(f"{NOISE}{words}\n")
    error = is_late(Started("/opt/chrome", cast("subprocess.Popen[bytes]", None), tmp_path / "chrome.log"), 20.0)
    assert_told(error, cure, "/opt/chrome", "20 ")
    assert ("moon" in error.message, "sandbox!" in error.message) == (False, "sandbox" in cure)


def test_a_driver_of_another_version_names_both(start: Start, tmp_path: Path) -> None:
    driver = listening(tmp_path / "bin", "driver", unfit("140", "156.0.8078.108"))
    error = start(listening(tmp_path / "bin", "chrome"), driver)
    words = "This version of ChromeDriver only supports Chrome version 140."
    assert_told(error, "cure_versions_named", " 140,", " 156.0.8078.108 ", words)


def test_a_driver_that_cannot_attach_says_what_it_says(start: Start, tmp_path: Path) -> None:
    said = "session not created: cannot connect to chrome at 127.0.0.1:9222\nfrom chrome not reachable"
    error = start(listening(tmp_path / "bin", "chrome"), listening(tmp_path / "bin", "driver", refusal(said)))
    assert_told(error, "cure_log", "cannot connect to chrome at 127.0.0.1:9222 from chrome not reachable.")
    assert "<unknown>" not in error.message


def test_a_driver_that_answers_nonsense_is_told(start: Start, tmp_path: Path) -> None:
    error = start(listening(tmp_path / "bin", "chrome"), listening(tmp_path / "bin", "driver", (500, "?")))
    assert_told(error, "cure_log")


def test_a_browser_that_dies_before_the_driver_has_it_has_the_last_word(tmp_path: Path) -> None:
    """The driver can only tell that it reaches nobody."""
    process = subprocess.Popen(["sleep", "600"])
    (tmp_path / "chrome.log").write_text("[9:9:1126/1.1:FATAL:gpu/x.cc:4] GPU process isn't usable. Goodbye.\n")
    browser = Started("/opt/chrome", process, tmp_path / "chrome.log")
    process.kill()
    process.wait()
    error = cannot_attach(WebDriverException("chrome not reachable"), browser, driver_named=False)
    assert_told(error, "cure_memory", "GPU process isn't usable. Goodbye.", "SIGKILL")


REFUSED = {
    "not executable": (errno.EACCES, "cure_executable"),
    "kind of machine": (errno.ENOEXEC, "cure_architecture"),
    "memory": (errno.ENOMEM, "cure_memory"),
    "gone": (errno.ENOENT, "install_browser"),
    "something": (errno.EIO, "install_browser"),
}


@pytest.mark.parametrize(("number", "cure"), REFUSED.values(), ids=REFUSED)
def test_a_program_that_the_system_refuses_says_why(number: int, cure: str) -> None:
    error = cannot_run("/opt/chrome/chrome", OSError(number, os.strerror(number), "/opt/chrome/chrome"))
    assert_told(error, cure, os.strerror(number), "/opt/chrome/chrome")
    assert error.message.count("/opt/chrome/chrome") == 1


def test_a_program_on_a_disk_without_programs_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_failures, "forbids_programs", lambda path: True)
    error = cannot_run("/opt/chrome/chrome", PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    assert_told(error, "cure_noexec", "/opt/chrome/chrome")


def test_a_disk_that_is_asked_says_whether_programs_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not start_failures.forbids_programs(tmp_path / "nowhere")
    told = os.statvfs(tmp_path)
    for flags, forbidden in ((os.ST_NOEXEC, True), (0, False)):
        monkeypatch.setattr(os, "statvfs", lambda _, flags=flags: os.statvfs_result([*told[:8], flags, told[9]]))
        assert start_failures.forbids_programs(tmp_path) == forbidden


def test_a_file_that_is_no_program_is_told(start: Start, tmp_path: Path) -> None:
    browser = program(tmp_path / "bin", "chrome", "")
    Path(browser).write_bytes(b"\x7fELF" + bytes(60))
    assert_told(start(browser), "cure_architecture", browser)


def test_a_program_that_does_not_say_its_version_is_told() -> None:
    error = does_not_run("/usr/bin/chrome", 127, "chrome: error while loading shared libraries: libnss3.so")
    assert_told(error, "cure_libraries", "/usr/bin/chrome", "libnss3.so")
    assert_told(does_not_run("/usr/bin/chrome", 1, ""), "install_browser")


# nothing runs on


def test_a_launcher_that_hands_over_leaves_no_browser(start: Start, tmp_path: Path) -> None:
    waiting = f"exec {sys.executable} -c 'import sys, time; time.sleep(600)' \"$@\""
    browser = program(tmp_path / "bin", "browser", waiting)
    error = start(program(tmp_path / "bin", "chrome", f'{browser} "$@" >/dev/null 2>&1 & exit 0'))
    assert_told(error, "cure_handover")
    profile = f"--user-data-dir={tmp_path / 'accounts' / 'acc_1' / 'profile'}"
    assert [one for one in psutil.process_iter(["cmdline"]) if profile in (one.info["cmdline"] or ())] == []


# what is said of the words themselves


def test_the_fatal_line_says_more_than_the_last_one() -> None:
    fatal = "[9:9:1126/143507.779325:FATAL:gpu/data_manager.cc:417] GPU process isn't usable. Goodbye."
    assert last_words(f"{fatal}\n{HEAD}Something else\n") == ("GPU process isn't usable. Goodbye.", "")


SECRETS = [
    "bad token eyJhbGciOi.eyJpZCI6.c2lnbmF0dXJl here",
    "proxy http://me:secret@proxy.example:8080 refused",
    "GET https://chat.qwen.ai/auth?code=secret failed",
    "Cookie: token=secret",
    "password=secret",
]


@pytest.mark.parametrize("line", SECRETS, ids=["JWT", "proxy", "address", "cookie", "password"])
def test_no_secret_is_repeated(line: str) -> None:
    said = as_sentence(line)
    assert said and "secret" not in said and "eyJ" not in said


def test_a_long_or_coloured_line_is_made_fit() -> None:
    assert as_sentence("\x1b[31mred\x1b[0m\x07") == "red."
    assert len(as_sentence("x" * 5000)) <= LENGTH + 4
    assert as_sentence("First one. Second one. " + "x" * 5000) == "First one. Second one."
    assert as_sentence("  ") == ""


PATHS = [
    (OSError(errno.ENOENT, "No such file or directory", "/home/me/chrome"), "No such file or directory"),
    (Path("/home/me/chrome"), "chrome"),
    ("'/home/John Doe/my chrome': bad", "my chrome: bad"),
    ("at /home/John Doe/chromium: bad", "at chromium: bad"),
    ("in ~/x/y, ../x/y and file:///x/y", "in y, y and y"),
    (r"C:\Users\me\chrome.exe fails", "chrome.exe fails"),
    ("PATH=/usr/bin:/opt/x/y", "PATH=bin:y"),
    ("see https://x.org/a/b and text/html", "see https://x.org/a/b and text/html"),
]


@pytest.mark.parametrize(
    ("value", "rest"), PATHS, ids=["error", "path", "quotes", "space", "relative", "Windows", "PATH", "no path"]
)
@pytest.mark.parametrize("nested", [False, True], ids=["phrase", "nested"])
def test_no_value_of_a_phrase_tells_a_client_where_things_are(value: object, rest: str, nested: bool) -> None:
    words = Phrase("program_fails", path="x", reason=value, advice="-")
    error = BrowserError(Phrase("browser_cannot_start", path="x", reason="y", cure=words) if nested else words)
    assert f"({rest})" in error.client_message
    assert f"({value})" in error.message
