"""How a client of each wire API offers a function, asks, and reads the calls of an answer.

Written from the APIs' references and not from the product, so that both are held against each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MODEL = "qwen-max"

Call = tuple[str, Any]  # name and arguments
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function as its client offers it. `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class WireApi:
    """One wire API. `path` depends on whether the answer is streamed; so may the body.

    `whole` reads the calls of a whole answer. `streamed` reads those of a stream's objects, None if it has no end.
    """

    path: Callable[[bool], str]
    body: Callable[[str, Function, bool], Body]
    whole: Callable[[Any], list[Call]]
    streamed: Callable[[Sequence[Any]], list[Call] | None]


def objects_of(text: str) -> list[Any]:
    """Return the objects of a stream: those of its events, or of its lines."""
    lines = (line.removeprefix("data: ") for line in text.split("\n"))
    return [json.loads(line) for line in lines if line.startswith("{")]


def _chat_body(question: str, function: Function, streamed: bool) -> Body:
    offer = {"name": function.name, "description": function.description, "parameters": function.parameters}
    messages = [{"role": "user", "content": question}]
    return {
        "model": MODEL,
        "stream": streamed,
        "messages": messages,
        "tools": [{"type": "function", "function": offer}],
    }


def _chat_whole(answer: Any) -> list[Call]:
    calls = answer["choices"][0]["message"].get("tool_calls", ())
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


def _chat_streamed(objects: Sequence[Any]) -> list[Call] | None:
    pieces: list[tuple[str, list[str]]] = []
    choices = [choice for each in objects for choice in each.get("choices", ())]
    for choice in choices:
        for piece in choice["delta"].get("tool_calls", ()):
            if "name" in piece["function"]:
                pieces.append((piece["function"]["name"], []))
            pieces[-1][1].append(piece["function"].get("arguments", ""))
    return _joined(pieces) if any(choice["finish_reason"] for choice in choices) else None


def _responses_body(question: str, function: Function, streamed: bool) -> Body:
    tool = {
        "type": "function",
        "name": function.name,
        "description": function.description,
        "parameters": function.parameters,
    }
    return {"model": MODEL, "stream": streamed, "store": False, "input": question, "tools": [tool]}


def _responses_whole(answer: Any) -> list[Call]:
    items = [item for item in answer["output"] if item["type"] == "function_call"]
    return [(item["name"], json.loads(item["arguments"])) for item in items]


def _responses_streamed(objects: Sequence[Any]) -> list[Call] | None:
    names = {
        each["output_index"]: each["item"]["name"]
        for each in objects
        if each["type"] == "response.output_item.added" and each["item"]["type"] == "function_call"
    }
    deltas = [each for each in objects if each["type"] == "response.function_call_arguments.delta"]
    pieces = [
        (name, [each["delta"] for each in deltas if each["output_index"] == index]) for index, name in names.items()
    ]
    return _joined(pieces) if objects[-1]["type"] == "response.completed" else None


def _messages_body(question: str, function: Function, streamed: bool) -> Body:
    tool = {"name": function.name, "description": function.description, "input_schema": function.parameters}
    messages = [{"role": "user", "content": question}]
    return {"model": MODEL, "max_tokens": 32000, "stream": streamed, "messages": messages, "tools": [tool]}


def _messages_whole(answer: Any) -> list[Call]:
    return [(block["name"], block["input"]) for block in answer["content"] if block["type"] == "tool_use"]


def _messages_streamed(objects: Sequence[Any]) -> list[Call] | None:
    starts = [each for each in objects if each["type"] == "content_block_start"]
    deltas = [each for each in objects if each["type"] == "content_block_delta"]
    pieces = [
        (
            start["content_block"]["name"],
            [each["delta"]["partial_json"] for each in deltas if each["index"] == start["index"]],
        )
        for start in starts
        if start["content_block"]["type"] == "tool_use"
    ]
    return _joined(pieces) if objects[-1]["type"] == "message_stop" else None


def _gemini_body(question: str, function: Function, streamed: bool) -> Body:
    declaration = {
        "name": function.name,
        "description": function.description,
        "parametersJsonSchema": function.parameters,
    }
    contents = [{"role": "user", "parts": [{"text": question}]}]
    return {"contents": contents, "tools": [{"functionDeclarations": [declaration]}]}


def _gemini_whole(answer: Any) -> list[Call]:
    parts = answer["candidates"][0]["content"].get("parts", ())
    return [(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part]


def _gemini_streamed(objects: Sequence[Any]) -> list[Call] | None:
    candidates = [each["candidates"][0] for each in objects if each.get("candidates")]
    calls = [call for each in objects if each.get("candidates") for call in _gemini_whole(each)]
    return calls if any("finishReason" in each for each in candidates) else None


def _ollama_whole(answer: Any) -> list[Call]:
    calls = answer["message"].get("tool_calls", ())
    return [(call["function"]["name"], call["function"]["arguments"]) for call in calls]


def _ollama_streamed(objects: Sequence[Any]) -> list[Call] | None:
    calls = [call for each in objects if "message" in each for call in _ollama_whole(each)]
    return calls if objects[-1].get("done") else None


def _joined(pieces: Sequence[tuple[str, Sequence[str]]]) -> list[Call]:
    return [(name, json.loads("".join(texts) or "{}")) for name, texts in pieces]


def _gemini_path(streamed: bool) -> str:
    return f"/v1beta/models/{MODEL}:" + ("streamGenerateContent?alt=sse" if streamed else "generateContent")


WIRE_APIS: Mapping[str, WireApi] = {
    "chat": WireApi(lambda _: "/v1/chat/completions", _chat_body, _chat_whole, _chat_streamed),
    "responses": WireApi(lambda _: "/v1/responses", _responses_body, _responses_whole, _responses_streamed),
    "messages": WireApi(lambda _: "/v1/messages", _messages_body, _messages_whole, _messages_streamed),
    "gemini": WireApi(_gemini_path, _gemini_body, _gemini_whole, _gemini_streamed),
    "ollama": WireApi(lambda _: "/ollama/api/chat", _chat_body, _ollama_whole, _ollama_streamed),
}
