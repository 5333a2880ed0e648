"""The virtual screen: who may look at it, what happens when it does not come up, and in which order it ends."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fake_browser import listening, program

from qwenproxy.browser import display as display_module
from qwenproxy.browser import profile as profile_module
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.chrome_flags import Wishes, command
from qwenproxy.browser.display import Display, Screen, find_xvfb, missing_fonts
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.profile import ProfileClaim, end_orphans, end_processes
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import BrowserError, SetupError
from qwenproxy.texts import EN

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is a virtual screen on Linux only")

WAITS = "while :; do sleep 0.05; done"
NAMES_DISPLAY = f"echo 7 > /dev/fd/$2; {WAITS}"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the beginning of the PATH of this process."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"), prepend=os.pathsep)
    return tmp_path / "path"


@pytest.fixture
def folder(tmp_path: Path) -> AccountFolder:
    folder = SessionFolder(tmp_path / "session").account("acc_1")
    folder.path.mkdir(parents=True)
    return folder


def started(folder: AccountFolder) -> tuple[Display, psutil.Process]:
    """Start a screen; return it and its process."""
    recorded: list[int] = []
    display = Display.start(folder, recorded.append)
    [pid] = recorded
    return display, psutil.Process(pid)


def runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def cookies(authority: Path) -> list[tuple[int, list[bytes]]]:
    """Return family and fields of each entry of an X authority file."""
    data, entries = authority.read_bytes(), []
    while data:
        (family,), data = struct.unpack(">H", data[:2]), data[2:]
        fields = []
        for _ in range(4):
            (length,) = struct.unpack(">H", data[:2])
            fields.append(data[2 : 2 + length])
            data = data[2 + length :]
        entries.append((family, fields))
    return entries


def test_only_who_reads_the_accounts_folder_may_look(folder: AccountFolder, path: Path) -> None:
    program(path, "Xvfb", NAMES_DISPLAY)
    folder.display_authority.write_text("old, and open to everybody")
    folder.display_authority.chmod(0o644)
    seen = []
    for _ in range(2):
        display, process = started(folder)
        assert folder.display_authority.stat().st_mode & 0o777 == 0o600
        [(family, [host, number, kind, cookie])] = cookies(folder.display_authority)
        assert (family, host, number, kind, len(cookie)) == (0xFFFF, b"", b"", b"MIT-MAGIC-COOKIE-1", 16)
        words = process.cmdline()
        assert words[words.index("-auth") + 1] == str(folder.display_authority)
        assert cookie.hex() not in " ".join(words)
        assert words[-3:] == ["-nolisten", "tcp", "-terminate"]
        seen.append(cookie)
        display.close()
        display.close()
        assert not process.is_running()
        assert not folder.display_authority.exists()
    assert seen[0] != seen[1]


def test_chrome_alone_gets_the_screen(folder: AccountFolder, path: Path) -> None:
    program(path, "Xvfb", NAMES_DISPLAY)
    display, _ = started(folder)
    persons = {
        "DISPLAY": ":0",
        "XAUTHORITY": "/home/me/.Xauthority",
        "WAYLAND_DISPLAY": "wayland-0",
        "HOME": "/home/me",
    }
    own = {"DISPLAY": ":7", "XAUTHORITY": str(folder.display_authority), "HOME": "/home/me"}
    assert display.environment(persons) == own
    assert os.environ.get("DISPLAY") != ":7"
    display.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("echo '(EE) Fatal server error: no room' >&2; exit 1", "(EE) Fatal server error: no room."),
        ("exit 1", "gave no reason"),
        ("printf 7 > /dev/fd/$2; exit 1", "ended at once"),
        ("exec sleep 600", "did not start within 0 s"),
        ("printf 7 > /dev/fd/$2; exec sleep 600", "did not start within 0 s"),
        (f"trap '' TERM; {WAITS}", "did not start within 0 s"),
    ],
    ids=["says why", "silent", "half a name", "hangs", "hangs within its name", "hangs and hears nothing"],
)
def test_a_screen_that_does_not_come_up(
    folder: AccountFolder, path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    monkeypatch.setattr(display_module, "START_WAIT", 0.3 if "sleep" in code else 30.0)
    for module in (display_module, profile_module):
        monkeypatch.setattr(module, "END_WAIT", 0.3)
    program(path, "Xvfb", f"echo $$ > {path}/started; {code}")
    programs = Programs(program(path, "chrome", "exec sleep 600"), listening(path, "chromedriver"))
    with pytest.raises(BrowserError) as caught:
        LocalLauncher(programs, "virtual").launch(folder)
    assert words in caught.value.message
    assert not folder.browser_note.exists()
    ProfileClaim.take(folder).release()
    assert not runs(int((path / "started").read_text())), "it outlives its start"
    assert not [each for each in psutil.process_iter(["cmdline"]) if str(path) in (each.info["cmdline"] or [""])[-1]]
    assert not folder.display_authority.exists()


def test_without_xvfb_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    chrome, driver = program(tmp_path, "chrome", ""), program(tmp_path, "driver", "")
    with pytest.raises(SetupError) as caught:
        LocalLauncher(Programs(chrome, driver), "virtual").check()
    for package in ("apt-get install xvfb", "dnf install xorg-x11-server-Xvfb", "pacman -S xorg-server-xvfb"):
        assert package in caught.value.message
        assert package in caught.value.say("ru")
    LocalLauncher(Programs(chrome, driver), "none").check()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_there_is_no_virtual_screen(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(SetupError) as caught:
        find_xvfb()
    assert caught.value.message == EN["virtual_needs_linux"]


@pytest.mark.parametrize(
    ("screen", "windows", "headless"),
    [("none", False, True), ("person", False, False), ("virtual", True, False)],
)
def test_what_chrome_is_told_of_its_screen(screen: Screen, windows: bool, headless: bool) -> None:
    line = command("chrome", Path("profile"), 1, Wishes(screen))
    assert ("--headless=new" in line) == headless
    assert ("--window-size=1280,800" in line) == windows
    assert ("--ozone-platform=x11" in line) == windows


@pytest.mark.parametrize(
    ("listed", "missing"),
    [
        ("", ["fonts-noto-cjk", "fonts-noto-color-emoji"]),
        ("[ $1 = :lang=zh-cn ] && echo /usr/share/fonts/cjk.ttc; true", ["fonts-noto-color-emoji"]),
        ("echo /usr/share/fonts/all.ttc", []),
        ("exit 1", ["fonts-noto-cjk", "fonts-noto-color-emoji"]),
    ],
    ids=["none", "no emoji", "all", "fails"],
)
def test_missing_fonts_are_named_by_package(path: Path, listed: str, missing: list[str]) -> None:
    program(path, "fc-list", listed)
    assert missing_fonts() == missing


def test_without_fontconfig_that_is_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_fonts() == ["fontconfig"]


@contextlib.contextmanager
def running(*command: str) -> Iterator[psutil.Process]:
    """Run a program until the end of the block."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "up\n"
        yield psutil.Process(process.pid)
        process.kill()


