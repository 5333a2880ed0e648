"""The one meeting place: account, upstream call, events, and the only retry loop.

The api hands a ChatRequest in and iterates the ChatRun it gets back. Knows the pool's leases, the page seam and the
site's forms; knows neither HTTP clients nor Selenium nor JSON of the OpenAI kind.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from qwenproxy.accounts.pool import AccountPool, Lease
from qwenproxy.browser.page import Page
from qwenproxy.chat import ChatRequest
from qwenproxy.deletions import UpstreamDeletions
from qwenproxy.errors import (
    ChatBusy,
    ChatGone,
    ClientGone,
    ModelNotFound,
    NoAccounts,
    NotLoggedIn,
    ProxyError,
    Refusal,
    SetupError,
    Transient,
    UnsupportedParameter,
)
from qwenproxy.memory import UpstreamChat, UpstreamThread
from qwenproxy.page_call import call
from qwenproxy.run import ChatRun, Patience, Turn
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls, Uploader
from qwenproxy.upstream import calls, folding, models

log = logging.getLogger(__name__)

BUSY_PAUSES = (0.5, 1.0, 2.0)  # seconds before the same account is asked again while it is busy
ACCOUNTS_TRIED = 3  # accounts on which a passing failure is tried before the client hears of it
MODELS_FRESH = 600.0  # seconds the model list is taken as it is

ClientGoneCheck = Callable[[], bool]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`unknown_model` is `default` (use default_model) or `error`; `stall_timeout` is in seconds."""

    default_model: str = "qwen-max-latest"
    unknown_model: str = "default"
    stall_timeout: float = 180.0


