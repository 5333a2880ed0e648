"""Steps that ask a model: answers, where a chat goes on, thinking, searches, stopping, long questions, local chats."""

from __future__ import annotations

import re
from dataclasses import replace

from qwenproxy.browser.page import PageRequest
from qwenproxy.chat import WebSearch
from qwenproxy.errors import NetworkFailed, NotLoggedIn, ProxyError, RateLimited, Refusal, TabLost, VerificationRequired
from qwenproxy.probe import forms
from qwenproxy.probe.listening import Heard, Manner
from qwenproxy.probe.notes import Notebook
from qwenproxy.probe.visit import NotTried, Visit, said
from qwenproxy.texts import Phrase
from qwenproxy.upstream import calls
from qwenproxy.upstream.bodies import object_in

_BUDGET = 1024  # tokens of thinking
_OVER = 1.25  # times the budget that thinking may take before it counts as not kept
_MARK = re.compile(r"\[\[?\d{1,3}\]")
_LINE = "This line is only here to make the question long, and says nothing at all.\n"


def chat(visit: Visit, book: Notebook) -> None:
    """Make the main chat."""
    visit.found.chat_id = visit.new_chat(book, calls.new_chat(visit.model.id), forms.NEW_CHAT)


def answer(visit: Visit, book: Notebook) -> None:
    """Ask something short, without thinking."""
    heard = _ask(visit, book, _plain(visit, "Answer with the single word: ready"))
    _judge_end(heard, book)
    if heard.thoughts:
        book.seen(Phrase("probe_thinks_anyway"))


def continuing(visit: Visit, book: Notebook) -> None:
    """Ask below the answer before."""
    parent = visit.answer()
    question = replace(_plain(visit, "Answer with the single word: again"), parent_id=parent)
    _judge_end(_ask(visit, book, question), book)


def older_parent(visit: Visit, book: Notebook) -> None:
    """Ask below the first answer although there is a later one; nobody has seen how the site takes that."""
    visit.answer(1)
    question = replace(_plain(visit, "Answer with the single word: other"), parent_id=visit.answer(0))
    try:
        heard = _ask(visit, book, question)
    except (Refusal, NetworkFailed, TabLost):
        raise
    except ProxyError as error:
        book.changed(Phrase("probe_no_older_parent", said=said(book, error)))
        return
    _judge_end(heard, book)
    book.seen(Phrase("probe_older_parent"))


def reading(visit: Visit, book: Notebook) -> None:
    """Read the chat: its form, and whether both later questions hang below the first answer."""
    first = visit.answer(0)
    body = visit.call(book, calls.get(f"/api/v2/chats/{visit.chat()}"), forms.CHAT, "chat")
    messages = _messages(body)
    book.facts["tree"] = {
        "messages": len(messages),
        "answers": sum(message.get("role") == "assistant" for message in messages.values()),
        "has_first_answer": first in messages,
        "below_first_answer": sum(message.get("parentId") == first for message in messages.values()),
    }
    if first not in messages:
        book.changed(Phrase("probe_answer_elsewhere"))


def _messages(body: str) -> dict[str, dict[str, object]]:
    place: object = object_in(body)
    for key in ("data", "chat", "history", "messages"):
        place = place.get(key) if isinstance(place, dict) else None
    if isinstance(place, list):
        place = {str(message.get("id")): message for message in place if isinstance(message, dict)}
    found = place if isinstance(place, dict) else {}
    return {key: message for key, message in found.items() if isinstance(message, dict)}


def thinking(visit: Visit, book: Notebook) -> None:
    """Ask with thinking and a budget for it."""
    if not visit.model.thinking:
        raise NotTried(Phrase("probe_unable", what="thinking"))
    question = replace(
        _plain(visit, "Which is larger, 9.11 or 9.9? Answer with the number alone."),
        parent_id=visit.parent(),
        thinking=True,
        thinking_budget=_BUDGET,
    )
    heard = _ask(visit, book, question)
    _judge_end(heard, book)
    if not heard.thoughts:
        book.changed(Phrase("probe_no_thoughts"))
    tokens = heard.usage.reasoning_tokens if heard.usage else 0
    if tokens > _BUDGET * _OVER:
        book.changed(Phrase("probe_budget", seen=tokens, known=_BUDGET))
    elif tokens:
        book.seen(Phrase("probe_thought", tokens=tokens))
    else:
        book.changed(Phrase("probe_no_thought_count"))


