"""Steps about functions that the site takes natively: one call, its result, two calls (protocol 4.8)."""

from __future__ import annotations

from typing import Any

from qwenproxy.chat import Message, TextPart, Tool
from qwenproxy.errors import EmptyAnswer, NetworkFailed, ProxyError, Refusal, TabLost
from qwenproxy.probe.listening import Heard, Manner
from qwenproxy.probe.notes import Notebook
from qwenproxy.probe.visit import NotTried, Visit, said
from qwenproxy.texts import Phrase
from qwenproxy.upstream import calls, dialects
from qwenproxy.upstream.folding import Frame, fold


def _about_a_city(name: str, what: str) -> Tool:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    return Tool(name, f"Returns the {what} in a city.", schema)


_TOOLS = (_about_a_city("probe_weather", "weather"), _about_a_city("probe_time", "local time"))
_NAMES = frozenset(tool.name for tool in _TOOLS)


def one_call(visit: Visit, book: Notebook) -> None:
    """Offer two functions and have one called."""
    heard = _ask(visit, book, "Call the function probe_weather for Paris. Say nothing else.")
    if heard is None:
        return
    if heard.written_calls and heard.response_id:
        visit.found.tool_call = (heard.response_id, heard.written_calls[0].name)
    if len(heard.written_calls) == 1:
        book.seen(Phrase("probe_calls", count=1))


def result(visit: Visit, book: Notebook) -> None:
    """Send the result of that call as the next message of the person."""
    if visit.found.tool_call is None:
        raise NotTried(Phrase("probe_needs", step=Phrase("probe_step_one_call")))
    response_id, name = visit.found.tool_call
    message = Message("tool", (TextPart("Sunny, 21 degrees."),), name=name, tool_call_id="call_1")
    text = fold((message,), Frame(goes_on=True))
    heard = _answer(visit, book, text, response_id)
    if not heard.text:
        book.changed(Phrase("probe_no_text"))


def two_calls(visit: Visit, book: Notebook) -> None:
    """Have both functions called in one answer."""
    heard = _ask(visit, book, "Call both functions for Paris at once: probe_weather and probe_time. Say nothing else.")
    if heard is None:
        return
    count = len(heard.written_calls)
    book.seen(Phrase("probe_calls" if count > 1 else "probe_one_of_two", count=count))


def _ask(visit: Visit, book: Notebook, text: str) -> Heard | None:
    """Ask with functions on offer, and judge whether the site took them; None if it refused them."""
    try:
        heard = _answer(visit, book, text, visit.parent())
    except (Refusal, NetworkFailed, TabLost):
        raise
    except EmptyAnswer:
        book.changed(Phrase("probe_tools_silent"))
        return None
    except ProxyError as error:
        book.changed(Phrase("probe_tools_refused", said=said(book, error)))
        return None
    _judge(heard, book)
    return heard


def _judge(heard: Heard, book: Notebook) -> None:
    if any(call.intercepted for call in heard.written_calls):
        book.changed(Phrase("probe_tools_taken"))
    elif not heard.written_calls:
        book.changed(Phrase("probe_tools_ignored"))
    elif any(call.name not in _NAMES for call in heard.written_calls):
        book.changed(Phrase("probe_tools_renamed"))


def _answer(visit: Visit, book: Notebook, text: str, parent_id: str | None) -> Heard:

    question = calls.Question(
        visit.model.id,
        text,
        parent_id=parent_id,
        thinking=visit.model.always_thinks,
        local_tools=dialects.local_tools(_TOOLS),
        offers_tools=True,
    )
    chat_id = visit.chat()
    heard = visit.ask(book, calls.completion(chat_id, question), chat_id, Manner(offers_tools=True))
    visit.note_answer(heard.response_id)
    return heard
