"""Translate the body of the Responses API into a ChatRequest. Pure.

Fields without effect are named; a field is refused if its silent loss would mislead (contract 4.4 and 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qwenproxy.api import documents, searching, thinking
from qwenproxy.api.bounds import read_limit, read_stop
from qwenproxy.api.fields import read_flag, read_object, read_text, read_whole
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai import tools as openai_tools
from qwenproxy.api.openai.messages import check_attachments
from qwenproxy.api.openai.request import refuse_losses
from qwenproxy.api.responses.compaction import instruction
from qwenproxy.api.responses.echo import echo_of
from qwenproxy.api.responses.items import Conversation, Lookup, added_tools, no_items, normalised
from qwenproxy.api.responses.objects import Item
from qwenproxy.api.responses.painting import as_picture, take_painting
from qwenproxy.chat import ChatRequest, Document, Message, TextPart, WebSearch
from qwenproxy.errors import RequestError, UnsupportedParameter

HONOURED = (
    frozenset(
        {
            "background", "conversation", "include", "input", "instructions", "max_output_tokens", "max_tokens",
            "max_tool_calls", "model", "previous_response_id", "stop", "store", "stream", "text",
        }
    )
    | openai_tools.FIELDS
    | documents.FIELDS
    | searching.FIELDS
    | thinking.FIELDS
)  # fmt: skip
REASONING = "reasoning.encrypted_content"
SOURCES = "web_search_call.action.sources"
_LOGPROBS = "message.output_text.logprobs"
_GIVEN = frozenset({REASONING, SOURCES, "message.input_image.image_url"})  # the last one always: items keep it


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A parsed body: the neutral request, and what the response and the store need to know.

    `input_items` is the new input, each item with an id and a type; `include` names what the client wants beside the
    usual; `wants_summary` asks for a compaction in place of an answer; with `gives_pictures` a picture of the answer is
    an item with its file, else a link in the text; `echo` holds what the response repeats.
    """

    chat: ChatRequest
    ignored: Ignored
    input_items: tuple[Item, ...]
    echo: Mapping[str, Any]
    include: frozenset[str] = frozenset()
    store: bool = True
    background: bool = False
    previous_response_id: str | None = None
    conversation: str | None = None
    wants_summary: bool = False
    gives_pictures: bool = False


def parse_response(body: Mapping[str, Any], earlier: Sequence[Item] = (), lookup: Lookup = no_items) -> ResponseRequest:
    """Translate the body of POST /v1/responses. Raises RequestError, UnsupportedParameter naming the field.

    `earlier` are the items of the conversation before, oldest first; `lookup` finds the items that the input refers to.
    """
    ignored = Ignored()
    _refuse(body)
    items = normalised(body.get("input") or [], lookup)
    conversation = _conversation(earlier, items, ignored)
    if not conversation.messages:
        raise RequestError("input must hold a text or items.", param="input")
    include = _include(body, ignored)
    tool, offered = take_painting(_with_tools(body, added_tools([*earlier, *items])), ignored)
    chat = _chat(offered, conversation, ignored)
    if tool and tool.forced and not conversation.wants_summary:
        chat = as_picture(chat, tool)
    echo = echo_of(body)
    ignored.add_fields(read_object(body, "text"), ("format",), "text")
    ignored.add_fields(body, HONOURED)
    return ResponseRequest(
        chat=chat,
        ignored=ignored,
        input_items=items,
        echo={**echo, "max_output_tokens": chat.max_tokens, **_conversation_field(body)},
        include=include,
        store=read_flag(body, "store") is not False,
        background=bool(read_flag(body, "background")),
        previous_response_id=read_text(body, "previous_response_id"),
        conversation=conversation_id(body),
        wants_summary=conversation.wants_summary,
        gives_pictures=tool is not None,
    )


