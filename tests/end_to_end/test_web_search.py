"""Web searches against the whole product, read by the official OpenAI package: citations stand where they say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import openai
import pytest
from asking import ANSWER_WAIT, ask
from openai.types.chat import ChatCompletion
from proxy_process import Proxy, eventually

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
OPTIONS: dict[str, Any] = {"web_search_options": {}}
HOSTED: dict[str, Any] = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
ENABLED: dict[str, Any] = {"extra_body": {"enable_search": True}}


@pytest.fixture
def client(proxy: Proxy) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="x", max_retries=0, timeout=ANSWER_WAIT) as client:
        yield client


def complete(client: openai.OpenAI, content: str, **more: Any) -> ChatCompletion:
    messages: Any = [{"role": "user", "content": content}]
    answer: ChatCompletion = client.chat.completions.create(model="qwen3.7-plus", messages=messages, **more)
    return answer


def marks(text: str, annotations: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what each citation names in the text, and the address of its page."""
    places = [each["url_citation"] for each in annotations if each["type"] == "url_citation"]
    return [(text[place["start_index"] : place["end_index"]], place["url"]) for place in places]


def expected(*numbers: int) -> list[tuple[str, str]]:
    return [(f"[{number}]", f"https://example.com/page-{number}") for number in numbers]


@pytest.mark.parametrize("wish", [OPTIONS, HOSTED, ENABLED], ids=["options", "hosted tool", "enable_search"])
def test_a_whole_answer_names_its_sources(client: openai.OpenAI, wish: dict[str, Any]) -> None:
    """The stand-in cuts its marks between frames, and glues none of them."""
    message = complete(client, "news 🙂?", **wish).choices[0].message
    assert message.content == "According to [1] and [2], all is well. See also [3] and [4]."
    assert message.annotations
    assert marks(message.content, [each.model_dump() for each in message.annotations]) == expected(1, 2, 3, 4)
    assert message.annotations[0].url_citation.title == "Page 1"


def test_a_streamed_answer_names_them_as_it_goes(client: openai.OpenAI) -> None:
    prompt: Any = [{"role": "user", "content": "{{search docs}} news {{say Ж🙂 [[1]][[4]], `x[[2]]`.}}"}]
    said, found = "", []
    for chunk in client.chat.completions.create(model="qwen3.7-plus", messages=prompt, stream=True, **OPTIONS):
        delta = chunk.choices[0].delta
        said += delta.content or ""
        for annotation in (delta.model_extra or {}).get("annotations", ()):
            assert annotation["url_citation"]["end_index"] <= len(said), "a citation before its text"
            found.append(annotation)
    assert said == "Ж🙂 [1][4], `x[[2]]`."
    assert marks(said, found) == expected(1, 4)


def test_no_marks_without_a_search(client: openai.OpenAI) -> None:
    message = complete(client, "{{say if [[1]]}}").choices[0].message
    assert (message.content, message.annotations) == ("if [[1]]", None)


@pytest.mark.parametrize("stream", [False, True])
def test_beside_a_clients_functions_the_model_searches_by_itself(proxy: Proxy, site: Sandbox, stream: bool) -> None:
    """Its answer after the search tells what it was given: the pages, each with its number."""
    query = "{{search web_search_info}} news {{say Rain [[2]].}}"
    prompt = f'Weather? {{{{tool web_search {{"query": "{query}"}}}}}}'
    reply = ask(proxy.url, prompt, stream=stream, tools=[LOOK], **OPTIONS)
    assert reply.status == 200
    assert "[4] Page 4 https://example.com/page-4" in reply.text
    assert "tool_call" not in reply.text
    assert "tool_calls" not in reply.body
    choices = [frame["choices"][0] for frame in (reply.frames if stream else [json.loads(reply.body)])]
    holders = [choice["delta" if stream else "message"] for choice in choices]
    found = [each for holder in holders for each in holder.get("annotations", ())]
    assert set(expected(3, 4)) <= set(marks(reply.text, found)), reply.text
    asked = [each for each in site.requests if each.path == "/api/v2/chat/completions"]
    types = [each.body["messages"][0]["chat_type"] for each in asked]
    assert types == ["t2t", "search", "t2t"]
    own = asked[1].body["chat_id"]
    assert eventually(lambda: any(each.method == "DELETE" and own in each.path for each in site.requests))
