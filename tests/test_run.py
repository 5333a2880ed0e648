"""One answer under way: its events, its silence, its end, and what closing it stops."""

from __future__ import annotations

import json

import pytest
from fakes import CUT, EMPTY, FOREVER, TICK, Reply, answer, ask, said
from transcripts import CREATED, KEEP_ALIVE, PLAIN, SUMMED, counts, delta, end

from qwenproxy.chat import Finish, Message, Reasoning, Text, TextPart, Tick, Tool, ToolCall, Usage
from qwenproxy.errors import ClientGone, NetworkFailed, TabLost, UpstreamError, UpstreamTimeout
from qwenproxy.relay import RelaySettings

TOOLS = (Tool("look", "Look it up"),)
CALL = '<tool_call>{"name": "look", "arguments": {"q": "x"}}</tool_call>'


def stops(site):
    """Return the bodies of the orders to stop an answer upstream."""
    return [json.loads(request.body) for _, request in site.sent]


def test_events_in_their_order(make_relay, site):
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


def test_an_answer_cut_into_letters(make_relay, site):
    site.script("a", Reply(tuple(PLAIN)))
    with make_relay().open(ask()) as run:
        events = list(run)
    assert "".join(event.text for event in events if isinstance(event, Text)) == "Здравствуй, 世界 🙂\u2028!"
    assert run.usage == Usage(540, 4, 0, 11)
    assert not any(isinstance(event, Tick) for event in events), "letters are no silence"


def test_silence_becomes_ticks(make_relay, site):
    first, *rest = answer("One", "Two").chunks[1:]
    site.script("a", Reply((CREATED, TICK, first, TICK, TICK, TICK, *rest)))
    with make_relay().open(ask()) as run:
        events = [event for event in run if isinstance(event, Text | Tick | Finish)]
    assert events == [Text("One"), Tick(), Tick(), Tick(), Text("Two"), Finish()]


def test_signs_of_life_without_an_event_are_silence_to_the_client(make_relay, site):
    """A site that keeps itself busy must not keep the client from being told, nor hide that it left."""
    site.script("a", Reply((CREATED, delta("One"), *[KEEP_ALIVE] * 8, end()), pace=0.5))
    with make_relay().open(ask()) as run:
        events = list(run)
    assert sum(isinstance(event, Tick) for event in events) == 4


def test_a_stall_in_the_middle(make_relay, site):
    site.script("a", Reply((CREATED, delta("Half")), endless=True))
    with make_relay(1, RelaySettings(stall_timeout=20)).open(ask()) as run, pytest.raises(UpstreamTimeout) as caught:
        events = []
        for event in run:
            events.append(event)
    assert caught.value.status == 504
    assert sum(isinstance(event, Tick) for event in events) == 20
    assert [stop["response_id"] for stop in stops(site)] == ["R7"]


def test_the_sites_keep_alive_is_no_stall(make_relay, site):
    silence = [*[TICK] * 10, KEEP_ALIVE]
    site.script("a", Reply((CREATED, *silence * 20, delta("Late"), end())))
    assert said(make_relay(1, RelaySettings(stall_timeout=15)).open(ask())) == "Late"


def test_a_finished_answer_needs_no_end_of_the_connection(make_relay, site):
    site.script("a", Reply(answer("Done").chunks, endless=True))
    assert said(make_relay().open(ask())) == "Done"
    assert stops(site) == []


def test_prime_waits_for_the_first_real_event_only(make_relay, site):
    site.script("a", Reply((TICK, CREATED, TICK, delta("One"), CREATED, NetworkFailed("x"))))
    with make_relay().open(ask()) as run, pytest.raises(NetworkFailed):
        events = []
        for event in run:
            events.append(event)
    assert [event for event in events if isinstance(event, Text)] == [Text("One")]
    assert site.asked() == ["a"], "an answer that began is never begun again"


def test_prime_is_bounded(make_relay, site):
    site.script("a", Reply((CREATED,), endless=True))
    with make_relay().open(ask()) as run:
        assert not run.begun
    assert site.clock.now == 10


