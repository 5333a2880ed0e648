"""A visit of the probe to the site: how it calls, how long it waits between calls, and what it has found so far.

The steps use it. Notes of each answer only its form; texts, ids and tokens stay here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from qwenproxy.browser.page import Head, Page, PageRequest, PageResponse
from qwenproxy.errors import EmptyAnswer, ProtocolChanged, ProxyError, UpstreamTimeout
from qwenproxy.probe.listening import Heard, Manner, listen
from qwenproxy.probe.names import shown
from qwenproxy.probe.notes import Notebook
from qwenproxy.probe.shapes import Form, compare, shape_of
from qwenproxy.texts import Phrase
from qwenproxy.upstream import calls, refusals
from qwenproxy.upstream.ask import CALL_BODY, CALL_WAIT, Body, read_body
from qwenproxy.upstream.bodies import object_in
from qwenproxy.upstream.files import UploadCredentials
from qwenproxy.upstream.models import Model

USUAL = Manner()
_LONGEST_PAGE = 1 << 20  # characters
_SHORTEST_SECRET = 6  # characters
_CODES = ("code", "error_code", "errorCode")


class AccountPage(Page, Protocol):
    """An account's page, and what the probe asks of its login."""

    @property
    def token(self) -> str:
        """Return the token the page has now."""

    @property
    def loads(self) -> int:
        """Return how often the page was loaded anew."""

    @property
    def renewable(self) -> bool:
        """Return whether the page has ever renewed its login."""

    def renew(self, loads: int, *, suspect: bool = False) -> bool:
        """Load the page anew."""


class NotTried(Exception):
    """A step cannot be tried; `phrase` says why."""

    def __init__(self, phrase: Phrase) -> None:
        super().__init__(str(phrase))
        self.phrase = phrase


@dataclass(frozen=True, slots=True)
class Means:
    """What a visit needs of its surroundings.

    `pause` waits some seconds, `pace` of which lie between two writes; `clock` counts seconds, `now` gives those since
    1970. `put` stores a file's bytes. `note_chat` hears of each chat before anything is asked in it, `note_deleted`
    once it is gone. `longest` is the longest question that the product sends as text, in characters.
    """

    now: Callable[[], float]
    pause: Callable[[float], None] = time.sleep
    pace: float = 6.0
    clock: Callable[[], float] = time.monotonic
    put: Callable[[UploadCredentials, str, bytes], None] = lambda credentials, content_type, data: None
    note_chat: Callable[[str], None] = lambda chat_id: None
    note_deleted: Callable[[str], None] = lambda chat_id: None
    longest: int = 45_000
    model_name: str = ""


@dataclass(slots=True)
class Found:
    """What earlier steps found and later ones need. The ids are those of answers in the main chat."""

    models: tuple[Model, ...] = ()
    model: Model | None = None
    chat_id: str = ""
    answers: list[str] = field(default_factory=list)
    has_answered: bool = False
    file: dict[str, Any] | None = None
    tool_call: tuple[str, str] | None = None


