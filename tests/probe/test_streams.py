"""The form of an answer's stream, however its text is cut, and what is named in it that nobody knew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qwenproxy.probe.notes import Notebook
from qwenproxy.probe.streams import StreamForm

CREATED = 'data: {"response.created":{"chat_id": "C1", "parent_id": "U1", "response_id":"R1"}} \n\n'
USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def frame(phase: str = "answer", status: str = "typing", **more: Any) -> str:
    delta = {"role": "assistant", "content": "x", "phase": phase, "status": status, **more}
    return f"data: {json.dumps({'choices': [{'delta': delta}], 'response_id': 'R1', 'usage': USAGE})}\n\n"


SOUND = CREATED + frame("thinking_summary") + frame() + frame() + frame(status="finished")


def judged(text: str, size: int = 0) -> Notebook:
    """Return what is written down about a stream that comes in pieces of a size (0: at once)."""
    form, book = StreamForm(), Notebook()
    for start in range(0, len(text), size or len(text)):
        form.feed(text[start : start + (size or len(text))], 0.0)
    form.end()
    form.judge(book)
    return book


def told(book: Notebook) -> list[str]:
    return [f"{remark.verdict}: {remark.phrase}" for remark in book.remarks]


def test_a_sound_stream_is_as_expected() -> None:
    book = judged(SOUND)
    assert (book.verdict, told(book)) == ("expected", [])
    facts = book.facts["stream"]
    assert facts["order"] == ["thinking_summary", "answer", "answer finished"]
    assert (facts["begins_with"], facts["ends_with"], facts["frames"]) == ("response.created", "answer finished", 5)


@pytest.mark.parametrize("size", range(1, len(SOUND), 7))
def test_the_cuts_of_a_stream_do_not_matter(size: int) -> None:
    assert judged(SOUND, size).facts == judged(SOUND).facts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CREATED + frame("dreaming") + frame(), "unknown: phase that we do not know: dreaming"),
        (CREATED + frame(status="pondering"), "unknown: status that we do not know: pondering"),
        (CREATED + frame(role="critic"), "unknown: role that we do not know: critic"),
        (SOUND + 'data: {"response.rated": {"stars": 5}}\n\n', "unknown: event that we do not know: response.rated"),
        (
            SOUND + 'data: {"response.info": {"action": "lullaby"}}\n\n',
            "unknown: action that we do not know: lullaby",
        ),
        (CREATED + frame(mood="good"), "unknown: stream: fields that we do not know: choices[].delta.mood (string)"),
        ("event: message\n" + SOUND, "unknown: line that we do not know: event:"),
        (frame(), "changed: The stream begins with choices in place of response.created."),
        (
            CREATED + frame().replace('"usage"', '"cost"'),
            "changed: The stream counts no tokens (usage).",
        ),
        (
            CREATED + frame().replace('"response_id"', '"responseId"'),
            "changed: stream: fields are missing: response_id",
        ),
        (
            CREATED.replace('"chat_id"', '"chatId"') + frame(),
            "changed: stream: fields are missing: response.created.chat_id",
        ),
        (
            CREATED + frame(content=7),
            "changed: stream: fields of another kind: choices[].delta.content (number, not string|list)",
        ),
        (
            CREATED + frame().replace('"phase"', '"stage"'),
            "changed: stream: fields are missing: choices[].delta.phase",
        ),
        (CREATED + "data: half a fr\n\n", "unknown: line that we do not know: data that is no JSON"),
    ],
)
def test_what_is_new_or_missing_is_named(text: str, expected: str) -> None:
    assert expected in told(judged(text))


def test_a_delta_without_a_phase_is_no_news_beside_one_with_it() -> None:
    book = judged(SOUND + frame().replace('"phase": "answer", ', ""))
    assert told(book) == []


def test_a_done_at_the_end_is_no_news() -> None:
    book = judged(SOUND + "data: [DONE]\n\n")
    assert told(book) == []
    assert book.facts["stream"]["other_lines"] == {"[DONE]": 1}


def test_texts_and_ids_stay_out_of_the_facts() -> None:
    secret = "the words of somebody 4711"
    book = judged(CREATED.replace("C1", secret) + frame(content=secret, name=secret) + frame(phase=secret))
    assert secret not in json.dumps([book.facts, told(book)])
