"""Fetch a driver, or a browser with one, through Selenium Manager where this machine has none that fits.

Called by binaries.py. We remember each answer, so that a machine without a network does not wait at every browser
start.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.selenium_manager import SeleniumManager

from qwenproxy.browser.driver_copies import home_cache, usable_folder

log = logging.getLogger(__name__)

REQUEST_TIMEOUT = 15  # seconds for one of Selenium Manager's requests; a driver is small
BROWSER_TIMEOUT = 300  # the same for a browser, which is big
ASK_AGAIN = 600.0  # seconds until we repeat a question without an answer


@dataclass(frozen=True, slots=True)
class Fetched:
    """Paths of a browser and a driver, "" for none."""

    browser: str = ""
    driver: str = ""


class Fetcher:
    """Asks Selenium Manager, one question at a time, and remembers the answers."""

    def __init__(self, caches: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        """`caches` are the folders that may hold downloads, the best one first."""
        self._caches = caches
        self._clock = clock
        self._asking = threading.Lock()
        self._answers: dict[tuple[str, str], Fetched] = {}
        self._failed_at: dict[tuple[str, str], float] = {}

    def fetch(self, chrome: str, stamp: str) -> Fetched:
        """Return a driver for the browser at `chrome`; with "" a browser, too.

        `stamp` names a state of the machine: another stamp makes a new question. Both paths are "" if nothing came.
        """
        question = (chrome, stamp)
        with self._asking:
            answer = self._answers.get(question)
            if answer and Path(answer.driver).exists() and Path(answer.browser).exists():
                return answer
            failed_at = self._failed_at.get(question)
            if failed_at is not None and self._clock() - failed_at < ASK_AGAIN:
                return Fetched()
            answer = self._ask(chrome)
            if answer.driver:
                self._answers[question] = answer
            else:
                self._failed_at[question] = self._clock()
            return answer

    def _ask(self, chrome: str) -> Fetched:
        timeout = REQUEST_TIMEOUT if chrome else BROWSER_TIMEOUT
        # The driver in PATH is the one that does not fit, or there is none.
        words = ["--browser", "chrome", "--skip-driver-in-path", "--avoid-stats", "--timeout", str(timeout)]
        if chrome:
            words += ["--browser-path", chrome]
        cache = usable_folder(self._caches)
        if cache is not None and cache != home_cache():
            words += ["--cache-path", str(cache / "selenium")]
        # It would log its errors on the terminal, beside the one error that we show.
        logging.getLogger(SeleniumManager.__module__).setLevel(logging.CRITICAL)
        try:
            paths = SeleniumManager().binary_paths(words)
        except (WebDriverException, OSError) as error:
            log.info("Selenium Manager fetched nothing: %s", getattr(error, "msg", None) or error)
            return Fetched()
        return Fetched(chrome or paths["browser_path"], paths["driver_path"])
