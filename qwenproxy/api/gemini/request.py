"""Translate the body of Gemini's generateContent into a ChatRequest. Pure.

Fields that we cannot honour are named; a field is refused if its silent loss would mislead (contract 7 and 7.10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.api.gemini.contents import parse_contents, parse_system
from qwenproxy.api.gemini.generation import parse_generation
from qwenproxy.api.gemini.pictures import wish_of
from qwenproxy.api.gemini.spelling import inner_object, respelled
from qwenproxy.api.gemini.tools import parse_tools
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import ChatRequest
from qwenproxy.errors import UnsupportedParameter
from qwenproxy.media.pictures import PictureWish
from qwenproxy.upstream.works import means_pictures

_HONOURED = frozenset({"contents", "generationConfig", "model", "systemInstruction", "toolConfig", "tools"})
# No value of these changes a word of the answer.
_NEVER_LOST = frozenset({"cachedContent", "labels", "serviceTier", "store"})


@dataclass(frozen=True, slots=True)
class GeminiRequest:
    """A parsed body: the neutral request, and the form of the answer.

    `shows_thoughts` sends the model's thinking, `is_bare` a document that is one string without quotation marks;
    `ignored` names the fields without effect. `picture` is what is to be painted, None for a text.
    """

    chat: ChatRequest
    ignored: Ignored
    shows_thoughts: bool = False
    is_bare: bool = False
    picture: PictureWish | None = None


def parse_request(document: Mapping[str, Any], model: str, *, streamed: bool = False) -> GeminiRequest:
    """Translate the body of a question to `model`. Raises RequestError, UnsupportedParameter naming the field."""
    ignored = Ignored()
    body = respelled(document)
    if body.get("cachedContent"):
        raise UnsupportedParameter(
            "There are no cached contents. Send the whole conversation; the proxy goes on where the site holds it.",
            param="cachedContent",
        )
    generation = parse_generation(body, ignored)
    offer, search = parse_tools(body, ignored)
    system = parse_system(body.get("systemInstruction"), ignored)
    chat = ChatRequest(
        messages=(*system, *parse_contents(body.get("contents"), ignored)),
        model=model_name(model),
        thinking=generation.thinking,
        thinking_budget=generation.thinking_budget,
        stop=generation.stop,
        max_tokens=generation.max_tokens,
        tools=offer.tools,
        tool_choice=offer.choice,
        parallel_calls=offer.parallel,
        document=generation.document,
        search=search,
        streamed=streamed,
    )
    ignored.add_fields(body, _HONOURED | _NEVER_LOST)
    paints = generation.wants_picture or means_pictures(chat.model)
    picture = wish_of(chat, generation.ratio) if paints else None
    return GeminiRequest(chat, ignored, generation.shows_thoughts, generation.is_bare, picture)


def parse_count(document: Mapping[str, Any], model: str) -> GeminiRequest:
    """Translate the body of countTokens: contents alone, or a whole request. Raises as parse_request does."""
    body = respelled(document)
    return parse_request(inner_object(body, "generateContentRequest") or body, model)


def model_name(name: str) -> str:
    """Return a model's name without the collection that Google puts before it."""
    return name.strip().removeprefix("models/")