class Visit:
    """Calls the site through an account's page."""

    def __init__(self, page: AccountPage, means: Means) -> None:
        self.page = page
        self.means = means
        self.found = Found()
        self.chats: list[str] = []
        self._last_write: float | None = None
        self._private: set[str] = set()

    @property
    def private(self) -> tuple[str, ...]:
        """Ids, tokens and texts of this visit that no report may hold, the longest first."""
        known = {*self._private, *self.chats, *self.found.answers, self.page.token}
        return tuple(sorted(filter(_is_private, known), key=len, reverse=True))

    def keep_private(self, value: object) -> None:
        """Remember the texts in a JSON value as private."""
        if isinstance(value, str):
            self._private.add(value)
        elif isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                self.keep_private(each)

    @property
    def model(self) -> Model:
        """The model that is asked. Raises NotTried before the list is read."""
        if self.found.model is None:
            raise NotTried(Phrase("probe_needs", step=Phrase("probe_step_models")))
        return self.found.model

    def chat(self) -> str:
        """Return the main chat. Raises NotTried if it could not be made."""
        if not self.found.chat_id:
            raise NotTried(Phrase("probe_needs", step=Phrase("probe_step_chat")))
        return self.found.chat_id

    def answer(self, number: int = -1) -> str:
        """Return the id of an answer in the main chat. Raises NotTried if there is none."""
        try:
            return self.found.answers[number]
        except IndexError:
            raise NotTried(Phrase("probe_needs", step=Phrase("probe_step_answer"))) from None

    def parent(self) -> str | None:
        """Return what the next question in the main chat hangs below: the newest answer, None while none has an id.

        Raises NotTried if nothing was answered there.
        """
        if not self.found.has_answered:
            self.answer()
        return self.found.answers[-1] if self.found.answers else None

    def note_answer(self, response_id: str) -> None:
        """Remember an answer in the main chat; "" for one without an id."""
        self.found.has_answered = True
        if response_id:
            self.found.answers.append(response_id)

    def call(self, book: Notebook, request: PageRequest, form: Form, where: str, *, spaced: bool = True) -> str:
        """Make a small call and note its form under `where`; return the body. Raises what the site says.

        A write is `spaced` from the one before.
        """
        if request.method == "POST" and spaced:
            self._space()
        began_at = self.means.clock()
        head, body = self.fetch(request)
        content = object_in(body.text)
        book.facts[where] = {
            **head_facts(head),
            "characters": len(body.text),
            "seconds": round(self.means.clock() - began_at, 2),
            "shape": shape_of(content, form),
        }
        try:
            if body.trouble:
                raise body.refusal(head)
            refusals.check(head, body.text)
        except ProxyError as error:
            note_refusal(book, head, body.text, error)
            raise
        if content is None:
            raise ProtocolChanged("The site's answer is no JSON object.")
        book.differences(compare(content, form), where)
        return body.text

    def fetch(self, request: PageRequest) -> tuple[Head, Body]:
        """Make a call and return its whole answer, whatever it says. Raises NetworkFailed, TabLost, UpstreamTimeout."""
        response = self.page.fetch(request)
        try:
            return self._head(response), read_body(response, CALL_BODY, clock=self.means.clock)
        finally:
            response.close()

    def read_page(self, path: str) -> tuple[Head, str]:
        """Return a page of the site, whatever stands in it; at most about a megabyte. Raises NetworkFailed, TabLost."""
        response = self.page.fetch(PageRequest("GET", path, {"accept": "text/html"}))
        texts: list[str] = []
        try:
            head, deadline = self._head(response), self.means.clock() + CALL_WAIT
            for text in response.iter_text():
                texts.append(text)
                if sum(map(len, texts)) > _LONGEST_PAGE or self.means.clock() > deadline:
                    break
            return head, "".join(texts)
        finally:
            response.close()

    def new_chat(self, book: Notebook, request: PageRequest, form: Form) -> str:
        """Make a chat and remember to delete it; return its id. Raises what the site says."""
        chat_id = calls.chat_id_from(self.call(book, request, form, "new chat"))
        self.chats.append(chat_id)
        self.keep_private(chat_id)
        self.means.note_chat(chat_id)
        return chat_id

    def ask(self, book: Notebook, request: PageRequest, chat_id: str, manner: Manner = USUAL) -> Heard:
        """Ask a question and listen to its whole answer; note the form. Raises what the site says, EmptyAnswer."""
        self._space()
        heard = listen(self.page, request, chat_id, self.means.clock, manner)
        self._last_write = self.means.clock()
        if heard.refusal is not None:
            note_refusal(book, heard.head, heard.body, heard.refusal)
            raise heard.refusal
        heard.form.judge(book)
        book.facts["heard"] = heard.facts()
        if heard.error is not None:
            note_refusal(book, heard.head, "", heard.error)
            raise heard.error
        if heard.is_held_open:
            book.seen(Phrase("probe_held_open"))
        return heard

    def _head(self, response: PageResponse) -> Head:
        deadline = self.means.clock() + CALL_WAIT
        while (head := response.head(1.0)) is None:
            if self.means.clock() > deadline:
                raise UpstreamTimeout(f"The site did not answer within {CALL_WAIT:.0f} s.")
        return head

    def _space(self) -> None:
        """Leave the pace between two writes: many in a short time bring up the human check (protocol 6.7)."""
        now = self.means.clock()
        if self._last_write is not None and (left := self._last_write + self.means.pace - now) > 0:
            self.means.pause(left)
        self._last_write = self.means.clock()


def note_refusal(book: Notebook, head: Head, body: str, error: ProxyError) -> None:
    """Keep the form of a refusal: its codes, its keys, and what the product takes it for."""
    content = object_in(body)
    codes = [place.get(key) for place in _places(content) for key in _CODES if place.get(key)]
    book.facts["refusal"] = {
        **head_facts(head),
        "taken_for": type(error).__name__,
        "code": next((shown(str(code)) for code in codes), ""),
        "form": "JSON" if content is not None else "page" if body.lstrip().startswith("<") else "other",
        "characters": len(body),
        "shape": shape_of(content) if content is not None else None,
    }


def said(book: Notebook, error: ProxyError) -> str:
    """Return how a refusal is named to a person: code, status, and what the product takes it for."""
    refusal = book.facts.get("refusal", {})
    words = [refusal.get("code"), refusal.get("status"), type(error).__name__]
    if isinstance(error, EmptyAnswer):
        words = [type(error).__name__]
    return ", ".join(str(word) for word in words if word)


def _places(content: dict[str, Any] | None) -> list[dict[str, Any]]:
    if content is None:
        return []
    return [place for place in (content.get("data"), content.get("error"), content) if isinstance(place, dict)]


def _is_private(text: str) -> bool:
    """Tell whether a text could betray somebody, and cannot be a mere word, as those of the report are."""
    return len(text) >= _SHORTEST_SECRET and re.search(r"[\d@\s]", text) is not None


def head_facts(head: Head) -> dict[str, Any]:
    """Return status, and kind of content, as a report shows them."""
    actual = head.headers.get("x-actual-status-code", "").strip()
    is_status = re.fullmatch(r"[1-5]\d\d", actual)
    kind = head.headers.get("content-type", "").partition(";")[0].strip()
    return {
        "http_status": head.status,
        "status": int(actual) if is_status else head.status,
        "has_actual_status": bool(is_status),
        "content_type": shown(kind) if kind else "",
    }