@pytest.mark.parametrize("by_guard", [True, False], ids=["guard", "next start"])
def test_a_screen_that_no_record_names_ends_with_the_leftovers(
    folder: AccountFolder, path: Path, by_guard: bool
) -> None:
    screen = program(path, "Xvfb", f"echo up; {WAITS}")
    folder.browser_note.write_text("{}")
    neighbour = folder.session.account("acc_2").display_authority
    with (
        running(screen, "-auth", str(folder.display_authority.resolve())) as process,
        running(screen, "-auth", str(neighbour)) as other,
    ):
        if by_guard:
            end_orphans(folder.session)
        else:
            ProfileClaim.take(folder).release()
        assert process.status() == psutil.STATUS_ZOMBIE
        assert other.status() != psutil.STATUS_ZOMBIE


def test_a_browser_ends_before_its_screen(path: Path, tmp_path: Path) -> None:
    """A browser that loses its screen ends without writing its profile."""
    order = tmp_path / "order"
    code = f"trap 'echo %s >> {order}; exit' TERM; echo up; while :; do sleep 0.01; done"
    screen, browser = program(path, "Xvfb", code % "screen"), program(path, "chrome", "sleep 0.1;" + code % "browser")
    with running(screen) as first, running(browser) as second:
        end_processes([first, second])
        assert order.read_text().split() == ["browser", "screen"]
