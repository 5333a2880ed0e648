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
from qwenproxy.chat import ChatRequest, Message
from qwenproxy.chat.tool_calls import instructions
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import (
    AccountsResting,
    BareRefusal,
    ChatGone,
    ParentGone,
    ProxyError,
    QueueTimeout,
    Refusal,
    RequestError,
    SetupError,
    Transient,
    UnsupportedParameter,
    UpstreamError,
)
from qwenproxy.observe.laps import Laps
from qwenproxy.relay.attempts import Attempts, Wish
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.reading import Patience
from qwenproxy.relay.run import ChatRun, Loss, SiteQuestion
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls, Uploader
from qwenproxy.upstream import calls, folding, models
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.folding import Note
from qwenproxy.upstream.places import SiteChat, SitePlace

log = logging.getLogger(__name__)

# How the site may refuse a question under an answer that is not the newest: its words for that are unknown.
_UNDER_OLDER_PARENT = (BareRefusal, RequestError, UpstreamError)


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`unknown_model` is `default` (use default_model) or `error`; `stall_timeout` is in seconds of `clock`."""

    default_model: str = "qwen-max-latest"
    unknown_model: str = "default"
    stall_timeout: float = 180.0
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Question:
    """A request on its way through the accounts. `place` is None if the site needs the whole conversation.

    `lost` is what the site refused of the place that there was.
    """

    chat: ChatRequest
    place: SitePlace | None
    attachments: Attachments | None
    client_gone: ClientGoneCheck
    laps: Laps = field(default_factory=Laps)
    lost: Loss | None = None

    def place_for(self, account_id: str, model: str) -> SitePlace | None:
        """Return the place where this account can go on with a model, None if it has to begin anew."""
        place = self.place
        if place is None or place.chat.account_id != account_id or (place.model and place.model != model):
            return None
        return place

    def lose_place(self, error: ProxyError) -> bool:
        """Give the place up if this error of the site means that nothing can be asked there; tell whether it does."""
        is_older = self.place is not None and not self.place.is_newest
        if isinstance(error, ParentGone) or (is_older and type(error) in _UNDER_OLDER_PARENT):
            self.lost = "parent"
        elif isinstance(error, ChatGone):
            self.lost = "chat"
        else:
            return False
        self.place = None
        return True


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
        self._models = ModelList(settings.default_model, settings.unknown_model)

    def open(
        self, chat: ChatRequest, client_gone: ClientGoneCheck = never_gone, place: SitePlace | None = None
    ) -> ChatRun:
        """Start an answer and wait for its first sign; raise what goes wrong until then.

        Sends only what the site does not hold yet to a `place`, if its account and the site take it; otherwise sends
        the whole conversation, folded, into a new chat of the site.
        Raises RequestError, TooLarge, ModelNotFound, and what Attempts.take raises.
        """
        question = _Question(chat, place, self._attachments(chat, place, client_gone), client_gone)
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
        attachments.read(folding.attachments(_new_messages(chat, place)))
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
        place = question.place_for(lease.account_id, model)
        files: tuple[dict[str, Any], ...] = ()
        if attachments:
            parts = folding.attachments(_new_messages(chat, place))
            files = attachments.entries(parts, self.site_calls(lease, page, question.client_gone))
        question.laps.end("files")
        if place is None:
            return self._ask_anew(lease, page, question, model, files)
        try:
            return self._ask(lease, page, question, _site_question(question, place, model, files))
        except ProxyError as error:
            if not question.lose_place(error):
                raise
            raise ChatGone(error.message) from error  # the next try, on the same account, sends everything

    def _ask_anew(
        self, lease: Lease, page: Page, question: _Question, model: str, files: tuple[dict[str, Any], ...]
    ) -> ChatRun:
        """Ask in a new chat of the site; delete the chat if no answer comes."""
        chat_id = calls.chat_id_from(call(page, calls.new_chat(model), question.client_gone, self._settings.clock))
        question.laps.end("chat")
        place = SitePlace(SiteChat(lease.account_id, chat_id))
        try:
            return self._ask(lease, page, question, _site_question(question, place, model, files))
        except BaseException:
            self.try_to_discard(place.chat)
            raise

    def _ask(self, lease: Lease, page: Page, question: _Question, site_question: SiteQuestion) -> ChatRun:
        """Send the question and wait for the first sign of an answer."""
        run = ChatRun(lease, page, site_question, Patience(self._settings.stall_timeout, self._settings.clock))
        try:
            run.prime(question.client_gone)
        except BaseException:
            run.abandon()
            raise
        question.laps.end("first")
        return run

    def site_calls(self, lease: Lease, page: Page, client_gone: ClientGoneCheck) -> SiteCalls:
        """Lend an account's page for work that is not an answer."""
        return SiteCalls(
            lease.account_id,
            lambda request: call(page, request, client_gone, self._settings.clock),
            lambda seconds: self.attempts.pause(seconds, client_gone),
        )


def _new_messages(chat: ChatRequest, place: SitePlace | None) -> tuple[Message, ...]:
    """Return the messages that the site does not hold yet.

    A result gets the name of its function, because the call is not beside it and the site knows no ids of calls.
    """
    if place is None:
        return chat.messages
    calls_before = (call for message in chat.messages[: place.holds] for call in message.tool_calls)
    names = {call.id: call.name for call in calls_before}
    return tuple(
        replace(message, name=message.name or names.get(message.tool_call_id)) if message.tool_call_id else message
        for message in chat.messages[place.holds :]
    )


def _site_question(
    question: _Question, place: SitePlace, model: str, files: tuple[dict[str, Any], ...]
) -> SiteQuestion:
    """Return the question as it goes to a place on the site."""
    chat = question.chat
    before = [Note("functions", offer)] if (offer := instructions(chat.tools, chat.tool_choice)) else []
    turn = calls.Question(
        model=model,
        text=folding.fold(_new_messages(chat, place), before),
        parent_id=place.response_id,
        thinking=bool(chat.thinking),
        thinking_budget=chat.thinking_budget,
        files=files,
    )
    return SiteQuestion(chat, place, turn, question.laps, question.lost)


def _wish(question: _Question) -> Wish:
    """Return which account is best: the one that has the files, or the conversation."""
    attachments, place = question.attachments, question.place
    owner = attachments.account_id if attachments else None
    kind = "upload" if attachments and attachments.need_upload else None
    return Wish(prefer=owner or (place.chat.account_id if place else None), kind=kind)