def _chat(body: Mapping[str, Any], conversation: Conversation, ignored: Ignored) -> ChatRequest:
    max_uses = read_whole(body, "max_tool_calls")
    search, body = searching.take_search(body, ignored)
    offer = openai_tools.parse_offer(body, ignored)
    thinks, budget = thinking.parse_thinking(body, ignored)
    chat = ChatRequest(
        messages=_with_instructions(body, conversation.messages),
        model=read_text(body, "model"),
        thinking=thinks,
        thinking_budget=budget,
        stop=read_stop(body),
        max_tokens=_max_tokens(body),
        tools=offer.tools,
        tool_choice=offer.choice,
        parallel_calls=offer.parallel,
        document=_document(body),
        search=_limited(search, max_uses),
        streamed=bool(read_flag(body, "stream")),
    )
    check_attachments(chat.messages, "input")
    return _summary_request(chat) if conversation.wants_summary else chat


def _summary_request(chat: ChatRequest) -> ChatRequest:
    """Return the request that asks for a summary of the conversation in place of an answer."""
    return replace(
        chat,
        messages=(*chat.messages, instruction()),
        tools=(),
        tool_choice="auto",
        stop=(),
        max_tokens=None,
        document=None,
        search=None,
    )


def _refuse(body: Mapping[str, Any]) -> None:
    refuse_losses(body)
    if body.get("prompt"):
        raise UnsupportedParameter(
            "prompt names a template that OpenAI keeps. Send instructions and input.", param="prompt"
        )
    if body.get("previous_response_id") and body.get("conversation"):
        raise RequestError(
            "previous_response_id and conversation exclude each other. Send one of them.", param="conversation"
        )
    if body.get("background") is True and body.get("store") is False:
        raise RequestError("A response in the background has to be stored. Leave store out.", param="background")


def _conversation(earlier: Sequence[Item], items: Sequence[Item], ignored: Ignored) -> Conversation:
    conversation = Conversation(ignored)
    for item in earlier:
        conversation.add(item, "previous_response_id")
    for index, item in enumerate(items):
        conversation.add(item, f"input[{index}]")
    return conversation


def _with_tools(body: Mapping[str, Any], added: Sequence[Any]) -> Mapping[str, Any]:
    """Return the body with the tools that items have brought."""
    tools = body.get("tools") or []
    return {**body, "tools": [*tools, *added]} if added and isinstance(tools, list) else body


def _with_instructions(body: Mapping[str, Any], messages: Sequence[Message]) -> tuple[Message, ...]:
    text = read_text(body, "instructions")
    return (*([Message("system", (TextPart(text),))] if text else ()), *messages)


def _document(body: Mapping[str, Any]) -> Document | None:
    text = read_object(body, "text")
    document = documents.read_format(text.get("format"), "text.format")
    return document or documents.parse_response_format(body)


def _max_tokens(body: Mapping[str, Any]) -> int | None:
    newer = read_limit(body, "max_output_tokens")
    return newer if newer is not None else read_limit(body, "max_tokens")


def _limited(search: WebSearch | None, max_uses: int | None) -> WebSearch | None:
    if search is None or max_uses is None:
        return search
    return replace(search, max_uses=min(max_uses, search.max_uses or max_uses))


def _include(body: Mapping[str, Any], ignored: Ignored) -> frozenset[str]:
    value = body.get("include") or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise RequestError("include must be an array of strings.", param="include")
    if _LOGPROBS in value:
        raise UnsupportedParameter("The Qwen chat site gives no logprobs. Leave them out.", param="include")
    for each in value:
        if each not in _GIVEN:
            ignored.add("include", each)
    return frozenset(value)


def conversation_id(body: Mapping[str, Any]) -> str | None:
    """Return the id of the conversation that a body names, None if it names none. Raises RequestError."""
    value = body.get("conversation")
    if isinstance(value, Mapping):
        return read_text(value, "id", within="conversation.")
    return read_text(body, "conversation")


def _conversation_field(body: Mapping[str, Any]) -> dict[str, Any]:
    conversation = conversation_id(body)
    return {"conversation": {"id": conversation}} if conversation else {}
