"""The meeting place: a question goes to an account, is asked on the site, and comes back as an answer under way.

The history hands a ChatRequest in and iterates the ChatRun it gets back. Knows leases, the page seam and the site's
forms; knows neither HTTP clients nor Selenium nor JSON of any wire API.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from qwenproxy.accounts.pool import Lease
from qwenproxy.browser.page import Page
from qwenproxy.chat import ChatRequest, WebSearch
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import (
    AccountsResting,
    BareRefusal,
    ChatGone,
    EmptyAnswer,
    ProxyError,
    QueueTimeout,
    Refusal,
    SetupError,
    SiteFailure,
    Transient,
    UnsupportedParameter,
)
from qwenproxy.observe.laps import Laps
from qwenproxy.relay.attempts import Attempts, Wish
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.offers import Offers
from qwenproxy.relay.reading import Patience
from qwenproxy.relay.run import ChatRun, SiteQuestion
from qwenproxy.relay.search_chat import SearchSite
from qwenproxy.relay.searching import Searching, as_able, offer_search, site_search
from qwenproxy.relay.turns import Try, new_messages, turn_for
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls, Uploader
from qwenproxy.upstream import calls, folding, models
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.places import SiteChat, SitePlace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`unknown_model` is `default` (use default_model) or `error`; `stall_timeout` is in seconds of `clock`.

    `tools` says how functions are offered: `auto`, `native` or `prompt`.
    """

    default_model: str = "qwen-max-latest"
    unknown_model: str = "default"
    stall_timeout: float = 180.0
    tools: str = "auto"
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Question:
    """A request on its way through the accounts. `place` is None if the site needs the whole conversation."""

    chat: ChatRequest
    place: SitePlace | None
    attachments: Attachments | None
    client_gone: ClientGoneCheck
    laps: Laps = field(default_factory=Laps)
    search_name: str = ""  # of the function by which the model searches, "" without one

    def place_for(self, account_id: str) -> SitePlace | None:
        """Return the place where this account can go on, None if it has to begin anew."""
        return self.place if self.place and self.place.chat.account_id == account_id else None


