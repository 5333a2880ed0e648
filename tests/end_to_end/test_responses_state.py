"""Stored responses with the official client, a real server and the site: chains, the background, WebSockets, a kill."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from proxy_process import Proxy, eventually, worker

pytestmark = pytest.mark.browser

MODEL = "qwen3-coder-plus"


@pytest.fixture
def client(proxy: Proxy) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def ended(client: OpenAI, response_id: str) -> Any:
    """Return a response of the background once it has ended."""
    while (response := client.responses.retrieve(response_id)).status in ("queued", "in_progress"):
        time.sleep(0.05)
    return response


def test_a_chain_and_a_conversation(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="{{say One.}}")
    assert client.responses.retrieve(first.id).output_text == "One."
    raw = client.responses.with_raw_response.create(model=MODEL, input="{{echo}}", previous_response_id=first.id)
    assert raw.headers["x-qwenproxy-context"] == "continued"
    inputs = client.responses.input_items.list(first.id)
    assert [item.type for item in inputs] == ["message"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)

    conversation = client.conversations.create(items=[{"type": "message", "role": "user", "content": "Zero."}])
    client.responses.create(model=MODEL, input="{{say Two.}}", conversation=conversation.id)
    said = list(client.conversations.items.list(conversation.id, order="asc", limit=1))
    assert len(said) == 3, "the client turns the pages by itself"
    assert client.conversations.items.retrieve(said[0].id or "", conversation_id=conversation.id)
    client.conversations.items.delete(said[0].id or "", conversation_id=conversation.id)
    assert client.conversations.update(conversation.id, metadata={"a": "b"}).metadata == {"a": "b"}
    assert client.conversations.delete(conversation.id).deleted


def test_the_background(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="{{say Done.}}", background=True)
    assert made.status == "queued"
    assert ended(client, made.id).output_text == "Done."

    slow = "{{stream chunks=2000 interval_ms=20}}"
    stream = client.responses.create(model=MODEL, input=slow, background=True, stream=True)
    first = next(iter(stream))
    assert first.type == "response.created"
    resumed = client.responses.retrieve(first.response.id, stream=True, starting_after=1)
    assert next(iter(resumed)).sequence_number == 2
    resumed.close()
    assert client.responses.cancel(first.response.id).status == "cancelled"
    assert client.responses.retrieve(first.response.id).status == "cancelled"
    stream.close()


@pytest.mark.filterwarnings("ignore:connect:DeprecationWarning")  # the official client's own
def test_a_socket(client: OpenAI) -> None:
    with client.responses.connect() as connection:

        def turn(text: str, **more: Any) -> Any:
            connection.response.create(model=MODEL, input=text, store=False, **more)
            for event in connection:
                if event.type == "response.completed":
                    return event.response
            raise AssertionError("the socket ended")

        first = turn("{{say One.}}")
        assert first.output_text == "One."
        assert turn("{{say Two.}}", previous_response_id=first.id).output_text == "Two."


def test_a_killed_server(new_proxy: Callable[..., Proxy]) -> None:
    proxy = new_proxy(on_no_accounts="wait")
    proxy.start()
    with OpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0) as client:
        first = client.responses.create(model=MODEL, input="{{say One.}}")
        slow = client.responses.create(
            model=MODEL, input="{{stream chunks=2000 interval_ms=20}}", background=True, stream=False
        )
        assert eventually(lambda: client.responses.retrieve(slow.id).status == "in_progress")
    worker(proxy).send_signal(signal.SIGKILL)
    proxy.close()
    proxy.start()
    with OpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0) as client:
        kept = client.responses.retrieve(first.id)
        assert kept.output == first.output
        raw = client.responses.with_raw_response.create(
            model=MODEL, input="{{say Two.}}", previous_response_id=first.id
        )
        assert raw.headers["x-qwenproxy-context"] == "continued"
        assert raw.parse().output_text == "Two."
        interrupted = client.responses.retrieve(slow.id)
        assert (interrupted.status, interrupted.error and interrupted.error.code) == ("failed", "server_error")
        left = client.responses.create(
            model=MODEL, input="{{stream chunks=2000 interval_ms=20}}", background=True, stream=False
        )
        assert eventually(lambda: client.responses.retrieve(left.id).status == "in_progress")
    assert proxy.end() == 0
    assert "Traceback" not in proxy.log(), proxy.log()