def search(visit: Visit, book: Notebook) -> None:
    """Force a web search, in a chat of that type."""
    if not visit.model.search:
        raise NotTried(Phrase("probe_unable", what="search"))
    wish = WebSearch(forced=True)
    creation = calls.new_chat(visit.model.id, chat_type=calls.chat_type_of(wish))
    chat_id = visit.new_chat(book, creation, forms.NEW_CHAT)
    question = calls.Question(visit.model.id, "What is the newest stable version of Python?", search=wish)
    heard = visit.ask(book, calls.completion(chat_id, question), chat_id)
    _judge_end(heard, book)
    if heard.search is None or not heard.search.results:
        book.changed(Phrase("probe_no_pages"))
        return
    marks = len(_MARK.findall(heard.text))
    book.facts["marks"] = marks
    book.seen(Phrase("probe_pages", pages=len(heard.search.results), marks=marks))


def stop(visit: Visit, book: Notebook) -> None:
    """Stop an answer once its first text has come."""
    chat_id = visit.chat()
    stopped_at: list[float] = []

    def order(response_id: str) -> None:
        stopped_at.append(visit.means.clock())
        try:
            visit.call(book, calls.stop(chat_id, response_id), forms.DONE, "order", spaced=False)
        except Refusal:
            raise
        except ProxyError as error:
            book.changed(Phrase("probe_stop_refused", said=said(book, error)))

    text = "Count from 1 to 600, one number on each line, without any other word."
    question = replace(_plain(visit, text), parent_id=visit.parent())
    began_at = visit.means.clock()
    heard = visit.ask(book, calls.completion(chat_id, question), chat_id, Manner(on_text=order))
    visit.note_answer(heard.response_id)
    book.facts["stop"] = {
        "text_characters": len(heard.text),
        "stopped_event": heard.was_stopped,
        "ordered_after_s": round(stopped_at[0] - began_at, 2) if stopped_at else None,
        "over_after_s": round(heard.form.last_at, 2),
    }
    if "\n600" in heard.text:
        book.changed(Phrase("probe_not_stopped"))
    elif heard.was_stopped:
        book.seen(Phrase("probe_stopped"))
    else:
        book.seen(Phrase("probe_stopped_silently"))


def local_chat(visit: Visit, book: Notebook) -> None:
    """Make a chat that the site does not list, and ask in it twice."""
    creation = _local(calls.new_chat(visit.model.id))
    chat_id = visit.new_chat(book, creation, forms.NEW_CHAT)
    parent = None
    for word in ("local", "further"):
        question = replace(_plain(visit, f"Answer with the single word: {word}"), parent_id=parent)
        heard = visit.ask(book, _local(calls.completion(chat_id, question)), chat_id)
        parent = heard.response_id
    _judge_end(heard, book)
    listed = visit.call(book, calls.get("/api/v2/chats/?page=1"), "any", "list")
    if chat_id in listed:
        book.changed(Phrase("probe_local_listed"))


def _local(request: PageRequest) -> PageRequest:
    assert request.body is not None
    return replace(request, body=request.body.replace('"chat_mode":"normal"', '"chat_mode":"local"'))


def long_question(visit: Visit, book: Notebook) -> None:
    """Ask the longest question that the product sends as text."""
    end = "Answer with the single word: long"
    room = max(visit.means.longest - len(end), 0)
    text = _LINE * (room // len(_LINE)) + end
    book.facts["question"] = {"characters": len(text)}
    question = replace(_plain(visit, text), parent_id=visit.parent())
    try:
        heard = _ask(visit, book, question)
    except (RateLimited, NotLoggedIn, NetworkFailed, TabLost):
        raise
    except ProxyError as error:
        book.changed(Phrase("probe_too_long", characters=len(text), said=said(book, error)))
        if isinstance(error, VerificationRequired):
            raise
        return
    _judge_end(heard, book)
    book.seen(Phrase("probe_long", characters=len(text)))


def _plain(visit: Visit, text: str) -> calls.Question:
    return calls.Question(visit.model.id, text, thinking=visit.model.always_thinks)


def _ask(visit: Visit, book: Notebook, question: calls.Question) -> Heard:
    """Ask in the main chat; the next step goes on below this answer."""
    chat_id = visit.chat()
    heard = visit.ask(book, calls.completion(chat_id, question), chat_id)
    visit.note_answer(heard.response_id)
    if not heard.response_id:
        book.changed(Phrase("probe_no_response_id"))
    return heard


def _judge_end(heard: Heard, book: Notebook) -> None:
    if not heard.text:
        book.changed(Phrase("probe_no_text"))
    if heard.form.first_at is not None:
        book.seen(Phrase("probe_first_text", first=f"{heard.form.first_at:.1f}", whole=f"{heard.form.last_at:.1f}"))
