"""One answer under way: its events, its silence, its end, and what closing it stops."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from fake_site import ORIGIN, FakeSite
from makers import MakeRelay
from questions import ask, said
from replies import CUT, EMPTY, FOREVER, HTML, JSON, STREAM, TICK, Reply, answer
from spelling import spelled
from transcripts import (
    CREATED,
    INTERCEPTED,
    KEEP_ALIVE,
    PLAIN,
    SUMMED,
    TWO_AT_ONCE,
    called,
    counts,
    delta,
    end,
    frame,
    of,
    rejected,
)

from qwenproxy.chat import (
    CallArguments,
    CallStarted,
    Event,
    Finish,
    Image,
    Message,
    Reasoning,
    Text,
    TextPart,
    Tick,
    Tool,
    Usage,
    WrittenCall,
)
from qwenproxy.errors import (
    AccountsResting,
    ClientGone,
    NetworkFailed,
    ProxyError,
    TabLost,
    UpstreamError,
    UpstreamTimeout,
    VerificationRequired,
)
from qwenproxy.observe import journal
from qwenproxy.relay.questions import RelaySettings
from qwenproxy.relay.reading import Reading

TOOLS = (Tool("look", "Look it up"),)
CALL = '<tool_call>{"name": "look", "arguments": {"q": "x"}}</tool_call>'
CAPTCHA_PART = '{"ret":["FAIL_SYS_USER_VALIDATE","RGV587_ERROR::SM::x"],"data":{"url":"https://site.example/_____tmd___'


def stops(site: FakeSite) -> list[dict[str, str]]:
    """Return the bodies of the orders to stop an answer upstream."""
    return [json.loads(request.body or "") for _, request in site.sent]


def test_events_in_their_order(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((SUMMED,)))
    with make_relay().open(ask()) as run:
        events = [event for event in run if isinstance(event, Reasoning | Text | Finish)]
    assert events == [
        Reasoning("Adding up\nSeven and"),
        Reasoning(" eight."),
        Reasoning("\n\nChecking\nFifteen holds."),
        Text("15"),
        Finish(),
    ]


def test_an_answer_cut_into_letters(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply(tuple(PLAIN)))
    with make_relay().open(ask()) as run:
        events = list(run)
    assert "".join(event.text for event in events if isinstance(event, Text)) == "Здравствуй, 世界 🙂\u2028!"
    assert run.answer.usage == Usage(540, 4, 0, 11)
    assert not any(isinstance(event, Tick) for event in events), "letters are no silence"


def test_silence_becomes_ticks(make_relay: MakeRelay, site: FakeSite) -> None:
    first, *rest = answer("One", "Two").chunks[1:]
    site.script("a", Reply((CREATED, TICK, first, TICK, TICK, TICK, *rest)))
    with make_relay().open(ask()) as run:
        events = [event for event in run if isinstance(event, Text | Tick | Finish)]
    assert events == [Text("One"), Tick(), Tick(), Tick(), Text("Two"), Finish()]


def test_signs_of_life_without_an_event_are_silence_to_the_client(make_relay: MakeRelay, site: FakeSite) -> None:
    """A site that keeps itself busy must not keep the client from being told, nor hide that it left."""
    site.script("a", Reply((CREATED, delta("One"), *[KEEP_ALIVE] * 8, end()), pace=0.5))
    with make_relay().open(ask()) as run:
        events = list(run)
    assert sum(isinstance(event, Tick) for event in events) == 5, "one a second"


def test_a_stall_in_the_middle(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("Half")), endless=True))
    with make_relay(1, RelaySettings(stall_timeout=20)).open(ask()) as run, pytest.raises(UpstreamTimeout) as caught:
        events = []
        for event in run:
            events.append(event)
    assert caught.value.status == 504
    assert sum(isinstance(event, Tick) for event in events) == 20
    assert [stop["response_id"] for stop in stops(site)] == ["R7"]


def test_the_sites_keep_alive_is_no_stall(make_relay: MakeRelay, site: FakeSite) -> None:
    silence = [*[TICK] * 10, KEEP_ALIVE]
    site.script("a", Reply((CREATED, *silence * 20, delta("Late"), end())))
    assert said(make_relay(1, RelaySettings(stall_timeout=15)).open(ask())) == "Late"


def test_a_finished_answer_needs_no_end_of_the_connection(make_relay: MakeRelay, site: FakeSite) -> None:
    """Nothing tells it from one that goes on, so it is waited for as long as for anything else; time passes for all."""
    site.script("a", Reply(answer("Done").chunks, endless=True))
    with make_relay(1, RelaySettings(stall_timeout=30)).open(ask()) as run:
        events = [event for event in run if isinstance(event, Text | Tick | Finish)]
        assert run.response_id == "R7"
    assert events == [Text("Done"), *[Tick()] * 30, Finish()]
    assert stops(site) == []


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("pause", [0, 5, 100])
def test_an_answer_that_goes_on_after_a_finish_is_never_cut(
    make_relay: MakeRelay, site: FakeSite, streamed: bool, pause: int
) -> None:
    silence = [TICK] * pause
    pieces = (delta("One. "), end(), *silence, called("f", "", "{}"), rejected("f"), *silence, delta("Two."), end())
    site.script("a", Reply((CREATED, *pieces)))
    assert said(make_relay().open(ask(streamed=streamed))) == "One. Two."


def test_an_answer_that_goes_on_and_falls_silent_is_no_complete_one(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("One. "), end(), delta("Tw")), endless=True))
    with make_relay().open(ask()) as run, pytest.raises(UpstreamTimeout):
        list(run)


def test_what_the_site_says_of_the_calls_it_takes_never_reaches_a_client(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((INTERCEPTED,)))
    assert said(make_relay().open(ask(tools=TOOLS))) == "Let me look. Then without."


@pytest.mark.parametrize("last", [frame({"done": True}), frame({"response.stopped": {"response_id": "R7"}})])
def test_the_sites_word_that_it_is_done_ends_the_answer(make_relay: MakeRelay, site: FakeSite, last: object) -> None:
    site.script("a", Reply((CREATED, delta("So."), last), endless=True))
    assert said(make_relay().open(ask())) == "So."
    assert site.clock.now == 0
    assert stops(site) == []


def test_of_two_answers_at_once_one_is_passed_on_and_gone_on_from(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((TWO_AT_ONCE,)))
    with make_relay().open(ask()) as run:
        assert "".join(event.text for event in run if isinstance(event, Text)) == "Right so."
        assert run.response_id == "R8"
        assert run.answer.usage == Usage(8, 4, 0, 11)


def test_both_of_two_answers_are_stopped(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, of("R8", CREATED), delta("Half")), endless=True))
    make_relay().open(ask()).close()
    assert [stop["response_id"] for stop in stops(site)] == ["R7", "R8"]


@pytest.mark.parametrize("address", ["sub/1.png", "/sub/1.png", "/api/v2/chat/C7/sub/1.png"])
def test_an_image_of_the_sites_own_has_an_address_that_opens(
    make_relay: MakeRelay, site: FakeSite, address: str
) -> None:
    drawn = delta("", "image_gen_tool", extra={"image_list": [{"image": address}]})
    site.script("a", Reply((CREATED, drawn, delta("There."), end())))
    with make_relay().open(ask()) as run:
        images = [event for event in run if isinstance(event, Image)]
    assert images == [Image(f"{ORIGIN}/api/v2/chat/C7/sub/1.png")]


HELD_BACK = [
    ({"tools": TOOLS}, CALL[:20], CALL[20:40]),
    ({"stop": ("a" * 300,)}, "a", "a" * 9),
    ({"stop": ("nowhere",), "tools": TOOLS}, CALL[:20], CALL[20:40]),
]


@pytest.mark.parametrize(("asked", "first", "more"), HELD_BACK, ids=["call", "stop", "both"])
def test_time_passes_while_text_is_held_back(
    make_relay: MakeRelay, site: FakeSite, asked: dict[str, Any], first: object, more: object
) -> None:
    """The kind: whatever stands between the site and the client, signs of life go out."""
    site.script("a", Reply((CREATED, delta("Wait. "), delta(first), *[delta(more)] * 24, end()), pace=0.5))
    with make_relay().open(ask(**asked)) as run:
        events = list(itertools.takewhile(lambda event: not isinstance(event, Finish), run))
    ticks = [event for event in events if isinstance(event, Tick)]
    assert 12 <= len(ticks) <= 14
    said = next(event for event in events if isinstance(event, Text))
    assert said.text.strip() == "Wait."
    assert events.index(said) < events.index(Tick())


@pytest.mark.parametrize(("asked", "first", "more"), HELD_BACK, ids=["call", "stop", "both"])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_leaves_while_text_is_held_back(
    make_relay: MakeRelay, site: FakeSite, streamed: bool, asked: dict[str, Any], first: object, more: object
) -> None:
    site.script("a", Reply((CREATED, delta(first), *[delta(more)] * 1000), pace=0.5))
    relay = make_relay()
    with pytest.raises(ClientGone):
        relay.open(ask(streamed=streamed, **asked), lambda: site.clock.now > 3)
    assert site.clock.now < 3 + 15
    assert len(stops(site)) == 1
    assert relay.pool.running() == 0


def test_what_no_client_sees_hides_no_time(make_relay: MakeRelay, site: FakeSite) -> None:
    found = [
        delta("", "web_search", extra={"web_search_info": [{"url": f"https://news.example/{number}"}]})
        for number in range(20)
    ]
    site.script("a", Reply((CREATED, delta("Let me see. "), *found, delta("So."), end()), pace=0.5))
    with make_relay().open(ask()) as run:
        assert sum(isinstance(event, Tick) for event in run) == 12


def test_a_second_is_a_second_however_often_the_site_speaks(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("One"), *[KEEP_ALIVE] * 1000, end()), pace=0.01))
    with make_relay().open(ask()) as run:
        assert sum(isinstance(event, Tick) for event in run) in (9, 10)


NEVER_ENDING = [
    (CAPTCHA_PART, JSON, VerificationRequired),
    (CAPTCHA_PART, STREAM, VerificationRequired),
    ("<script>window.location.replace('/_____tmd_____/punish", HTML, VerificationRequired),
    ("<script>window.location.replace('/_____tmd_____/punish", STREAM, VerificationRequired),
    ("<html>Please wait", HTML, VerificationRequired),
    ('{"success":false,"data":{"code":"RateLimited","num":2,"details":"li', JSON, AccountsResting),
    ('{"success":', JSON, UpstreamTimeout),
]


@pytest.mark.parametrize(("part", "headers", "error"), NEVER_ENDING, ids=spelled)
def test_a_refusal_that_never_ends_means_what_it_has_said(
    make_relay: MakeRelay, site: FakeSite, part: str, headers: dict[str, str], error: type[ProxyError]
) -> None:
    site.script("a", Reply((part,), headers=headers, endless=True))
    with pytest.raises(error):
        make_relay().open(ask())
    assert site.asked() == ["a"]
    assert site.clock.now <= 15
    assert site.responses[-1].closed


def test_a_refusal_that_goes_on_for_ever_is_read_up_to_a_bound(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((CAPTCHA_PART, *["x" * 100_000] * 1000), headers=JSON))
    with pytest.raises(VerificationRequired):
        make_relay().open(ask())


def test_prime_waits_for_the_first_real_event_only(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((TICK, CREATED, TICK, delta("One"), CREATED, NetworkFailed("x"))))
    with make_relay().open(ask()) as run, pytest.raises(NetworkFailed):
        events = []
        for event in run:
            events.append(event)
    assert [event for event in events if isinstance(event, Text)] == [Text("One")]
    assert site.asked() == ["a"], "an answer that began is never begun again"


def test_an_answer_that_never_begins_is_lost_after_the_stall_timeout(make_relay: MakeRelay, site: FakeSite) -> None:
    site.always("a", Reply((CREATED,), endless=True))
    with pytest.raises(UpstreamTimeout):
        make_relay(1, RelaySettings(stall_timeout=15)).open(ask())
    assert site.clock.now == 15


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("seconds", [5, 15, 40])
def test_a_slow_beginning_is_waited_for(make_relay: MakeRelay, site: FakeSite, seconds: int, streamed: bool) -> None:
    site.script("a", Reply((CREATED, *[TICK] * seconds, delta("One"), end())))
    with make_relay().open(ask(streamed=streamed)) as run:
        assert [event for event in run if isinstance(event, Text)] == [Text("One")]


@pytest.mark.parametrize("reply", [Reply(head_after=FOREVER), Reply((CREATED,), endless=True)], ids=spelled)
def test_a_client_that_leaves_before_the_first_event(make_relay: MakeRelay, site: FakeSite, reply: Reply) -> None:
    site.script("a", reply)
    relay = make_relay()
    with pytest.raises(ClientGone):
        relay.open(ask(), lambda: True)
    assert relay.pool.running() == 0
    assert len(stops(site)) == len(reply.chunks)


def test_close_stops_the_answer_everywhere(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("Half")), endless=True))
    relay = make_relay()
    run = relay.open(ask())
    run.close()
    run.close()
    assert site.responses[-1].closed
    assert stops(site) == [{"chat_id": "chat-1", "response_id": "R7"}]
    assert relay.pool.running() == 0


def test_a_complete_answer_is_not_stopped(make_relay: MakeRelay, site: FakeSite) -> None:
    said(make_relay().open(ask()))
    assert stops(site) == []


def test_an_answer_that_never_started_is_not_stopped(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", EMPTY)
    said(make_relay().open(ask()))
    assert stops(site) == []


@pytest.mark.parametrize(
    "reply", [CUT, Reply((*CUT.chunks, TabLost("x"))), Reply((*CUT.chunks, "data: {bro"))], ids=spelled
)
def test_a_cut_answer_never_passes_for_a_complete_one(make_relay: MakeRelay, site: FakeSite, reply: Reply) -> None:
    site.script("a", reply)
    events = []
    with make_relay().open(ask()) as run, pytest.raises((UpstreamError, TabLost)) as caught:
        for event in run:
            events.append(event)
    assert caught.value.code == "upstream_error"
    assert not any(isinstance(event, Finish) for event in events)


@pytest.mark.parametrize(
    ("wanted", "text", "reason"),
    [
        ({"stop": ("wor",)}, "Hello ", "stop"),
        ({"stop": ("nowhere",)}, "Hello world again", "stop"),
        ({"max_tokens": 2}, "Hello world", "length"),
        ({"max_tokens": 3}, "Hello world again", "stop"),
        ({"max_tokens": 2, "stop": ("lo",)}, "Hel", "stop"),
    ],
    ids=spelled,
)
def test_an_answer_cut_to_the_clients_measure(
    make_relay: MakeRelay,
    site: FakeSite,
    wanted: dict[str, Any],
    text: str,
    reason: Literal["stop", "length", "tool_calls"],
) -> None:
    site.script("a", answer("Hello", " world", " again"))
    with make_relay().open(ask(**wanted)) as run:
        events = list(run)
    assert "".join(event.text for event in events if isinstance(event, Text)) == text
    assert isinstance(events[-1], Finish) and events[-1].reason == reason
    assert events[-1].stop == (wanted["stop"][0] if "stop" in wanted and text in ("Hello ", "Hel") else None)
    assert len(stops(site)) == (text != "Hello world again"), "what was cut is stopped upstream"


def test_tool_calls(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", answer("Wait. ", CALL[:20], CALL[20:]))
    with make_relay().open(ask(tools=TOOLS)) as run:
        events = [event for event in run if isinstance(event, Text | CallStarted | CallArguments | Finish)]
    assert "".join(event.text for event in events if isinstance(event, Text)).strip() == "Wait."
    (call,) = run.answer.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("look", {"q": "x"})
    assert events[-1] == Finish("tool_calls")


@pytest.mark.parametrize(("tools", "text"), [((), CALL), (TOOLS, "No call.")], ids=spelled)
def test_no_tool_calls(make_relay: MakeRelay, site: FakeSite, tools: tuple[Tool, ...], text: str) -> None:
    site.script("a", answer(text))
    with make_relay().open(ask(tools=tools)) as run:
        events = [event for event in run if isinstance(event, Text | CallStarted | CallArguments | Finish)]
    assert events == [Text(text), Finish("stop")]


def test_the_question_reaches_the_site_whole(make_relay: MakeRelay, site: FakeSite) -> None:
    chat = ask("What is 2 + 2?")
    said(make_relay().open(chat))
    (body,) = site.questions()
    assert body["chat_id"] == body["chatId"] == "chat-1"
    (message,) = body["messages"]
    assert (message["role"], message["content"]) == ("user", "What is 2 + 2?")
    assert message["feature_config"]["thinking_enabled"] is False


def test_usage_without_text_is_kept(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("Hi", usage=counts(5, 1)), delta("", usage=counts(5, 9, 3)), end())))
    with make_relay().open(ask()) as run:
        list(run)
    assert run.answer.usage == Usage(5, 9, 3, 11)


def test_an_empty_conversation_part_is_no_trouble(make_relay: MakeRelay, site: FakeSite) -> None:
    chat = ask().__class__((Message("user", (TextPart(""),)),))
    assert said(make_relay().open(chat)) == "Hello world"


def test_a_call_that_is_left_out_is_a_line_of_the_log(
    make_relay: MakeRelay, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(reading: Reading) -> Iterator[Event]:
        yield from Reading._await_stream(reading)
        yield from (WrittenCall("shop", '{"secret": 1}', intercepted=True), Text("So."), Finish())
        reading.is_complete = True

    monkeypatch.setattr(Reading, "__iter__", read)
    site.script("a", Reply((CREATED, delta("x"), end())))
    noted: list[journal.Event] = []
    with journal.Subscription(noted.append), make_relay().open(ask(tools=TOOLS)) as run:
        events = list(run)
    assert [event for event in events if not isinstance(event, Tick)] == [Text("So."), Finish()]
    (dropped,) = (event for event in noted if isinstance(event, journal.CallDropped))
    assert dropped.name == "shop"
    assert "secret" not in str(dropped)
