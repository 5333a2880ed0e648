"""A browser for an account whose profile may be lost or damaged: then it starts on a new profile, with the kept login.

Works for opening.py. Chrome starts on a damaged cookie store as if it were empty, and never writes to it again, so the
whole profile is set aside. Knows the launcher's types and the account's folder, not the site.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS
from qwenproxy.browser.launching import Browser, Launcher
from qwenproxy.browser.page_login import Login, has_cookies
from qwenproxy.browser.profile import ProfileClaim, disk_refuses
from qwenproxy.browser.start_failures import EndedAtStart
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import BrowserError
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)


def launch(launcher: Launcher, folder: AccountFolder, login: Login) -> Browser:
    """Return a running browser for the account, on a new profile if its own has lost the cookies that `login` has.

    Without cookies in `login` the profile stays what it is. Raises as `Launcher.launch`.
    """
    had_profile = _has_content(folder)
    try:
        browser = launcher.launch(folder)
    except EndedAtStart as error:
        if not (login.cookies and had_profile):
            raise
        return _launch_on_trial(launcher, folder, error)
    if not (login.cookies and browser.has_profile):
        return browser
    try:
        is_good = has_cookies(browser.tab)
    except DRIVER_ERRORS as error:
        browser.close()
        raise BrowserError(Phrase("browser_died", reason=type(error).__name__)) from error
    if is_good:
        return browser
    if not had_profile:
        log.warning("account=%s has no browser profile: a new one starts with the login kept beside it", folder.id)
        return browser
    browser.close()
    with _claimed(folder):
        aside = files.set_aside(folder.profile, "it has lost its cookies")
    _forget_earlier(aside)
    return launcher.launch(folder)


def _launch_on_trial(launcher: Launcher, folder: AccountFolder, failure: EndedAtStart) -> Browser:
    """Return a browser on a new profile; if none starts there either, put the old one back and raise its failure."""
    with _claimed(folder):
        aside = files.set_aside(folder.profile, "no browser starts on it")
    try:
        browser = launcher.launch(folder)
    except BrowserError:
        with _claimed(folder):
            shutil.rmtree(folder.profile, ignore_errors=True)
            aside.rename(folder.profile)
        raise failure from None
    _forget_earlier(aside)
    return browser


def _has_content(folder: AccountFolder) -> bool:
    try:
        return any(folder.profile.iterdir())
    except OSError:
        return False


@contextlib.contextmanager
def _claimed(folder: AccountFolder) -> Iterator[None]:
    """Hold the profile while it moves, without a browser on it. Raises ProfileInUse, StorageError."""
    claim = ProfileClaim.take(folder)
    try:
        yield
    except OSError as error:
        raise disk_refuses(folder, error) from error
    finally:
        claim.release()


def _forget_earlier(aside: Path) -> None:
    """Delete the profiles set aside before this one: each has megabytes, and the login in it is kept elsewhere."""
    for earlier in aside.parent.glob(f"{aside.name.partition('.corrupt-')[0]}.corrupt-*"):
        if earlier != aside:
            shutil.rmtree(earlier, ignore_errors=True)
