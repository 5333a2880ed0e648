"""Ask the site whether an account is logged in, through the account's own browser tab, and keep the registry truthful.

Used by `account check` and the doctor. Costs no quota: it reads the account's profile (protocol 1.4), and then what
the site tells of its settings and its quota.
"""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass, replace
from typing import Literal

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.registry import Registry
from qwenproxy.accounts.standing import mark_refusal
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.browser.page import Head, PageRequest
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
from qwenproxy.logins import site_report
from qwenproxy.logins.site_questions import ask_quota, ask_settings
from qwenproxy.upstream import calls
from qwenproxy.upstream.ask import answer_to
from qwenproxy.upstream.identity import user_id_from

Kind = Literal["ok", "invalid", "verify", "limited", "unreachable", "in_use", "disk", "browser", "lost"]
_KINDS: tuple[tuple[type[ProxyError], Kind], ...] = (
    (ProfileInUse, "in_use"),  # before SetupError, whose kind it is
    (NotLoggedIn, "invalid"),
    (VerificationRequired, "verify"),
    (RateLimited, "limited"),
    (SetupError, "browser"),
    (TabLost, "lost"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """What the site says about one account.

    `detail` is why the check failed; `clock_error` is how far this machine's clock is ahead of the site's, in seconds,
    None if the site sent no date; `unsaid` is why the site did not tell settings or quota of an account that is fine.
    """

    kind: Kind
    detail: str = ""
    clock_error: float | None = None
    unsaid: str = ""


def check_account(registry: Registry, opener: TabOpener, account: Account, lang: str = "en") -> Check:
    """Ask the site about an account and write its status down. Never raises for what site, browser or disk do.

    `lang` is the language of `detail`, for errors that have both.
    """
    try:
        return _check(registry, opener, account, lang)
    except StorageError as error:
        return Check("disk", error.say(lang))


def verdict(registry: Registry, account: Account, error: ProxyError, lang: str = "en") -> Check:
    """Write down what an error says about an account, and return it as a check that failed. Raises StorageError."""
    mark_refusal(registry, account.id, error, account.token, time.time())
    if isinstance(error, StorageError):
        raise error
    kinds = (kind for error_type, kind in _KINDS if isinstance(error, error_type))
    return Check(next(kinds, "unreachable"), error.say(lang))


def answer_renewed(page: KeptPage, request: PageRequest) -> tuple[Head, str]:
    """Make a small call, once more after a refused login; return head and body. Raises as `answer_to`, LoginUnrenewed.

    The page may be renewing the login just now, or do so when it loads once more.
    """
    try:
        return answer_to(page, request)
    except NotLoggedIn:
        page.renew(page.loads, suspect=True)
    try:
        return answer_to(page, request)
    except NotLoggedIn as error:
        raise LoginUnrenewed(error.message) if page.unrenewed and page.renewable else error from error


def _check(registry: Registry, opener: TabOpener, account: Account, lang: str) -> Check:
    try:
        page = opener(account)
        try:
            head, body = answer_renewed(page, calls.profile())
            user_id_from(head, body)
            unsaid = _keep_report(registry, account.id, page)
        finally:
            page.close()
    except ProxyError as error:
        return verdict(registry, account, error, lang)
    # Reading a profile proves nothing about messages: a limit, or the site's human check, goes on until its time.
    registry.mark_logged_in(account.id)
    return Check("ok", clock_error=_clock_error(head), unsaid=unsaid)


def _keep_report(registry: Registry, account_id: str, page: KeptPage) -> str:
    """Keep what the site tells of settings and quota; return why it did not, "" if it did. Raises StorageError."""
    folder, reasons = registry.folder(account_id), []
    report = site_report.read(folder)
    try:
        report = replace(report, settings=ask_settings(page), settings_at=time.time())
    except ProxyError as error:
        reasons.append(error.message)
    try:
        report = replace(report, quota=ask_quota(page), quota_at=time.time())
    except ProxyError as error:
        reasons.append(error.message)
    site_report.write(folder, report)
    return " ".join(dict.fromkeys(reasons))


def _clock_error(head: Head) -> float | None:
    try:
        site_time = email.utils.parsedate_to_datetime(head.headers.get("date", ""))
    except ValueError:
        return None
    return time.time() - site_time.timestamp()
