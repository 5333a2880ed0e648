"""The relay: what is tried again unseen, what the client hears of, and which model answers."""

from __future__ import annotations

import json
import threading

import pytest
from clocks import NOW
from fake_site import FakeSite, kind_of
from fake_tabs import FakeOpener
from makers import MakeRelay
from questions import ask, said
from replies import (
    BUSY,
    CUT,
    EMPTY,
    FOREVER,
    GATEWAY_DOWN,
    JSON,
    LOGGED_OUT,
    MODELS,
    RATE_LIMITED,
    REFUSED_CONTENT,
    STARTED_ONLY,
    TICK,
    UNKNOWN_FORM,
    Reply,
    answer,
    refusal,
)
from session_files import account_of
from spelling import spelled
from transcripts import CREATED, delta, end, frame

from qwenproxy.accounts.registry import Registry
from qwenproxy.chat import ChatRequest, ImagePart, Message, Text
from qwenproxy.errors import (
    ChatBusy,
    ClientGone,
    ContentFilter,
    ModelNotFound,
    NetworkFailed,
    ProtocolChanged,
    ProxyError,
    RequestError,
    SetupError,
    TabLost,
    UnsupportedParameter,
    UpstreamError,
    UpstreamTimeout,
)
from qwenproxy.relay import model_list
from qwenproxy.relay import run as run_module
from qwenproxy.relay.questions import RelaySettings


