"""Google's official package, unchanged, against the whole product."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import pytest
from asking import ANSWER_WAIT
from google import genai
from google.genai import errors, types
from proxy_process import Proxy
from pydantic import BaseModel

pytestmark = pytest.mark.browser

MODEL = "qwen-max"
TWO_CALLS = (
    '{{chain [{"call":"get_weather","arguments":{"city":"Köln","days":2}},'
    '{"call":"get_weather","arguments":{"city":"Bonn"}},{"say":"Done."}]}}'
)


class Recipe(BaseModel):
    """What an answer has to be."""

    name: str
    amounts: list[float]
    source: str | None = None


class Taste(enum.Enum):
    """What an answer has to be one of."""

    SWEET = "sweet"
    SOUR = "sour"


@pytest.fixture
def client(proxy: Proxy) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=proxy.url, timeout=int(ANSWER_WAIT * 1000))
    with genai.Client(api_key="not-needed", http_options=options) as client:
        yield client


def test_answers_and_chats(client: genai.Client) -> None:
    whole = client.models.generate_content(model=MODEL, contents="{{say One two.}}")
    assert whole.text == "One two."
    assert whole.usage_metadata and (whole.usage_metadata.prompt_token_count or 0) > 500
    streamed = client.models.generate_content_stream(model=MODEL, contents="{{stream chunks=4 interval_ms=5}}")
    assert "".join(piece.text or "" for piece in streamed).split() == [f"chunk-00{number}" for number in range(4)]
    chat = client.chats.create(model=MODEL, config=types.GenerateContentConfig(system_instruction="Be brief."))
    list(chat.send_message_stream("{{stream chunks=3 interval_ms=5}}"))
    seen = chat.send_message("{{view}}").text or ""
    assert '{"role":"system","text":"Be brief."}' in seen
    assert '{"role":"assistant","text":"chunk-000 chunk-001 chunk-002 "}' in seen


def test_functions_are_called_by_the_sdk(client: genai.Client) -> None:
    calls = []

    def get_weather(city: str, days: int = 1) -> str:
        """Return the weather of a city."""
        calls.append((city, days))
        return f"sunny in {city}"

    get_weather.__annotations__ = {"city": str, "days": int, "return": str}  # the SDK for Python 3.10 reads no texts
    config = types.GenerateContentConfig(tools=[get_weather])
    assert client.chats.create(model=MODEL, config=config).send_message(TWO_CALLS).text == "Done."
    assert calls == [("Köln", 2), ("Bonn", 1)]


def test_documents_thoughts_and_sources(client: genai.Client) -> None:
    json_form = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Recipe)
    recipe = client.models.generate_content(model=MODEL, contents="A recipe, please", config=json_form)
    assert isinstance(recipe.parsed, Recipe)
    word_form = types.GenerateContentConfig(response_mime_type="text/x.enum", response_schema=Taste)
    assert isinstance(client.models.generate_content(model=MODEL, contents="Choose", config=word_form).parsed, Taste)
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=200)
    shown = types.GenerateContentConfig(thinking_config=thinking)
    thought = client.models.generate_content(model=MODEL, contents="{{think detail}}{{say So.}}", config=shown)
    assert [part.thought for part in thought.parts or ()] == [True, None]
    search = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
    found = client.models.generate_content(model=MODEL, contents="{{search docs}}{{say As [[1]].}}", config=search)
    assert found.candidates and found.candidates[0].grounding_metadata
    assert found.candidates[0].grounding_metadata.grounding_supports


def test_models_and_counts(client: genai.Client) -> None:
    assert f"models/{MODEL}" in [model.name for model in client.models.list(config={"page_size": 5})]
    assert client.models.get(model=MODEL).name == f"models/{MODEL}"
    assert (client.models.count_tokens(model=MODEL, contents="Hello, world").total_tokens or 0) > 3


def test_what_fails_is_an_error(client: genai.Client) -> None:
    broken = "{{fault cut_before_end after=3}}{{stream chunks=8 interval_ms=5}}"
    with pytest.raises(errors.ServerError) as raised:
        list(client.models.generate_content_stream(model=MODEL, contents=broken))
    assert raised.value.code == 502
    assert "cut its answer short" in str(raised.value.message)
    with pytest.raises(errors.ClientError) as refused:
        client.models.generate_content(model=MODEL, contents="{{fault moderation}}{{say x}}")
    assert refused.value.status == "INVALID_ARGUMENT"
