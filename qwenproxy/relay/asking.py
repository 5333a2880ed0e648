"""One question on one account: in the place where the site holds the conversation, or in a new chat.

questions.py chooses the account and says what is asked. Knows the lease, the page seam and the site's forms; knows no
other account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from qwenproxy.accounts.pool import Lease
from qwenproxy.browser.page import Page
from qwenproxy.chat import ChatRequest, WebSearch
from qwenproxy.chat.waiting import ClientGoneCheck
from qwenproxy.errors import (
    BareRefusal,
    ChatGone,
    EmptyAnswer,
    InputRejected,
    ParentGone,
    ProxyError,
    RateLimited,
    RequestError,
    SiteFailure,
    UpstreamError,
)
from qwenproxy.observe.laps import Laps
from qwenproxy.relay.drafts import Draft, Drafts
from qwenproxy.relay.long_texts import LongTexts
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.offers import Offers
from qwenproxy.relay.reading import Patience
from qwenproxy.relay.run import ChatRun
from qwenproxy.relay.search_chat import SearchSite
from qwenproxy.relay.searching import Searching, as_able
from qwenproxy.relay.site_question import Loss, SiteQuestion
from qwenproxy.relay.spare_chats import SpareChats
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls
from qwenproxy.upstream import calls
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.places import SiteChat, SitePlace

# How the site may refuse a question under an answer that is not the newest: its words for that are unknown.
_UNDER_OLDER_PARENT = (BareRefusal, RequestError, UpstreamError)
# What the site says where it does not take functions natively. If they were not the reason, the next way fails, too.
_NATIVE_REFUSALS = (BareRefusal, EmptyAnswer, InputRejected, RequestError, SiteFailure, UpstreamError)


@dataclass(slots=True)
class Question:
    """A request on its way through the accounts. `place` is None if the site needs the whole conversation.

    `lost` is what the site refused of the place that there was.
    """

    chat: ChatRequest
    place: SitePlace | None
    attachments: Attachments | None
    client_gone: ClientGoneCheck
    fits: bool = False  # the question is known to fit into the model's context
    laps: Laps = field(default_factory=Laps)
    lost: Loss | None = None

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


@dataclass(frozen=True, slots=True)
class _Asker:
    """What one account asks with: its page, the drafted question, and the files of that on the site."""

    lease: Lease
    page: Page
    site: SiteCalls
    draft: Draft
    files: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Means:
    """What questions are asked with: models, functions, drafts, long texts, and how long to wait.

    `site_calls` lends an account's page for uploads; `discard` gets a new chat that got no answer; `spare_chats`
    has new ones in stock.
    """

    models: ModelList
    offers: Offers
    drafts: Drafts
    texts: LongTexts
    patience: Patience
    site_calls: Callable[[Lease, Page, ClientGoneCheck], SiteCalls]
    discard: Callable[[SiteChat], None]
    spare_chats: SpareChats | None = None


class Asking:
    """Asks questions on accounts."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._models = means.models

    def start(self, lease: Lease, question: Question) -> ChatRun:
        """Ask with one account, and wait for the first sign of an answer. Raises what goes wrong until then."""
        try:
            return self._start(lease, question)
        except RateLimited as error:
            if question.chat.work and error.kind is None:
                error.kind = question.chat.work.kind  # such a limit is no limit of talk
            raise

    def _start(self, lease: Lease, question: Question) -> ChatRun:
        asker = self._asker(lease, question)
        draft = asker.draft
        try:
            return self._ask_at(asker, question)
        except ProxyError as error:
            if draft.place and question.lose_place(error):
                raise ChatGone(error.message) from error  # the next try, on the same account, sends everything
            other = self._means.offers.after(draft.way) if draft.way == "native" else None
            if other is None or type(error) not in _NATIVE_REFUSALS:
                raise
            # In a new chat, because what became of the question in the old one is unknown.
            question.place = None
            asker = self._asker(lease, question)
            run = self._ask_at(replace(asker, draft=replace(asker.draft, way=other)), question)
        # The other way works, so the fault was with this one.
        self._means.offers.give_up(lease.account_id, draft.model.id, "native")
        return run

    def _asker(self, lease: Lease, question: Question) -> _Asker:
        """Open the account's page and bring the question's files there."""
        attachments = question.attachments
        if attachments:
            attachments.check(lease.account_id)
        page = lease.open()
        self._models.refresh(page, question.client_gone)
        question.fits = question.fits or self._models.check_length(question.chat)
        question.laps.end("account")
        draft = self._means.drafts.draft(lease.account_id, question.chat, question.place)
        site = self._means.site_calls(lease, page, question.client_gone)
        files = attachments.entries(draft.attachments, site) if attachments else ()
        return _Asker(lease, page, site, draft, files)

    def _ask_at(self, asker: _Asker, question: Question) -> ChatRun:
        """Ask in a place on the site, or in a new chat, which is deleted if no answer comes."""
        draft, drafts, place = asker.draft, self._means.drafts, asker.draft.place
        sent = self._means.texts.put(drafts.text(draft), asker.site)
        turn = drafts.turn(draft, sent.text, (*asker.files, *sent.files))
        question.laps.end("files")
        if place:
            return self._ask(asker, question, self._site_question(asker, question, place, turn))
        chat_type = calls.chat_type_of(turn.search, turn.work)
        spares = self._means.spare_chats if chat_type == calls.TALK else None
        try:
            spare = spares.take(asker.lease.account_id, turn.model) if spares else None
            run = self._ask_in(spare, asker, question, turn) if spare else None
        except ChatGone:
            run = None
        if run is None:
            creation = calls.new_chat(turn.model, chat_type=chat_type)
            new_chat = call(asker.page, creation, question.client_gone, self._means.patience.clock)
            chat = SiteChat(asker.lease.account_id, calls.chat_id_from(new_chat))
            run = self._ask_in(chat, asker, question, turn)
        if spares:
            spares.want(asker.lease.account_id, asker.page, turn.model)
        return run

    def _ask_in(self, chat: SiteChat, asker: _Asker, question: Question, turn: calls.Question) -> ChatRun:
        """Ask in a chat without any question so far, which is deleted if no answer comes."""
        question.laps.end("chat")
        try:
            return self._ask(asker, question, self._site_question(asker, question, SitePlace(chat), turn))
        except BaseException:
            self._means.discard(chat)
            raise

    def _site_question(self, asker: _Asker, question: Question, place: SitePlace, turn: calls.Question) -> SiteQuestion:
        account_id, model, way = asker.lease.account_id, asker.draft.model.id, asker.draft.way
        return SiteQuestion(
            asker.draft.chat,
            place,
            turn,
            question.laps,
            way,
            (lambda: self._means.offers.give_up(account_id, model, way)) if way else lambda: None,
            question.lost,
        )

    def _ask(self, asker: _Asker, question: Question, site_question: SiteQuestion) -> ChatRun:
        """Ask; a model that the site does not let answer without thinking is asked again with it (protocol 4.4)."""
        turn = site_question.turn
        try:
            return self._prime(asker, question, site_question)
        except InputRejected:
            if turn.thinking or not asker.draft.model.thinking:
                raise
        run = self._prime(asker, question, replace(site_question, turn=replace(turn, thinking=True)))
        self._models.note_must_think(asker.draft.model)
        return run

    def _prime(self, asker: _Asker, question: Question, site_question: SiteQuestion) -> ChatRun:
        """Send the question and wait for the first sign of an answer."""
        searching = self._searching(asker)
        run = ChatRun(asker.lease, asker.page, site_question, self._means.patience, searching)
        try:
            run.prime(question.client_gone)
        except BaseException:
            run.abandon()
            raise
        question.laps.end("first")
        return run

    def _searching(self, asker: _Asker) -> Searching | None:
        """Return what makes the model's own web searches, None if it is offered none."""
        draft, search = asker.draft, asker.draft.chat.search
        if not draft.search_name or not search:
            return None
        wish = as_able(WebSearch(forced=True), draft.model)
        account_id, model, means = asker.lease.account_id, draft.model.id, self._means
        site = SearchSite(account_id, asker.page, model, wish, means.patience, means.discard)
        return Searching(draft.search_name, search.max_uses, site)
