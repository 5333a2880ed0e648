"""What a request demands of the calls in its answer: duties, corrections, and what must not come out."""

from __future__ import annotations

from typing import Any

import pytest
from call_reading import TOOLS, WEATHER, asked, joined, outcome, texts

from qwenproxy.chat import (
    CallDropped,
    ChatRequest,
    Event,
    Finish,
    Image,
    Message,
    Reasoning,
    Text,
    Tick,
    Tool,
    ToolCall,
    Usage,
    WrittenCall,
)
from qwenproxy.chat.calls.stage import find_calls
from qwenproxy.chat.citations import cite
from qwenproxy.chat.corrections import Corrections
from qwenproxy.chat.stages import stages_for
from qwenproxy.errors import EmptyAnswer, ToolChoiceUnsatisfied, UpstreamError

PARIS = ("get_weather", {"city": "Paris"})
CALL = '<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}</tool_call>'
TIME = '<tool_call>{"name": "get_time", "arguments": {}}</tool_call>'
BROKEN = '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>'
CALLS, STOP, LENGTH = ({"finish": reason} for reason in ("tool_calls", "stop", "length"))

HISTORY = (
    Message("user"),
    Message("assistant", tool_calls=(ToolCall("c", "get_weather", "{}"),)),
    Message("tool", tool_call_id="c"),
)


def corrected(events: list[Event], request: ChatRequest | None = None) -> str:
    """Return the words of the correction that an answer gets."""
    (result,) = outcome(events, request)
    return str(result["correction"])


@pytest.mark.parametrize("choice", ["required", "get_weather"])
def test_a_call_that_must_come(choice: str) -> None:
    request = asked(tool_choice=choice)
    answer = list(texts(["I would rather talk."]))
    assert outcome(texts([CALL]), request) == [PARIS, CALLS]
    assert outcome(texts(["Well.\n", CALL]), request) == ["Well.", PARIS, CALLS]
    assert "must call" in corrected(answer, request)
    with pytest.raises(ToolChoiceUnsatisfied) as error:
        outcome(answer, request, final=True)
    assert (error.value.status, error.value.code) == (502, "tool_choice_unsatisfied")
    assert isinstance(error.value, UpstreamError)


def test_nothing_goes_out_before_a_call_that_must_come() -> None:
    corrections = Corrections()
    stage = find_calls(texts(["I would rather talk."]), asked(tool_choice="required"), corrections)
    with pytest.raises(Exception, match="must call"):
        next(stage)


def test_another_function_than_the_named_one_is_no_call() -> None:
    request = asked(tool_choice="get_weather")
    assert "no function 'get_time'; the functions are get_weather" in corrected(list(texts([TIME])), request)
    with pytest.raises(ToolChoiceUnsatisfied):
        outcome(texts([TIME]), request, final=True)


def test_no_call_comes_out_where_none_may() -> None:
    request = asked(tool_choice="none")
    assert outcome(texts(["So.\n", CALL, " And so."]), request) == ["So.\nAnd so.", STOP]
    assert "in words" in corrected(list(texts([CALL])), request)
    with pytest.raises(EmptyAnswer):
        outcome(texts([CALL]), request, final=True)


@pytest.mark.parametrize(
    "block",
    [
        CALL,
        BROKEN,
        "<tool_call>{bad}</tool_call>",
        "<function=x><parameter=a>1</parameter></function>",
        '[TOOL_CALLS][{"name": "x", "arguments": {}}]',
        '✿FUNCTION✿: x\n✿ARGS✿: {"a": 1}',
        "<tool_call>x\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
        "<tool_call>x(a=1)</tool_call>",
        '<tool_call name="x">{"a": 1}</tool_call>',
        '<function_call>{"x": {"a": 1}}</function_call>',
    ],
)
@pytest.mark.parametrize(
    "request_", [ChatRequest(HISTORY), ChatRequest((Message("user"),), tool_choice="none")], ids=["history", "none"]
)
def test_blocks_never_leak_where_no_call_may_come(block: str, request_: ChatRequest) -> None:
    request = request_
    assert len(stages_for(request, Corrections())) == 2
    assert "in words" in corrected(list(texts(block)), request)
    with pytest.raises(EmptyAnswer):
        outcome(texts([block]), request, final=True)
    assert outcome(texts(f"It rains.\n{block}\nSo it is."), request) == ["It rains.\nSo it is.", STOP]
    assert outcome(texts(["It rains."]), request) == ["It rains.", STOP]


