"""The Responses API against the whole product, with the helpers of the official OpenAI package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import openai
import pytest
from asking import ANSWER_WAIT
from proxy_process import Proxy
from pydantic import BaseModel

pytestmark = pytest.mark.browser

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Place(BaseModel):
    city: str
    people: int


@pytest.fixture
def client(proxy: Proxy) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="x", max_retries=0, timeout=ANSWER_WAIT) as client:
        yield client


def test_an_answer_whole_and_streamed(client: openai.OpenAI) -> None:
    ask = "{{say One two three four five.}}"
    whole = client.responses.create(model="qwen-max", instructions="Be brief.", input=ask)
    assert (whole.output_text, whole.status) == ("One two three four five.", "completed")
    assert whole.usage
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens > 500
    with client.responses.stream(model="qwen-max", instructions="Be brief.", input=ask) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert text == stream.get_final_response().output_text == whole.output_text


def test_a_call_and_its_result(client: openai.OpenAI) -> None:
    items: list[Any] = [{"role": "user", "content": "Use get_weather, please."}]
    with client.responses.stream(model="qwen-max", input=items, tools=[WEATHER]) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_response()
    assert kinds[-3:] == ["response.function_call_arguments.done", "response.output_item.done", "response.completed"]
    (call,) = answer.output
    assert call.type == "function_call"
    items += [
        call.model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": call.call_id, "output": "Rain."},
    ]
    after = client.responses.with_raw_response.create(model="qwen-max", input=items, tools=[WEATHER])
    assert after.headers["x-qwenproxy-context"] == "continued"
    assert "Rain." in after.parse().output_text


def test_thoughts_and_a_search_beside_the_text(client: openai.OpenAI) -> None:
    answer = client.responses.create(
        model="qwen-max",
        input="{{think summary}}{{search docs}}{{say Found it [[1]] there.}}",
        tools=[{"type": "web_search"}],
        reasoning={"effort": "high", "summary": "auto"},
        include=["web_search_call.action.sources", "reasoning.encrypted_content"],
    )
    thoughts, search, message = (item.to_dict() for item in answer.output)
    assert (thoughts["type"], search["type"]) == ("reasoning", "web_search_call")
    (part,) = cast("Any", message["content"])
    (citation,) = part["annotations"]
    assert part["text"][citation["start_index"] : citation["end_index"]] == "[1]"


def test_a_document(client: openai.OpenAI) -> None:
    parsed = client.responses.parse(model="qwen-max", input="Give a place.", text_format=Place)
    assert isinstance(parsed.output_parsed, Place)


def test_a_compaction_is_gone_on_from(client: openai.OpenAI) -> None:
    compacted = client.responses.compact(model="qwen-max", input="{{say We spoke of rain.}}")
    assert [item.type for item in compacted.output] == ["message", "compaction"]
    items: list[Any] = [item.to_dict(warnings=False) for item in compacted.output]
    after = client.responses.create(model="qwen-max", input=[*items, {"role": "user", "content": "{{view}}"}])
    assert "We spoke of rain." in after.output_text
    assert client.responses.input_tokens.count(model="qwen-max", input="Hello?").input_tokens > 0


def test_a_cut_answer_is_an_error(client: openai.OpenAI) -> None:
    ask = "{{fault cut_before_end after=3}}{{stream chunks=30 interval_ms=20}}"
    with pytest.raises(openai.APIError, match="cut its answer short"):
        for _ in client.responses.create(model="qwen-max", input=ask, stream=True):
            pass
