"""What the site's refusals do to an account's standing, and why no account can serve (contract section 5).

The pool's rules for writing to the registry and for reading the whole of it; knows no leases and no browsers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence

from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.errors import (
    AccountsResting,
    NoAccounts,
    NotLoggedIn,
    ProxyError,
    RateLimited,
    VerificationRequired,
)

log = logging.getLogger(__name__)

REST_WITHOUT_HOURS = 120.0  # seconds an account rests when the site does not say how long
REST_FOR_VERIFICATION = 600.0
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


def note_refusal(registry: Registry, account_id: str, error: ProxyError, token: str | None, now: float) -> None:
    """Write down in the registry what an error says about the account at `now` (s since 1970).

    `token` is the one the site refused: a login renewed in the meantime is not marked INVALID. Raises SetupError.
    """
    if isinstance(error, RateLimited):
        until = rest_until(error, now)
        registry.rest(account_id, until)
        log.warning("account=%s WAIT for %.0f s: %s", account_id, until - now, error.message)
    elif isinstance(error, NotLoggedIn):
        registry.mark_invalid(account_id, token)
        log.warning("account=%s INVALID: %s Run: qwenproxy account relogin %s", account_id, error.message, account_id)
    elif isinstance(error, VerificationRequired):
        registry.rest(account_id, now + REST_FOR_VERIFICATION, reason="verification")
        log.warning(
            "account=%s VERIFY: the site wants to see a human. Run: qwenproxy account relogin %s",
            account_id,
            account_id,
        )
    else:
        log.warning("account=%s request failed: %s", account_id, error.message)


class KindRests:
    """Which accounts rest for one kind of work only, such as uploads; everything else goes on with them.

    In memory: a server that starts anew asks the site once more. Safe among threads.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._until: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def note(self, account_id: str, error: ProxyError, now: float) -> bool:
        """Let the account rest for the kind that an error limits; False for an error that limits none.

        The error tells the client how long that is.
        """
        if not isinstance(error, RateLimited) or error.kind is None:
            return False
        until = rest_until(error, now)
        error.retry_after = until - now
        with self._lock:
            self._until[account_id, error.kind] = until
        log.warning("account=%s no %s for %.0f s: %s", account_id, error.kind, until - now, error.message)
        return True

    def resting(self, kind: str | None, usable: Iterable[Account], now: float) -> frozenset[str]:
        """Return the ids of those usable accounts that rest for a kind of work (`now` in s since 1970).

        Raises AccountsResting if that is all of them.
        """
        if kind is None:
            return frozenset()
        ids = [account.id for account in usable]
        with self._lock:
            left = {each: self._until.get((each, kind), 0.0) - now for each in ids}
        resting = frozenset(each for each in ids if left[each] > 0)
        if resting and len(resting) == len(ids):
            wait = max(1.0, min(left.values()))
            raise AccountsResting(
                f"Every account is over its limit for this kind of work ({kind}); the first one is back in "
                f"{wait:.0f} s. Other requests go on. To go on with this now: qwenproxy account add",
                retry_after=wait,
            )
        return resting


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
    unverified = [account for account in resting if account.reason == "verification"]
    if len(unverified) == len(resting):
        return VerificationRequired(
            f"The site wants to see a human. Open its window: qwenproxy account relogin {resting[0].id}"
        )
    if unverified:
        # Its window opens in no time; a limit takes hours.
        why, sooner = "over its limit or has to show that a human uses it", f"relogin {unverified[0].id}"
    else:
        why, sooner = "over its limit", "add"
    return AccountsResting(
        f"Every account is {why}; the first one is back in {wait:.0f} s. To go on now: qwenproxy account {sooner}",
        retry_after=wait,
    )
