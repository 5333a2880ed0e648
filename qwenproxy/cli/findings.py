"""The doctor's findings about this machine and the session folder, each problem with its remedy.

Changes nothing, except for repairs that opening the session folder makes itself. doctor.py asks about the logins.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from qwenproxy.assembly import grid_of, programs_of
from qwenproxy.browser.binaries import binary_version, same_version
from qwenproxy.browser.display import find_xvfb, missing_fonts
from qwenproxy.browser.profile import profile_owner
from qwenproxy.browser.start_failures import cure_versions
from qwenproxy.cli.console import Console
from qwenproxy.cli.finding import Finding
from qwenproxy.cli.grid_findings import grid_findings
from qwenproxy.cli.keys import read_keys
from qwenproxy.cli.session import folder_served_below
from qwenproxy.cli.settings import command_line
from qwenproxy.config import has_no_screen
from qwenproxy.disk.claim import RunningServer
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import SetupError
from qwenproxy.server import OLLAMA_PORT, PORT, listening_advice
from qwenproxy.server.listening import listening_error

FREE_SPACE = 1_000_000  # bytes that chats, tokens and a browser's start need on the disk
CLOCK_TOLERANCE = 120.0  # seconds; a larger error misjudges tokens and rests


def sandbox_findings(console: Console) -> Iterator[Finding]:
    """Point out that the only running server uses the sandbox's folder."""
    if folder := folder_served_below(console.config):
        text = console.say("served_below", folder=folder, here=console.config.session_dir)
        yield Finding("warning", text, f'qwenproxy doctor --session-dir "{folder}"')


def browser_findings(console: Console) -> Iterator[Finding]:
    """Check browser and driver, and that their versions match; or the Grid where browsers open."""
    if hub := grid_of(console.config):
        yield from grid_findings(console, hub)
        return
    try:
        programs = programs_of(console.config)
        binaries = programs.find()
        browser, driver = binary_version(binaries.chrome), binary_version(binaries.chromedriver)
        fitting = None if same_version(browser, driver) else programs.find_fitting(browser)
        if fitting is not None:  # a browser start would use it, too
            binaries, driver = fitting, binary_version(fitting.chromedriver)
    except SetupError as error:
        yield Finding("wrong", console.say("doctor_no_browser"), error.say(console.config.lang))
        return
    yield Finding("ok", console.say("doctor_browser", path=binaries.chrome, version=browser))
    yield Finding("ok", console.say("doctor_driver", path=binaries.chromedriver, version=driver))
    if same_version(browser, driver):
        yield Finding("ok", console.say("doctor_versions"))
    else:
        text = console.say("doctor_versions_differ", browser=browser, driver=driver)
        yield Finding("wrong", text, cure_versions(programs.driver_named).say(console.config.lang))


def screen_findings(console: Console) -> Iterator[Finding]:
    """Check what the browsers' windows need; nothing where the settings want none here."""
    headless = "" if console.config.grid_url else console.config.headless
    if headless == "0" and has_no_screen():
        yield Finding("wrong", console.say("doctor_no_screen"), console.say("doctor_no_screen_remedy"))
    if headless != "virtual":
        return
    try:
        yield Finding("ok", console.say("doctor_xvfb", path=find_xvfb()))
    except SetupError as error:
        yield Finding("wrong", console.say("doctor_no_xvfb"), error.say(console.config.lang))
    packages = " ".join(missing_fonts())
    if packages:
        remedy = console.say("doctor_no_fonts_remedy", packages=packages)
        yield Finding("warning", console.say("doctor_no_fonts"), remedy)
    else:
        yield Finding("ok", console.say("doctor_fonts"))


def folder_findings(console: Console) -> Iterator[Finding]:
    """Check that we can write the session folder, and that others can neither read nor write it."""
    session_dir = console.config.session_dir
    folder = next((one for one in (session_dir, *session_dir.absolute().parents) if one.exists()), session_dir)
    if _is_read_only(folder):
        # Stop here, because no change of owner or rights helps on a read-only disk.
        yield Finding("wrong", console.say("doctor_read_only", path=folder), console.say("doctor_read_only_remedy"))
        return
    if shutil.disk_usage(folder).free < FREE_SPACE:
        yield Finding("wrong", console.say("doctor_disk_full", path=folder), console.say("doctor_disk_remedy"))
    if folder != session_dir:
        yield from _parent_findings(console, folder)
        return
    accounts = console.session.account_folders()
    secrets = (path for one in accounts for path in (one.token, one.proxy) if path.exists())
    paths = [folder, *sorted([*folder.glob("*"), *console.session.accounts.glob("*"), *secrets])]
    read_only = [path for path in paths if not os.access(path, os.W_OK)]
    public = [path for path in paths if _is_public(path)]
    for path in read_only:
        yield Finding("wrong", console.say("doctor_locked", path=path), console.say("doctor_locked_remedy", path=path))
    for path in public:
        remedy = console.say("doctor_open_remedy", path=path)
        yield Finding("wrong", console.say("doctor_open", path=path), remedy)
    if not read_only and not public:
        yield Finding("ok", console.say("doctor_folder", path=folder))
    for path in paths:
        if ".corrupt-" in path.name:
            yield Finding("warning", console.say("doctor_corrupt", path=path), console.say("doctor_corrupt_remedy"))


