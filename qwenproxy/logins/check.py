"""Ask the site whether an account is logged in, through the account's own browser tab, and keep the registry truthful.

Used by `account check` and the doctor. Costs no quota: it reads the account's profile (protocol 1.4).
"""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from typing import Literal

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.registry import Registry
from qwenproxy.accounts.standing import REST_FOR_VERIFICATION, rest_until
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.browser.page import Head
from qwenproxy.browser.profile import ProfileInUse
from qwenproxy.errors import (
    LoginUnrenewed,
    NotLoggedIn,
    ProxyError,
    RateLimited,
    SetupError,
    StorageError,
    TabLost,
    VerificationRequired,
)
from qwenproxy.upstream import calls
from qwenproxy.upstream.ask import answer_to
from qwenproxy.upstream.identity import user_id_from

Kind = Literal["ok", "invalid", "verify", "limited", "unreachable", "in_use", "disk", "browser", "lost"]


@dataclass(frozen=True, slots=True)
class Check:
    """What the site says about one account.

    `detail` is why the check failed; `clock_error` is how far this machine's clock is ahead of the site's, in seconds,
    None if the site sent no date.
    """

    kind: Kind
    detail: str = ""
    clock_error: float | None = None


def check_account(registry: Registry, opener: TabOpener, account: Account, lang: str = "en") -> Check:
    """Ask the site about an account and write its status down. Never raises for what site, browser or disk do.

    `lang` is the language of `detail`, for errors that have both.
    """
    try:
        return _check(registry, opener, account, lang)
    except StorageError as error:
        return Check("disk", error.say(lang))


def _check(registry: Registry, opener: TabOpener, account: Account, lang: str) -> Check:
    try:
        clock_error = _ask(opener, account)
    except ProfileInUse as error:
        return Check("in_use", error.message)
    except NotLoggedIn as error:
        registry.mark_invalid(account.id, account.token)
        return Check("invalid", error.message)
    except VerificationRequired as error:
        registry.rest(account.id, time.time() + REST_FOR_VERIFICATION, reason="verification")
        return Check("verify", error.message)
    except RateLimited as error:
        registry.rest(account.id, rest_until(error, time.time()))
        return Check("limited", error.message)
    except StorageError:
        raise
    except SetupError as error:
        return Check("browser", error.say(lang))
    except TabLost as error:
        return Check("lost", error.message)
    except ProxyError as error:
        return Check("unreachable", error.say(lang))
    # Reading a profile proves nothing about messages: a limit, or the site's human check, goes on until its time.
    registry.mark_logged_in(account.id)
    return Check("ok", clock_error=clock_error)


def _ask(opener: TabOpener, account: Account) -> float | None:
    """Return how far this clock is ahead of the site's. Raises what keeps the account from use."""
    tab = opener(account)
    try:
        try:
            head, body = answer_to(tab, calls.profile())
        except NotLoggedIn:
            # The page may be renewing the login just now, or do so when it loads once more.
            tab.renew(tab.loads, suspect=True)
            head, body = _ask_again(tab)
    finally:
        tab.close()
    user_id_from(head, body)
    return _clock_error(head)


def _ask_again(tab: KeptPage) -> tuple[Head, str]:
    try:
        return answer_to(tab, calls.profile())
    except NotLoggedIn as error:
        raise LoginUnrenewed(error.message) if tab.unrenewed and tab.renewable else error from error


def _clock_error(head: Head) -> float | None:
    try:
        site_time = email.utils.parsedate_to_datetime(head.headers.get("date", ""))
    except ValueError:
        return None
    return time.time() - site_time.timestamp()
