"""What holds for every call and every text: any cut, any notation, any schema, streamed or held back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from call_reading import STRING, TOOLS, an_object, asked, outcome, texts
from dialects import WRITERS
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenproxy.chat import CallArguments, CallEnded, CallStarted, Event, Finish, Text, Tool, WrittenCall
from qwenproxy.chat.calls import draft
from qwenproxy.chat.calls.names import Offer
from qwenproxy.chat.calls.reader import Reader
from qwenproxy.chat.calls.stage import find_calls
from qwenproxy.chat.corrections import Corrections

SOUP = [
    "<tool_call>", "</tool_call>", "<function=look>", "</function>", "<parameter=a>", "</parameter>", "<tools>",
    '<use_function name="look">', '<argument name="a">', "</argument>", "</use_function>", '<invoke name="look">',
    "</invoke>", "<function_calls>", "```", "```json", "`", "~~~", "\n", " ", "{", "}", "[", "]", '"', "'", ":", ",",
    "\\", "\\n", '{"name": "look", "arguments": {}}', '"name": "look"', '"arguments": {"a": "', "words", "<", "&", "é",
    "[TOOL_CALLS]", "look", "(a=", ")", "<arg_key>a</arg_key>", "<arg_value>", "</arg_value>", "✿FUNCTION✿: look\n",
    "✿ARGS✿: ", "<function_call>", '<tool_call name="look">', "- ", "    ", "\n\n", "[ARGS]", '"look": {',
    "Tool look does not exists.", "\r\n", "true", "1e400", "\\ud83d",
]  # fmt: skip
soups = st.lists(st.sampled_from(SOUP), max_size=25)

VALUES = {
    "string": st.text(), "integer": st.integers(), "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
}  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.text("abcdefgh_", min_size=1, max_size=6)


@st.composite
def calls(draw: st.DrawFn) -> tuple[Tool, dict[str, Any]]:
    """Return a tool and arguments that fit its schema; some arguments it does not know."""
    properties: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    for key in draw(st.lists(keys, max_size=4, unique=True)):
        kind = draw(st.sampled_from([*VALUES, "array", "unknown"]))
        if kind == "unknown":
            arguments[key] = draw(anything)
        elif kind == "array":
            properties[key] = {"type": "array", "items": {"type": "string"}}
            arguments[key] = draw(st.lists(st.text(), max_size=3))
        else:
            properties[key] = {"type": kind}
            arguments[key] = draw(VALUES[kind])
    return Tool("do_it", "", an_object(" ".join(properties), **properties)), arguments


def cut_at(answer: str, cuts: list[int]) -> list[str]:
    """Return the answer in pieces."""
    places = sorted({cut % (len(answer) + 1) for cut in cuts})
    return [answer[begin:end] for begin, end in zip([0, *places], [*places, len(answer)], strict=True)]


cuts = st.lists(st.integers(0, 10_000), max_size=8)


@pytest.mark.parametrize("notation", WRITERS)
@settings(max_examples=40)
@given(call=calls(), cuts=cuts)
def test_a_call_arrives_exactly(notation: str, call: tuple[Tool, dict[str, Any]], cuts: list[int]) -> None:
    tool, arguments = call
    answer = WRITERS[notation](tool, arguments)
    assert outcome(texts(cut_at(answer, cuts)), asked(tool)) == [(tool.name, arguments), {"finish": "tool_calls"}]


@given(calls())
def test_a_call_from_beside_the_text_arrives_exactly(call: tuple[Tool, dict[str, Any]]) -> None:
    tool, arguments = call
    events: list[Event] = [WrittenCall(tool.name, json.dumps(arguments)), Finish()]
    assert outcome(events, asked(tool)) == [(tool.name, arguments), {"finish": "tool_calls"}]


@pytest.mark.parametrize("notation", [name for name in WRITERS if name != "bare JSON"])
@settings(max_examples=40)
@given(call=calls(), before=st.text("abc .\n", min_size=1), after=st.text("abc .\n"), cuts=cuts)
def test_text_around_a_call(
    notation: str, call: tuple[Tool, dict[str, Any]], before: str, after: str, cuts: list[int]
) -> None:
    tool, arguments = call
    answer = f"{before}\n{WRITERS[notation](tool, arguments)}\n{after}"
    text = [before.rstrip()] if before.strip() else []
    expected = [*text, (tool.name, arguments), {"finish": "tool_calls"}]
    assert outcome(texts(cut_at(answer, cuts)), asked(tool)) == expected


def arguments_of(answer: str, tool: Tool, held: int) -> list[str]:
    """Return the arguments of each call that comes whole, if `held` characters wait."""
    results: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draft, "HELD", held)
        for event in find_calls(texts(answer), asked(tool), Corrections()):
            if isinstance(event, CallStarted):
                results.append("")
            elif isinstance(event, CallArguments):
                results[-1] += event.text
    return results


@pytest.mark.parametrize("notation", WRITERS)
@settings(max_examples=40)
@given(call=calls())
def test_a_call_is_the_same_streamed_and_held_back(notation: str, call: tuple[Tool, dict[str, Any]]) -> None:
    tool, arguments = call
    answer = WRITERS[notation](tool, arguments)
    assert arguments_of(answer, tool, 0) == arguments_of(answer, tool, 1_000_000)


@given(soups, cuts, st.booleans())
def test_cuts_never_matter(words: list[str], cuts: list[int], final: bool) -> None:
    answer = "".join(words)
    whole = outcome(texts([answer]), final=final)
    assert outcome(texts(answer), final=final) == whole
    assert outcome(texts(cut_at(answer, cuts)), final=final) == whole


@given(soups)
def test_nothing_but_calls_goes_missing(words: list[str]) -> None:
    """Text without a call comes out as it went in, and no result is a call of a tool that was not offered."""
    answer = "".join(words).replace("Tool look does not exists.", "")
    results = outcome(texts([answer]), final=True)
    calls = [each for each in results if isinstance(each, tuple | list)]
    assert all(name in {tool.name for tool in TOOLS} for name, _ in calls)
    if not calls:
        assert "".join(each for each in results if isinstance(each, str)) == answer


@given(st.text() | st.lists(st.sampled_from(["<", "`", "{", '"', "\n", "a", " ", "tool", ">", "/"])).map("".join), cuts)
def test_text_without_a_call_is_equal(text: str, cuts: list[int]) -> None:
    expected = [text] if text else []
    assert outcome(texts(cut_at(text, cuts)), final=True) == [*expected, {"finish": "stop"}]


FILE = Tool("write", "", an_object("path text", path=STRING, text=STRING, lines={"type": "array"}))


@pytest.mark.parametrize("notation", WRITERS)
def test_a_long_call_comes_as_it_is_written(notation: str) -> None:
    arguments = {"path": "a.txt", "text": "line\n" * 200, "lines": [1, 2]}
    answer = WRITERS[notation](FILE, arguments)
    seen: list[Any] = []
    seen.extend(find_calls(texts(answer), asked(FILE), Corrections()))
    text = "".join(event.text for event in seen if isinstance(event, CallArguments))
    assert json.loads(text) == arguments
    assert isinstance(seen[-2], CallEnded)
    count = sum(isinstance(event, CallArguments) for event in seen)
    assert count == 1 if notation == "escaped" else count > 100


def test_the_first_characters_wait_and_no_more() -> None:
    stage = find_calls(
        texts('<tool_call>{"name":"write","arguments":{"path":"' + "x" * 5000), asked(FILE), Corrections()
    )
    assert isinstance(next(stage), CallStarted)
    first = next(stage)
    assert isinstance(first, CallArguments)
    assert len(first.text) < draft.HELD + 10


@pytest.mark.parametrize(
    "answer",
    [
        '<tool_call>{"name":"write","arguments":{"path":"a","text":"' + "x" * 300,
        '<tool_call>{"name":"write","arguments":{"path":"a","text":"' + "x" * 300 + '"',
        '<tool_call>{"name":"write","arguments":{"text":"' + "x" * 300 + '","path":"a</tool_call>\n<tool_call>{"name"',
        "<function=write>\n<parameter=path>\na\n</parameter>\n<parameter=text>\n" + "x" * 300 + "\n</parameter>",
        '<use_function name="write">\n<argument name="text">' + "x" * 300,
    ],
    ids=["in a string", "behind a string", "broken", "coder without the end", "ours"],
)
def test_a_call_that_was_announced_and_is_cut_looks_cut(answer: str) -> None:
    for pieces in ([answer], list(answer)):
        (name, text), finish = outcome(texts(pieces), asked(FILE))
        assert (name, finish) == ("write", {"finish": "length"})
        assert "x" * 300 in text
        with pytest.raises(ValueError, match=r".*"):
            json.loads(text)


def test_text_is_not_held_back_longer_than_needed() -> None:
    reader = Reader(Offer(TOOLS))
    words = ["a <tool", "box ", "and", " <tool_call>", " is a", "\nTool x", " is [TOOL", " [1", "] ✿", " {"]
    said = ["".join(piece.text for piece in reader.feed(word) if isinstance(piece, Text)) for word in words]
    assert said == ["a", " <toolbox", " and", "", " <tool_call> is a", "", "\nTool x is", " [TOOL [1", "]", " ✿ {"]