def test_a_request_without_tools_and_calls_goes_through_no_stage() -> None:
    assert stages_for(ChatRequest((Message("user"),)), Corrections()) == [cite]


def test_a_broken_call_behind_a_good_one_is_told() -> None:
    events = list(find_calls(texts([CALL, "\n", BROKEN]), asked(), _ended()))
    (dropped,) = (event for event in events if isinstance(event, CallDropped))
    assert dropped == CallDropped("get_weather", "the argument 'city' is missing")
    unknown = BROKEN.replace("get_weather", "some secret words")
    (dropped,) = (e for e in find_calls(texts([CALL, unknown]), asked(), _ended()) if isinstance(e, CallDropped))
    assert (dropped.name, "secret" in dropped.reason) == ("", True), "the reason is for the model, the name for the log"


def test_a_broken_call_that_stays_text_is_not_lost() -> None:
    assert not any(isinstance(event, CallDropped) for event in find_calls(texts([BROKEN]), asked(), _ended()))


def test_at_most_one_call() -> None:
    request = asked(parallel_calls=False)
    assert outcome(texts([CALL, TIME]), request) == [PARIS, CALLS]
    assert outcome([WrittenCall("get_time", "{}"), WrittenCall("get_time", "{}"), Finish()], request) == [
        ("get_time", {}),
        CALLS,
    ]


def test_text_behind_a_call_ends_the_answer_at_once() -> None:
    def endless() -> Any:
        yield Text(f"{CALL}\nThe weather is")
        raise AssertionError("the site is still heard")

    assert joined(find_calls(endless(), asked(), Corrections())) == [PARIS, CALLS]


def test_an_answer_that_will_be_corrected_is_heard_to_its_end() -> None:
    seen: list[str] = []

    def answer() -> Any:
        yield Text(f"{BROKEN}\n{CALL}\nThe weather is")
        seen.append("to the end")
        yield Finish()

    assert "'city' is missing" in corrected(answer())
    assert seen


def test_what_may_be_corrected_is_held_back_and_comes_out_when_it_cannot() -> None:
    corrections = Corrections()
    events: list[Event] = [Text(BROKEN), Tick(), Finish()]
    stage = find_calls(iter(events), asked(), corrections)
    assert next(stage) == Tick()
    corrections.end()
    assert joined(stage) == [BROKEN, STOP]


def test_no_correction_once_the_client_has_seen_text() -> None:
    corrections = Corrections()
    stage = find_calls(texts(["Let me see.\n", BROKEN]), asked(), corrections)
    assert next(stage) == Text("Let me see.")
    corrections.end()
    assert joined(stage) == [f"\n{BROKEN}", STOP]


@pytest.mark.parametrize("held", ["<tool_c", BROKEN[:-30], "  \n"], ids=["a tag", "a call", "spaces"])
def test_ticks_always_pass(held: str) -> None:
    events: list[Event] = [Text(held), Tick(), Tick(), Finish()]
    passed = [event for event in find_calls(iter(events), asked(), _ended()) if isinstance(event, Tick)]
    assert len(passed) == 2


def _ended() -> Corrections:
    corrections = Corrections()
    corrections.end()
    return corrections


def test_other_events_pass() -> None:
    events: list[Event] = [Reasoning("hm"), Usage(1, 2), Image("https://x/1.png"), Finish("length")]
    assert list(find_calls(iter(events), asked(), Corrections())) == events


