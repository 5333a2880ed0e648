"""The turn that takes a request to the site: its text, its files, and how functions are offered.

The relay asks for it once an account, its page and a place are known. Puts together what folding and dialects write,
and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qwenproxy.accounts.pool import Lease
from qwenproxy.browser.page import Page
from qwenproxy.chat import ChatRequest, Message, prefill
from qwenproxy.chat.document import instruction
from qwenproxy.relay.searching import site_search
from qwenproxy.upstream import calls, dialects, folding
from qwenproxy.upstream.dialects import Way
from qwenproxy.upstream.folding import Note
from qwenproxy.upstream.models import Model
from qwenproxy.upstream.places import SitePlace


@dataclass(frozen=True, slots=True)
class Try:
    """One way to ask: an account with its page, the model, the files, and how functions are offered.

    `way` is None if the request offers none.
    """

    lease: Lease
    page: Page
    model: Model
    files: tuple[dict[str, Any], ...]
    way: Way | None


def turn_for(chat: ChatRequest, attempt: Try, place: SitePlace) -> calls.Question:
    """Return the turn that takes a request to a place on the site."""
    way, goes_on = attempt.way, bool(place.response_id)
    offer = dialects.offer(way, chat, is_known=goes_on) if way else ""
    frame = folding.Frame(
        before=[Note("functions", offer)] if offer else [],
        after=_after(chat, may_call=way is not None),
        write_call=dialects.writer(way, chat.tools),
        goes_on=goes_on,
    )
    return calls.Question(
        model=attempt.model.id,
        text=folding.fold(new_messages(chat, place), frame),
        parent_id=place.response_id,
        thinking=bool(chat.thinking),
        thinking_budget=chat.thinking_budget,
        files=attempt.files,
        local_tools=dialects.local_tools(chat.tools) if way == "native" else None,
        offers_tools=bool(chat.tools),
        search=site_search(chat, attempt.model),
    )


def _after(chat: ChatRequest, *, may_call: bool) -> list[Note]:
    """Return what the model has to read last: what its answer must be like."""
    notes = [Note("format", instruction(chat.document, may_call=may_call))] if chat.document else []
    return [*notes, Note("answer", prefill.NOTE)] if prefill.beginning(chat) else notes


def new_messages(chat: ChatRequest, place: SitePlace | None) -> tuple[Message, ...]:
    """Return the messages that the site does not hold yet."""
    return chat.messages[place.holds if place else 0 :]
