"""The one loop over accounts: it tries some work on one account after the other until one can do it.

Questions, uploads and the model list go through it. Knows leases and what errors mean for the next try; knows neither
the work nor its client.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qwenproxy.accounts.pool import AccountPool, Lease
from qwenproxy.chat.waiting import ClientGoneCheck, check_client, never_gone
from qwenproxy.errors import ChatBusy, NoAccounts, ProxyError, Refusal, SetupError, Transient
from qwenproxy.observe import journal

BUSY_PAUSES = (0.5, 1.0, 2.0)  # seconds before the same account is asked again while it is busy
ACCOUNTS_TRIED = 3  # accounts that may fail in passing before the client gets the error

Result = TypeVar("Result")
Work = Callable[[Lease], Result]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which account some work needs.

    `prefer` names the best one; accounts that rest for one of these `kinds` of work are skipped; without `takes_turn`
    the work does not count in the rotation, because no client asked for it.
    """

    prefer: str | None = None
    kinds: tuple[str, ...] = ()
    takes_turn: bool = True


ANY = Wish()


def go_on() -> None:
    """Do nothing when every account turns out INVALID."""


class Attempts:
    """Tries work on one account after the other."""

    def __init__(
        self,
        pool: AccountPool,
        pause: Callable[[float], None] = time.sleep,
        on_exhausted: Callable[[], None] = go_on,
    ) -> None:
        """`pause` waits for some seconds; `on_exhausted` runs whenever every account turns out INVALID."""
        self.pool = pool
        self.sleep = pause
        self._on_exhausted = on_exhausted

    def do(self, work: Work[Result], client_gone: ClientGoneCheck = never_gone, wish: Wish = ANY) -> Result:
        """Do some work with the first account that can, and give the account back. Raises as `take`."""

        def and_give_back(lease: Lease) -> Result:
            result = work(lease)
            lease.close()
            return result

        return self.take(and_give_back, client_gone, wish)

    def take(self, work: Work[Result], client_gone: ClientGoneCheck = never_gone, wish: Wish = ANY) -> Result:
        """Return what the work makes with the first account that can; the result keeps the account.

        After a refusal, which concerns one account, the next account gets the work. After a passing failure the same
        account gets it once more, for each kind of failure, and then others, three in all.
        Raises NoAccounts, AccountsResting, QueueTimeout, ClientGone, or what the last account said.
        """
        try:
            leases = self.pool.leases(client_gone, prefer=wish.prefer, takes_turn=wish.takes_turn, kinds=wish.kinds)
            return self._first(leases, lambda lease: self._patiently(work, lease, client_gone), wish.kinds)
        except NoAccounts:
            if self.pool.registry.all():
                self._on_exhausted()
            raise

    def pause(self, seconds: float, client_gone: ClientGoneCheck) -> None:
        """Wait. Raises ClientGone."""
        self.sleep(seconds)
        check_client(client_gone)

    def _first(self, leases: Iterable[Lease], work: Work[Result], kinds: Sequence[str]) -> Result:
        last: ProxyError | None = None
        failures = 0
        for lease in leases:
            try:
                return lease.attempt(work)
            except (Refusal, Transient, SetupError) as error:
                lease.reject(error)
                is_failure = not isinstance(error, Refusal)
                failures += is_failure
                # Prefer reporting a failure over a refusal: a refusal only concerns its own account.
                last = error if is_failure else last or error
                if failures == ACCOUNTS_TRIED:
                    break
            except BaseException:
                lease.close()
                raise
        raise self.pool.unavailable(kinds) or last or NoAccounts("No account could take the request.")

    def _patiently(self, work: Work[Result], lease: Lease, client_gone: ClientGoneCheck) -> Result:
        """Try on one account: a busy chat gets time, and each kind of passing failure a second try."""
        pauses = iter(BUSY_PAUSES)
        failure_kinds: set[type[ProxyError]] = set()
        while True:
            try:
                return work(lease)
            except ChatBusy:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self.pause(pause, client_gone)
            except Transient as error:
                if type(error) in failure_kinds:
                    raise
                failure_kinds.add(type(error))
                journal.note(journal.TriedAgain(lease.account_id, error.message))
