"""The one meeting place: account, upstream call, events, and the only retry loop.

The api hands a ChatRequest in and iterates the ChatRun it gets back. Knows the pool's leases, the page seam and the
site's forms; knows neither HTTP clients nor Selenium nor JSON of the OpenAI kind.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from qwenproxy.accounts.pool import AccountPool, Lease
from qwenproxy.chat import ChatRequest
from qwenproxy.errors import (
    AccountsResting,
    ChatBusy,
    ChatGone,
    ClientGone,
    NoAccounts,
    ProxyError,
    QueueTimeout,
    Refusal,
    SetupError,
    Transient,
    UnsupportedParameter,
)
from qwenproxy.observe.laps import Laps
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.run import ChatRun, Patience, Turn
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls, Uploader
from qwenproxy.upstream import calls, folding, models
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.places import SiteChat, SitePlace

log = logging.getLogger(__name__)

BUSY_PAUSES = (0.5, 1.0, 2.0)  # seconds before the same account is asked again while it is busy
ACCOUNTS_TRIED = 3  # accounts on which a passing failure is tried before the client hears of it

ClientGoneCheck = Callable[[], bool]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`unknown_model` is `default` (use default_model) or `error`; `stall_timeout` is in seconds of `clock`."""

    default_model: str = "qwen-max-latest"
    unknown_model: str = "default"
    stall_timeout: float = 180.0
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class _Task:
    """A request as every account gets it. `attachments` is None where no message has any."""

    chat: ChatRequest
    attachments: Attachments | None
    client_gone: ClientGoneCheck
    laps: Laps = field(default_factory=Laps)


