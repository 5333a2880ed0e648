"""Explain why a browser or its driver did not start: make the error, with the program's own words and the cure.

Called by local.py and binaries.py after a failure. Reads the output of processes; starts and ends nothing.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from selenium.common.exceptions import WebDriverException

from qwenproxy.browser.last_words import TAIL, as_sentence, last_words
from qwenproxy.errors import BrowserError
from qwenproxy.texts import Phrase

_DRIVERS_VERSION = re.compile(r"only supports \D*version (\d+)", re.IGNORECASE)
_BROWSERS_VERSION = re.compile(r"browser version is (\d[\d.]*)", re.IGNORECASE)
_CURE_OF_ERRNO = {
    errno.ENOEXEC: "cure_architecture",
    errno.ENOMEM: "cure_memory",
    errno.EAGAIN: "cure_memory",
    errno.ENOSPC: "cure_disk",
    errno.EACCES: "cure_executable",
    errno.EPERM: "cure_executable",
}


@dataclass(frozen=True, slots=True)
class Started:
    """A browser or driver after its launch, and the file for its output."""

    path: str
    process: subprocess.Popen[bytes]
    log: Path


class EndedAtStart(BrowserError):
    """A browser or driver ended during its start, and nobody knows why: its profile may be damaged."""


def cannot_run(path: str, error: OSError) -> BrowserError:
    """Return the error for a program that the system refuses to start."""
    cure = _CURE_OF_ERRNO.get(error.errno or 0)
    if cure == "cure_executable" and forbids_programs(Path(path)):
        cure = "cure_noexec"
    advice = Phrase(cure) if cure else Phrase("install_browser")
    return BrowserError(Phrase("browser_cannot_start", path=path, reason=error.strerror or error, cure=advice))


def forbids_programs(path: Path) -> bool:
    """Return True if the disk of `path` is mounted with noexec."""
    if sys.platform == "win32":
        return False
    try:
        return bool(os.statvfs(path).f_flag & os.ST_NOEXEC)
    except OSError:
        return False


def has_ended(started: Started) -> BrowserError:
    """Return the error for a browser or driver that ended during its start."""
    words, cure = _read_words(started.log)
    status = started.process.returncode
    cure = cure or _cure_of(status)
    advice = Phrase(cure) if cure else Phrase("cure_log", log=started.log)
    kind = BrowserError if cure else EndedAtStart
    if not words:
        return kind(Phrase("browser_ended_silent", path=started.path, how=_how(status), cure=advice))
    return kind(Phrase("browser_ended", path=started.path, how=_how(status), words=words, cure=advice))


def is_late(started: Started, seconds: float) -> BrowserError:
    """Return the error for a browser or driver that runs, but does not answer within so many seconds."""
    words, cure = _read_words(started.log)
    wait = f"{seconds:.0f}"
    if not cure:  # other output may have another reason
        return BrowserError(
            Phrase("browser_late", path=started.path, seconds=wait, cure=Phrase("cure_late", log=started.log))
        )
    return BrowserError(
        Phrase("browser_late_saying", path=started.path, seconds=wait, words=words, cure=Phrase(cure)),
    )


def does_not_run(path: str, status: int, output: str) -> BrowserError:
    """Return the error for a program that cannot even print its version."""
    words, cure = last_words(output)
    advice = Phrase(cure or _cure_of(status) or "install_browser")
    return BrowserError(Phrase("program_fails_saying", path=path, how=_how(status), words=words or "-", cure=advice))


def unfit_versions(error: Exception) -> tuple[str, str] | None:
    """Return the driver's and the browser's version if the error says that they do not fit, else None."""
    if not isinstance(error, WebDriverException):
        return None
    driver, browser = _DRIVERS_VERSION.search(error.msg or ""), _BROWSERS_VERSION.search(error.msg or "")
    return (driver[1], browser[1].rstrip(".")) if driver and browser else None


def cannot_attach(error: Exception, browser: Started, *, driver_named: bool) -> BrowserError:
    """Return the error for a driver that runs, but cannot attach to the browser.

    `driver_named` is True if a setting names the driver.
    """
    message = str(getattr(error, "msg", None) or "").partition("; For documentation on this error")[0]
    lines = [line for line in message.splitlines() if line.strip()]
    versions = unfit_versions(error)
    if versions:
        line = next(line for line in lines if _DRIVERS_VERSION.search(line))
        words = as_sentence(line.removeprefix("from ").replace("session not created: ", ""))
        return driver_unfit(*versions, words=words, driver_named=driver_named)
    if browser.process.poll() is not None:
        return has_ended(browser)
    words = as_sentence(" ".join(lines)) if lines else f"{type(error).__name__}."
    return BrowserError(Phrase("driver_cannot_attach", words=words, cure=Phrase("cure_log", log=browser.log)))


def driver_unfit(driver: str, browser: str, *, words: str, driver_named: bool) -> BrowserError:
    """Return the error for a driver of another version than the browser's; `words` is its own message."""
    return BrowserError(
        Phrase("driver_unfit", driver=driver, browser=browser, words=words, cure=cure_versions(driver_named))
    )


def cure_versions(driver_named: bool) -> Phrase:
    """Return the advice for a browser and a driver of different versions."""
    return Phrase("cure_versions_named" if driver_named else "cure_versions")


def _read_words(log: Path) -> tuple[str, str]:
    try:
        with open(log, "rb") as output:
            output.seek(max(0, log.stat().st_size - TAIL))
            return last_words(output.read().decode(errors="replace"))
    except OSError:
        return "", ""


def _cure_of(status: int) -> str:
    """Return the key of the cure for an exit status without helpful output, "" for none."""
    signal_number = -status if status < 0 else status - 128
    if status == 0:
        return "cure_handover"
    if status == 126:  # a shell's status for a program that it may not execute
        return "cure_executable"
    return {9: "cure_memory", 4: "cure_architecture"}.get(signal_number, "")


def _how(status: int) -> Phrase:
    if status < 0:
        try:
            return Phrase("exit_signal", name=signal.Signals(-status).name)
        except ValueError:
            return Phrase("exit_signal", name=-status)
    return Phrase("exit_status", status=status)