def test_an_answer(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    with relay.open(ask()) as run:
        assert (run.account_id, run.place.chat.chat_id, run.model) == ("a", "chat-1", "qwen3.8-max")
        assert relay.pool.running() == 1
        assert "".join(event.text for event in run if isinstance(event, Text)) == "Hello world"
        assert run.answer.usage
        assert (run.answer.usage.input_tokens, run.answer.usage.output_tokens) == (7, 2)
    assert relay.pool.running() == 0
    assert [kind_of(request) for _, request in site.calls] == ["models", "new_chat", "completion"]
    assert site.sent == []


@pytest.mark.parametrize(
    ("reply", "error", "status", "code"),
    [
        (REFUSED_CONTENT, ContentFilter, 400, "content_filter"),
        (refusal("Bad_Request", "Invalid file information!", 400), RequestError, 400, "invalid_request"),
        (refusal("Bad_Request", "Internal error...", 400), UpstreamError, 502, "upstream_error"),
        (refusal("model_not_found", "x", 404), ModelNotFound, 404, "model_not_found"),
        (UNKNOWN_FORM, ProtocolChanged, 502, "protocol_changed"),
        (Reply(("data: {broken\n\n",)), ProtocolChanged, 502, "protocol_changed"),
    ],
    ids=spelled,
)
def test_what_another_account_cannot_mend_is_told_at_once(
    make_relay: MakeRelay, site: FakeSite, reply: Reply | Exception, error: type[ProxyError], status: int, code: str
) -> None:
    relay = make_relay(2)
    site.script("a", reply)
    with pytest.raises(error) as caught:
        relay.open(ask())
    assert (caught.value.status, caught.value.code) == (status, code)
    assert site.asked() == ["a"]
    assert relay.pool.unavailable() is None
    assert relay.pool.running() == 0


PASSING = [EMPTY, GATEWAY_DOWN, Reply((NetworkFailed("x"),)), NetworkFailed("x"), TabLost("x")]
PASSING_IN_AN_ANSWER = [
    *PASSING,
    STARTED_ONLY,
    Reply((CREATED, frame({"error": {"code": "internal_error", "details": "d"}}))),
    Reply((TICK, CREATED, TICK, TabLost("x"))),
    refusal("Bad_Request", "Invalid input the chat c is not exist", 400),
]


@pytest.mark.parametrize(
    ("call", "reply"),
    [*(("new_chat", reply) for reply in PASSING), *(("completion", reply) for reply in PASSING_IN_AN_ANSWER)],
    ids=spelled,
)
def test_a_passing_failure_is_tried_again_unseen(
    make_relay: MakeRelay, site: FakeSite, call: str, reply: Reply | Exception
) -> None:
    relay = make_relay()
    site.script("a", reply, call=call)
    assert said(relay.open(ask())) == "Hello world"
    assert site.asked("new_chat") == ["a", "a"]


def test_one_failure_of_each_kind_is_tried_again(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    site.script("a", EMPTY, GATEWAY_DOWN, NetworkFailed("x"), BUSY)
    assert said(relay.open(ask())) == "Hello world"
    assert site.asked() == ["a"] * 5


def test_an_account_that_keeps_failing_gives_way(make_relay: MakeRelay, site: FakeSite, registry: Registry) -> None:
    relay = make_relay(2)
    site.always("a", GATEWAY_DOWN)
    assert said(relay.open(ask())) == "Hello world"
    assert site.asked() == ["a", "a", "b"]
    assert account_of(registry, "a").status(NOW) == "OK"


def test_a_busy_chat_is_asked_again_after_pauses(make_relay: MakeRelay, site: FakeSite, pauses: list[float]) -> None:
    relay = make_relay()
    site.script("a", BUSY, BUSY, BUSY)
    assert said(relay.open(ask())) == "Hello world"
    assert pauses == [0.5, 1.0, 2.0]


def test_a_chat_busy_for_too_long(make_relay: MakeRelay, site: FakeSite, pauses: list[float]) -> None:
    relay = make_relay(2)
    site.always("a", BUSY)
    assert said(relay.open(ask())) == "Hello world"
    assert site.asked() == ["a"] * 4 + ["b"]
    site.always("b", refusal("ParallelLimited", "x"))
    with pytest.raises(ChatBusy):
        relay.open(ask())
    assert relay.pool.running() == 0


def test_a_client_that_leaves_during_a_pause(make_relay: MakeRelay, site: FakeSite, pauses: list[float]) -> None:
    relay = make_relay()
    site.always("a", BUSY)
    with pytest.raises(ClientGone):
        relay.open(ask(), lambda: bool(pauses))
    assert site.asked() == ["a"]
    assert relay.pool.running() == 0


def test_a_browser_that_cannot_be_opened_gives_way(make_relay: MakeRelay, site: FakeSite, opener: FakeOpener) -> None:
    relay = make_relay(2)
    opener.errors["a"].append(SetupError("no browser"))
    assert said(relay.open(ask())) == "Hello world"
    assert opener.opened == ["b"]


def test_a_browser_that_cannot_be_opened_anywhere(make_relay: MakeRelay, opener: FakeOpener) -> None:
    relay = make_relay()
    opener.errors["a"].append(SetupError("no browser"))
    with pytest.raises(SetupError):
        relay.open(ask())
    assert relay.pool.running() == 0


def test_a_dead_tab_is_replaced_under_the_request(make_relay: MakeRelay, opener: FakeOpener, site: FakeSite) -> None:
    relay = make_relay()
    said(relay.open(ask()))
    opener.tabs["a"].alive = False
    assert said(relay.open(ask())) == "Hello world"
    assert opener.opened == ["a", "a"]


@pytest.mark.parametrize("call", ["new_chat", "completion"])
def test_a_site_that_never_begins_to_answer(make_relay: MakeRelay, site: FakeSite, call: str) -> None:
    relay = make_relay(1, RelaySettings(stall_timeout=4))
    site.script("a", Reply(head_after=FOREVER), call=call)
    with pytest.raises(UpstreamTimeout) as caught:
        relay.open(ask())
    assert (caught.value.status, caught.value.code) == (504, "upstream_timeout")
    assert relay.pool.running() == 0


@pytest.mark.parametrize("call", ["models", "new_chat", "completion"])
def test_a_client_that_leaves_before_the_site_answers(make_relay: MakeRelay, site: FakeSite, call: str) -> None:
    relay = make_relay()
    site.script("a", Reply(head_after=FOREVER) if call != "models" else Reply((TICK,) * 3, headers=JSON), call=call)
    with pytest.raises(ClientGone):
        relay.open(ask(), lambda: True)
    assert relay.pool.running() == 0


def test_models(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    names = dict(relay.catalogue().listing())
    assert list(names)[:3] == ["qwen3.8-max", "qwen3.7-plus", "qwen3-coder-plus"]
    assert names["qwen-coder-plus"].id == "qwen3-coder-plus"
    relay.catalogue()
    assert site.asked("models") == ["a"]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        (None, "qwen3.8-max"),
        ("qwen3.7-plus", "qwen3.7-plus"),
        ("qwen-coder-plus", "qwen3-coder-plus"),
        ("qwen-vl-max", "qwen3.7-plus"),
        ("made-up", "qwen3.8-max"),
    ],
)
def test_the_model_a_name_means(make_relay: MakeRelay, site: FakeSite, name: str | None, model: str) -> None:
    run = make_relay().open(ask(model=name))
    assert run.model == model
    said(run)
    assert site.questions()[0]["model"] == model
    assert json.loads(site.calls[1][1].body or "")["models"] == [model]


def test_an_unknown_model_may_be_an_error(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(1, RelaySettings(unknown_model="error"))
    with pytest.raises(ModelNotFound, match="made-up") as caught:
        relay.open(ask(model="made-up"))
    assert (caught.value.status, caught.value.param) == (404, "model")
    assert site.asked("new_chat") == []
    assert said(relay.open(ask(model="qwen-max"))) == "Hello world"


@pytest.mark.parametrize(
    "reply", [GATEWAY_DOWN, UNKNOWN_FORM, RATE_LIMITED, Reply((), 200, JSON), NetworkFailed("x")], ids=spelled
)
def test_an_unreadable_model_list_keeps_nobody_from_asking(
    make_relay: MakeRelay, site: FakeSite, reply: NetworkFailed | Reply
) -> None:
    relay = make_relay()
    site.script("a", reply, call="models")
    assert said(relay.open(ask(model="qwen3.5-plus"))) == "Hello world"
    assert site.questions()[0]["model"] == "qwen3.5-plus"


def test_an_aged_model_list_is_read_in_the_background(
    make_relay: MakeRelay, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = make_relay()
    relay.catalogue()
    monkeypatch.setattr(model_list, "MODELS_FRESH", -1.0)
    newer = json.loads(str(MODELS.chunks[0]))
    newer["data"]["data"].append({"id": "qwen9-max"})
    site.script("a", Reply((json.dumps(newer),), headers=JSON), call="models")
    said(relay.open(ask()))
    monkeypatch.setattr(model_list, "MODELS_FRESH", 600.0)
    for thread in threading.enumerate():
        if thread.name == "models":
            thread.join(5)
    assert relay.catalogue().resolve("qwen9-max") is not None


def test_attachments_are_refused_by_name(make_relay: MakeRelay, site: FakeSite) -> None:
    with pytest.raises(UnsupportedParameter):
        make_relay().open(ChatRequest((Message("user", (ImagePart("https://x/y.png"),)),)))
    assert site.calls == []


def test_warm_up_opens_the_first_account(make_relay: MakeRelay, opener: FakeOpener, site: FakeSite) -> None:
    make_relay(3).warm_up()
    assert opener.opened == ["a"]
    assert site.asked("models") == ["a"]


def test_close_ends_what_runs(make_relay: MakeRelay, opener: FakeOpener) -> None:
    relay = make_relay()
    run = relay.open(ask())
    relay.close()
    relay.close()
    assert opener.tabs == {}
    run.close()
    assert relay.pool.running() == 0


def test_a_login_refused_once_is_tried_again(make_relay: MakeRelay, site: FakeSite, registry: Registry) -> None:
    relay = make_relay(2)
    site.script("a", LOGGED_OUT)
    assert said(relay.open(ask())) == "Hello world"
    assert site.asked() == ["a", "a"]
    assert account_of(registry, "a").status(NOW) == "OK"


def test_a_cut_answer_is_told_not_repeated(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(2)
    site.script("a", CUT)
    with relay.open(ask()) as run, pytest.raises(UpstreamError) as caught:
        list(run)
    assert (caught.value.status, caught.value.code) == (502, "upstream_error")
    assert site.asked() == ["a"]


@pytest.mark.parametrize(
    ("failure", "asked"),
    [
        (frame({"success": False, "data": {"code": "RateLimited", "num": 2}}), ["a", "b"]),
        (frame({"error": {"code": "internal_error", "details": "d"}}), ["a", "a"]),
        (TabLost("The tab went away."), ["a", "a"]),
        (NetworkFailed("x"), ["a", "a"]),
    ],
    ids=spelled,
)
def test_a_whole_answer_is_begun_again_as_long_as_nothing_was_sent(
    make_relay: MakeRelay, site: FakeSite, failure: object, asked: list[str]
) -> None:
    relay = make_relay(2)
    site.script("a", Reply((CREATED, delta("Half an"), failure)))
    assert said(relay.open(ask(streamed=False))) == "Hello world"
    assert site.asked() == asked
    assert relay.pool.running() == 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_cut_answer_is_never_repeated(make_relay: MakeRelay, site: FakeSite, streamed: bool) -> None:
    site.script("a", CUT)
    with pytest.raises(UpstreamError):
        said(make_relay(2).open(ask(streamed=streamed)))
    assert site.asked() == ["a"]


def test_who_leaves_while_a_whole_answer_flows_is_noticed(
    make_relay: MakeRelay, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "LOOK_EVERY", 0.0)
    site.script("a", Reply((CREATED, *[delta("more ")] * 50, end())))
    looks = iter([False, False, False, True])
    relay = make_relay()
    with pytest.raises(ClientGone):
        relay.open(ask(streamed=False), lambda: next(looks))
    assert site.responses[-1].closed
    assert relay.pool.running() == 0


def test_an_answer_may_be_long_in_coming(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", Reply((TICK,) * 100 + answer("Late").chunks, head_after=50))
    assert said(make_relay().open(ask())) == "Late"
