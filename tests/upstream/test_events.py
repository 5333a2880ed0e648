"""The answer stream, decoded."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled
from transcripts import (
    CREATED,
    FAILED,
    KEEP_ALIVE,
    PICTURE,
    PLAIN,
    PLAIN_EVENTS,
    STARTED,
    SUMMED,
    TRANSCRIPTS,
    called,
    counts,
    delta,
    end,
    frame,
    of,
    rejected,
    summary,
)

from qwenproxy.chat import Event, Finish, Image, Reasoning, Started, Text, Usage
from qwenproxy.errors import (
    ContentFilter,
    EmptyAnswer,
    ProxyError,
    RateLimited,
    SiteFailure,
    UpstreamError,
    VerificationRequired,
)
from qwenproxy.upstream.events import EventDecoder

STOP = frame({"response.stopped": {"response_id": "R7"}})

by_transcript = pytest.mark.parametrize(("transcript", "events", "error"), TRANSCRIPTS.values(), ids=TRANSCRIPTS)


def decode(*pieces: str) -> tuple[list[Event], type[ProxyError] | None]:
    """Return all events of an answer that comes in these pieces, and the error at its end."""
    decoder = EventDecoder()
    events: list[Event] = []
    try:
        for piece in pieces:
            events += decoder.feed(piece)
        events += decoder.flush()
    except ProxyError as error:
        return events, type(error)
    return events, None


@by_transcript
def test_transcripts(transcript: str, events: list[Event], error: type[ProxyError] | None) -> None:
    assert decode(transcript) == (events, error)


@by_transcript
def test_a_transcript_cut_anywhere(transcript: str, events: list[Event], error: type[ProxyError] | None) -> None:
    assert decode(*transcript) == (events, error)
    for cut in range(len(transcript)):
        assert decode(transcript[:cut], "", transcript[cut:]) == (events, error)


@given(st.lists(st.integers(0, len(PLAIN + SUMMED)), max_size=9))
def test_many_cuts(cuts: list[int]) -> None:
    text = PLAIN.replace(end(), "") + SUMMED.replace(CREATED, "")
    edges = [0, *sorted(cuts), len(text)]
    assert decode(*(text[a:b] for a, b in itertools.pairwise(edges))) == decode(text)


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\n"])
def test_line_breaks_of_any_kind(line_break: str) -> None:
    text = PLAIN.replace("\n", line_break)
    for cut in range(len(text)):
        assert decode(text[:cut], text[cut:]) == (PLAIN_EVENTS, None)


@given(st.lists(st.text(min_size=1), min_size=1))
def test_text_arrives_unchanged(words: list[str]) -> None:
    events, error = decode(CREATED + "".join(delta(word) for word in words) + end())
    assert error is None
    assert [event.text for event in events if isinstance(event, Text)] == words


@pytest.mark.parametrize(
    "addition",
    [
        "data: [DONE]\n\n",
        ": a comment\n\n",
        "event: message\nid: 4\nretry: 9\n",
        'data: {"response.info": {"action": "skip_think"}}\n\n',
        "data: \n\n",
        'data: {"new":"kind"}\n\n',
        "data: 7\n\ndata: [1]\n\ndata: null\n\n",
        'data: {"choices": []}\n\ndata: {"choices": [null]}\n\ndata: {"choices": {"0": 1}}\n\n',
        'data: {"choices": [{"delta": "text"}], "usage": [4]}\n\n',
        delta("", "KeepAlive"),
        delta("tool words", "code_interpreter"),
        delta("", "local_tool", function_call={"name": "f", "arguments": "{}"}),
        delta("x", ["odd"]),
        delta(None),
        delta({"odd": 1}),
        summary("odd", {"odd": 1}),
        delta("", "thinking_summary", extra=[1]),
        delta("", "web_search", extra={"web_search_info": [{"url": 7}, 3], "tool_result": {"docs": "none"}}),
        delta("", "image_edit_tool", extra={"tool_result": [{"image": 7}, "x"]}),
    ],
    ids=spelled,
)
def test_what_is_unknown_or_empty_is_ignored(addition: str) -> None:
    assert decode(PLAIN.replace(KEEP_ALIVE, addition)) == (PLAIN_EVENTS, None)
    assert decode(PLAIN + addition) == (PLAIN_EVENTS, None)


def test_done_without_a_line_break() -> None:
    assert decode(PLAIN + "data: [DONE]") == (PLAIN_EVENTS, None)


def test_last_frame_without_a_line_break() -> None:
    assert decode(PLAIN.rstrip("\n")) == (PLAIN_EVENTS, None)


def test_content_in_parts() -> None:
    events, _ = decode(CREATED + delta([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, 1]) + end(None))
    assert events == [STARTED, Text("ab"), Finish()]


@pytest.mark.parametrize("phase", ["think", "thinking_summary", "web_search", "image_gen_tool", "code_interpreter"])
def test_end_of_another_phase_is_not_the_end(phase: str | None) -> None:
    decoder = EventDecoder()
    decoder.feed(CREATED + delta("Wait", "think") + end(phase))
    assert not decoder.finished
    with pytest.raises(UpstreamError, match="cut"):
        decoder.flush()


@pytest.mark.parametrize("phase", ["answer", None, "image_gen"])
def test_end_of_the_final_phase(phase: str | None) -> None:
    decoder = EventDecoder()
    decoder.feed(CREATED + delta("So") + end(phase))
    assert decoder.finished
    assert decoder.flush() == [Finish()]
    assert decoder.flush() == []


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", ": hm\n", "data: [DONE]\n", CREATED, CREATED + KEEP_ALIVE, CREATED + end()],
    ids=["empty", "blank lines", "a comment", "done", "announced", "announced and alive", "announced and ended"],
)
def test_nothing_of_an_answer(text: str) -> None:
    assert decode(text)[1] is EmptyAnswer


def test_cut_in_the_middle_of_a_frame() -> None:
    for length in range(len(PLAIN) - len(end()), len(PLAIN) - 3):
        assert decode(PLAIN[:length]) == (PLAIN_EVENTS[:-1], UpstreamError)


def test_started_is_kept() -> None:
    decoder = EventDecoder()
    assert decoder.started is None
    decoder.feed(CREATED)
    assert decoder.started == STARTED


@pytest.mark.parametrize(
    ("error_frame", "error"),
    [
        (frame({"success": False, "data": {"code": "RateLimited", "num": 2, "details": "d"}}), RateLimited),
        ('{"success":false,"data":{"code":"RateLimited","num":2}}', RateLimited),
        (frame({"code": "RateLimited", "detail": "d", "num": 4}), RateLimited),
        (frame({"error": "Internal error!"}), SiteFailure),
        (frame({"error": {"code": "data_inspection_failed"}}), ContentFilter),
        (delta("Internal error", status="error"), SiteFailure),
        (delta("", "think", "error", extra={"error": {"code": "RateLimited"}}), RateLimited),
    ],
    ids=[
        "envelope in a frame",
        "envelope alone",
        "code in a frame",
        "words in a frame",
        "content filter",
        "words in a delta",
        "code in a delta",
    ],
)
def test_errors_in_the_stream(error_frame: str, error: type[ProxyError] | None) -> None:
    assert decode(error_frame) == ([], error)
    assert decode(CREATED, error_frame) == ([STARTED], error)


def test_an_error_stays() -> None:
    decoder = EventDecoder()
    assert decoder.feed(FAILED) == [STARTED, Text("Half")]
    for piece in ("", end()):
        with pytest.raises(SiteFailure):
            decoder.feed(piece)
    with pytest.raises(SiteFailure):
        decoder.flush()


def test_usage_comes_before_its_text_and_only_when_changed() -> None:
    text = (
        CREATED
        + delta("a", usage=counts(1, 1))
        + delta("b", usage=counts(1, 1))
        + delta("c", usage=counts(1, 2))
        + end()
    )
    assert decode(text)[0] == [
        STARTED,
        Usage(1, 1, 0, 11),
        Text("a"),
        Text("b"),
        Usage(1, 2, 0, 11),
        Text("c"),
        Finish(),
    ]


def test_odd_usage_counts_as_nothing() -> None:
    odd = {"input_tokens": "9", "output_tokens": 3, "output_tokens_details": [1], "prompt_tokens_details": {}}
    assert Usage(0, 3, 0, 0) in decode(CREATED + delta("a", usage=odd) + end())[0]


@pytest.mark.parametrize(
    "cut",
    [
        CREATED + delta("One. ") + end() + delta("Two"),
        CREATED + delta("One. ") + end() + summary(["More"], ["thoughts"]),
        CREATED + delta("One. ") + called("f", "{}") + rejected("f"),
        CREATED + delta("One. ") + delta("", status="finished", function_call={"name": "f", "arguments": "{}"}),
        CREATED + delta("One. ") + of("R8", delta("Two") + end()),
    ],
    ids=["text", "thoughts", "a rejected call", "a call", "another answer"],
)
def test_what_goes_on_after_a_finish_has_to_be_finished_too(cut: str) -> None:
    assert decode(cut)[1] is UpstreamError


@pytest.mark.parametrize("phase", ["answer", None, "think", "Writing"])
def test_what_a_function_says_is_no_text(phase: str | None) -> None:
    text = delta("Tool f does not exists.", phase, role="function") + delta("x", phase, function_call={"name": "f"})
    assert decode(CREATED + text + delta("So.") + end())[0] == [STARTED, Text("So."), Finish()]


def test_nothing_but_what_functions_say_is_an_empty_answer() -> None:
    assert decode(CREATED + called("f", "", "{}") + rejected("f") + end())[1] is EmptyAnswer


@pytest.mark.parametrize(
    "last",
    [
        frame({"done": True, "response_id": "R7"}),
        frame({"done": True}),
        delta("", done=True),
        frame({"choices": [{"delta": {"content": "", "phase": "answer", "status": "typing"}, "done": True}]}),
        frame({"response.stopped": {"response_id": "R7"}}),
        frame({"response.stopped": {}}),
    ],
    ids=["done with an id", "done", "done in a delta", "done beside a delta", "stopped with an id", "stopped"],
)
def test_the_site_says_that_it_is_done(last: str) -> None:
    decoder = EventDecoder()
    assert decoder.feed(CREATED + delta("So.")) == [STARTED, Text("So.")]
    assert not decoder.ended
    assert decoder.feed(last + delta("no more")) == []
    assert decoder.ended
    assert decoder.flush() == [Finish()]


def test_done_without_an_answer_is_an_empty_answer() -> None:
    assert decode(CREATED + frame({"done": True}))[1] is EmptyAnswer


@pytest.mark.parametrize(
    "ending", [frame({"done": True, "response_id": "R8"}), of("R8", STOP)], ids=["done", "stopped"]
)
def test_the_end_of_another_answer_is_not_the_end(ending: str) -> None:
    decoder = EventDecoder()
    decoder.feed(CREATED + of("R8", CREATED) + delta("So."))
    decoder.feed(ending)
    assert not decoder.ended
    assert decoder.feed(delta(" And on.") + end()) == [Text(" And on.")]


def test_the_answer_that_is_passed_on_is_the_one_to_go_on_from() -> None:
    decoder = EventDecoder()
    decoder.feed(CREATED + of("R8", CREATED))
    assert decoder.started == STARTED
    decoder.feed(of("R8", delta("Here.")))
    assert decoder.started == Started("R8", "U7")
    assert decoder.response_ids == ("R7", "R8")


def test_an_answer_that_was_never_announced_can_be_gone_on_from() -> None:
    decoder = EventDecoder()
    decoder.feed(CREATED + of("R9", delta("Here.")))
    assert decoder.started == Started("R9", "U7")


def test_thinking_and_answer_may_have_two_ids() -> None:
    thoughts = delta("First, ", "think") + delta("then.", "think")
    text = CREATED + thoughts + of("R8", delta("So. ")) + delta("Hm.", "think") + of("R8", delta("Yes.") + end())
    assert [event for event in decode(text)[0] if not isinstance(event, Started)] == [
        Reasoning("First, "),
        Reasoning("then."),
        Text("So. "),
        Reasoning("Hm."),
        Text("Yes."),
        Finish(),
    ]


def test_the_image_of_another_answer_is_not_mixed_in() -> None:
    drawn = delta(PICTURE, "image_gen") + of("R8", delta(PICTURE + "2", "image_gen"))
    events, error = decode(CREATED + of("R8", CREATED) + drawn + of("R8", end("image_gen")) + end("image_gen"))
    assert error is None
    assert [event for event in events if isinstance(event, Image)] == [Image(PICTURE)]


CHECKS = [
    '<html><script>window.location.replace("https://s.example/_____tmd_____/punish?x5secdata=1")</script>',
    "<!doctypehtml><meta name=aliyun_waf_aa>",
    '{"ret":["FAIL_SYS_USER_VALIDATE","RGV587_ERROR::SM::x"],"data":{"url":"u',
    '{"ret":["x"],"data":{"url":"https://s.example/x?action=captchaconnect',
    '{"ret":["x"],"data":{"dialogSize":{"width":"375px"',
]


@pytest.mark.parametrize(
    "page", CHECKS, ids=["script", "mark of the firewall", "refusal", "captcha address", "captcha size"]
)
def test_a_human_check_in_place_of_a_stream_needs_no_end(page: str) -> None:
    """Its body may never end, and a quarter of an hour of waiting shows nothing that its first words did not."""
    decoder = EventDecoder()
    with pytest.raises(VerificationRequired):
        decoder.feed(page)
    assert decode("\ufeff \r\n", *page)[1] is VerificationRequired


def test_a_page_without_a_mark_is_judged_when_it_falls_silent() -> None:
    decoder = EventDecoder()
    assert decoder.feed("<html>\nPlease ") == []
    with pytest.raises(VerificationRequired):
        decoder.feed("")
    assert decode("<html>Please wait</html>\n")[1] is VerificationRequired
    assert decode("<html>502 alibaba-ga</html>")[1] is SiteFailure


def test_an_endless_page_is_not_gathered_for_ever() -> None:
    decoder = EventDecoder()
    decoder.feed("<html>")
    with pytest.raises(VerificationRequired):
        for _ in range(2000):
            decoder.feed("<br>" * 200)


def test_a_complaint_that_never_ends_is_told_when_it_falls_silent() -> None:
    decoder = EventDecoder()
    assert decoder.feed('{"success":false,"data":{"code":"RateLimited","num":2}}') == []
    with pytest.raises(RateLimited):
        decoder.feed("")


@pytest.mark.parametrize("text", ["captcha", "_____tmd_____/punish", "aliyun_waf", "action=captcha", "<html>"])
def test_what_the_model_says_is_no_human_check(text: str) -> None:
    assert decode(CREATED + delta(f"It is a {text}.") + end()) == ([STARTED, Text(f"It is a {text}."), Finish()], None)


@pytest.mark.parametrize("field", ["code", "error_code", "errorCode"])
@pytest.mark.parametrize("text", ["details", "detail", "message"])
def test_an_error_frame_by_any_name(field: str, text: str) -> None:
    events, error = decode(CREATED + frame({"error": {field: "data_inspection_failed", text: "d"}}))
    assert (events, error) == ([STARTED], ContentFilter)


def test_images_of_every_form() -> None:
    decoder = EventDecoder("C1", origin="https://site.example")
    shown = [
        delta("/api/v2/chat/C1/a.png", "image_gen"),
        delta("https://media.example/b.png", "image_edit"),
        delta("I painted it.", "image_edit"),
        delta("", "image_gen_think", content_list=[{"content": "thinking"}, {"image": "c.png"}]),
    ]
    assert decoder.feed("".join(shown)) == [
        Image("https://site.example/api/v2/chat/C1/a.png"),
        Image("https://media.example/b.png"),
        Image("https://site.example/api/v2/chat/C1/c.png"),
    ]


def test_address_of_an_image_is_completed() -> None:
    decoder = EventDecoder("C1", origin="https://site.example")
    images = [{"image": "a b.png"}, {"image": "/api/v2/chat/C1/c.png"}, {"image": "//media.example/d.png"}]
    assert decoder.feed(delta("", "generate_image", extra={"image_list": images})) == [
        Image("https://site.example/api/v2/chat/C1/a b.png"),
        Image("https://site.example/api/v2/chat/C1/c.png"),
        Image("https://media.example/d.png"),
    ]


def reasoning_of(*snapshots: tuple[list[str], list[str]]) -> str:
    events, error = decode(*(summary(titles, thoughts) for titles, thoughts in snapshots), delta("a"), end())
    assert error is None
    return "".join(event.text for event in events if isinstance(event, Reasoning))


@pytest.mark.parametrize(
    ("snapshots", "text"),
    [
        ([(["A"], []), (["A"], ["a"]), (["A", "B"], ["a"]), (["A", "B"], ["a", "b"])], "A\na\n\nB\nb"),
        ([([], ["a"]), ([], ["ab"]), ([], ["ab", "c"])], "ab\nc"),
        ([(["A", "B"], []), (["A", "B"], ["a", "b"])], "A\n\nB\na\nb"),
        ([(["A"], ["a"]), ([], []), (["A"], ["a"])], "A\na"),
        ([(["A"], ["abc"]), (["A"], ["ab"]), (["A"], ["abcd"])], "A\nabcd"),
        ([(["A"], ["one"]), (["B"], ["two"])], "A\none\n\nB\ntwo"),
        ([(["A", "B"], ["a"]), (["A", "B"], ["a, more"])], "A\na\n\nB\n, more"),
    ],
    ids=[
        "thought by thought",
        "without titles",
        "titles first",
        "gone for a while",
        "shorter for a while",
        "all replaced",
        "an older one grows",
    ],
)
def test_thinking_summary_tells_everything_once(snapshots: list[tuple[list[str], list[str]]], text: str) -> None:
    assert reasoning_of(*snapshots) == text


@given(st.lists(st.tuples(st.text("abc", min_size=1), st.text("xyz", min_size=1)), min_size=1, max_size=4))
def test_growing_summary_reads_like_its_last_snapshot(sections: list[tuple[str, str]]) -> None:
    text = "\n\n".join(f"{title}\n{thought}" for title, thought in sections)
    snapshots = []
    for number in range(len(sections)):
        titles = [title for title, _ in sections[: number + 1]]
        before = [thought for _, thought in sections[:number]]
        thought = sections[number][1]
        snapshots += [(titles, [*before, thought[:length]]) for length in range(len(thought) + 1)]
    assert reasoning_of(*snapshots) == text
