"""The official Anthropic package, unchanged, against the whole product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from asking import ANSWER_WAIT
from proxy_process import Proxy

from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
LOOK: dict[str, Any] = {
    "name": "look",
    "description": "Look at a file",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
}


@pytest.fixture
def client(proxy: Proxy) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=proxy.url, api_key="x", max_retries=0, timeout=ANSWER_WAIT) as client:
        yield client


def asked(text: str, **more: Any) -> dict[str, Any]:
    """Return the arguments of a request that asks one thing."""
    return {"model": "qwen3.7-plus", "max_tokens": 4000, "messages": [{"role": "user", "content": text}], **more}


def test_thoughts_and_text_streamed(client: anthropic.Anthropic) -> None:
    wish = {"type": "adaptive"}
    with client.messages.stream(**asked("{{think detail}}{{say One two three.}}", thinking=wish)) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert len(pieces) > 1 and "".join(pieces) == "One two three."
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.usage.input_tokens > 500, "the site's own count, which includes its system text"


def test_a_call_and_its_result_with_a_picture(client: anthropic.Anthropic, site: Sandbox) -> None:
    question = asked('{{chain [{"call":"look","arguments":{"path":"a.png"}},{"say":"A pixel."}]}}', tools=[LOOK])
    first = client.messages.create(**question)
    (call,) = [block for block in first.content if block.type == "tool_use"]
    assert (call.input, first.stop_reason) == ({"path": "a.png"}, "tool_use")
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [picture]}
    question["messages"] += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = client.messages.with_raw_response.create(**question)
    assert second.headers["x-qwenproxy-context"] == "continued"
    message = second.parse()
    assert [block.text for block in message.content if block.type == "text"] == ["A pixel."]
    assert any(call.path == "/api/v2/files/getstsToken" for call in site.requests), "the picture was uploaded"


def test_a_search(client: anthropic.Anthropic) -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}]
    with client.messages.stream(**asked("{{search docs}}What is new?", tools=tools)) as stream:
        message = stream.get_final_message()
    kinds = [block.type for block in message.content]
    assert kinds[:2] == ["server_tool_use", "web_search_tool_result"]
    assert any(block.type == "text" and block.citations for block in message.content)
    assert message.usage.server_tool_use and message.usage.server_tool_use.web_search_requests >= 1


def test_a_cut_stream_raises(client: anthropic.Anthropic, site: Sandbox) -> None:
    site.add_fault(Fault("cut_before_end", options={"after": 12}))
    with (
        pytest.raises(anthropic.APIStatusError, match="cut its answer"),
        client.messages.stream(**asked("{{stream chunks=40 interval_ms=20}}")) as stream,
    ):
        stream.get_final_message()
