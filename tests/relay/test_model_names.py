"""What the name of a model asks for, models that must think, and questions that no model can take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_site import FakeSite
from makers import MakeClient, MakeRelay
from questions import ask, said
from replies import JSON, STARTED_ONLY, Reply, answer, refusal

from qwenproxy.chat import ChatRequest, Message, TextPart, WebSearch
from qwenproxy.errors import ContextLengthExceeded, InputRejected, ModelNotFound, RequestError
from qwenproxy.relay.questions import RelaySettings
from qwenproxy.tokenizer import counting

REJECTED = refusal("invalid_input", "输入或附件有误", 400)
MINI = 1000  # tokens that the smallest model takes


def models(*entries: dict[str, Any]) -> Reply:
    return Reply((json.dumps({"data": list(entries)}),), headers=JSON)


def entry(name: str, **meta: Any) -> dict[str, Any]:
    return {"id": name, "name": name.title(), "info": {"created_at": 1770000000, "meta": meta}}


LIST = models(
    entry(
        "qwen3.8-max",
        capabilities={"thinking": True, "search": True},
        max_context_length=1_000_000,
        max_thinking_generation_length=2000,
    ),
    entry("qwen3.5-flash", max_context_length=MINI),
)


@pytest.fixture
def site(site: FakeSite) -> FakeSite:
    site.always("a", LIST, call="models")
    return site


def thinks(question: dict[str, Any]) -> bool:
    features = question["messages"][0]["feature_config"]
    assert features["thinking_mode"] == ("Thinking" if features["thinking_enabled"] else "Fast")
    return bool(features["thinking_enabled"])


@pytest.mark.parametrize(
    ("name", "asked", "model", "thinking"),
    [
        ("qwen3.8-max", {}, "qwen3.8-max", False),
        ("qwen3.8-max-thinking", {}, "qwen3.8-max", True),
        ("qwen-max-search-thinking", {}, "qwen3.8-max", True),
        ("qwen3.8-max-thinking", {"thinking": False}, "qwen3.8-max", False),
        ("qwen3.8-max-fast", {"thinking": True}, "qwen3.8-max", True),
        ("claude-qwen3.5-flash", {}, "qwen3.5-flash", False),
        ("claude-opus-4-8", {}, "qwen3.8-max", False),
        ("claude-haiku-4-5", {}, "qwen3.5-flash", False),
        ("gpt-5-mini-thinking", {}, "qwen3.5-flash", True),
        ("made-up-mini", {}, "qwen3.8-max", False),
    ],
)
def test_a_name_chooses_model_and_thinking(
    make_relay: MakeRelay, site: FakeSite, name: str, asked: dict[str, Any], model: str, thinking: bool
) -> None:
    run = make_relay().open(ask(model=name, **asked))
    assert run.model == model
    said(run)
    (question,) = site.questions()
    assert (question["model"], thinks(question)) == (model, thinking)


def test_a_name_asks_for_a_search(make_relay: MakeRelay) -> None:
    relay = make_relay()
    for name, search in (("qwen3.8-max-search", WebSearch(forced=True)), ("qwen3.8-max", None)):
        with relay.open(ask(model=name)) as run:
            assert run.chat.search == search


def test_the_default_model_may_have_endings(make_relay: MakeRelay, site: FakeSite) -> None:
    said(make_relay(1, RelaySettings(default_model="qwen3.8-max-thinking")).open(ask()))
    assert thinks(site.questions()[0])


@pytest.mark.parametrize("name", ["gpt-4o-mini", "claude-haiku-4-5", "made-up-thinking"])
def test_foreign_names_are_unknown_where_those_are_an_error(make_relay: MakeRelay, site: FakeSite, name: str) -> None:
    relay = make_relay(1, RelaySettings(unknown_model="error"))
    with pytest.raises(ModelNotFound):
        relay.open(ask(model=name))
    with pytest.raises(ModelNotFound):
        relay.model_list().describe(name)
    assert said(relay.open(ask(model="claude-qwen-max-fast"))) == "Hello world"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_model_that_must_think_is_asked_again_unseen_and_remembered(
    make_relay: MakeRelay, site: FakeSite, streamed: bool
) -> None:
    relay = make_relay(1, RelaySettings(lists_variants=True))
    assert "qwen3.8-max-fast" in dict(relay.model_list().listing())
    site.script("a", REJECTED)
    assert said(relay.open(ask(streamed=streamed))) == "Hello world"
    assert said(relay.open(ask(thinking=False))) == "Hello world"
    assert [thinks(question) for question in site.questions()] == [False, True, True]
    first, second, _ = (question["chat_id"] for question in site.questions())
    assert first == second
    assert "qwen3.8-max-fast" not in dict(relay.model_list().listing())


def test_a_model_of_which_the_site_says_so_thinks_at_once(make_relay: MakeRelay, site: FakeSite) -> None:
    site.always("a", models(entry("deep", abilities={"thinking": 2})), call="models")
    relay = make_relay()
    cases: tuple[dict[str, Any], ...] = ({}, {"thinking": False}, {"model": "deep-fast"})
    for more in cases:
        said(relay.open(ask(**{"model": "deep", **more})))
    assert [thinks(question) for question in site.questions()] == [True] * 3


@pytest.mark.parametrize(
    ("reply", "more", "asked"),
    [
        (REJECTED, {"thinking": True}, 1),
        (REJECTED, {"model": "qwen3.5-flash"}, 1),
        (REJECTED, {}, 2),
        (refusal("invalid_input", "The image is too large", 400), {}, 1),
    ],
    ids=["thinks already", "cannot think", "refused again", "another reason"],
)
def test_other_rejections_are_told(
    make_relay: MakeRelay, site: FakeSite, reply: Reply, more: dict[str, Any], asked: int
) -> None:
    relay = make_relay()
    site.always("a", reply)
    with pytest.raises(RequestError) as caught:
        relay.open(ask(**more))
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    assert len(site.questions()) == asked
    site.always("a", answer("Hello"))
    said(relay.open(ask(**{**more, "thinking": None})))
    assert not thinks(site.questions()[-1])


def test_a_passing_failure_of_the_second_try_is_tried_again(make_relay: MakeRelay, site: FakeSite) -> None:
    site.script("a", REJECTED, STARTED_ONLY, REJECTED)
    assert said(make_relay().open(ask())) == "Hello world"
    assert [thinks(question) for question in site.questions()] == [False, True, False, True]
    assert issubclass(InputRejected, RequestError)


@pytest.mark.parametrize(("budget", "sent"), [(500, 500), (10**9, 2000)])
def test_no_larger_budget_is_sent_than_the_model_ever_thinks(
    make_relay: MakeRelay, site: FakeSite, budget: int, sent: int
) -> None:
    said(make_relay().open(ask(model="qwen3.8-max", thinking=True, thinking_budget=budget)))
    (question,) = site.questions()
    assert question["messages"][0]["feature_config"]["thinking_budget"] == sent


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/chat/completions", {"model": "qwen\x00max"}, "model"),
        ("/v1/completions", {"model": "qwen\nmax", "prompt": "Hello"}, "model"),
        ("/api/chat", {"model": "qwen\tmax", "message": "Hello"}, None),
        (
            "/v1/chat/completions",
            {"tools": [{"type": "function", "function": {"name": "look\nup"}}], "stream": True},
            "tools",
        ),
    ],
    ids=["chat", "completion", "native", "function"],
)
def test_a_name_with_a_control_character_never_reaches_the_site(
    make_client: MakeClient, site: FakeSite, path: str, body: dict[str, Any], param: str | None
) -> None:
    messages = {} if path != "/v1/chat/completions" else {"messages": [{"role": "user", "content": "Hello"}]}
    reply = make_client().post(path, json={**messages, **body})
    assert reply.status_code == 400
    assert "holds a control character" in reply.text
    if param:
        assert reply.get_json()["error"]["param"] == param
    assert site.calls == []


def test_a_question_that_is_too_long_never_reaches_the_site(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    text = "a b " * MINI
    for calls in (["models"], []):
        site.calls.clear()
        with pytest.raises(ContextLengthExceeded) as caught:
            relay.open(ask(text, model="qwen3.5-flash"))
        assert [kind for kind in ("models", "new_chat", "completion") if site.asked(kind)] == calls
    error = caught.value
    assert (error.status, error.code, error.type, error.param) == (
        400, "context_length_exceeded", "invalid_request_error", "messages",
    )  # fmt: skip
    assert (error.tokens, error.maximum) == (counting.count(text) + 8, MINI)
    assert str(error.tokens) in error.message and f"maximum context length is {MINI} tokens" in error.message
    assert relay.pool.running() == 0
    assert said(relay.open(ask(text))) == "Hello world"


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_the_limit_is_exact(make_relay: MakeRelay, spare: int, fits: bool) -> None:
    relay = make_relay()
    relay.warm_up()
    chat = ChatRequest((Message("user", (TextPart("word " * (MINI - 9 - spare)),)),), model="qwen3.5-flash")
    if fits:
        said(relay.open(chat))
    else:
        with pytest.raises(ContextLengthExceeded):
            relay.open(chat)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("param", ["messages", "prompt"])
def test_a_client_hears_of_it_before_anything_else(
    make_client: MakeClient, site: FakeSite, param: str, streamed: bool
) -> None:
    text = "a b " * MINI
    path, value = {
        "messages": ("/v1/chat/completions", [{"role": "user", "content": text}]),
        "prompt": ("/v1/completions", text),
    }[param]
    reply = make_client().post(path, json={"model": "qwen3.5-flash", param: value, "stream": streamed})
    assert reply.status_code == 400
    error = reply.get_json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "context_length_exceeded")
    assert error["param"] == param
    assert f"your {param} resulted in" in error["message"]
    assert site.questions() == []
