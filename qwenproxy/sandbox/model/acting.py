"""What the model does without being told: it calls functions, writes JSON documents, speaks about results, or chats.

With {{document}} and {{breaks}} it does so badly (directives.py). Returns steps; script.py turns them into parts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from qwenproxy.sandbox.model.conversation import Conversation
from qwenproxy.sandbox.model.dialects import Call
from qwenproxy.sandbox.model.offers import Function, Offer, without_offers
from qwenproxy.sandbox.model.steps import Step
from qwenproxy.sandbox.model.values import value_for
from qwenproxy.sandbox.model.view import Entry

_EXCERPT = 300  # characters of the question that the plain answer repeats
_QUOTE = 1000  # characters of a function's result
_SCHEMA = re.compile(r"\bJSON schema\b", re.IGNORECASE)
_OBJECT = re.compile(r"\bJSON object\b", re.IGNORECASE)
_TALK = re.compile(r"\b(?:answer|reply|respond|write|return|output|give|produce)\b[^.\n]{0,80}\bJSON object\b", re.I)
_SCHEMA_WORDS = frozenset({"type", "properties", "anyOf", "oneOf", "allOf", "$ref", "enum", "const", "items", "$defs"})
_FORMAT = re.compile(r"\bJSON format:\s*(?=\{)", re.IGNORECASE)  # as programs ask for titles: an example follows
_EXAMPLE = "Made up by the stand-in"
_NEAR = 400  # characters between the words and the schema
_ANY = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
_CHAT = "I would rather talk about it than write it down."
_BOTH = re.compile(r"\bboth functions\b", re.IGNORECASE)
_COUNT = re.compile(r"\bcount from 1 to (\d{1,4})\b", re.IGNORECASE)
_NEWS = re.compile(
    r"\b(?:news|headlines|latest|current events|search the web|look (?:it |this )?up online)\b", re.IGNORECASE
)


def act(conversation: Conversation, offer: Offer, *, may_search: bool) -> Step:
    """Return what the model does by itself; `may_search`: it may look things up."""
    schema = _wanted_schema(conversation.entries)
    if conversation.result is not None:
        return _document(conversation, schema) if schema is not None else Step(_about(conversation.result), ())
    text = without_offers(conversation.user_text)
    if _BOTH.search(text) and len(named := offer.all_named_in(text)) > 1:
        return Step("", tuple(offer.call(each) for each in named))
    function = offer.demanded(conversation.entries) or offer.named_in(text) or offer.meant_in(text)
    if function is not None:
        return _calling(conversation, offer, function)
    if schema is not None:
        return _document(conversation, schema)
    if may_search and offer.way and asks_for_news(conversation):
        # a model that may search and sees functions writes its search as one of them (protocol 5.8)
        return Step("", (Call("web_search", {"queries": [conversation.user_text.strip()[:100]]}, "tool_call"),))
    if count := _COUNT.search(text):
        return Step("\n".join(map(str, range(1, int(count[1]) + 1))), ())
    return Step(plain_answer(conversation.user_text), ())


def asks_for_news(conversation: Conversation) -> bool:
    """Tell whether the newest question needs a look into the web."""
    return bool(_NEWS.search(conversation.user_text))


def plain_answer(question: str) -> str:
    """Return the answer to a question that orders nothing."""
    excerpt = question.strip()
    if len(excerpt) > _EXCERPT:
        excerpt = "…" + excerpt[-_EXCERPT:]
    return f'Hello! I am the stand-in for the real model. You said: "{excerpt}" Everything works.'


def _about(result: Entry) -> str:
    name = f"the function {result.name}" if result.name else "the function"
    return f'The result of {name} begins with "{result.text.strip()[:_QUOTE]}".'


def _calling(conversation: Conversation, offer: Offer, function: Function) -> Step:
    # a correction shows the form that it wants
    call = offer.call(function, "use_function" if "<use_function name=" in conversation.user_text else "")
    if not conversation.is_broken_now():
        return Step("", (call,))
    how = _way_to_break(conversation)
    if how == "chat":
        return Step(_CHAT, ())
    if how == "misfit" or offer.dialect == "native":
        return Step("", (Call(function.name, {"unexpected": True}, call.dialect),))
    return Step("", (Call(function.name, call.arguments, "broken"),))


def _document(conversation: Conversation, schema: Any) -> Step:
    document = json.dumps(value_for(schema, whole=True), ensure_ascii=False, indent=2)
    if conversation.is_broken_now():
        how = _way_to_break(conversation)
        return Step({"chat": _CHAT, "misfit": '{"unexpected": []}'}.get(how, document.rstrip("]}\n ") + ",,"), ())
    manner = conversation.manner("document")
    word = manner.text.strip() if manner else ""
    if word == "fence":
        return Step(f"```json\n{document}\n```", ())
    if word == "prose":
        return Step(f"Here is the document:\n\n```json\n{document}\n```\n\nTell me if you need more.", ())
    return Step(_CHAT if word == "chat" else document, ())


def _way_to_break(conversation: Conversation) -> str:
    breaks = conversation.manner("breaks")
    words = breaks.text.split() if breaks else []
    return words[1] if len(words) > 1 else ""


def _wanted_schema(entries: Sequence[Entry]) -> Any:
    """Return the schema of the document that the newest message of the site asks for; None when it asks for none.

    A message that only speaks of JSON, as a correction does, means the schema of an earlier one.
    """
    newest = max((entry.message for entry in entries), default=0)
    speaks = any("json" in text.lower() for text, _ in _demands([one for one in entries if one.message == newest]))
    for text, is_note in _demands(entries) if speaks else ():
        for words in reversed(list(_SCHEMA.finditer(text))):
            schema = _schema_after(text, words.end())
            if schema is not None:
                return schema
        for words in reversed(list(_FORMAT.finditer(text))):
            if (example := _json_after(text, words.end())) is not None:
                return {"const": _like(example)}
        if (_OBJECT if is_note else _TALK).search(text):
            return _ANY
    return None


def _demands(entries: Sequence[Entry]) -> Iterator[tuple[str, bool]]:
    for entry in reversed(entries):
        if entry.role not in ("assistant", "tool", "file", "functions"):
            yield without_offers(entry.text), entry.role not in ("user", "system")


def _schema_after(text: str, at: int) -> Any:
    value = _json_after(text, at)
    return value if value is not None and _SCHEMA_WORDS & set(value) and "parameters" not in value else None


def _json_after(text: str, at: int) -> dict[str, Any] | None:
    start = text.find("{", at, at + _NEAR)
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _like(example: Any) -> Any:
    """Return a value of the example's form, with one entry in each list."""
    if isinstance(example, dict):
        return {key: _like(value) for key, value in example.items()}
    if isinstance(example, list):
        return [_like(value) for value in example[:1]]
    return _EXAMPLE if isinstance(example, str) else example
