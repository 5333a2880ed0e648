"""What the doctor finds out about this machine and the session folder, each trouble with its remedy.

Looks only: changes nothing but what opening the session folder mends by itself. Knows no accounts' logins; those are
asked for in doctor.py.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from qwenproxy.assembly import launcher_for
from qwenproxy.browser.binaries import binary_version, same_version
from qwenproxy.browser.profile import profile_owner
from qwenproxy.browser.start_failures import cure_versions
from qwenproxy.cli.console import Console
from qwenproxy.cli.keys import known_keys
from qwenproxy.cli.settings import command_line
from qwenproxy.disk.claim import RunningServer
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import SetupError
from qwenproxy.server import listening_advice
from qwenproxy.server.listening import listening_error

Level = Literal["ok", "warning", "wrong"]
ICONS = {"ok": "✅", "warning": "⚠️ ", "wrong": "❌"}
ROOM = 1_000_000  # bytes that have to be free for chats, tokens and what a browser writes at its start
CLOCK_TOLERANCE = 120.0  # seconds the clock may be off: tokens and rests are compared with it


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. Whatever is not `ok` has a remedy."""

    level: Level
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return icon and text, and the remedy on a line of its own."""
        return f"{ICONS[self.level]} {self.text}" + (f"\n   -> {self.remedy}" if self.remedy else "")


def browser_findings(console: Console) -> Iterator[Finding]:
    """Tell whether there is a browser, a driver, and whether they belong together."""
    try:
        programs = launcher_for(console.config).programs
        binaries = programs.find()
        browser, driver = binary_version(binaries.chrome), binary_version(binaries.chromedriver)
        fitting = None if same_version(browser, driver) else programs.find_fitting(browser)
        if fitting is not None:  # a browser start would take it, too
            binaries, driver = fitting, binary_version(fitting.chromedriver)
    except SetupError as error:
        yield Finding("wrong", console.say("doctor_no_browser"), error.say(console.config.lang))
        return
    yield Finding("ok", console.say("doctor_browser", path=binaries.chrome, version=browser))
    yield Finding("ok", console.say("doctor_driver", path=binaries.chromedriver, version=driver))
    if same_version(browser, driver):
        yield Finding("ok", console.say("doctor_versions"))
    else:
        said = console.say("doctor_versions_differ", browser=browser, driver=driver)
        yield Finding("wrong", said, cure_versions(programs.driver_named).say(console.config.lang))


def folder_findings(console: Console) -> Iterator[Finding]:
    """Tell whether the session folder can be written, and by nobody else."""
    named = console.config.session_dir
    folder = next((one for one in (named, *named.absolute().parents) if one.exists()), named)
    if _read_only(folder):
        # Whoever owns it and whatever its rights are: no command on files helps.
        yield Finding("wrong", console.say("doctor_read_only", path=folder), console.say("doctor_read_only_remedy"))
        return
    if shutil.disk_usage(folder).free < ROOM:
        yield Finding("wrong", console.say("doctor_disk_full", path=folder), console.say("doctor_disk_remedy"))
    if folder != named:
        yield from _place_findings(console, folder)
        return
    tokens = (one.token for one in console.session.account_folders() if one.token.exists())
    paths = [folder, *sorted([*folder.glob("*"), *console.session.accounts.glob("*"), *tokens])]
    locked = [path for path in paths if not os.access(path, os.W_OK)]
    open_to_all = [path for path in paths if _is_open(path)]
    for path in locked:
        yield Finding("wrong", console.say("doctor_locked", path=path), console.say("doctor_locked_remedy", path=path))
    for path in open_to_all:
        remedy = console.say("doctor_open_remedy", path=path)
        yield Finding("wrong", console.say("doctor_open", path=path), remedy)
    if not locked and not open_to_all:
        yield Finding("ok", console.say("doctor_folder", path=folder))
    for path in paths:
        if ".corrupt-" in path.name:
            yield Finding("warning", console.say("doctor_corrupt", path=path), console.say("doctor_corrupt_remedy"))


def _place_findings(console: Console, place: Path) -> Iterator[Finding]:
    """Tell whether a session folder that is not there yet can be made in `place`."""
    if os.access(place, os.W_OK):
        yield Finding("ok", console.say("doctor_no_folder", path=console.config.session_dir))
    else:
        remedy = console.say("doctor_locked_remedy", path=place)
        yield Finding("wrong", console.say("doctor_locked", path=place), remedy)


def _is_open(path: Path) -> bool:
    """Tell whether others may read or change what is kept here; what git shall pass over is told to everybody."""
    return os.name == "posix" and path.name != ".gitignore" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _read_only(folder: Path) -> bool:
    return sys.platform != "win32" and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def profile_findings(console: Console) -> Iterator[Finding]:
    """Tell which profiles are open elsewhere, and what interrupted logins left."""
    known = {account.id for account in console.accounts()}
    held = False
    for folder in console.session.account_folders():
        owner, stranger = profile_owner(folder), _foreign_browser(folder)
        if owner is not None:
            held = True
            yield Finding("ok", console.say("doctor_profile_open", id=folder.id, pid=owner))
        elif stranger is not None:
            held = True
            said = console.say("doctor_profile_foreign", id=folder.id, pid=stranger)
            yield Finding("wrong", said, console.say("doctor_profile_remedy", pid=stranger))
        elif folder.id not in known:
            remedy = console.command("account", "remove", folder.id)
            yield Finding("warning", console.say("doctor_leftover", id=folder.id), remedy)
    if known and not held:
        yield Finding("ok", console.say("doctor_profiles"))


def port_finding(console: Console, server: RunningServer | None) -> Finding:
    """Tell whether the proxy can listen, or already does: then `server` is there."""
    config = console.config
    if server is not None:
        key = "doctor_running" if server.url else "doctor_running_silent"
        return Finding("ok", console.say(key, pid=server.pid or "?", url=server.url))
    error = listening_error(config.host, config.port)
    if error is not None:
        reason = getattr(error, "strerror", None) or error
        said = console.say("doctor_port_taken", host=config.host, port=config.port, reason=reason)
        return Finding("wrong", said, listening_advice(config.host, error).say(config.lang))
    return Finding("ok", console.say("doctor_port", host=config.host, port=config.port))


def door_findings(console: Console) -> Iterator[Finding]:
    """Tell whether other machines are to be let in without any key, which `start` refuses."""
    config = console.config
    try:
        if not (config.is_loopback or listening_error(config.host, 0) or known_keys(config)):
            said = console.say("doctor_no_key", host=config.host)
            yield Finding("wrong", said, command_line(config, "keys", "add"))
    except SetupError as error:
        yield Finding("wrong", error.say(config.lang), command_line(config, "keys", "list"))


def clock_finding(console: Console, clock_error: float | None, *, held: bool = False) -> Finding:
    """Tell whether this clock agrees with the site's.

    `clock_error` is in seconds, None where it is not known; `held` says that a running process has accounts open,
    which therefore were not asked.
    """
    if clock_error is None and held:
        return Finding("ok", console.say("doctor_clock_held"))
    if clock_error is None:
        return Finding("warning", console.say("doctor_clock_unknown"), console.say("doctor_clock_unknown_remedy"))
    if abs(clock_error) > CLOCK_TOLERANCE:
        said = console.say("doctor_clock_wrong", seconds=f"{clock_error:+.0f}")
        return Finding("wrong", said, console.say("doctor_clock_remedy"))
    return Finding("ok", console.say("doctor_clock"))


def _foreign_browser(folder: AccountFolder) -> int | None:
    """Return the process id of a browser that somebody opened on the profile by hand."""
    if folder.browser_note.exists():
        return None  # a killed server's own, ended when the profile is opened next
    try:
        # Chrome notes host and process id as the target of a link.
        pid = int(os.readlink(folder.profile / "SingletonLock").rpartition("-")[2])
        return pid if "chrom" in psutil.Process(pid).name().lower() else None
    except (OSError, ValueError, psutil.Error):
        return None
