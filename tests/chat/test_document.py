"""An answer is held to the form that its request asks for, wherever the text is cut."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

import pytest
from documents import FOUND, NOT_FOUND, A, answers
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.chat import (
    CallArguments,
    CallEnded,
    CallStarted,
    ChatRequest,
    Citation,
    Document,
    Event,
    Finish,
    Image,
    Reasoning,
    Search,
    SearchResult,
    Started,
    Text,
    Tick,
    Tool,
    Usage,
)
from qwenproxy.chat.citations import cite
from qwenproxy.chat.corrections import Corrections, NeedsCorrection
from qwenproxy.chat.document import MOST_AFTER, instruction
from qwenproxy.chat.stages import stages_for
from qwenproxy.errors import StructuredOutputFailed

FAILED = "FAILED"
CALL = (CallStarted("c", "look"), CallArguments("{}"), CallEnded())
PAGE = SearchResult("https://a.example")


def held(
    events: Iterable[Event], schema: Any = A, *, streamed: bool = True, corrected: bool = True, **more: Any
) -> list[Event | str]:
    """Return the events that pass; FAILED or the text of the correction behind them where the answer does not end well.

    With `corrected` False the answer may still be corrected.
    """
    request = ChatRequest((), streamed=streamed, document=Document(schema), **more)
    corrections = Corrections()
    if corrected:
        corrections.end()
    stream: Any = iter(events)
    for stage in stages_for(request, corrections):
        stream = stage(stream)
    passed: list[Event | str] = []
    try:
        passed.extend(stream)
    except StructuredOutputFailed:
        passed.append(FAILED)
    except NeedsCorrection as correction:
        passed.append(correction.text)
    return passed


def text_of(passed: Iterable[Event | str]) -> str:
    return "".join(event.text for event in passed if isinstance(event, Text))


def split(text: str, marks: Iterable[int]) -> list[Event]:
    """Return the events of an answer that is cut at these places."""
    places = [0, *sorted(marks), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    return [*(Text(piece) for piece in pieces if piece), Finish()]


@pytest.mark.parametrize(("text", "schema", "document"), FOUND, ids=spelled)
def test_a_whole_answer(text: str, schema: Any, document: str) -> None:
    assert held(split(text, range(len(text))), schema, streamed=False) == [Text(document), Finish()]


@pytest.mark.parametrize(("text", "schema", "problem"), NOT_FOUND, ids=spelled)
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_an_answer_without_a_document(text: str, schema: Any, problem: str, streamed: bool) -> None:
    passed = held([Text(text), Finish()], schema, streamed=streamed)
    assert passed[-1] == FAILED
    assert Finish() not in passed
    *_, correction = held([Text(text), Finish()], schema, streamed=streamed, corrected=False)
    assert f"cannot be used: {problem}. Write it again. Answer with one JSON" in str(correction)


@given(answers(), st.data())
def test_a_split_changes_nothing(answer: tuple[str, str], data: st.DataObject) -> None:
    text, document = answer
    marks = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    for streamed in (True, False):
        passed = held(split(text, marks), None, streamed=streamed)
        assert passed[-1] == Finish()
        assert text_of(passed) == document


ODD = st.text('{}[]"\\:,`an1 \n', max_size=40)


@given(ODD, st.data())
def test_a_split_changes_nothing_of_odd_text(text: str, data: st.DataObject) -> None:
    marks = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    for schema in (None, {}, {"type": "array"}):
        one, other = held(split(text, []), schema), held(split(text, marks), schema)
        assert text_of(one) == text_of(other)
        assert one[-1:] == other[-1:]


@given(ODD, st.booleans())
def test_what_ends_well_is_a_document(text: str, streamed: bool) -> None:
    *_, last = passed = held(split(text, range(len(text))), None, streamed=streamed)
    if last == Finish():
        assert isinstance(json.loads(text_of(passed)), dict)


def pieces(*texts: str) -> list[Event]:
    return [*map(Text, texts), Finish()]


@pytest.mark.parametrize(
    ("texts", "passed"),
    [
        (['{"a"', ": ", "1", "}", "\n```"], ['{"a"', ": ", "1", "}"]),
        (["Sure:\n``", "`json\n", '{"', 'a":', "1", "}\n", "``` {x}"], ['{"a":', "1", "}"]),
        (["{", " ", '"a":', "1}"], ['{ "a":', "1}"]),
        (["See {x", '} and {"', 'a" ', ": 1", "}"], ['{"a" : 1', "}"]),
        (['[{"a":1}', '] {"a"', ":2}"], ['{"a":2}']),
        (['{"a":1, "b":"\\', '"}', '"}', '"'], ['{"a":1, "b":"\\', '"}', '"}']),
        (["The ", "object", " {}"], ["{}"]),
    ],
    ids=spelled,
)
def test_a_document_flows_as_it_comes(texts: list[str], passed: list[str]) -> None:
    assert held(pieces(*texts), None) == pieces(*passed)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_other_events_pass_at_once(streamed: bool) -> None:
    others: list[Event] = [Started("r", "p"), Reasoning("hm"), Search((PAGE,)), Tick()]
    events = [Text("So: "), *others, Image("https://a.example/1.png"), Text('{"a":'), *others, Text("1} "), Tick()]
    passed = held([*events, Finish()], streamed=streamed)
    assert [event for event in passed if not isinstance(event, Text)] == [*others, *others, Tick(), Finish()]
    assert text_of(passed) == '{"a":1}'


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_call_takes_the_place_of_the_document(streamed: bool) -> None:
    more: dict[str, Any] = {"streamed": streamed, "tools": (Tool("look"),)}
    called = 'I look it up. <tool_call>{"name": "look", "arguments": {}}</tool_call>'
    passed = held([Text(called), Finish()], **more)
    assert passed[-1] == Finish("tool_calls")
    assert [type(event) for event in passed[:-1]] == [type(event) for event in CALL]
    assert held([Text("I look it up."), Finish()], **more)[-1] == FAILED
    assert text_of(held([Text('{"a":1}'), Finish()], **more)) == '{"a":1}'


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_an_answer_that_does_not_end_behind_its_document_is_ended(streamed: bool) -> None:
    taken: list[int] = []

    def endless() -> Iterable[Event]:
        yield Text('{"a":1}')
        for number in range(MOST_AFTER):
            taken.append(number)
            yield Text("and so on ")
        raise AssertionError("the whole answer was read")

    assert held(endless(), streamed=streamed) == [Text('{"a":1}'), Finish()]
    assert len(taken) < MOST_AFTER / 5


def test_the_counts_that_follow_the_document_are_read() -> None:
    last = Usage(7, 9)
    assert held([Usage(7, 3), Text('{"a":1}'), last, Text("\n"), Finish()])[-2:] == [last, Finish()]


LONG = json.dumps({"a": 1, "b": "x " * 200})


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "guessed"])
def test_a_document_that_is_cut_ends_with_length(streamed: bool, counted: bool) -> None:
    def long_answer() -> Iterable[Event]:
        for number in range(len(LONG) // 4):
            if counted:
                yield Usage(7, number + 1)
            yield Text(LONG[number * 4 : number * 4 + 4])
            assert number < 60, "the answer was read far beyond its limit"

    *_, last = passed = held(long_answer(), streamed=streamed, max_tokens=20)
    assert last == Finish("length")
    assert text_of(passed) == LONG[: len(text_of(passed))]
    assert 30 < len(text_of(passed)) <= 84


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_what_surrounds_a_document_does_not_cut_it(streamed: bool) -> None:
    events: list[Event] = [Usage(7, 3), Text('{"a":1}'), Usage(7, 90), Text("\nand so on " * 9), Finish()]
    passed = held(events, streamed=streamed, max_tokens=20)
    assert text_of(passed) == '{"a":1}'
    assert passed[-2:] == [Usage(7, 90), Finish()]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_document_that_is_stopped_ends_as_it_is(streamed: bool) -> None:
    assert held([Text('Here: {"a":12, "b":'), Text(" 3}"), Finish()], streamed=streamed, stop=(', "b"',)) == [
        Text('{"a":12'),
        Finish("stop", ', "b"'),
    ]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_citations_move_with_their_text(streamed: bool) -> None:
    text = 'See [1]: {"a":1, "b":"so [1]"}'
    inside = text.rindex("[1]")
    events: list[Event] = [Text(text), Citation(4, 7, PAGE), Citation(inside, inside + 3, PAGE), Finish()]
    passed = held(events, streamed=streamed)
    [citation] = [event for event in passed if isinstance(event, Citation)]
    assert text_of(passed)[citation.start : citation.end] == "[1]"


def test_big_documents_in_small_pieces() -> None:
    document = json.dumps({"a": 1, "items": [{"id": number, "text": 'a "{"' * 3} for number in range(2500)]})
    assert len(document) > 100_000
    events = split(f"Here:\n```json\n{document}\n```", range(0, len(document), 3))
    assert text_of(held(events)) == document
    assert text_of(held(events, streamed=False)) == document


def test_the_instruction() -> None:
    assert instruction(Document(), may_call=False) == (
        "Answer with one JSON object and nothing else: no words before it or after it, and no code fence around it."
    )
    words = instruction(Document({"title": "Я", "type": "object"}), may_call=True)
    assert words.endswith('JSON schema:\n{"title":"Я","type":"object"}')
    assert "You may call a function first" in words
    assert "one JSON value (a JSON object only if" in instruction(Document({"type": "array"}), may_call=False)


def test_the_stage_stands_only_where_a_document_is_wanted() -> None:
    assert stages_for(ChatRequest(()), Corrections()) == [cite]
