"""The official OpenAI package, unchanged, against the whole product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest
from asking import ANSWER_WAIT, asked_in_chats, asked_of
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from proxy_process import Proxy
from pydantic import BaseModel

from qwenproxy.access.keys import KeyFile
from qwenproxy.sandbox import Fault, Sandbox
from qwenproxy.sandbox.faults.fault import COMPLETIONS

pytestmark = pytest.mark.browser

WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def question(text: str) -> list[ChatCompletionMessageParam]:
    """Return a conversation that is one question."""
    return [{"role": "user", "content": text}]


HELLO = question("Hello, please answer. {{say One two three four five.}}")


def client_of(proxy: Proxy, prefix: str = "/v1", key: str = "not-needed") -> openai.OpenAI:
    return openai.OpenAI(base_url=proxy.url + prefix, api_key=key, max_retries=0, timeout=ANSWER_WAIT)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[openai.OpenAI]:
    with client_of(proxy) as client:
        yield client


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1", "/api"])
def test_plain_answer(proxy: Proxy, prefix: str) -> None:
    with client_of(proxy, prefix) as client:
        answer = client.chat.completions.create(model="qwen-max", messages=HELLO)
    assert answer.object == "chat.completion"
    assert answer.id.startswith("chatcmpl-")
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == "One two three four five."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage
    assert answer.usage.prompt_tokens > 500, "the site's own count, which includes its system text"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_streamed_answer(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="qwen-max", messages=HELLO, stream=True)
    chunks = list(stream)
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert len(pieces) > 1, "the answer came in one piece"
    assert "".join(pieces) == "One two three four five."
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert all(chunk.usage is None for chunk in chunks)


def test_pieces_arrive_while_the_site_still_answers(site: Sandbox, client: openai.OpenAI) -> None:
    endless = question("{{stream chunks=100000 interval_ms=20}}")
    with client.chat.completions.create(model="qwen-max", messages=endless, stream=True) as stream:
        texts = (chunk.choices[0].delta.content for chunk in stream)
        assert next(text for text in texts if text).startswith("chunk-")
        assert len(site.running_generations()) == 1


def test_include_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="qwen-max", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    *others, last = stream
    assert all(chunk.usage is None for chunk in others)
    assert last.choices == []
    assert last.usage
    assert last.usage.prompt_tokens > 500
    assert last.usage.completion_tokens > 0


def test_models(client: openai.OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert {"qwen-max", "qwen-max-latest", "qwen-plus", "qwen3-coder-plus", "qwen3.7-plus"} <= names
    one = client.models.retrieve("qwen-max")
    assert (one.id, one.object, one.owned_by) == ("qwen-max", "model", "qwen")


def test_reasoning(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "qwen3.7-plus", "messages": HELLO, "reasoning_effort": "high"}
    answer = client.chat.completions.create(**asked)
    thought = answer.choices[0].message.model_extra["reasoning_content"]
    assert "I look at what is asked." in thought
    assert answer.choices[0].message.content == "One two three four five."
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0
    deltas = [chunk.choices[0].delta for chunk in client.chat.completions.create(**asked, stream=True)]
    assert "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas) == thought
    assert "".join(delta.content or "" for delta in deltas) == "One two three four five."


@pytest.mark.parametrize(
    ("model", "switches"),
    [("qwen3.8-max-preview", [True]), ("qwen3.6-plus", [False, True])],
    ids=["listed", "not listed"],
)
def test_a_model_that_must_think(client: openai.OpenAI, site: Sandbox, model: str, switches: list[bool]) -> None:
    """One of which the list does not say so is asked again, and thinks at once from then on."""
    client.models.list()
    before = list(site.models)
    site.models[:] = [replace(card, thinking="always") if card.id == model else card for card in before]
    try:
        for expected in (switches, [True]):
            site.clear()
            answer = client.chat.completions.create(model=model, messages=HELLO)
            assert answer.choices[0].message.content == "One two three four five."
            questions = [request.body["messages"][0] for request in asked_of(site) if request.path == COMPLETIONS]
            assert [question["feature_config"]["thinking_enabled"] for question in questions] == expected
    finally:
        site.models[:] = before


@pytest.mark.parametrize("stream", [False, True])
def test_tools(client: openai.OpenAI, stream: bool) -> None:
    weather = question('Weather? {{tool get_weather {"city":"Köln"}}}{{tool get_weather {"city":"Ufa"}}}')
    asked: dict[str, Any] = {"model": "qwen-max", "messages": weather, "tools": [WEATHER]}
    if stream:
        choices = [chunk.choices[0] for chunk in client.chat.completions.create(**asked, stream=True)]
        finish_reason = choices[-1].finish_reason
        pieces = [call for choice in choices for call in choice.delta.tool_calls or ()]
        assert [piece.index for piece in pieces] == [0, 0, 1, 1]
        calls = pieces[::2]
        for call, more in zip(calls, pieces[1::2], strict=True):
            call.function.arguments += more.function.arguments
    else:
        choice = client.chat.completions.create(**asked).choices[0]
        finish_reason, calls = choice.finish_reason, choice.message.tool_calls
        assert choice.message.content is None
    assert finish_reason == "tool_calls"
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("get_weather", '{"city": "Köln"}'),
        ("get_weather", '{"city": "Ufa"}'),
    ]
    assert len({call.id for call in calls}) == 2


def test_stop_and_max_tokens(site: Sandbox, client: openai.OpenAI) -> None:
    endless = question("{{stream chunks=100000 interval_ms=20}}")
    stopped = client.chat.completions.create(model="qwen-max", messages=endless, stop=["chunk-00003"])
    assert stopped.choices[0].finish_reason == "stop"
    assert (stopped.choices[0].message.content or "").split() == ["chunk-00000", "chunk-00001", "chunk-00002"]
    limited = client.chat.completions.create(model="qwen-max", messages=endless, max_tokens=10)
    assert limited.choices[0].finish_reason == "length"
    assert 0 < len(limited.choices[0].message.content or "") < 100
    site.wait_idle(15)


def test_what_cannot_be_honoured_is_named(client: openai.OpenAI) -> None:
    answer = client.chat.completions.with_raw_response.create(
        model="qwen-max", messages=HELLO, temperature=0.5, seed=7, stop=["nothing"]
    )
    assert set(answer.headers["x-qwenproxy-ignored"].split(",")) == {"temperature", "seed"}


def test_authentication_error(proxy: Proxy) -> None:
    keys = KeyFile.open(proxy.session_dir / "Authorization.txt")
    key = keys.add()
    try:
        with client_of(proxy, key="wrong") as stranger, pytest.raises(openai.AuthenticationError) as refused:
            stranger.models.list()
        assert refused.value.code == "invalid_api_key"
        with client_of(proxy, key=key) as client:
            assert client.chat.completions.create(model="qwen-max", messages=HELLO).choices[0].message.content
    finally:
        keys.remove(key)
    assert key not in proxy.log()


def test_not_found_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("no-such-model")
    assert refused.value.code == "model_not_found"


def test_bad_request_error(site: Sandbox, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="qwen-max", messages=HELLO, n=2)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "n")
    assert asked_in_chats(site) == [], "a bad request reached the site"


def test_rate_limit_error(site: Sandbox, client: openai.OpenAI) -> None:
    site.add_fault(Fault("rate_limited", times=None, options={"num": 2}))
    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model="qwen-max", messages=HELLO, stream=True)
    assert refused.value.code == "rate_limited"
    # Two hours, or less where the day of the limit ends before, and five minutes.
    assert 300 <= int(refused.value.response.headers["retry-after"]) <= 7500


def test_api_error_in_mid_stream(site: Sandbox, client: openai.OpenAI) -> None:
    site.add_fault(Fault("internal_error_frame", options={"after": 2}))
    stream = client.chat.completions.create(model="qwen-max", messages=HELLO, stream=True)
    texts: list[str] = []
    with pytest.raises(openai.APIError) as broken:
        texts.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert broken.value.code == "upstream_error"
    assert "Internal Error" in broken.value.message


class Home(BaseModel):
    """A part of a document."""

    street: str


class Person(BaseModel):
    """The document that the tests ask for."""

    name: str
    age: int
    home: Home


ZOE = Person(name="Zoë", age=31, home=Home(street='A {x} "q"'))
WRITTEN = r'{"name": "Zoë", "age": 31, "home": {"street": "A {x} \"q\""} }'  # no two braces: they end a directive


def person(text: str) -> list[ChatCompletionMessageParam]:
    """Return a question that is answered with a text."""
    return question(f"A person, please. {{{{say {text} }}}}")


BARE = person(WRITTEN)
FENCED = person(f"Sure! Here {{you}} go:\n```json\n{WRITTEN}\n```\nAnything else?")


@pytest.mark.parametrize("messages", [BARE, FENCED], ids=["bare", "fenced"])
def test_parse(client: openai.OpenAI, messages: list[ChatCompletionMessageParam]) -> None:
    answer = client.chat.completions.parse(model="qwen-max", messages=messages, response_format=Person)
    assert answer.choices[0].message.parsed == ZOE
    assert answer.choices[0].message.content == WRITTEN
    assert answer.usage and answer.usage.completion_tokens > 0


@pytest.mark.parametrize("messages", [BARE, FENCED], ids=["bare", "fenced"])
def test_a_document_is_parsed_while_it_comes(client: openai.OpenAI, messages: list[ChatCompletionMessageParam]) -> None:
    with client.chat.completions.stream(model="qwen-max", messages=messages, response_format=Person) as stream:
        partial = [event.parsed for event in stream if event.type == "content.delta"]
        whole = stream.get_final_completion().choices[0].message
    assert len(partial) > 3
    assert (whole.parsed, whole.content) == (ZOE, WRITTEN)


def test_any_json_object(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="qwen-max", messages=FENCED, response_format={"type": "json_object"})
    assert answer.choices[0].message.content == WRITTEN


def test_a_call_in_place_of_a_document(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(
        model="qwen-max",
        messages=question('I look it up. {{tool look {"name":"a","age":1,"home":{"street":"b"}}}}'),
        response_format=Person,
        tools=[openai.pydantic_function_tool(Person, name="look")],
    )
    assert answer.choices[0].message.parsed is None
    [call] = answer.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == Person(name="a", age=1, home=Home(street="b"))


def test_a_document_cut_by_max_tokens(client: openai.OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model="qwen-max", messages=FENCED, response_format=Person, max_tokens=4)


def test_no_document_at_all(site: Sandbox, client: openai.OpenAI) -> None:
    never: Any = [{"role": "user", "content": """{{answers [{"say":"{\\"name\\": \\"Zoë\\""}]}}"""}]
    with pytest.raises(openai.InternalServerError) as failed:
        client.chat.completions.parse(model="qwen-max", messages=never, response_format=Person)
    assert (failed.value.status_code, failed.value.code) == (502, "structured_output_failed")


def test_a_streamed_document_that_turns_out_invalid(client: openai.OpenAI) -> None:
    with (
        pytest.raises(openai.APIError) as failed,
        client.chat.completions.stream(
            model="qwen-max", messages=person('{"name": 1}'), response_format=Person
        ) as stream,
    ):
        stream.until_done()
    assert failed.value.code == "structured_output_failed"
    assert "is a required property" in failed.value.message
