"""What the client says is what the model sees: the stand-in model repeats all of its context."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asking import ask, asked_in_chats
from proxy_process import Proxy

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

UNICODE = 'Привет 你好 שלום 👩‍👩‍👧‍👦 é\u0301 next\x85 line\u2028 paragraph\u2029 tab\t quote" back\\slash {brace} end'
ODD = ["a\0b", "\ufeffa", "\uffff\U0010ffff", "\x1b[31m\x7f\x80", "a\r\nb\rc", "\u202ea\u2066"]


def seen_by_model(proxy: Proxy, messages: list[dict[str, object]]) -> list[dict[str, str]]:
    """Ask with a last message that makes the model repeat its context; return that."""
    *earlier, last = messages
    last = {**last, "content": f"{last['content']} {{{{echo}}}}"}
    seen: list[dict[str, str]] = json.loads(ask(proxy.url, [*earlier, last]).text)
    return seen


def assert_in_order(text: str, *parts: str) -> None:
    position = 0
    for part in parts:
        assert part in text[position:], f"{part[:60]!r} is missing, or out of order"
        position = text.index(part, position) + len(part)


def test_a_lone_question_arrives_as_it_is(proxy: Proxy) -> None:
    [message] = seen_by_model(proxy, [{"role": "user", "content": UNICODE}])
    assert message["role"] == "user"
    assert message["content"] == f"{UNICODE} {{{{echo}}}}"


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_text_and_turns_arrive_in_order(proxy: Proxy, role: str) -> None:
    [message] = seen_by_model(
        proxy,
        [
            {"role": role, "content": "You are a pirate called Anna."},
            {"role": "user", "content": "What is 6 times 7?"},
            {"role": "assistant", "content": "It is 42, arr."},
            {"role": "user", "content": [{"type": "text", "text": "And twice"}, {"type": "text", "text": "that?"}]},
            {"role": "assistant", "content": "84, arr."},
            {"role": "user", "content": "Thank you."},
        ],
    )
    assert_in_order(
        message["content"],
        "system", "You are a pirate called Anna.",
        "user", "What is 6 times 7?",
        "assistant", "It is 42, arr.",
        "user", "And twice", "that?",
        "assistant", "84, arr.",
        "user", "Thank you.",
    )  # fmt: skip


def test_tool_calls_and_results_arrive(proxy: Proxy) -> None:
    call = {"id": "call_7", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Köln"}'}}
    [message] = seen_by_model(
        proxy,
        [
            {"role": "user", "content": "Weather in Köln?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_7", "content": '{"sky":"grey","degrees":7}'},
            {"role": "user", "content": "Shall I take a coat?"},
        ],
    )
    assert_in_order(
        message["content"],
        "Weather in Köln?",
        "call_7", "get_weather", '{"city":"Köln"}',
        "call_7", '{"sky":"grey","degrees":7}',
        "Shall I take a coat?",
    )  # fmt: skip


def test_offered_tools_arrive(proxy: Proxy, site: Sandbox) -> None:
    tool = {"type": "function", "function": {"name": "look_up", "description": "Finds Wörter", "parameters": {}}}
    answer = ask(proxy.url, "Which tools? {{echo}}", tools=[tool])
    [message] = json.loads(answer.text)
    assert message["content"] == "Which tools? {{echo}}", "natively, beside the text"
    [question] = [
        request.body["messages"][0] for request in site.requests if request.path == "/api/v2/chat/completions"
    ][-1:]
    offered = question["feature_config"]["local_mcp"]["client"]
    assert offered["look_up"]["description"] == "Finds Wörter"


def test_unicode_survives_every_turn(proxy: Proxy) -> None:
    [message] = seen_by_model(
        proxy,
        [
            {"role": "system", "content": f"1 {UNICODE}"},
            {"role": "user", "content": f"2 {UNICODE}"},
            {"role": "assistant", "content": f"3 {UNICODE}"},
            {"role": "user", "content": f"4 {UNICODE}"},
        ],
    )
    assert_in_order(message["content"], *(f"{number} {UNICODE}" for number in (1, 2, 3, 4)))


def test_forty_thousand_characters_arrive_in_the_text(proxy: Proxy) -> None:
    long = "".join(f"{number:05d} слово\u2028" for number in range(3600))
    assert len(long) == 43_200
    [message] = seen_by_model(proxy, [{"role": "system", "content": "Read."}, {"role": "user", "content": long}])
    assert_in_order(message["content"], "Read.", long)


class Talk:
    """A conversation that its client keeps. `context` is what the proxy said of the last answer."""

    def __init__(self, proxy: Proxy, **fields: Any) -> None:
        self.proxy = proxy
        self.fields = fields
        self.messages: list[dict[str, Any]] = []
        self.context = ""

    def say(self, content: str) -> str:
        self.messages.append({"role": "user", "content": content})
        answer = ask(self.proxy.url, self.messages, **self.fields)
        self.messages.append({"role": "assistant", "content": answer.text})
        self.context = answer.headers["x-qwenproxy-context"]
        return answer.text

    def seen(self, question: str) -> list[tuple[str, str]]:
        """Return all that the model sees with a question, which is not kept."""
        context = json.loads(self.say(f"{question} {{{{echo}}}}"))
        del self.messages[-2:]
        return [(message["role"], message["content"]) for message in context]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_conversation_goes_on_where_the_site_holds_it(proxy: Proxy, site: Sandbox, stream: bool) -> None:
    talk = Talk(proxy, stream=stream)
    said = [f"I am Anna, {stream}. {{{{say Hello Anna.}}}}", "I live in Köln. {{say Noted.}}"]
    contexts = [talk.say(text) and talk.context for text in said]
    assert talk.seen("Who am I?") == [
        ("user", said[0]),
        ("assistant", "Hello Anna."),
        ("user", said[1]),
        ("assistant", "Noted."),
        ("user", "Who am I? {{echo}}"),
    ]
    assert [*contexts, talk.context] == ["new", "continued", "continued"]
    assert sum(request.path == "/api/v2/chats/new" for request in site.requests) == 1
    del talk.messages[2:]
    assert talk.seen("And where?") == [("user", said[0]), ("assistant", "Hello Anna."), ("user", "And where? {{echo}}")]
    talk.messages[0]["content"] += " Or am I?"
    [(_, content)] = talk.seen("Am I?")
    assert talk.context == "new"
    assert_in_order(content, "Or am I?", "Hello Anna.", "Am I?")


def test_it_goes_on_after_a_restart_and_on_another_account(
    proxy: Proxy, registry: Registry, new_proxy: Callable[..., Proxy]
) -> None:
    with new_proxy(api_chats=0) as own:
        talk = Talk(own)
        talk.say("I am Olga. {{say Hello Olga.}}")
    with own:
        assert len(talk.seen("Who am I?")) == 3
        assert talk.context == "continued"
    talk = Talk(proxy)
    talk.say("I am Ivan. {{say Hello Ivan.}}")
    first = httpx.get(f"{proxy.url}/api/chats").json()["chats"][0]["id"]
    upstream = json.loads((proxy.session_dir / "history" / f"{first}.json").read_text())["upstream"]["chats"]
    registry.rest(upstream[0]["accountId"], until=4e9)
    [(_, content)] = talk.seen("Who am I?")
    assert talk.context == "replayed"
    assert_in_order(content, "I am Ivan.", "Hello Ivan.", "Who am I?")


def test_requests_do_not_see_each_other(proxy: Proxy) -> None:
    ask(proxy.url, "My secret is swordfish.")
    [message] = seen_by_model(proxy, [{"role": "user", "content": "What is my secret?"}])
    assert "swordfish" not in message["content"]


@pytest.mark.parametrize(
    "text", ["a\0b", "\ufeffa", "\uffff\U0010ffff", "\x1b[31m\x7f\x80", "a\r\nb\rc", "\u202ea\u2066"]
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
def test_characters_that_nobody_types_survive(proxy: Proxy, path: str, text: str) -> None:
    said = {"role": "user", "content": f"<{text}> {{{{echo}}}}"}
    answer = httpx.post(f"{proxy.url}{path}", json={"messages": [said]}, timeout=60)
    [message] = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert message["content"] == said["content"]
    kept = httpx.get(f"{proxy.url}/api/chats").json()["chats"][0]["id"]
    history = httpx.get(f"{proxy.url}/api/chats/{kept}").json()["history"]["messages"]
    assert history[0]["content"] == said["content"]


@pytest.mark.parametrize("half", [rb"\ud83d", rb"\udc00\ud800", b"\xed\xa0\xbd"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
def test_halves_of_characters_are_no_obstacle(proxy: Proxy, path: str, half: bytes) -> None:
    content = b'{"messages":[{"role":"user","content":"a%b b {{echo}}"}]}' % half
    answer = httpx.post(f"{proxy.url}{path}", content=content, headers={"content-type": "application/json"})
    [message] = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert set(message["content"].partition(" b ")[0]) == {"a", "\ufffd"}


@pytest.mark.parametrize("body", [b'"\xff"', b'"a\x00b"'])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
def test_what_is_no_text_is_refused(proxy: Proxy, site: Sandbox, path: str, body: bytes) -> None:
    content = b'{"messages":[{"role":"user","content":%b}],"stream":true}' % body
    answer = httpx.post(f"{proxy.url}{path}", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "invalid_json" in answer.text
    assert asked_in_chats(site) == []
