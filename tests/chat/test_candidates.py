"""The document inside a whole answer, whatever stands around it."""

from __future__ import annotations

from typing import Any

import pytest
from documents import FOUND, NOT_FOUND, answers
from hypothesis import given
from spelling import spelled

from qwenproxy.chat.candidates import find_document
from qwenproxy.chat.schemas import Rules


@pytest.mark.parametrize(("text", "schema", "document"), FOUND, ids=spelled)
def test_a_document(text: str, schema: Any, document: str) -> None:
    verdict = find_document(text, Rules(schema))
    assert (verdict.text, verdict.problem) == (document, "")
    if verdict.start is not None:
        assert text[verdict.start :].startswith(document)


@pytest.mark.parametrize(("text", "schema", "problem"), NOT_FOUND, ids=spelled)
def test_no_document(text: str, schema: Any, problem: str) -> None:
    assert find_document(text, Rules(schema)).problem == problem


@given(answers())
def test_any_document_comes_out_as_it_is(answer: tuple[str, str]) -> None:
    text, document = answer
    assert find_document(text, Rules(None)).text == document


@pytest.mark.parametrize(
    "unit", ["{", "[", '{"', '{"a":', "[1,", "{} ", '{"a":1} ', '{ "x ', "[{", '{"a":1,}', '"', "\\", "```json\n"]
)
def test_an_odd_answer_takes_no_long_time(unit: str) -> None:
    rules = Rules({"type": ["object", "array"], "required": ["b"], "minItems": 10**6})
    for text in (unit * 40_000, "So: " + unit * 40_000):
        assert find_document(text, rules).problem