@dataclass(frozen=True, slots=True)
class _Task:
    """A request as every account gets it. `attachments` is None where no message has any."""

    chat: ChatRequest
    attachments: Attachments | None
    client_gone: ClientGoneCheck


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
        self._catalogue = models.FALLBACK
        self._models_read = 0.0
        self._models_lock = threading.Lock()
        # Called when a request finds every account INVALID; the server decides what follows.
        self.on_exhausted: Callable[[], None] = lambda: None

    def open(
        self,
        chat: ChatRequest,
        client_gone: ClientGoneCheck = lambda: False,
        thread: UpstreamThread | None = None,
    ) -> ChatRun:
        """Start an answer; everything that can still become a status code happens here.

        With a `thread` only what the site does not hold yet is sent there, as long as its account can take it; without
        one the whole conversation goes, folded, into a new chat of the site.
        The same request goes to the next account for as long as accounts refuse it. Raises RequestError, TooLarge,
        ModelNotFound, NoAccounts, AccountsResting, QueueTimeout, ClientGone, or what the last account said.
        """
        task = _Task(chat, self._attachments(chat, thread), client_gone)
        prefer = thread.chat.account_id if thread else None
        if task.attachments:
            prefer = task.attachments.account_id or prefer
        return self.on_some_account(lambda lease: self._answer(lease, task, thread), client_gone, prefer)

    def on_some_account(
        self, attempt: Callable[[Lease], Result], client_gone: ClientGoneCheck, prefer: str | None = None
    ) -> Result:
        """Return what `attempt` makes of a lease it closes, on the first account where it succeeds.

        Raises NoAccounts, AccountsResting, QueueTimeout, ClientGone, or what the last account said.
        """
        try:
            return self._try_accounts(attempt, client_gone, prefer)
        except NoAccounts:
            if self.pool.registry.all():
                self.on_exhausted()
            raise

    def discard(self, chats: Iterable[UpstreamChat]) -> None:
        """Delete chats of the site that this proxy made and nobody needs, in the background. Raises SetupError."""
        if self._deletions:
            self._deletions.add(chats)

    def catalogue(self, client_gone: ClientGoneCheck = lambda: False) -> models.Catalogue:
        """Return the site's models; waits for an account only where the list was never read.

        Raises NoAccounts, AccountsResting, VerificationRequired, QueueTimeout, ClientGone.
        """
        if not self._models_read:
            self.on_some_account(self._refresh_with, client_gone)
        return self._catalogue

    def warm_up(self) -> None:
        """Open the first account's browser and read the model list, so that no request has to wait for that.

        Raises what keeps every account from being opened.
        """
        self.catalogue()

    def close(self) -> None:
        """Close every browser; running answers end with an error. Idempotent."""
        self.pool.close()

    def _attachments(self, chat: ChatRequest, thread: UpstreamThread | None) -> Attachments | None:
        """Find out what the question's images and files are; those the site holds already can wait."""
        if not folding.attachments(chat.messages):
            return None
        if self._uploader is None:
            raise UnsupportedParameter("Images and files are not supported here.", param="messages")
        return Attachments(self._uploader, folding.attachments(chat.messages[thread.holds if thread else 0 :]))

    def _try_accounts(
        self, attempt: Callable[[Lease], Result], client_gone: ClientGoneCheck, prefer: str | None
    ) -> Result:
        last: ProxyError | None = None
        failures = 0
        for lease in self.pool.leases(client_gone, prefer=prefer):
            try:
                return attempt(lease)
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

    def _answer(self, lease: Lease, task: _Task, thread: UpstreamThread | None) -> ChatRun:
        """Start the answer on one account, with the retries that stay on it."""
        if task.attachments:
            task.attachments.check(lease.account_id)
        if thread and thread.chat.account_id != lease.account_id:
            thread = None
        pauses = iter(BUSY_PAUSES)
        retried: set[type[ProxyError]] = set()
        while True:
            try:
                return self._start(lease, task, thread)
            except ChatBusy:
                pause = next(pauses, None)
                if pause is None:
                    raise
                _pause(pause, task.client_gone)
            except (Transient, NotLoggedIn) as error:
                # Once for each kind: a renewed token, a new tab or a new chat may be all it takes.
                if type(error) in retried:
                    raise
                retried.add(type(error))
                if isinstance(error, ChatGone):
                    thread = None
                log.info("account=%s trying again: %s", lease.account_id, error.message)

    def _start(self, lease: Lease, task: _Task, thread: UpstreamThread | None) -> ChatRun:
        page = lease.tab
        model = self._resolve(task.chat.model, page)
        parts = folding.attachments(task.chat.messages[thread.holds if thread else 0 :])
        files = task.attachments.entries(parts, site_calls(lease, task.client_gone)) if task.attachments else ()
        if thread:
            return self._ask(lease, task, model.id, thread, files)
        made = calls.chat_id_from(call(page, calls.new_chat(model.id), task.client_gone))
        thread = UpstreamThread(UpstreamChat(lease.account_id, made))
        try:
            return self._ask(lease, task, model.id, thread, files)
        except BaseException:
            self._discard_failed(thread.chat)
            raise

    def _ask(
        self, lease: Lease, task: _Task, model_id: str, thread: UpstreamThread, files: tuple[dict[str, Any], ...]
    ) -> ChatRun:
        """Ask in a chat of the site what that does not hold yet, and wait for the first sign of an answer."""
        chat = task.chat
        question = calls.Question(
            model=model_id,
            text=folding.fold(chat.messages[thread.holds :], chat.tools, chat.tool_choice),
            parent_id=thread.response_id,
            thinking=bool(chat.thinking),
            thinking_budget=chat.thinking_budget,
            files=files,
        )
        turn = Turn(chat, thread, model_id, calls.completion(thread.chat.chat_id, question))
        run = ChatRun(lease, lease.tab, turn, Patience(self._settings.stall_timeout))
        try:
            run.prime(task.client_gone)
        except BaseException:
            run.abandon()
            raise
        return run

    def _discard_failed(self, chat: UpstreamChat) -> None:
        try:
            self.discard([chat])
        except SetupError as error:
            log.warning("account=%s upstream chat %s stays: %s", chat.account_id, chat.chat_id, error.message)

    def _resolve(self, name: str | None, page: Page) -> models.Model:
        self._refresh_models(page)
        wanted = name or self._settings.default_model
        model = self._catalogue.resolve(wanted)
        if model is None and self._settings.unknown_model == "error":
            raise ModelNotFound(f"The model {wanted!r} does not exist; GET /v1/models lists them.", param="model")
        model = model or self._catalogue.resolve(self._settings.default_model)
        if model is None:
            raise ModelNotFound(f"Neither {wanted!r} nor the default model exists on the site.", param="model")
        return model

    def _refresh_with(self, lease: Lease) -> None:
        self._refresh_models(lease.tab)
        lease.close()

    def _refresh_models(self, page: Page) -> None:
        """Read the model list now if it never was, in the background if it has aged."""
        if not self._models_read:
            with self._models_lock:
                if not self._models_read:
                    self._read_models(page)
        elif time.monotonic() - self._models_read > MODELS_FRESH and self._models_lock.acquire(blocking=False):
            threading.Thread(target=self._read_and_unlock, args=(page,), name="models", daemon=True).start()

    def _read_and_unlock(self, page: Page) -> None:
        try:
            self._read_models(page)
        finally:
            self._models_lock.release()

    def _read_models(self, page: Page) -> None:
        try:
            body = call(page, calls.list_models())
            self._catalogue = models.Catalogue(models.parse_models(body))
            self._models_read = time.monotonic()
        except ProxyError as error:
            # Another minute with the list at hand: the names of a day ago nearly always still work.
            log.warning("the model list could not be read, using the last known one: %s", error.message)
            self._models_read = time.monotonic() - MODELS_FRESH + 60


def site_calls(lease: Lease, client_gone: ClientGoneCheck) -> SiteCalls:
    """Lend an account's page for work that is not an answer."""
    return SiteCalls(
        lease.account_id,
        lambda request: call(lease.tab, request, client_gone),
        lambda seconds: _pause(seconds, client_gone),
    )


def _pause(seconds: float, client_gone: ClientGoneCheck) -> None:
    time.sleep(seconds)
    if client_gone():
        raise ClientGone("The client hung up.")
