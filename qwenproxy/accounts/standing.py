"""What the site's refusals do to an account's standing, and why no account can serve (contract 5).

The pool's rules for writing to the registry and for reading the whole of it; knows no leases and no browsers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.errors import (
    AccountsResting,
    BrowserError,
    LoginUnrenewed,
    NoAccounts,
    NotLoggedIn,
    ProxyError,
    RateLimited,
    SiteFailure,
    VerificationRequired,
)
from qwenproxy.observe import journal
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

REST_WITHOUT_HOURS = 120.0  # seconds an account rests when the site does not say how long
REST_FOR_VERIFICATION = 600.0
# The condition is part of the words, because nobody here knows how browsers are launched.
HEADLESS_HINT = "If it asks browsers without windows again and again, QWENPROXY_HEADLESS=virtual may help."
BROWSER = "browser"  # the reason of an account whose browser does not start
RENEWAL = "renewal"  # the reason of an account whose page did not renew its login
RENEWAL_REST = 60.0  # seconds until the page is asked again
BROWSER_REST = 10.0  # seconds after a browser's first failure to start; doubled with each further one
LONGEST_BROWSER_REST = 600.0
DAY = 86400.0
AFTER_RESET = 300.0  # seconds that an account goes on resting once its share is due again: the site's clock may differ


def rest_until(error: RateLimited, now: float) -> float:
    """Return until when a limit makes an account rest, both in s since 1970.

    The shares of a day come back at 00:00 UTC. The site rounds its hours up to that, so the earlier of both counts.
    """
    midnight = (now // DAY + 1) * DAY
    if error.hours:
        return min(now + error.hours * 3600, midnight) + AFTER_RESET
    return midnight + AFTER_RESET if error.for_today else now + REST_WITHOUT_HOURS


def mark_refusal(
    registry: Registry, account_id: str, error: ProxyError, token: str | None, now: float
) -> journal.AccountRests | journal.AccountInvalid | None:
    """Write down in the registry what an error says about the account at `now` (s since 1970).

    Return the event to note, None if the account stays as it is. `token` is the one the site refused: a login renewed
    in the meantime is not marked INVALID. Raises SetupError.
    """
    if isinstance(error, RateLimited):
        until = rest_until(error, now)
        registry.rest(account_id, until)
        return journal.AccountRests(account_id, until - now, "", error.message)
    if isinstance(error, NotLoggedIn) and registry.mark_invalid(account_id, token):
        return journal.AccountInvalid(account_id, error.message)
    if isinstance(error, VerificationRequired):
        registry.rest(account_id, now + REST_FOR_VERIFICATION, reason="verification")
        cure = f"the site wants to see a human. Run: qwenproxy account relogin {account_id}. {HEADLESS_HINT}"
        return journal.AccountRests(account_id, REST_FOR_VERIFICATION, "verification", cure)
    return None


def note_refusal(registry: Registry, account_id: str, error: ProxyError, token: str | None, now: float) -> None:
    """Do what `mark_refusal` does, and note it in journal or log."""
    event = mark_refusal(registry, account_id, error, token, now)
    if event is not None:
        journal.note(event)
    elif isinstance(error, NotLoggedIn):
        log.info("account=%s a login that it has no longer was refused", account_id)
    else:
        log.warning("account=%s request failed: %s", account_id, error.message)


def browser_rest(failures: int) -> float:
    """Return how many seconds an account rests after so many failed starts of its browser in a row."""
    return min(BROWSER_REST * 2.0 ** (failures - 1), LONGEST_BROWSER_REST)


def is_set_aside(account: Account, now: float) -> bool:
    """Tell whether an account rests because its browser does not start."""
    return account.reason == BROWSER and account.status(now) == "WAIT"


def rest_for_browser(registry: Registry, account_id: str, error: BrowserError, now: float) -> None:
    """Set an account aside because its browser does not start, for as long as the error says. Raises SetupError."""
    rest = error.retry_after or BROWSER_REST
    registry.rest(account_id, now + rest, BROWSER, error.phrase)
    journal.note(journal.AccountRests(account_id, rest, BROWSER, error.message))


def rest_for_renewal(registry: Registry, account_id: str, error: LoginUnrenewed, now: float) -> None:
    """Set an account aside because its page did not renew its login just now. Raises SetupError."""
    registry.rest(account_id, now + RENEWAL_REST, RENEWAL, Phrase("login_unrenewed"))
    journal.note(journal.AccountRests(account_id, RENEWAL_REST, RENEWAL, error.message))


def why_unavailable(accounts: Sequence[Account], now: float) -> ProxyError | None:
    """Return why none of the accounts can take a request, None if one can."""
    if any(account.status(now) == "OK" for account in accounts):
        return None
    resting = [account for account in accounts if account.status(now) == "WAIT"]
    if not accounts:
        return NoAccounts("There is no account yet. Add one: qwenproxy account add")
    if not resting:
        return NoAccounts("Every account needs a new login: qwenproxy account relogin")
    wait = max(1.0, min(account.reset_at or now for account in resting) - now)
    troubles = [account.trouble for account in resting if account.reason == BROWSER and account.trouble]
    if len(troubles) == len(resting):
        return BrowserError(troubles[0], retry_after=wait)
    if all(account.reason == RENEWAL for account in resting):
        return SiteFailure(str(Phrase("login_unrenewed")), retry_after=wait)
    in_verification = [account for account in resting if account.reason == "verification"]
    if len(in_verification) == len(resting):
        return VerificationRequired(
            f"The site wants to see a human. Open its window: qwenproxy account relogin {resting[0].id}"
        )
    if in_verification:
        # Name the quicker way: the check takes a minute, a limit hours.
        why, sooner = "over its limit or has to show that a human uses it", f"relogin {in_verification[0].id}"
    else:
        why, sooner = "over its limit", "add"
    if troubles:
        why += ", or its browser does not start (see: qwenproxy doctor)"
    return AccountsResting(
        f"Every account is {why}; the first one is back in {spell_wait(wait)}. "
        f"To go on now: qwenproxy account {sooner}",
        retry_after=wait,
    )


def spell_wait(seconds: float) -> str:
    """Return a wait as a person says it: 45 s, 12 min, 2 h 53 min."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
