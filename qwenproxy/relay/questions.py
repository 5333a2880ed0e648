"""The meeting place: a question goes to an account, is asked on the site, and comes back as an answer under way.

The history hands a ChatRequest in and iterates the ChatRun it gets back. Knows leases, the page seam and the site's
forms; knows neither HTTP clients nor Selenium nor JSON of any wire API.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from qwenproxy.accounts.pool import AccountPool, Lease
from qwenproxy.browser.page import Page
from qwenproxy.chat import ChatRequest, Message
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import (
    AccountsResting,
    ChatGone,
    ProxyError,
    QueueTimeout,
    Refusal,
    SetupError,
    Transient,
    UnsupportedParameter,
)
from qwenproxy.observe.laps import Laps
from qwenproxy.relay.attempts import Attempts, Wish
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.run import Asked, ChatRun, Patience
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls, Uploader
from qwenproxy.upstream import calls, folding, models
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.places import SiteChat, SitePlace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`unknown_model` is `default` (use default_model) or `error`; `stall_timeout` is in seconds of `clock`."""

    default_model: str = "qwen-max-latest"
    unknown_model: str = "default"
    stall_timeout: float = 180.0
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Question:
    """A request on its way through the accounts. `place` is None where the whole conversation has to be told."""

    chat: ChatRequest
    place: SitePlace | None
    attachments: Attachments | None
    client_gone: ClientGoneCheck
    laps: Laps = field(default_factory=Laps)

    def place_for(self, account_id: str) -> SitePlace | None:
        """Return the place where this account can go on, None where it has to begin anew."""
        return self.place if self.place and self.place.chat.account_id == account_id else None


