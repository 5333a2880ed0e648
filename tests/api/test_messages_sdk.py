"""Anthropic's own Python package against the application, without a browser: every helper it has for these routes."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic import beta_tool
from anthropic_talk import sdk
from fake_site import FakeSite
from flask.testing import FlaskClient
from pydantic import BaseModel
from replies import RATE_LIMITED, Reply, answer
from transcripts import CREATED, delta, end

HELLO: list[Any] = [{"role": "user", "content": "Hello?"}]
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Bern"}}\n</tool_call>'


class Place(BaseModel):
    city: str
    people: int


def test_a_message(client: FlaskClient) -> None:
    message = sdk(client).messages.create(model="claude-opus-4-8", max_tokens=100, messages=HELLO)
    assert message.model == "claude-opus-4-8"
    assert [block.type for block in message.content] == ["text"]
    assert message._request_id and message._request_id.startswith("req_")


def test_a_stream_and_its_final_message(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("Hm.", "think"), delta("", "think", "finished"), delta("Well."), end())))
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    with sdk(client).messages.stream(model="m", max_tokens=2000, messages=HELLO, thinking=thinking) as stream:
        assert "".join(stream.text_stream) == "Well."
        message = stream.get_final_message()
    thought, text = message.content
    assert thought.type == "thinking" and thought.thinking == "Hm." and thought.signature
    assert text.type == "text" and text.text == "Well."
    assert message.stop_reason == "end_turn"


def test_a_call_is_put_together(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("I look. ", CALL))
    with sdk(client).messages.stream(model="m", max_tokens=100, messages=HELLO, tools=[WEATHER]) as stream:
        message = stream.get_final_message()
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert (call.name, call.input, message.stop_reason) == ("get_weather", {"city": "Bern"}, "tool_use")
    assert call.id.startswith("toolu_")


def test_the_beta_client(client: FlaskClient) -> None:
    message = sdk(client).beta.messages.create(
        model="m", max_tokens=100, messages=HELLO, betas=["context-1m-2025-08-07"], speed="fast"
    )
    assert message.content[0].type == "text"


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_runner_runs_to_its_end(client: FlaskClient, site: FakeSite, stream: bool) -> None:
    @beta_tool
    def get_weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: its name
        """
        return f"Sun in {city}"

    site.script("a", answer(CALL), answer("Sunny."))
    runner: Any = sdk(client).beta.messages.tool_runner(
        model="m", max_tokens=100, messages=HELLO, tools=[get_weather], stream=stream
    )
    messages = [each.get_final_message() if stream else each for each in runner]
    assert [message.stop_reason for message in messages] == ["tool_use", "end_turn"]
    last = site.questions()[-1]["messages"][0]["content"]
    assert "Hello?" in last or "Sun in Bern" in last
    assert "Sun in Bern" in last


def test_a_document_is_parsed(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer('{"city": "Bern", "people": 130000}'))
    message = sdk(client).messages.parse(model="m", max_tokens=100, messages=HELLO, output_format=Place)
    assert message.parsed_output == Place(city="Bern", people=130000)
    assert "people" in json.dumps(site.questions()[0])


def test_counting_asks_nobody_and_agrees_with_the_answer(client: FlaskClient, site: FakeSite) -> None:
    anthropics = sdk(client)
    count = anthropics.messages.count_tokens(model="m", messages=HELLO, tools=[WEATHER], system="Be short.")
    more = anthropics.messages.count_tokens(model="m", messages=[*HELLO, *HELLO], tools=[WEATHER], system="Be short.")
    assert not site.questions()
    assert more.input_tokens > count.input_tokens
    with anthropics.messages.stream(
        model="m", max_tokens=100, messages=HELLO, tools=[WEATHER], system="Be short."
    ) as stream:
        (started,) = [event for event in stream if event.type == "message_start"]
    assert started.message.usage.input_tokens == count.input_tokens


def test_models(client: FlaskClient) -> None:
    anthropics = sdk(client)
    models = list(anthropics.models.list(limit=5))
    assert len(models) > 5, "it reads page by page"
    assert anthropics.models.retrieve(models[0].id).display_name == models[0].display_name
    with pytest.raises(anthropic.NotFoundError, match="made-up"):
        anthropics.models.retrieve("made-up")


def test_errors_are_its_own(client: FlaskClient, site: FakeSite) -> None:
    anthropics = sdk(client)
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        anthropics.messages.create(model="m", max_tokens=-5, messages=HELLO)
    with pytest.raises(anthropic.NotFoundError, match="batches"):
        anthropics.messages.batches.list()
    site.script("a", RATE_LIMITED)
    with pytest.raises(anthropic.RateLimitError, match="quota is exhausted") as caught:
        anthropics.messages.create(model="m", max_tokens=5, messages=HELLO)
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.request_id == caught.value.body["request_id"]  # type: ignore[index]


def test_a_cut_answer_is_no_message(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("Half an ans"))))
    with (
        pytest.raises(anthropic.APIStatusError),
        sdk(client).messages.stream(model="m", max_tokens=100, messages=HELLO) as stream,
    ):
        stream.get_final_message()
