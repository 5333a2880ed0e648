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
from qwenproxy.chat import ChatRequest, Message
from qwenproxy.chat.tool_calls import instructions
from qwenproxy.chat.waiting import ClientGoneCheck
from qwenproxy.errors import ChatGone, InputRejected
from qwenproxy.observe.laps import Laps
from qwenproxy.relay.long_texts import LongTexts
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.reading import Patience
from qwenproxy.relay.run import ChatRun, SiteQuestion
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls
from qwenproxy.upstream import calls, folding
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.folding import Note
from qwenproxy.upstream.models import Model
from qwenproxy.upstream.places import SiteChat, SitePlace


@dataclass(slots=True)
class Question:
    """A request on its way through the accounts. `place` is None if the site needs the whole conversation."""

    chat: ChatRequest
    place: SitePlace | None
    attachments: Attachments | None
    client_gone: ClientGoneCheck
    fits: bool = False  # the question is known to fit into the model's context
    laps: Laps = field(default_factory=Laps)

    def place_for(self, account_id: str) -> SitePlace | None:
        """Return the place where this account can go on, None if it has to begin anew."""
        return self.place if self.place and self.place.chat.account_id == account_id else None


@dataclass(frozen=True, slots=True)
class _Asker:
    """What one account asks with: its page, the request with the switches of its model's name, and its files."""

    lease: Lease
    page: Page
    site: SiteCalls
    chat: ChatRequest
    model: Model
    files: tuple[dict[str, Any], ...]


class Asking:
    """Asks questions on accounts."""

    def __init__(
        self,
        models: ModelList,
        texts: LongTexts,
        patience: Patience,
        site_calls: Callable[[Lease, Page, ClientGoneCheck], SiteCalls],
        discard: Callable[[SiteChat], None],
    ) -> None:
        """`site_calls` lends an account's page for uploads; `discard` gets a new chat that got no answer."""
        self._models = models
        self._texts = texts
        self._patience = patience
        self._site_calls = site_calls
        self._discard = discard

    def start(self, lease: Lease, question: Question) -> ChatRun:
        """Ask with one account, and wait for the first sign of an answer. Raises what goes wrong until then."""
        chat, attachments = question.chat, question.attachments
        if attachments:
            attachments.check(lease.account_id)
        page = lease.open()
        self._models.refresh(page, question.client_gone)
        question.fits = question.fits or self._models.check_length(chat)
        question.laps.end("account")
        variant = self._models.resolve(chat.model)
        place = question.place_for(lease.account_id)
        site = self._site_calls(lease, page, question.client_gone)
        files: tuple[dict[str, Any], ...] = ()
        if attachments:
            files = attachments.entries(folding.attachments(new_messages(chat, place)), site)
        asker = _Asker(lease, page, site, variant.applied_to(chat), variant.model, files)
        turn = self._turn(asker, place)
        question.laps.end("files")
        if place is None:
            return self._ask_anew(asker, question, turn)
        try:
            return self._ask(asker, question, SiteQuestion(asker.chat, place, turn, question.laps))
        except ChatGone:
            question.place = None  # the next try sends everything
            raise

    def _turn(self, asker: _Asker, place: SitePlace | None) -> calls.Question:
        """Return the question as it goes to a place on the site, or to a new chat; upload text that is too long."""
        chat = asker.chat
        before = [Note("functions", offer)] if (offer := instructions(chat.tools, chat.tool_choice)) else []
        sent = self._texts.put(new_messages(chat, place), before, (), asker.site)
        return calls.Question(
            model=asker.model.id,
            text=sent.text,
            parent_id=place.response_id if place else None,
            thinking=bool(chat.thinking) or self._models.must_think(asker.model),
            thinking_budget=chat.thinking_budget,
            files=(*asker.files, *sent.files),
        )

    def _ask_anew(self, asker: _Asker, question: Question, turn: calls.Question) -> ChatRun:
        """Ask in a new chat of the site; delete the chat if no answer comes."""
        new_chat = call(asker.page, calls.new_chat(turn.model), question.client_gone, self._patience.clock)
        question.laps.end("chat")
        place = SitePlace(SiteChat(asker.lease.account_id, calls.chat_id_from(new_chat)))
        try:
            return self._ask(asker, question, SiteQuestion(asker.chat, place, turn, question.laps))
        except BaseException:
            self._discard(place.chat)
            raise

    def _ask(self, asker: _Asker, question: Question, site_question: SiteQuestion) -> ChatRun:
        """Ask; a model that the site does not let answer without thinking is asked again with it (protocol 4.4)."""
        turn = site_question.turn
        try:
            return self._prime(asker, question, site_question)
        except InputRejected:
            if turn.thinking or not asker.model.thinking:
                raise
        run = self._prime(asker, question, replace(site_question, turn=replace(turn, thinking=True)))
        self._models.note_must_think(asker.model)
        return run

    def _prime(self, asker: _Asker, question: Question, site_question: SiteQuestion) -> ChatRun:
        """Send the question and wait for the first sign of an answer."""
        run = ChatRun(asker.lease, asker.page, site_question, self._patience)
        try:
            run.prime(question.client_gone)
        except BaseException:
            run.abandon()
            raise
        question.laps.end("first")
        return run


def new_messages(chat: ChatRequest, place: SitePlace | None) -> tuple[Message, ...]:
    """Return the messages that the site does not hold yet."""
    return chat.messages[place.holds if place else 0 :]