@pytest.mark.parametrize(("seconds", "streamed", "begun"), [(5, True, True), (15, True, False), (40, False, True)])
def test_who_reads_along_gets_signs_of_life(make_relay, site, seconds, streamed, begun):
    site.script("a", Reply((CREATED, *[TICK] * seconds, delta("One"), end())))
    with make_relay().open(ask(streamed=streamed)) as run:
        assert run.begun is begun
        assert [event for event in run if isinstance(event, Text)] == [Text("One")]


@pytest.mark.parametrize("reply", [Reply(head_after=FOREVER), Reply((CREATED,), endless=True)])
def test_a_client_that_leaves_before_the_first_event(make_relay, site, reply):
    site.script("a", reply)
    relay = make_relay()
    with pytest.raises(ClientGone):
        relay.open(ask(), lambda: True)
    assert relay.pool.running() == 0
    assert len(stops(site)) == len(reply.chunks)


def test_close_stops_the_answer_everywhere(make_relay, site):
    site.script("a", Reply((CREATED, delta("Half")), endless=True))
    relay = make_relay()
    run = relay.open(ask())
    run.close()
    run.close()
    assert site.responses[-1].closed
    assert stops(site) == [{"chat_id": "chat-1", "response_id": "R7"}]
    assert relay.pool.running() == 0


def test_a_complete_answer_is_not_stopped(make_relay, site):
    said(make_relay().open(ask()))
    assert stops(site) == []


def test_an_answer_that_never_started_is_not_stopped(make_relay, site):
    site.script("a", EMPTY)
    said(make_relay().open(ask()))
    assert stops(site) == []


@pytest.mark.parametrize("reply", [CUT, Reply((*CUT.chunks, TabLost("x"))), Reply((*CUT.chunks, "data: {bro"))])
def test_a_cut_answer_never_passes_for_a_complete_one(make_relay, site, reply):
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
)
def test_an_answer_cut_to_the_clients_measure(make_relay, site, wanted, text, reason):
    site.script("a", answer("Hello", " world", " again"))
    with make_relay().open(ask(**wanted)) as run:
        events = list(run)
    assert "".join(event.text for event in events if isinstance(event, Text)) == text
    assert events[-1] == Finish(reason)
    assert len(stops(site)) == (text != "Hello world again"), "what was cut is stopped upstream"


def test_tool_calls(make_relay, site):
    site.script("a", answer("Wait. ", CALL[:20], CALL[20:]))
    with make_relay().open(ask(tools=TOOLS)) as run:
        events = [event for event in run if isinstance(event, Text | ToolCall | Finish)]
    assert "".join(event.text for event in events if isinstance(event, Text)).strip() == "Wait."
    (call,) = [event for event in events if isinstance(event, ToolCall)]
    assert (call.name, json.loads(call.arguments)) == ("look", {"q": "x"})
    assert events[-1] == Finish("tool_calls")


@pytest.mark.parametrize(("tools", "text"), [((), CALL), (TOOLS, "No call.")])
def test_no_tool_calls(make_relay, site, tools, text):
    site.script("a", answer(text))
    with make_relay().open(ask(tools=tools)) as run:
        events = [event for event in run if isinstance(event, Text | ToolCall | Finish)]
    assert events == [Text(text), Finish("stop")]


def test_the_question_reaches_the_site_whole(make_relay, site):
    chat = ask("What is 2 + 2?")
    said(make_relay().open(chat))
    (body,) = site.questions()
    assert body["chat_id"] == body["chatId"] == "chat-1"
    (message,) = body["messages"]
    assert (message["role"], message["content"]) == ("user", "What is 2 + 2?")
    assert message["feature_config"]["thinking_enabled"] is False


def test_usage_without_text_is_kept(make_relay, site):
    site.script("a", Reply((CREATED, delta("Hi", usage=counts(5, 1)), delta("", usage=counts(5, 9, 3)), end())))
    with make_relay().open(ask()) as run:
        list(run)
    assert run.usage == Usage(5, 9, 3, 11)


def test_an_empty_conversation_part_is_no_trouble(make_relay, site):
    chat = ask().__class__((Message("user", (TextPart(""),)),))
    assert said(make_relay().open(chat)) == "Hello world"
