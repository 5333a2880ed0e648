"""Ollama's own Python library, unchanged, against the whole product: below its prefix, and on its own port."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator

import httpx
import ollama
import pytest
from asking import ANSWER_WAIT
from proxy_process import Proxy
from pydantic import BaseModel

from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Place(BaseModel):
    city: str


def look(city: str) -> str:
    """Look at the weather.

    Args:
      city: the name of a city
    """
    return f"sunny in {city}"


def question(text: str) -> list[dict[str, str]]:
    """Return a conversation that is one question."""
    return [{"role": "user", "content": text}]


@pytest.fixture(params=["prefix", "port"])
def client(proxy: Proxy, request: pytest.FixtureRequest) -> Iterator[ollama.Client]:
    """A client for each of the two addresses of the API."""
    with ollama.Client(f"{proxy.url}/ollama" if request.param == "prefix" else proxy.ollama_url) as client:
        yield client


def test_models(client: ollama.Client) -> None:
    models = client.list().models
    assert "qwen-max:latest" in [model.model for model in models]
    described = client.show("qwen-max:latest")
    assert described.capabilities == ["completion", "tools", "vision", "thinking"]
    assert described.modelinfo and described.modelinfo["qwen3.context_length"] == 1_000_000
    assert [step.status for step in client.pull("qwen-max", stream=True)] == ["pulling manifest", "success"]
    assert client.pull("qwen-max").status == "success"
    assert client.ps().models == []


def test_chat(client: ollama.Client) -> None:
    asked = question("{{say One two three four five.}}")
    whole = client.chat("qwen3.7-plus:latest", asked, think=True, options={"temperature": 0.1, "num_ctx": 8192})
    assert (whole.message.content, whole.done, whole.done_reason) == ("One two three four five.", True, "stop")
    assert "I look at what is asked." in (whole.message.thinking or "")
    assert whole.prompt_eval_count and whole.prompt_eval_count > 500
    *pieces, last = client.chat("qwen3.7-plus", asked, stream=True, think=True)
    assert len([piece for piece in pieces if piece.message.content]) > 1, "the answer came in one piece"
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    assert "".join(piece.message.thinking or "" for piece in pieces) == whole.message.thinking
    assert (last.done, last.done_reason) == (True, "stop")


def test_generate(client: ollama.Client) -> None:
    pieces = list(client.generate("qwen-max", "{{say One two three.}}", system="Be brief.", stream=True))
    assert "".join(piece.response or "" for piece in pieces) == "One two three."
    cut = client.generate("qwen-max", "{{stream chunks=100 interval_ms=5}}", options={"num_predict": 5})
    assert cut.done_reason == "length"
    assert client.generate("qwen-max", keep_alive=0).done_reason == "unload"


def test_a_tool_and_its_result(client: ollama.Client) -> None:
    messages: list[ollama.Message | dict[str, str]] = [
        *question('The weather? {{chain [{"call":"look","arguments":{"city":"Köln"}},{"say":"It is fine."}]}}')
    ]
    asked = client.chat("qwen-max", messages, tools=[look], stream=False)
    [call] = asked.message.tool_calls or ()
    assert (call.function.name, call.function.arguments) == ("look", {"city": "Köln"})
    messages += [asked.message, {"role": "tool", "content": look(**call.function.arguments), "tool_name": "look"}]
    assert client.chat("qwen-max", messages, tools=[look]).message.content == "It is fine."


def test_a_document_and_an_image(client: ollama.Client) -> None:
    answer = client.chat("qwen-max", question("Where is the Louvre?"), format=Place.model_json_schema())
    assert Place.model_validate_json(answer.message.content or "")
    seen = client.chat("qwen-vl-max", [{"role": "user", "content": "{{echo}}", "images": [PIXEL]}])
    assert len(json.loads(seen.message.content or "")[0]["files"]) == 1


def test_at_once(proxy: Proxy) -> None:
    async def ask() -> list[str]:
        async with ollama.AsyncClient(proxy.ollama_url) as client:
            stream = await client.chat("qwen-max", question("{{say One two.}}"), stream=True)
            texts = [piece.message.content or "" async for piece in stream]
            whole = await client.generate("qwen-max", "{{say Three.}}")
            return ["".join(texts), whole.response or ""]

    assert asyncio.run(ask()) == ["One two.", "Three."]


def test_failures(site: Sandbox, client: ollama.Client, only_account: str) -> None:
    with pytest.raises(ollama.ResponseError, match="does not support embeddings") as refused:
        client.embed("qwen-max", "x")
    assert refused.value.status_code == 400
    for change in (client.delete, client.push, lambda name: client.copy(name, "x")):
        with pytest.raises(ollama.ResponseError, match="cannot be") as refused:
            change("qwen-max")
        assert refused.value.status_code == 403
    for stream in (True, False):
        site.add_fault(Fault("cut_before_end", times=None, options={"after": 3}))
        with pytest.raises(ollama.ResponseError):
            list(client.chat("qwen-max", question("{{stream chunks=9 interval_ms=5}}"), stream=stream))
        site.clear()
    site.add_fault(Fault("rate_limited", options={"num": 6}))
    with pytest.raises(ollama.ResponseError, match="quota is exhausted and will reset") as limited:
        client.chat("qwen-max", question("Hello?"))
    assert limited.value.status_code == 429


def test_what_stands_beside_it(proxy: Proxy) -> None:
    for root in (f"{proxy.url}/ollama", proxy.ollama_url):
        assert httpx.get(root).text == "Ollama is running"
        assert httpx.head(root).status_code == 200
        for path in ("/v1/chat/completions", "/chat/completions"):
            body = {"model": "qwen3-coder-plus:latest", "messages": question("{{say Yes.}}")}
            answer = httpx.post(f"{root}{path}", json=body, timeout=ANSWER_WAIT).json()
            assert answer["choices"][0]["message"]["content"] == "Yes."
            assert answer["model"] == "qwen3-coder-plus"
