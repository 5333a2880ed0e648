"""Frees a new driver session from other tabs that block it: a session attaches to every tab of the browser, and waits.

A tab with an open dialog answers nobody until its own driver's next command, which may never come; a page in an endless
loop never answers. Where accounts share a Chrome, neither must keep another account from it. Knows no accounts.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

from selenium.common.exceptions import WebDriverException

from qwenproxy.browser.browser_socket import BrowserSocket
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS

log = logging.getLogger(__name__)

LATE = 5.0  # seconds for a session to attach, which takes some 50 ms, before we look for a tab that blocks it
ANSWER_WAIT = 5.0  # seconds for a page to answer: in one that does not, no call can be running


@contextlib.contextmanager
def freed_when_late(devtools: str) -> Iterator[None]:
    """Free the tabs of a browser if the block takes longer than LATE. `devtools` is its host and port."""
    timer = threading.Timer(LATE, _free, (devtools,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def free_tabs(devtools: str) -> None:
    """Dismiss dialogs that are open in tabs, and close tabs that do not answer within ANSWER_WAIT.

    Raises DRIVER_ERRORS.
    """
    with BrowserSocket(devtools) as browser:
        targets = browser.order("Target.getTargets")["targetInfos"]
    for target in targets:
        if target["type"] == "page" and not _answers(devtools, target["targetId"]):
            log.warning("a tab that does not answer is closed: it keeps others from the browser")
            with BrowserSocket(devtools) as browser:
                browser.order("Target.closeTarget", targetId=target["targetId"])


def _free(devtools: str) -> None:
    with contextlib.suppress(*DRIVER_ERRORS):  # a browser that is gone fails the attaching session, too
        free_tabs(devtools)


def _answers(devtools: str, handle: str) -> bool:
    """Dismiss a dialog in a tab; tell whether its page answers then, or the tab has gone."""
    with BrowserSocket(devtools, ANSWER_WAIT) as browser:
        try:
            session = browser.order("Target.attachToTarget", targetId=handle, flatten=True)["sessionId"]
            with contextlib.suppress(WebDriverException):  # there is no dialog
                browser.order("Page.handleJavaScriptDialog", session, accept=False)
            browser.order("Runtime.evaluate", session, expression="0")
        except WebDriverException:
            return True
        except OSError:
            return False
    return True
