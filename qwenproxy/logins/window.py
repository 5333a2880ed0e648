"""A person logs in: a visible browser window on the site, watched until the login is there.

The command line calls it, and at_page.py for a window that the dashboard shows. Opens the window, lets watch.py look at
it, and keeps the login in registry and profile.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from qwenproxy.accounts import identity
from qwenproxy.accounts.account import Account, OtherUser, is_verify, refuse_other_user
from qwenproxy.accounts.proxies import keep_proxy
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS
from qwenproxy.browser.launching import Browser
from qwenproxy.browser.page_login import Login, read_login
from qwenproxy.browser.site import remember_token, supply_login
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import SetupError
from qwenproxy.logins.removal import abandoned_on_failure, forget_profile, remove_account
from qwenproxy.logins.watch import LoginFailed, LoginWindow, Outcome, Person, Step, Watch
from qwenproxy.texts import Phrase

__all__ = ["LoginFailed", "LoginWindow", "Outcome", "Person", "Step", "add_account", "renew_account"]

SIGN_IN = "/auth?action=signin"
WINDOW = (40, 40, 1100, 820)  # left, top, width, height in pixels
SCRIPT_WAIT = 10.0


def add_account(registry: Registry, window: LoginWindow, person: Person, account_id: str | None = None) -> str:
    """Let the person log in to a new account and return its id; without a login nothing stays behind.

    Raises UserKnown, LoginFailed, NetworkFailed, TabLost, SetupError, KeyboardInterrupt.
    """
    if account_id and registry.get(account_id) is None:
        # An ended process may have left a profile here: its login is not this person's.
        remove_account(registry, account_id)
    new_id = account_id or registry.new_id()
    folder = registry.folder(new_id)
    with abandoned_on_failure(registry, new_id):
        if window.proxy:
            keep_proxy(folder, window.proxy)
        with _open(folder, window, person, Login()) as browser:
            login = Watch(browser, window, person).run()
            _keep_identity(browser, window, folder)
            _close(browser, person)
            remember_token(folder, window.site, login.token)
            return registry.add(login.token, new_id, login.user_id, renewable=True)


def renew_account(registry: Registry, window: LoginWindow, person: Person, account: Account) -> bool:
    """Let the person log in to a known account again, or pass the site's check, which makes it usable.

    Returns False for a VERIFY account whose window shows no check for a while: with a person at the terminal its rest
    ends, and the next request will show. Without one it rests on, because nobody tried anything: LoginFailed.
    Another person's login changes only the profile, which is deleted because it holds that person's cookies.
    Raises OtherUser, ProfileInUse, LoginFailed, NetworkFailed, TabLost, SetupError, KeyboardInterrupt.
    """
    folder = registry.folder(account.id)
    with _open(folder, window, person, _begins_with(folder, window, account)) as browser:
        login = Watch(browser, window, person, account).run()
        try:
            refuse_other_user(account, login.user_id, registry.all())
        except OtherUser:
            # Note this before the profile is free, so that the next browser puts the account's own token there.
            remember_token(folder, window.site, "")
            browser.close()
            forget_profile(folder)
            raise
        if not (login.proven or person.present):
            raise LoginFailed("unproven")
        _keep_identity(browser, window, folder)
        _close(browser, person)
    if not registry.renew(account.id, login.token, renewable=True):
        raise SetupError(Phrase("account_removed_meanwhile", id=account.id))
    remember_token(folder, window.site, login.token)
    return login.proven


def _begins_with(folder: AccountFolder, window: LoginWindow, account: Account) -> Login:
    """Return the account's login if its person comes to use it: not one that has ended, nor a mere token to replace."""
    is_used = account.renewable or window.stays or is_verify(account, time.time())
    return identity.read(folder, account.token) if is_used and not account.invalid else Login()


@contextlib.contextmanager
def _open(folder: AccountFolder, window: LoginWindow, person: Person, own: Login) -> Iterator[Browser]:
    """Give a window where the person goes on from the account's `own` login, or logs in anew if that has no token."""
    person.show("opening", window.login_wait)
    try:
        browser = window.launcher.launch(folder)
    except SetupError as error:
        if _display_missing(folder):
            raise LoginFailed("no_display") from error
        raise
    try:
        window.on_open(browser.tab)
        person.show("waiting", window.login_wait)
        _open_site(browser, window, folder, own)
        yield browser
    finally:
        browser.close()


def _close(browser: Browser, person: Person) -> None:
    """Close the window before the login counts, because Chrome writes it to disk only then."""
    person.show("closing", 0.0)
    browser.close()


def _keep_identity(browser: Browser, window: LoginWindow, folder: AccountFolder) -> None:
    """Keep the login with its cookies and storage, from which a browser without this profile can go on."""
    with contextlib.suppress(*DRIVER_ERRORS):  # the profile has it all, too
        login = read_login(browser.tab, window.site.origin)
        if login:
            identity.write(folder, login)


def _display_missing(folder: AccountFolder) -> bool:
    try:
        words = folder.chrome_log.read_text(errors="replace").lower()
    except OSError:
        return False
    return "missing x server" in words or "unable to open x display" in words or "cannot open display" in words


def _open_site(browser: Browser, window: LoginWindow, folder: AccountFolder, own: Login) -> None:
    # The first look reports what goes wrong here: a closed window, an error page.
    with contextlib.suppress(*DRIVER_ERRORS):
        browser.tab.driver.set_script_timeout(SCRIPT_WAIT)
        # The profile remembers the size of its headless windows, in which a sign-in page hardly fits.
        browser.tab.driver.set_window_rect(*WINDOW)
        # An account may live in a shared browser or on a Grid, or its browser was killed: then its profile lacks its
        # login. We leave a page that got it alone, because the page may be renewing it.
        if window.sign_in or not supply_login(browser.tab, window.site, folder if browser.has_profile else None, own):
            browser.tab.driver.get(window.sign_in or window.site.base_url + SIGN_IN)