class Relay:
    """Answers chat requests with whichever account can."""

    def __init__(
        self,
        pool: AccountPool,
        settings: RelaySettings,
        deletions: UpstreamDeletions | None = None,
        uploader: Uploader | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`deletions` None leaves on the site what was made there; `uploader` None refuses images and files."""
        self.pool = pool
        self.attempts = Attempts(pool, pause)
        self._uploader = uploader
        self._deletions = deletions
        self._settings = settings
        self._models = ModelList(settings.default_model, settings.unknown_model)

    def open(
        self, chat: ChatRequest, client_gone: ClientGoneCheck = never_gone, place: SitePlace | None = None
    ) -> ChatRun:
        """Start an answer and wait for its first sign; what goes wrong until then is raised here.

        With a `place` only what the site does not hold yet is sent there, as long as its account can take it; without
        one the whole conversation goes, folded, into a new chat of the site.
        Raises RequestError, TooLarge, ModelNotFound, and what Attempts.take raises.
        """
        question = _Question(chat, place, self._attachments(chat, place, client_gone), client_gone)
        return self.attempts.take(lambda lease: self._start(lease, question), client_gone, _wish(question))

    def discard(self, chats: Iterable[SiteChat]) -> None:
        """Delete chats of the site that this proxy made and nobody needs, in the background. Raises SetupError."""
        if self._deletions:
            self._deletions.add(chats)

    def catalogue(self, client_gone: ClientGoneCheck = never_gone) -> models.Catalogue:
        """Return the site's models; wait for an account only where the list was never read.

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
        self, client_gone: ClientGoneCheck = never_gone, opening: Callable[[str], None] = lambda account_id: None
    ) -> str:
        """Open the first account's browser and read the model list, so that no request has to wait for that.

        `opening` is called with the account that is tried; returns the one that is open. Raises what keeps every
        account from being opened.
        """

        def refresh(lease: Lease) -> str:
            opening(lease.account_id)
            self._models.refresh(lease.open(), client_gone)
            return lease.account_id

        # Do not count this in the rotation, so that the first real request uses the account we just opened.
        return self.attempts.do(refresh, client_gone, Wish(takes_turn=False))

    def try_to_warm_up(self) -> None:
        """Do the same in the background of a server's start, where a failure only goes to the log."""
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

    def _attachments(
        self, chat: ChatRequest, place: SitePlace | None, client_gone: ClientGoneCheck
    ) -> Attachments | None:
        """Find out what the question's images and files are; those the site holds already can wait."""
        if not any(message.attachments for message in chat.messages):
            return None
        if self._uploader is None:
            raise UnsupportedParameter("Images and files are not supported here.", param="messages")
        attachments = Attachments(self._uploader, client_gone)
        attachments.read(folding.attachments(_unheld(chat, place)))
        return attachments

    def _start(self, lease: Lease, question: _Question) -> ChatRun:
        """Ask with one account: in the place where the site holds the conversation, or in a new chat."""
        chat, attachments = question.chat, question.attachments
        if attachments:
            attachments.check(lease.account_id)
        page = lease.open()
        self._models.refresh(page, question.client_gone)
        question.laps.end("account")
        model = self._models.resolve(chat.model).id
        place = question.place_for(lease.account_id)
        files: tuple[dict[str, Any], ...] = ()
        if attachments:
            parts = folding.attachments(_unheld(chat, place))
            files = attachments.entries(parts, self.site_calls(lease, page, question.client_gone))
        question.laps.end("files")
        if place is None:
            return self._ask_anew(lease, page, question, model, files)
        try:
            return self._ask(lease, page, Asked(chat, place, model, question.laps), files, question.client_gone)
        except ChatGone:
            question.place = None  # the next try tells everything
            raise

    def _ask_anew(
        self, lease: Lease, page: Page, question: _Question, model: str, files: tuple[dict[str, Any], ...]
    ) -> ChatRun:
        """Ask in a new chat of the site, which goes again if no answer comes of it."""
        chat_id = calls.chat_id_from(call(page, calls.new_chat(model), question.client_gone, self._settings.clock))
        question.laps.end("chat")
        place = SitePlace(SiteChat(lease.account_id, chat_id))
        try:
            asked = Asked(question.chat, place, model, question.laps)
            return self._ask(lease, page, asked, files, question.client_gone)
        except BaseException:
            self._discard_failed(place.chat)
            raise

    def _ask(
        self,
        lease: Lease,
        page: Page,
        asked: Asked,
        files: tuple[dict[str, Any], ...],
        client_gone: ClientGoneCheck,
    ) -> ChatRun:
        """Send the question and wait for the first sign of an answer."""
        chat, place = asked.chat, asked.place
        question = calls.Question(
            model=asked.model,
            text=folding.fold(_unheld(chat, place), chat.tools, chat.tool_choice),
            parent_id=place.response_id,
            thinking=bool(chat.thinking),
            thinking_budget=chat.thinking_budget,
            files=files,
        )
        response = page.fetch(calls.completion(place.chat.chat_id, question))
        run = ChatRun(lease, page, response, asked, Patience(self._settings.stall_timeout, self._settings.clock))
        try:
            run.prime(client_gone)
        except BaseException:
            run.abandon()
            raise
        asked.laps.end("first")
        return run

    def site_calls(self, lease: Lease, page: Page, client_gone: ClientGoneCheck) -> SiteCalls:
        """Lend an account's page for work that is not an answer."""
        return SiteCalls(
            lease.account_id,
            lambda request: call(page, request, client_gone, self._settings.clock),
            lambda seconds: self.attempts.pause(seconds, client_gone),
        )

    def _discard_failed(self, chat: SiteChat) -> None:
        try:
            self.discard([chat])
        except SetupError as error:
            log.warning("account=%s upstream chat %s stays: %s", chat.account_id, chat.chat_id, error.message)


def _unheld(chat: ChatRequest, place: SitePlace | None) -> tuple[Message, ...]:
    """Return the messages that the site does not hold yet."""
    return chat.messages[place.holds if place else 0 :]


def _wish(question: _Question) -> Wish:
    """Return which account is best: the one that has the files, or the conversation."""
    attachments, place = question.attachments, question.place
    owner = attachments.account_id if attachments else None
    kind = "upload" if attachments and attachments.need_upload else None
    return Wish(prefer=owner or (place.chat.account_id if place else None), kind=kind)
