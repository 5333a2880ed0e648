"""Reads what Gemini's routes answer with the official SDK's own types, and checks the order of a stream's parts."""

from __future__ import annotations

import json
from typing import Any

from google.genai.types import GenerateContentResponse


def valid(value: Any) -> GenerateContentResponse:
    """Return an object as the SDK reads it; a field that it does not know fails."""
    answer = GenerateContentResponse.model_validate(value)
    known = {name for field, info in GenerateContentResponse.model_fields.items() for name in (field, info.alias)}
    assert set(value) <= known
    assert len(value["candidates"]) == 1
    return answer


def streamed(text: str) -> list[GenerateContentResponse]:
    """Return the objects of a complete stream of events, checked: the end comes once, last, with the counts."""
    pieces = [piece for piece in text.split("\n\n") if piece.strip()]
    assert all(piece.startswith("data: ") and "\n" not in piece.strip() for piece in pieces)
    return in_order([json.loads(piece.strip().removeprefix("data: ")) for piece in pieces])


def in_order(values: list[Any]) -> list[GenerateContentResponse]:
    """Return the objects of a complete stream, checked."""
    answers = [valid(value) for value in values]
    assert len({answer.response_id for answer in answers}) == 1
    for answer in answers[:-1]:
        assert answer.usage_metadata is None
        assert answer.candidates and answer.candidates[0].finish_reason is None
    last = answers[-1]
    assert last.candidates and last.candidates[0].finish_reason
    assert last.usage_metadata and last.usage_metadata.total_token_count
    return answers


def text_of(answers: list[GenerateContentResponse]) -> str:
    """Return all text of a stream, as the SDK puts it together."""
    return "".join(answer.text or "" for answer in answers)