WRITTEN: dict[str, tuple[WrittenCall, list[Any], str]] = {
    "good": (WrittenCall("get_weather", '{"city": "Paris"}'), [PARIS, CALLS], ""),
    "with a server": (WrittenCall("Qwen Core-get_weather", '{"city": "Paris"}'), [PARIS, CALLS], ""),
    "intercepted": (WrittenCall("get_weather", '{"city": "Paris"}', intercepted=True), [PARIS, CALLS], ""),
    "no arguments": (WrittenCall("get_time", ""), [("get_time", {}), CALLS], ""),
    "python": (WrittenCall("get_weather", "{'city': 'Paris'}"), [PARIS, CALLS], ""),
    "argument missing": (WrittenCall("get_weather", "{}"), [{"dropped": "get_weather"}, STOP], "'city' is missing"),
    "unknown": (WrittenCall("shop", "{}"), [{"dropped": "shop"}, STOP], "no function 'shop'"),
    "unknown, intercepted": (WrittenCall("shop", "{}", intercepted=True), [{"dropped": "shop"}, STOP], "'shop'"),
    "cut": (WrittenCall("get_weather", '{"city": "Pa'), [{"dropped": "get_weather"}, STOP], "ended in its middle"),
    "freeform": (WrittenCall("apply_patch", '{"input": "*** x"}'), [("apply_patch", "*** x"), CALLS], ""),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_call_from_beside_the_text(name: str) -> None:
    call, expected, correction = WRITTEN[name]
    events: list[Event] = [call, Finish()]
    if correction:
        assert correction in corrected(events)
        with pytest.raises(EmptyAnswer):
            outcome(events, final=True)
        assert outcome([Text("So."), *events], final=True) == ["So.", *expected]
    else:
        assert outcome(events) == expected


def test_an_unknown_intercepted_call_beside_an_answer_needs_no_correction() -> None:
    events: list[Event] = [WrittenCall("shop", "{}", intercepted=True), Text("Here it is."), Finish()]
    assert outcome(events) == [{"dropped": "shop"}, "Here it is.", STOP]


def test_text_behind_an_intercepted_call_is_not_the_answer() -> None:
    events: list[Event] = [WrittenCall("get_time", "{}", intercepted=True), Text("It does not exist."), Finish()]
    assert outcome(events) == [("get_time", {}), CALLS]


def test_no_call_from_beside_the_text_where_none_may_come() -> None:
    events: list[Event] = [WrittenCall("get_time", "{}"), Text("Well."), Finish()]
    assert outcome(events, asked(tool_choice="none")) == [{"dropped": "get_time"}, "Well.", STOP]


SENTENCES = {
    "at the begin": ("Tool get_time does not exists.Tool x.y does not exists. Hello.", "Hello."),
    "a line": ("Hello.\nTool get_time does not exists.\nBye.", "Hello.\nBye."),
    "the last line": ("Hello.\nTool get_time does not exists.", "Hello.\n"),
    "two in a line": ("Hello.\nTool a does not exists. Tool b does not exists.\nBye.", "Hello.\nBye."),
    "in a sentence": ("It says: Tool a does not exists.", "It says: Tool a does not exists."),
    "begins a sentence": ("Hello.\nTool a does not exists. Or does it?", "Hello.\nTool a does not exists. Or does it?"),
    "in a fence": ("```\nTool a does not exists.\n```", "```\nTool a does not exists.\n```"),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_the_sites_sentence_on_tools_does_not_come_out(name: str) -> None:
    answer, expected = SENTENCES[name]
    for cut in range(len(answer) + 1):
        assert outcome(texts([answer[:cut], answer[cut:]])) == [expected, STOP], cut


def test_a_call_in_the_thoughts_of_an_empty_answer_counts() -> None:
    events: list[Event] = [Reasoning("I call it.\n"), *(Reasoning(letter) for letter in CALL), Finish()]
    assert outcome(events) == [PARIS, CALLS]
    assert outcome([*events[:-1], Text("Sunny."), Finish()]) == ["Sunny.", STOP]
    assert outcome([*events[:-1], Text(TIME), Finish()]) == [("get_time", {}), CALLS]
    assert outcome([Reasoning("x" * 1_000_000), *events]) == [PARIS, CALLS]
    assert outcome([Reasoning(CALL[:-40]), Finish()]) == [STOP]


@pytest.mark.parametrize(
    ("names", "written", "meant"),
    [
        (["a_b", "ab"], "A-B", "a_b"),
        (["a_b", "a-b"], "A-B", None),
        (["read"], "server-read", "read"),
        (["read", "Read"], "READ", None),
        (["read", "Read"], "Read", "Read"),
        (["read"], "do_read", None),
        (["read"], "functions.read", "read"),
    ],
    ids=str,
)
def test_a_name_means_one_tool_or_none(names: list[str], written: str, meant: str | None) -> None:
    request = asked(*map(Tool, names))
    result = outcome(texts([f'<tool_call>{{"name": "{written}"}}</tool_call>']), request, final=True)
    assert result[0] == ((meant, {}) if meant else f'<tool_call>{{"name": "{written}"}}</tool_call>')


def test_a_tool_is_meant_without_its_namespace() -> None:
    request = asked(Tool("mail.send", namespace="mail"), *TOOLS)
    assert outcome(texts(['<tool_call>{"name": "send"}</tool_call>']), request)[0] == ("mail.send", {})


def test_every_call_has_an_id_of_its_own() -> None:
    stage = find_calls(texts([TIME + TIME]), asked(WEATHER, *TOOLS), Corrections())
    ids = [event.id for event in stage if hasattr(event, "id")]
    assert len(set(ids)) == 2
    assert all(each.startswith("call_") and len(each) == 29 for each in ids)


@pytest.mark.parametrize(
    "talk",
    [
        "I looked it up with <function=get_weather> before. Paris is sunny. SECOND HALF.",
        'It is sunny.\n\nHow it worked: the model wrote <use_function name="get_weather"> first.\n\nTHE END.',
        'Hooks: <invoke name="get_weather"> is a notation, THE END.',
        'In the log:\n<use_function name="get_weather"> stands first.\nTHE END.',
        'As JSON:\n```json\n{"name":"get_weather","arguments":{"city":"Paris"}}\n```\n',
        '{"name":"get_weather","arguments":{"city":"Paris"}}',
    ],
)
def test_talk_about_calls_stays_whole_where_only_the_history_has_calls(talk: str) -> None:
    for cut in range(len(talk) + 1):
        assert outcome(texts([talk[:cut], talk[cut:]]), ChatRequest(HISTORY)) == [talk, STOP]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "talk",
    [
        'The old prompt says: write <use_function name="get_weather"> and then the arguments.',
        "The prompt says: <function=get_weather> starts a call, </function> ends it.",
        f"> {CALL}\n\nis a quotation.",
    ],
)
def test_talk_about_an_offered_function_is_text(talk: str, streamed: bool) -> None:
    assert outcome(texts([talk]), asked(streamed=streamed)) == [talk, STOP]


def test_a_long_call_is_checked_whole_where_nothing_is_streamed() -> None:
    block = '<tool_call>{"name": "write_file", "arguments": {"content": "' + "z" * 3000 + '"}}</tool_call>'
    assert "'path' is missing" in corrected(list(texts([block])), asked(streamed=False))
    assert outcome(texts([block]), asked(streamed=True))[0][0] == "write_file"


def test_what_is_required_and_missing_is_no_text_first() -> None:
    request = asked(tool_choice="required", streamed=True)
    with pytest.raises(ToolChoiceUnsatisfied):
        outcome(texts(["No way."]), request, final=True)
