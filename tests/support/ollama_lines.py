"""Answers of Ollama's API, held against the types of its own library and against the order in which lines come."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from ollama import ChatResponse, GenerateResponse
from pydantic import BaseModel
from werkzeug.test import TestResponse

KINDS: dict[str, type[BaseModel]] = {"message": ChatResponse, "response": GenerateResponse}
NDJSON = "application/x-ndjson"
COUNTS = ("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration")


def lines_of(response: TestResponse) -> list[dict[str, Any]]:
    """Return the lines of a stream, each checked by itself, whether or not it is complete."""
    assert (response.status_code, response.mimetype) == (200, NDJSON), response.text
    assert response.text.endswith("\n")
    lines = [json.loads(line) for line in response.text.splitlines()]
    for line in lines:
        if "error" not in line:
            check_piece(line)
    return lines


def check_piece(line: dict[str, Any]) -> None:
    """Check what Ollama's clients demand of each object of an answer."""
    [field] = [name for name in KINDS if name in line]
    KINDS[field].model_validate(line)
    assert isinstance(line["model"], str)
    assert isinstance(line["done"], bool)
    assert line["created_at"].endswith("Z")
    assert datetime.fromisoformat(line["created_at"].replace("Z", "+00:00")).tzinfo
    if field == "message":
        assert line["message"]["role"] == "assistant"
        assert isinstance(line["message"]["content"], str)
        for call in line["message"].get("tool_calls", ()):
            assert isinstance(call["function"]["arguments"], dict)


def check_whole(answer: dict[str, Any]) -> dict[str, Any]:
    """Check an object that ends an answer, and return it."""
    check_piece(answer)
    assert answer["done"] is True
    assert answer["done_reason"] in ("stop", "length")
    assert all(isinstance(answer[name], int) and answer[name] >= 0 for name in COUNTS)
    assert "message" in answer or answer["context"] == []
    return answer


def complete(response: TestResponse) -> list[dict[str, Any]]:
    """Return the lines of a complete stream, without the last one, which is checked and has no text."""
    *pieces, last = lines_of(response)
    assert not any(piece["done"] for piece in pieces)
    assert text_of([check_whole(last)]) == ""
    return pieces


def failed(response: TestResponse) -> str:
    """Return the error of a stream that failed, which must not look complete."""
    *pieces, last = lines_of(response)
    assert list(last) == ["error", "request_id"]
    assert not any("error" in piece or piece["done"] for piece in pieces)
    return str(last["error"])


def text_of(pieces: list[dict[str, Any]], field: str = "content") -> str:
    """Return the text, or the `thinking`, of all pieces."""
    if field == "content" and any("response" in piece for piece in pieces):
        return "".join(piece["response"] for piece in pieces)
    return "".join(piece.get("message", piece).get(field, "") for piece in pieces)