class Relay:
    """Answers chat requests with the first account that can."""

    def __init__(
        self,
        attempts: Attempts,
        settings: RelaySettings,
        deletions: UpstreamDeletions | None = None,
        uploader: Uploader | None = None,
    ) -> None:
        """`deletions` None leaves our chats on the site; `uploader` None refuses images and files."""
        self.pool = attempts.pool
        self.attempts = attempts
        self._uploader = uploader
        self._deletions = deletions
        self._settings = settings
        self._offers = Offers(settings.tools)
        self._models = ModelList(settings.default_model, settings.unknown_model)

    def open(
        self, chat: ChatRequest, client_gone: ClientGoneCheck = never_gone, place: SitePlace | None = None
    ) -> ChatRun:
        """Start an answer and wait for its first sign; raise what goes wrong until then.

        Sends only what the site does not hold yet to a `place`, if its account can take it; otherwise sends the whole
        conversation, folded, into a new chat of the site.
        Raises RequestError, TooLarge, ModelNotFound, and what Attempts.take raises.
        """
        attachments = self._attachments(chat, place, client_gone)
        chat, search_name = offer_search(chat)
        question = _Question(chat, place, attachments, client_gone, search_name=search_name)
        return self.attempts.take(lambda lease: self._start(lease, question), client_gone, _wish(question))

    def discard(self, chats: Iterable[SiteChat]) -> None:
        """Delete chats of the site that this proxy made and nobody needs, in the background. Raises SetupError."""
        if self._deletions:
            self._deletions.add(chats)

    def try_to_discard(self, chat: SiteChat) -> None:
        """Do the same for one chat whose answer failed; the log says if it stays, because nobody else can hear it."""
        try:
            self.discard([chat])
        except SetupError as error:
            log.warning("account=%s upstream chat %s stays: %s", chat.account_id, chat.chat_id, error.message)

    def catalogue(self, client_gone: ClientGoneCheck = never_gone) -> models.Catalogue:
        """Return the site's models; wait for an account only if the list was never read.

        Returns the last list while all accounts rest or fail, because it is better than an error. Raises NoAccounts,
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

        Calls `opening` with each account before its try; returns the one that is open. Raises what keeps every account
        from opening.
        """

        def refresh(lease: Lease) -> str:
            opening(lease.account_id)
            self._models.refresh(lease.open(), client_gone)
            return lease.account_id

        # Do not count this in the rotation, so that the first real request uses the account we just opened.
        return self.attempts.do(refresh, client_gone, Wish(takes_turn=False))

    def try_to_warm_up(self) -> None:
        """Do the same while a server starts, where a failure only goes to the log."""
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
        """Read the question's images and files, except those that the site holds already."""
        if not any(message.attachments for message in chat.messages):
            return None
        if self._uploader is None:
            raise UnsupportedParameter("Images and files are not supported here.", param="messages")
        attachments = Attachments(self._uploader, client_gone)
        attachments.read(folding.attachments(new_messages(chat, place)))
        return attachments

    def _start(self, lease: Lease, question: _Question) -> ChatRun:
        """Ask with one account: in the place where the site holds the conversation, or in a new chat."""
        chat, attachments = question.chat, question.attachments
        if attachments:
            attachments.check(lease.account_id)
        page = lease.open()
        self._models.refresh(page, question.client_gone)
        question.laps.end("account")
        model = self._models.resolve(chat.model)
        place = question.place_for(lease.account_id)
        files: tuple[dict[str, Any], ...] = ()
        if attachments:
            parts = folding.attachments(new_messages(chat, place))
            files = attachments.entries(parts, self.site_calls(lease, page, question.client_gone))
        question.laps.end("files")
        way = self._offers.way(lease.account_id, model.id, chat.tools) if chat.tools else None
        attempt = Try(lease, page, model, files, way)
        try:
            return self._ask(question, attempt, place) if place else self._ask_anew(question, attempt)
        except ChatGone:
            question.place = None  # the next try sends everything
            raise
        except (EmptyAnswer, SiteFailure, BareRefusal):
            other = self._offers.after(way) if way == "native" else None
            if other is None:
                raise
            run = self._ask_anew(question, replace(attempt, way=other))
        # The other way works, so the fault was with this one.
        self._offers.give_up(lease.account_id, model.id, "native")
        return run

    def _ask_anew(self, question: _Question, attempt: Try) -> ChatRun:
        """Ask in a new chat of the site; delete the chat if no answer comes."""
        search = site_search(question.chat, attempt.model)
        creation = calls.new_chat(attempt.model.id, chat_type=calls.chat_type_of(search))
        chat_id = calls.chat_id_from(call(attempt.page, creation, question.client_gone, self._settings.clock))
        question.laps.end("chat")
        place = SitePlace(SiteChat(attempt.lease.account_id, chat_id))
        try:
            return self._ask(question, attempt, place)
        except BaseException:
            self.try_to_discard(place.chat)
            raise

    def _ask(self, question: _Question, attempt: Try, place: SitePlace) -> ChatRun:
        """Send the question and wait for the first sign of an answer."""
        way, lease, model = attempt.way, attempt.lease, attempt.model.id
        site_question = SiteQuestion(
            question.chat,
            place,
            turn_for(question.chat, attempt, place),
            question.laps,
            (lambda: self._offers.give_up(lease.account_id, model, way)) if way else lambda: None,
        )
        patience = Patience(self._settings.stall_timeout, self._settings.clock)
        run = ChatRun(lease, attempt.page, site_question, patience, self._searching(question, attempt, patience))
        try:
            run.prime(question.client_gone)
        except BaseException:
            run.abandon()
            raise
        question.laps.end("first")
        return run

    def _searching(self, question: _Question, attempt: Try, patience: Patience) -> Searching | None:
        """Return what makes the model's own web searches, None if it is offered none."""
        search = question.chat.search
        if not question.search_name or not search:
            return None
        wish = as_able(WebSearch(forced=True), attempt.model)
        account_id, model = attempt.lease.account_id, attempt.model.id
        site = SearchSite(account_id, attempt.page, model, wish, patience, self.try_to_discard)
        return Searching(question.search_name, search.max_uses, site)

    def site_calls(self, lease: Lease, page: Page, client_gone: ClientGoneCheck) -> SiteCalls:
        """Lend an account's page for work that is not an answer."""
        return SiteCalls(
            lease.account_id,
            lambda request: call(page, request, client_gone, self._settings.clock),
            lambda seconds: self.attempts.pause(seconds, client_gone),
        )


def _wish(question: _Question) -> Wish:
    """Return which account is best: the one that has the files, or the conversation."""
    attachments, place = question.attachments, question.place
    owner = attachments.account_id if attachments else None
    kind = "upload" if attachments and attachments.need_upload else None
    return Wish(prefer=owner or (place.chat.account_id if place else None), kind=kind)