class Relay:
    """Answers chat requests with whichever account can."""

    def __init__(
        self,
        pool: AccountPool,
        settings: RelaySettings,
        deletions: UpstreamDeletions | None = None,
        uploader: Uploader | None = None,
    ) -> None:
        """`deletions` None leaves on the site what was made there; `uploader` None refuses images and files."""
        self.pool = pool
        self._uploader = uploader
        self._deletions = deletions
        self._settings = settings
        self._models = ModelList(settings.default_model, settings.unknown_model)
        # Called when a request finds every account INVALID; the server decides what follows.
        self.on_exhausted: Callable[[], None] = lambda: None

    def open(
        self,
        chat: ChatRequest,
        client_gone: ClientGoneCheck = lambda: False,
        place: SitePlace | None = None,
    ) -> ChatRun:
        """Start an answer; everything that can still become a status code happens here.

        With a `place` only what the site does not hold yet is sent there, as long as its account can take it; without
        one the whole conversation goes, folded, into a new chat of the site.
        The same request goes to the next account for as long as accounts refuse it. Raises RequestError, TooLarge,
        ModelNotFound, NoAccounts, AccountsResting, QueueTimeout, ClientGone, or what the last account said.
        """
        task = _Task(chat, self._attachments(chat, place), client_gone)
        prefer = place.chat.account_id if place else None
        if task.attachments:
            prefer = task.attachments.account_id or prefer
        kind = "upload" if task.attachments and task.attachments.need_upload else None
        return self.on_some_account(lambda lease: self._answer(lease, task, place), client_gone, prefer, kind=kind)

    def on_some_account(
        self,
        attempt: Callable[[Lease], Result],
        client_gone: ClientGoneCheck,
        prefer: str | None = None,
        *,
        takes_turn: bool = True,
        kind: str | None = None,
    ) -> Result:
        """Return what `attempt` makes of a lease it closes, on the first account where it succeeds.

        `takes_turn` makes it count in the rotation; accounts that rest for work of this `kind` are passed over.
        Raises NoAccounts, AccountsResting, QueueTimeout, ClientGone, or what the last account said.
        """
        try:
            leases = self.pool.leases(client_gone, prefer=prefer, takes_turn=takes_turn, kind=kind)
            return self._try_accounts(attempt, leases)
        except NoAccounts:
            if self.pool.registry.all():
                self.on_exhausted()
            raise

    def discard(self, chats: Iterable[SiteChat]) -> None:
        """Delete chats of the site that this proxy made and nobody needs, in the background. Raises SetupError."""
        if self._deletions:
            self._deletions.add(chats)

    def catalogue(self, client_gone: ClientGoneCheck = lambda: False) -> models.Catalogue:
        """Return the site's models; waits for an account only where the list was never read.

        While accounts only rest or fail, a list is better than an error: then the last known one. Raises NoAccounts,
        ClientGone.
        """
        if not self._models.known:
            try:
                self.warm_up(client_gone)
            except (AccountsResting, QueueTimeout, Refusal, Transient) as error:
                log.warning("the model list could not be read, using the last known one: %s", error.message)
        return self._models.catalogue

    def warm_up(
        self, client_gone: ClientGoneCheck = lambda: False, opening: Callable[[str], None] = lambda account_id: None
    ) -> str:
        """Open the first account's browser and read the model list, so that no request has to wait for that.

        `opening` hears which account is tried; returned is the one that is open. Raises what keeps every account
        from being opened.
        """

        def refresh(lease: Lease) -> str:
            opening(lease.account_id)
            self._models.refresh(lease.open())
            lease.close()
            return lease.account_id

        # No turn is taken: the first request shall find the account whose browser opens for this.
        return self.on_some_account(refresh, client_gone, takes_turn=False)

    def try_to_warm_up(self) -> None:
        """Do the same in the background of a server's start: what fails is only told."""
        try:
            self.warm_up()
        except ProxyError as error:
            log.warning("no browser opened yet: %s", error.message)

    def finish(self, drain_wait: float) -> None:
        """Let running answers end for up to `drain_wait` seconds, then close."""
        deadline = time.monotonic() + drain_wait
        while self.pool.running() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.close()

    def close(self) -> None:
        """Close every browser; running answers end with an error. Idempotent."""
        self.pool.close()

    def _attachments(self, chat: ChatRequest, place: SitePlace | None) -> Attachments | None:
        """Find out what the question's images and files are; those the site holds already can wait."""
        if not folding.attachments(chat.messages):
            return None
        if self._uploader is None:
            raise UnsupportedParameter("Images and files are not supported here.", param="messages")
        return Attachments(self._uploader, folding.attachments(chat.messages[place.holds if place else 0 :]))

    def _try_accounts(self, attempt: Callable[[Lease], Result], leases: Iterable[Lease]) -> Result:
        last: ProxyError | None = None
        failures = 0
        for lease in leases:
            try:
                return lease.attempt(attempt)
            except (Refusal, Transient, SetupError) as error:
                lease.reject(error)
                failed = not isinstance(error, Refusal)
                failures += failed
                # A refusal speaks for its account only: where another one failed, that is what ails the request.
                last = error if failed else last or error
                if failures == ACCOUNTS_TRIED:
                    break
            except BaseException:
                lease.close()
                raise
        raise self.pool.unavailable() or last or NoAccounts("No account could take the request.")

    def _answer(self, lease: Lease, task: _Task, place: SitePlace | None) -> ChatRun:
        """Start the answer on one account, with the retries that stay on it."""
        if task.attachments:
            task.attachments.check(lease.account_id)
        if place and place.chat.account_id != lease.account_id:
            place = None
        pauses = iter(BUSY_PAUSES)
        retried: set[type[ProxyError]] = set()
        while True:
            try:
                return self._start(lease, task, place)
            except ChatBusy:
                pause = next(pauses, None)
                if pause is None:
                    raise
                _pause(pause, task.client_gone)
            except Transient as error:
                # Once for each kind: a new tab or a new chat may be all it takes.
                if type(error) in retried:
                    raise
                retried.add(type(error))
                if isinstance(error, ChatGone):
                    place = None
                log.info("account=%s trying again: %s", lease.account_id, error.message)

    def _start(self, lease: Lease, task: _Task, place: SitePlace | None) -> ChatRun:
        page = lease.open()
        self._models.refresh(page)
        task.laps.end("account")
        model = self._models.resolve(task.chat.model)
        parts = folding.attachments(task.chat.messages[place.holds if place else 0 :])
        files = task.attachments.entries(parts, site_calls(lease, task.client_gone)) if task.attachments else ()
        task.laps.end("files")
        if place:
            return self._ask(lease, task, model.id, place, files)
        made = calls.chat_id_from(call(page, calls.new_chat(model.id), task.client_gone))
        task.laps.end("chat")
        place = SitePlace(SiteChat(lease.account_id, made))
        try:
            return self._ask(lease, task, model.id, place, files)
        except BaseException:
            self._discard_failed(place.chat)
            raise

    def _ask(
        self, lease: Lease, task: _Task, model_id: str, place: SitePlace, files: tuple[dict[str, Any], ...]
    ) -> ChatRun:
        """Ask in a chat of the site what that does not hold yet, and wait for the first sign of an answer."""
        chat = task.chat
        question = calls.Question(
            model=model_id,
            text=folding.fold(chat.messages[place.holds :], chat.tools, chat.tool_choice),
            parent_id=place.response_id,
            thinking=bool(chat.thinking),
            thinking_budget=chat.thinking_budget,
            files=files,
        )
        turn = Turn(chat, place, model_id, calls.completion(place.chat.chat_id, question), task.laps)
        run = ChatRun(lease, lease.open(), turn, Patience(self._settings.stall_timeout, clock=self._settings.clock))
        try:
            run.prime(task.client_gone)
            task.laps.end("first")
        except BaseException:
            run.abandon()
            raise
        return run

    def _discard_failed(self, chat: SiteChat) -> None:
        try:
            self.discard([chat])
        except SetupError as error:
            log.warning("account=%s upstream chat %s stays: %s", chat.account_id, chat.chat_id, error.message)


def site_calls(lease: Lease, client_gone: ClientGoneCheck) -> SiteCalls:
    """Lend an account's page for work that is not an answer."""
    return SiteCalls(
        lease.account_id,
        lambda request: call(lease.open(), request, client_gone),
        lambda seconds: _pause(seconds, client_gone),
    )


def _pause(seconds: float, client_gone: ClientGoneCheck) -> None:
    time.sleep(seconds)
    if client_gone():
        raise ClientGone("The client hung up.")
