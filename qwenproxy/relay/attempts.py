"""The one loop over accounts: whoever needs an account to do something has it tried here until one can.

Questions, uploads and the model list go through it. Knows leases and what errors mean for the next try; knows neither
what is tried nor for whom.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from qwenproxy.accounts.pool import AccountPool, Lease
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import ChatBusy, ClientGone, NoAccounts, ProxyError, Refusal, SetupError, Transient
from qwenproxy.observe import journal

BUSY_PAUSES = (0.5, 1.0, 2.0)  # seconds before the same account is asked again while it is busy
ACCOUNTS_TRIED = 3  # accounts on which a passing failure is tried before the client hears of it

Result = TypeVar("Result")
Work = Callable[[Lease], Result]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which account it shall be.

    `prefer` names one that is best; accounts that rest for this `kind` of work are passed over; without `takes_turn`
    it does not count in the rotation: for work that nobody asked for.
    """

    prefer: str | None = None
    kind: str | None = None
    takes_turn: bool = True


ANY = Wish()


class Attempts:
    """Tries work on one account after the other."""

    def __init__(self, pool: AccountPool, pause: Callable[[float], None] = time.sleep) -> None:
        """`pause` waits so many seconds."""
        self.pool = pool
        # Called when every account turns out INVALID; the server decides what follows.
        self.on_exhausted: Callable[[], None] = lambda: None
        self._pause = pause

    def do(self, work: Work[Result], client_gone: ClientGoneCheck = never_gone, wish: Wish = ANY) -> Result:
        """Do some work with the first account that can, and give that back. Raises as `take`."""

        def and_give_back(lease: Lease) -> Result:
            result = work(lease)
            lease.close()
            return result

        return self.take(and_give_back, client_gone, wish)

    def take(self, work: Work[Result], client_gone: ClientGoneCheck = never_gone, wish: Wish = ANY) -> Result:
        """Return what the work makes with the first account that can; that stays with what was made.

        A refusal concerns one account, and the next one is tried. What fails in passing is tried once more on the same
        account for each kind of failure, and then on others, three in all.
        Raises NoAccounts, AccountsResting, QueueTimeout, ClientGone, or what the last account said.
        """
        try:
            leases = self.pool.leases(client_gone, prefer=wish.prefer, takes_turn=wish.takes_turn, kind=wish.kind)
            return self._first(leases, lambda lease: self._patiently(work, lease, client_gone))
        except NoAccounts:
            if self.pool.registry.all():
                self.on_exhausted()
            raise

    def pause(self, seconds: float, client_gone: ClientGoneCheck) -> None:
        """Wait. Raises ClientGone."""
        self._pause(seconds)
        if client_gone():
            raise ClientGone("The client hung up.")

    def _first(self, leases: Iterable[Lease], work: Work[Result]) -> Result:
        last: ProxyError | None = None
        failures = 0
        for lease in leases:
            try:
                return lease.attempt(work)
            except (Refusal, Transient, SetupError) as error:
                lease.reject(error)
                failed = not isinstance(error, Refusal)
                failures += failed
                # Prefer reporting a failure over a refusal: a refusal only concerns its own account.
                last = error if failed else last or error
                if failures == ACCOUNTS_TRIED:
                    break
            except BaseException:
                lease.close()
                raise
        raise self.pool.unavailable() or last or NoAccounts("No account could take the request.")

    def _patiently(self, work: Work[Result], lease: Lease, client_gone: ClientGoneCheck) -> Result:
        """Try on one account: a busy chat gets time, and each kind of passing failure a second try."""
        pauses = iter(BUSY_PAUSES)
        retried: set[type[ProxyError]] = set()
        while True:
            try:
                return work(lease)
            except ChatBusy:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self.pause(pause, client_gone)
            except Transient as error:
                if type(error) in retried:
                    raise
                retried.add(type(error))
                journal.note(journal.TriedAgain(lease.account_id, error.message))
