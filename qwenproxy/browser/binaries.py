"""Find the browser and its driver, and keep the patched driver copies.

Called once per browser start, before chrome.py launches anything. Knows nothing of accounts or the site.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

CHROME_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROME_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of a browser and of a driver that fits it."""

    chrome: str
    chromedriver: str


def find_binaries(chrome: str = "", chromedriver: str = "", *, undetected: bool = True) -> Binaries:
    """Return the browser and driver to use; empty arguments mean: look for them.

    With `undetected` the driver is a patched copy in the user's cache folder; the original is never written to.
    Raises SetupError with the way to install what is missing.
    """
    chrome = _existing(chrome, "QWENPROXY_CHROME") or _find_chrome()
    driver = _existing(chromedriver, "QWENPROXY_CHROMEDRIVER") or shutil.which("chromedriver") or ""
    if not (chrome and driver):
        chrome, driver = _ask_selenium_manager(chrome, driver)
    return Binaries(chrome, _patched_copy(Path(driver)) if undetected else driver)


def binary_version(path: str) -> str:
    """Return the version a browser or driver prints of itself, "" when it prints none. Raises SetupError."""
    try:
        # A session of its own: Ctrl-C in the terminal is for the server, whose browser must not seem broken by it.
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=20, check=False, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        advice = Phrase("install_browser")
        raise SetupError(Phrase("program_fails", path=path, reason=error, advice=advice)) from error
    found = re.search(r"\d+(?:\.\d+)+", done.stdout)
    return found.group() if found else ""


def cache_folder() -> Path:
    """Return the folder for what may be made again, by the platform's convention."""
    if sys.platform == "win32":
        return Path.home() / "AppData" / "Local" / "qwenproxy"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "qwenproxy"
    return Path.home() / ".cache" / "qwenproxy"


def _existing(path: str, setting: str) -> str:
    if path and not shutil.which(path):
        raise SetupError(Phrase("no_program", setting=setting, path=path))
    return path and str(shutil.which(path))


def _find_chrome() -> str:
    for name in (*CHROME_NAMES, *CHROME_PLACES):
        if found := shutil.which(name):
            return found
    return ""


def _ask_selenium_manager(chrome: str, driver: str) -> tuple[str, str]:
    from selenium.common.exceptions import WebDriverException  # noqa: PLC0415 - only when nothing is installed
    from selenium.webdriver.common.selenium_manager import SeleniumManager  # noqa: PLC0415

    known = ["--browser-path", chrome] if chrome else []
    try:
        paths = SeleniumManager().binary_paths(["--browser", "chrome", *known])
    except (WebDriverException, OSError) as error:
        advice = Phrase("install_browser")
        missing = Phrase("no_driver", browser=chrome, advice=advice) if chrome else Phrase("no_browser", advice=advice)
        raise SetupError(missing) from error
    return chrome or paths["browser_path"], driver or paths["driver_path"]


def _patched_copy(driver: Path) -> str:
    """Return undetected-chromedriver's patched form of `driver`, made once per driver version under a lock."""
    stat = driver.resolve().stat()
    mark = hashlib.sha256(f"{driver.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = cache_folder() / "drivers"
    copy = folder / f"chromedriver-{mark}{driver.suffix}"
    if copy.exists():
        return str(copy)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "patch.lock", timeout=60):
        if not copy.exists():
            # Patched under another name and renamed, so that nobody ever starts a half-written driver.
            fresh = copy.with_name(f"new-{copy.name}")
            shutil.copy2(driver.resolve(), fresh)
            _patch(fresh, folder)
            os.replace(fresh, copy)
            log.info("patched driver copy made: %s", copy)
    return str(copy)


def _patch(fresh: Path, folder: Path) -> None:
    from undetected_chromedriver.patcher import Patcher  # noqa: PLC0415 - slow to import, needed once per driver

    class QuietPatcher(Patcher):  # type: ignore[misc]
        data_path = str(folder)  # the original makes a folder of its own in the home directory

    fresh.chmod(0o755)
    patcher = QuietPatcher(executable_path=str(fresh))
    patcher.patch_exe()
    if not patcher.is_binary_patched():
        log.warning("undetected-chromedriver found nothing to patch in %s; using it as it is", fresh.name)
