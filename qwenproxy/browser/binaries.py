"""Find the browser and its driver, anew at each browser start: an upgrade may have replaced either meanwhile.

Used by local.py before a launch, and by the doctor. Knows nothing of accounts or the site.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qwenproxy.browser.driver_copies import patched_copy
from qwenproxy.browser.fetching import Fetcher
from qwenproxy.browser.own_session import OUT_OF_REACH
from qwenproxy.browser.start_failures import cannot_run, does_not_run
from qwenproxy.errors import BrowserError, SetupError
from qwenproxy.texts import Phrase

CHROME_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROME_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    os.path.expandvars("%LOCALAPPDATA%/Google/Chrome/Application/chrome.exe"),  # a Windows user's own
)
VERSION_WAIT = 20  # seconds for a program to print its version


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of a browser and of a driver for it."""

    chrome: str
    chromedriver: str


class Programs:
    """Which browser and driver the settings ask for, and where they are now."""

    def __init__(
        self, chrome: str = "", chromedriver: str = "", *, undetected: bool = False, caches: Sequence[Path] = ()
    ) -> None:
        """Empty names mean: look for them.

        With `undetected` we use a patched copy of the driver, in the first usable folder of `caches`. The original is
        never written to.
        """
        self._chrome = chrome
        self._chromedriver = chromedriver
        self._undetected = undetected
        self._caches = caches
        self._fetcher = Fetcher(caches)
        # Fetched drivers for a browser and a driver that do not fit, by the stamp of these two.
        self._fitting: dict[str, str] = {}

    @property
    def driver_named(self) -> bool:
        """Whether a setting names the driver."""
        return bool(self._chromedriver)

    def find(self) -> Binaries:
        """Return the browser and driver to use now. Cheap while nothing has changed.

        Raises SetupError with advice how to install what is missing, BrowserError if the driver cannot be patched.
        """
        chrome, driver = self._installed()
        fitting = self._fitting.get(_stamp(chrome, driver), "")
        if Path(fitting).is_file():
            return self._with_driver(chrome, fitting)
        if not (chrome and driver):
            chrome, driver = self._fetch_missing(chrome, driver)
        return self._with_driver(chrome, driver)

    def find_fitting(self, version: str) -> Binaries | None:
        """Fetch a driver for the browser's `version`; return both, or None if a setting names the driver or none came.

        For use when the driver of `find` is for another version. `find` returns the new driver from then on, until an
        upgrade replaces the browser or its driver. The first call may take long. Raises SetupError.
        """
        if self.driver_named:
            return None
        chrome, driver = self._installed()
        download = self._fetcher.fetch(chrome, f"{_stamp(chrome, driver)}|{version}") if chrome else None
        if download is None or not download.driver or not same_version(binary_version(download.driver), version):
            return None
        self._fitting[_stamp(chrome, driver)] = download.driver
        return self._with_driver(chrome, download.driver)

    def _installed(self) -> tuple[str, str]:
        chrome = _resolve_setting(self._chrome, "QWENPROXY_CHROME") or _find_chrome()
        driver = _resolve_setting(self._chromedriver, "QWENPROXY_CHROMEDRIVER") or shutil.which("chromedriver")
        return chrome, driver or ""

    def _fetch_missing(self, chrome: str, driver: str) -> tuple[str, str]:
        download = self._fetcher.fetch(chrome, _stamp(chrome, driver))
        if not download.driver:
            advice = Phrase("install_browser")
            if chrome:
                raise SetupError(Phrase("no_driver", path=chrome, advice=advice))
            raise SetupError(Phrase("no_browser", advice=advice))
        return chrome or download.browser, driver if self.driver_named else download.driver

    def _with_driver(self, chrome: str, driver: str) -> Binaries:
        try:
            return Binaries(chrome, patched_copy(Path(driver), self._caches) if self._undetected else driver)
        except FileNotFoundError as error:
            raise cannot_run(driver, error) from error


def binary_version(path: str) -> str:
    """Return the version of a browser or driver, "" if it tells none. Raises BrowserError."""
    if path.lower().endswith("chrome.exe"):
        return _version_beside(Path(path))
    try:
        # Ctrl-C in the terminal is for the server, and must not make its browser look broken.
        result = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_WAIT,
            check=False,
            **OUT_OF_REACH,
        )
    except subprocess.TimeoutExpired as error:
        advice = Phrase("install_browser")
        reason = Phrase("silent_for", seconds=VERSION_WAIT)
        raise BrowserError(Phrase("program_fails", path=path, reason=reason, advice=advice)) from error
    except OSError as error:
        raise cannot_run(path, error) from error
    version = re.search(r"\d+(?:\.\d+)+", result.stdout)
    if result.returncode and not version:
        raise does_not_run(path, result.returncode, f"{result.stdout}\n{result.stderr}")
    return version.group() if version else ""


def _version_beside(chrome: Path) -> str:
    """Return the version of Chrome on Windows, where --version opens a window: its files lie in a folder of that name.

    After an update there are two until Chrome starts anew; the newer one is what a new browser will be.
    """
    try:
        names = [entry.name for entry in chrome.parent.iterdir() if re.fullmatch(r"\d+(\.\d+)+", entry.name)]
    except OSError as error:
        raise cannot_run(str(chrome), error) from error
    return max(names, key=lambda name: [int(number) for number in name.split(".")], default="")


def same_version(one: str, other: str) -> bool:
    """Return True if the major versions of a driver and a browser agree; an unknown version ("") fits any."""
    return not (one and other) or one.partition(".")[0] == other.partition(".")[0]


def _resolve_setting(path: str, setting: str) -> str:
    program = path and shutil.which(path)
    if path and not program:
        raise SetupError(Phrase("no_program", setting=setting, path=path))
    return program or ""


def _find_chrome() -> str:
    for name in (*CHROME_NAMES, *CHROME_PLACES):
        if path := shutil.which(name):
            return path
    return ""


def _stamp(*paths: str) -> str:
    """Return a text that changes when one of these files is replaced."""
    marks = []
    for path in paths:
        try:
            stat = Path(path).resolve().stat()
            marks.append(f"{path}:{stat.st_size}:{stat.st_mtime_ns}")
        except OSError:
            marks.append(path)
    return "|".join(marks)
