"""Find the browser and its driver, anew at each browser start: an upgrade may have replaced either meanwhile.

Asked by local.py before it launches anything, and by the doctor. Knows nothing of accounts or the site.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qwenproxy.browser.driver_copies import patched_copy
from qwenproxy.browser.fetching import Fetcher
from qwenproxy.browser.start_failures import cannot_run, does_not_run
from qwenproxy.errors import BrowserError, SetupError
from qwenproxy.texts import Phrase

CHROME_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROME_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)
VERSION_WAIT = 20  # seconds for a program to say its version


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

        With `undetected` the driver is a patched copy in the first of `caches` that takes it; the original is never
        written to.
        """
        self._chrome = chrome
        self._chromedriver = chromedriver
        self._undetected = undetected
        self._caches = caches
        self._fetcher = Fetcher(caches)
        self._fitting: dict[str, str] = {}  # drivers fetched for what is installed and does not fit, by its stamp

    @property
    def driver_named(self) -> bool:
        """Whether the person chose the driver by a setting."""
        return bool(self._chromedriver)

    def find(self) -> Binaries:
        """Return the browser and driver to use now. Cheap while nothing has changed.

        Raises SetupError with the way to install what is missing, BrowserError where the driver cannot be patched.
        """
        chrome, driver = self._installed()
        fitting = self._fitting.get(_stamp(chrome, driver), "")
        if Path(fitting).is_file():
            return self._with_driver(chrome, fitting)
        if not (chrome and driver):
            chrome, driver = self._fetched(chrome, driver)
        return self._with_driver(chrome, driver)

    def find_fitting(self, version: str) -> Binaries | None:
        """Return the browser with a driver for its `version` where the one that `find` chose is for another version.

        None where the person chose the driver, or none could be fetched. What comes of it is what `find` returns from
        then on, until one of the two is replaced. May take its time, once. Raises SetupError.
        """
        if self.driver_named:
            return None
        chrome, driver = self._installed()
        fetched = self._fetcher.fetch(chrome, f"{_stamp(chrome, driver)}|{version}") if chrome else None
        if fetched is None or not fetched.driver or not same_version(binary_version(fetched.driver), version):
            return None
        self._fitting[_stamp(chrome, driver)] = fetched.driver
        return self._with_driver(chrome, fetched.driver)

    def _installed(self) -> tuple[str, str]:
        chrome = _existing(self._chrome, "QWENPROXY_CHROME") or _find_chrome()
        return chrome, _existing(self._chromedriver, "QWENPROXY_CHROMEDRIVER") or shutil.which("chromedriver") or ""

    def _fetched(self, chrome: str, driver: str) -> tuple[str, str]:
        fetched = self._fetcher.fetch(chrome, _stamp(chrome, driver))
        if not fetched.driver:
            advice = Phrase("install_browser")
            missing = Phrase("no_driver", path=chrome, advice=advice) if chrome else Phrase("no_browser", advice=advice)
            raise SetupError(missing)
        return chrome or fetched.browser, driver if self.driver_named else fetched.driver

    def _with_driver(self, chrome: str, driver: str) -> Binaries:
        try:
            return Binaries(chrome, patched_copy(Path(driver), self._caches) if self._undetected else driver)
        except FileNotFoundError as error:
            raise cannot_run(driver, error) from error


def binary_version(path: str) -> str:
    """Return the version a browser or driver prints of itself, "" when it prints none. Raises BrowserError."""
    try:
        # A session of its own: Ctrl-C in the terminal is for the server, whose browser must not seem broken by it.
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_WAIT,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        advice = Phrase("install_browser")
        reason = Phrase("silent_for", seconds=VERSION_WAIT)
        raise BrowserError(Phrase("program_fails", path=path, reason=reason, advice=advice)) from error
    except OSError as error:
        raise cannot_run(path, error) from error
    found = re.search(r"\d+(?:\.\d+)+", done.stdout)
    if done.returncode and not found:
        raise does_not_run(path, done.returncode, f"{done.stdout}\n{done.stderr}")
    return found.group() if found else ""


def same_version(one: str, other: str) -> bool:
    """Tell whether a driver and a browser of these versions belong together; a version nobody knows may."""
    return not (one and other) or one.partition(".")[0] == other.partition(".")[0]


def _existing(path: str, setting: str) -> str:
    found = path and shutil.which(path)
    if path and not found:
        raise SetupError(Phrase("no_program", setting=setting, path=path))
    return found or ""


def _find_chrome() -> str:
    for name in (*CHROME_NAMES, *CHROME_PLACES):
        if found := shutil.which(name):
            return found
    return ""


def _stamp(*paths: str) -> str:
    """Return what changes when one of these files is replaced."""
    marks = []
    for path in paths:
        try:
            stat = Path(path).resolve().stat()
            marks.append(f"{path}:{stat.st_size}:{stat.st_mtime_ns}")
        except OSError:
            marks.append(path)
    return "|".join(marks)