def _parent_findings(console: Console, parent: Path) -> Iterator[Finding]:
    """Check that the missing session folder can be created below `parent`."""
    if os.access(parent, os.W_OK):
        yield Finding("ok", console.say("doctor_no_folder", path=console.config.session_dir))
    else:
        remedy = console.say("doctor_locked_remedy", path=parent)
        yield Finding("wrong", console.say("doctor_locked", path=parent), remedy)


def _is_public(path: Path) -> bool:
    """Tell whether other users may read or write this file; `.gitignore` is exempt."""
    return os.name == "posix" and path.name != ".gitignore" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _is_read_only(folder: Path) -> bool:
    return sys.platform != "win32" and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def profile_findings(console: Console) -> Iterator[Finding]:
    """Check for profiles that other processes have open, and for folders that unfinished logins left."""
    account_ids = {account.id for account in console.accounts()}
    any_open = False
    for folder in console.session.account_folders():
        owner, stranger = profile_owner(folder), _foreign_browser(folder)
        if owner is not None:
            any_open = True
            yield Finding("ok", console.say("doctor_profile_open", id=folder.id, pid=owner))
        elif stranger is not None:
            any_open = True
            text = console.say("doctor_profile_foreign", id=folder.id, pid=stranger)
            yield Finding("wrong", text, console.say("doctor_profile_remedy", pid=stranger))
        elif folder.id not in account_ids:
            remedy = console.command("account", "remove", folder.id)
            yield Finding("warning", console.say("doctor_leftover", id=folder.id), remedy)
    if account_ids and not any_open:
        yield Finding("ok", console.say("doctor_profiles"))


def port_finding(console: Console, server: RunningServer | None) -> Finding:
    """Check that the proxy can listen; `server` is the one that already does."""
    config = console.config
    if server is not None:
        key = "doctor_running" if server.url else "doctor_running_silent"
        return Finding("ok", console.say(key, pid=server.pid or "?", url=server.url))
    return _listening_finding(console, config.port, PORT)


def ollama_port_findings(console: Console, server: RunningServer | None) -> Iterator[Finding]:
    """Check that the proxy can also listen where Ollama's API is at the root; nothing if a `server` runs."""
    port = console.config.ollama_port
    if port is None or server is not None:
        return
    if port and port == console.config.port:
        text = console.say("doctor_same_ports", port=port)
        yield Finding("wrong", text, console.say("doctor_same_ports_remedy"))
    else:
        yield _listening_finding(console, port, OLLAMA_PORT)


def _listening_finding(console: Console, port: int, setting: str) -> Finding:
    """Check that we can listen on a port; `setting` names the one that chooses it."""
    host = console.config.host
    error = listening_error(host, port)
    if error is None:
        return Finding("ok", console.say("doctor_port", host=host, port=port))
    reason = getattr(error, "strerror", None) or error
    text = console.say("doctor_port_taken", host=host, port=port, reason=reason)
    return Finding("wrong", text, listening_advice(host, error, setting).say(console.config.lang))


def door_findings(console: Console) -> Iterator[Finding]:
    """Check that other machines need a key, because `start` refuses to let them in without one."""
    config = console.config
    try:
        if not (config.is_loopback or listening_error(config.host, 0) or read_keys(config)):
            text = console.say("doctor_no_key", host=config.host)
            yield Finding("wrong", text, command_line(config, "keys", "add"))
    except SetupError as error:
        yield Finding("wrong", error.say(config.lang), command_line(config, "keys", "list"))


def clock_finding(console: Console, clock_error: float | None, *, in_use: bool = False) -> Finding:
    """Check that this clock agrees with the site's.

    `clock_error` is in seconds, None where nobody could compare; `in_use` says that a running process has an account
    open, so that we did not ask the site about it.
    """
    if clock_error is None and in_use:
        return Finding("ok", console.say("doctor_clock_held"))
    if clock_error is None:
        return Finding("warning", console.say("doctor_clock_unknown"), console.say("doctor_clock_unknown_remedy"))
    if abs(clock_error) > CLOCK_TOLERANCE:
        text = console.say("doctor_clock_wrong", seconds=f"{clock_error:+.0f}")
        return Finding("wrong", text, console.say("doctor_clock_remedy"))
    return Finding("ok", console.say("doctor_clock"))


def _foreign_browser(folder: AccountFolder) -> int | None:
    """Return the process id of a browser that a person opened on the profile; None for none."""
    if folder.browser_note.exists():
        return None  # the browser of a killed server; the next opening of the profile ends it
    try:
        # Chrome writes `host-pid` as the target of this link.
        pid = int(os.readlink(folder.profile / "SingletonLock").rpartition("-")[2])
        return pid if "chrom" in psutil.Process(pid).name().lower() else None
    except (OSError, ValueError, psutil.Error):
        return None
