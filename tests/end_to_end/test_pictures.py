"""Pictures on their whole way: an SDK's call, the site's painting, the file behind its address."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from google import genai
from openai import OpenAI
from proxy_process import Proxy

from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.media.painting import RATIOS
from qwenproxy.sandbox.media.png import picture

pytestmark = pytest.mark.browser

COMPLETIONS = "/api/v2/chat/completions"
PNG = picture(64, 48, "a source")


@pytest.fixture
def client(proxy: Proxy, site: Sandbox, sdk: Callable[[Proxy], OpenAI]) -> OpenAI:
    site.switches.daily_quotas.update(t2i=100, image_edit=100)
    return sdk(proxy)


def questions(site: Sandbox) -> list[dict[str, Any]]:
    return [each.body for each in site.requests if each.path == COMPLETIONS]


def size_of(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", data[16:24])
    return width, height


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        *(("auto", "1:1"), ("256x256", "1:1"), ("512x512", "1:1"), ("1024x1024", "1:1")),
        *(("1536x1024", "3:2"), ("1024x1536", "2:3"), ("1792x1024", "16:9"), ("1024x1792", "9:16"), ("3:4", "3:4")),
    ],
)
def test_a_picture_by_address(client: OpenAI, site: Sandbox, size: Any, ratio: str) -> None:
    answer = client.images.generate(model="dall-e-3", prompt="a red fox", size=size)
    assert answer.data is not None
    address = answer.data[0].url or ""
    assert answer.size == "{}x{}".format(*RATIOS[ratio])
    assert size_of(httpx.get(address).content) == RATIOS[ratio]
    (question,) = questions(site)
    message = question["messages"][0]
    assert (question["size"], message["chat_type"], message["content"]) == (ratio, "t2i", "a red fox")


def test_pictures_as_bytes(client: OpenAI, site: Sandbox) -> None:
    answer = client.images.generate(model="gpt-image-1", prompt="a red fox", n=2)
    pictures = [base64.b64decode(each.b64_json or "") for each in answer.data or ()]
    assert [size_of(data) for data in pictures] == [RATIOS["1:1"]] * 2
    assert len(questions(site)) == 2


def test_an_edit(client: OpenAI, site: Sandbox) -> None:
    answer = client.images.edit(model="qwen-image-2.0-pro", image=("cat.png", PNG), prompt="make it blue")
    assert answer.data is not None
    assert "/image_edit/" in (answer.data[0].url or "")
    (question,) = questions(site)
    message = question["messages"][0]
    assert (message["chat_type"], len(message["files"])) == ("image_edit", 1)
    assert message["extra"]["meta"]["model"] == "qwen-image-2.0-pro"
    sent = message["files"][0]["id"]
    assert next(file for file in site.files if file.id == sent).data == PNG


def test_a_stream(client: OpenAI) -> None:
    events = list(client.images.generate(model="gpt-image-1", prompt="a red fox", stream=True))
    assert [event.type for event in events] == ["image_generation.completed"]
    assert size_of(base64.b64decode(events[0].b64_json)) == RATIOS["1:1"]


def test_a_dead_address_costs_a_second_picture_only(client: OpenAI, site: Sandbox) -> None:
    site.switches.dead_pictures = 1
    answer = client.images.generate(model="gpt-image-1", prompt="a red fox")
    assert answer.data is not None
    assert size_of(base64.b64decode(answer.data[0].b64_json or "")) == RATIOS["1:1"]
    assert len(questions(site)) == 2


def test_pictures_go_where_a_share_of_the_day_is_left(
    site: Sandbox, new_proxy: Callable[..., Proxy], sdk: Callable[[Proxy], OpenAI]
) -> None:
    site.switches.daily_quotas["t2i"] = 1
    proxy = new_proxy(on_no_accounts="wait")
    proxy.registry.add(site.accounts[1].token, site.accounts[1].id)
    proxy.start()
    client = sdk(proxy)
    for _ in range(2):
        assert client.images.generate(model="gpt-image-1", prompt="a red fox").data
    with pytest.raises(openai.RateLimitError):
        client.images.generate(model="gpt-image-1", prompt="a red fox")
    with pytest.raises(openai.RateLimitError, match="limit of pictures"):
        client.images.generate(model="gpt-image-1", prompt="a red fox")
    site.clear()
    for _ in range(2):
        question: Any = [{"role": "user", "content": "{{say Hi}}"}]
        assert client.chat.completions.create(model="qwen-plus", messages=question).choices[0].message.content == "Hi"
    assert {each.account_id for each in site.requests if each.path == COMPLETIONS} == {
        account.id for account in site.accounts[:2]
    }
    statuses = httpx.get(f"{proxy.url}/api/status").json()["accounts"]
    assert [account["status"] for account in statuses] == ["OK", "OK"]


PAINT: Any = {"type": "image_generation", "size": "1536x1024"}


def test_the_hosted_tool_of_the_responses_api(client: OpenAI, site: Sandbox) -> None:
    """A picture, and from its response on a changed one."""
    first = client.responses.create(input="a red fox", tools=[PAINT], tool_choice={"type": "image_generation"})
    (made,) = [item for item in first.output if item.type == "image_generation_call"]
    assert size_of(base64.b64decode(made.result or "")) == RATIOS["3:2"]
    with client.responses.stream(
        model="gpt-4.1",
        input="make it blue",
        tools=[PAINT],
        tool_choice={"type": "image_generation"},
        previous_response_id=first.id,
    ) as stream:
        kinds = [event.type for event in stream]
        (changed,) = [item for item in stream.get_final_response().output if item.type == "image_generation_call"]
    assert "response.image_generation_call.completed" in kinds
    assert changed.result not in (None, made.result)
    asked = [each["messages"][0] for each in questions(site)]
    assert [each["chat_type"] for each in asked] == ["t2i", "image_edit"]
    sent = asked[1]["files"][0]["id"]
    assert next(file for file in site.files if file.id == sent).data == base64.b64decode(made.result or "")


def test_a_model_that_paints_by_itself(client: OpenAI) -> None:
    address = (client.images.generate(model="dall-e-3", prompt="a red fox").data or [])[0].url
    fault = f"{{{{fault image_tool image={address}}}}}"
    answer = client.responses.create(input=fault, tools=[PAINT])
    (made,) = [item for item in answer.output if item.type == "image_generation_call"]
    assert size_of(base64.b64decode(made.result or "")) == RATIOS["1:1"]


def turn(proxy: Proxy, text: str, chat_id: str | None = None, **wish: Any) -> Any:
    body = {"message": text, **({"chatId": chat_id} if chat_id else {}), **wish}
    answer = httpx.post(f"{proxy.url}/api/chat", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_picture_in_a_chat_and_talk_after_it(proxy: Proxy, site: Sandbox) -> None:
    first = turn(proxy, "{{say Hi}}")
    painted = turn(proxy, "a red fox", first["chatId"], chatType="t2i", size="9:16")
    content = painted["choices"][0]["message"]["content"]
    assert content.startswith("![image](http")
    assert questions(site)[1]["messages"][0]["content"] == "a red fox"
    seen = turn(proxy, "{{view}}", first["chatId"])["choices"][0]["message"]["content"]
    assert "![image](http" in seen, "the model of a later turn does not know of the picture"


def test_a_research_in_two_turns(proxy: Proxy, site: Sandbox) -> None:
    first = turn(proxy, "electric ferries", chatType="deep_research")
    assert first["choices"][0]["message"]["content"].startswith("Before I begin")
    second = turn(proxy, "Europe, short", first["chatId"], chatType="deep_research")
    message = second["choices"][0]["message"]
    assert message["content"].startswith("# Report on electric ferries")
    assert "[[" not in message["content"]
    sources = [each["url_citation"]["url"] for each in message["annotations"]]
    assert sources == [f"https://source{number}.example/page" for number in (1, 2, 3)]
    asked = questions(site)
    assert [each["messages"][0]["chat_type"] for each in asked] == ["deep_research"] * 2
    assert asked[0]["chat_id"] == asked[1]["chat_id"], "the second turn has to go on in the site's chat"
    assert asked[1]["messages"][0]["content"] == "Europe, short"


def drawn(answer: genai.types.GenerateContentResponse) -> genai.types.Blob:
    """Return the picture that is all of an answer."""
    [part] = answer.parts or []
    assert part.inline_data is not None
    return part.inline_data


def test_gemini_answers_with_the_picture_inside(proxy: Proxy, site: Sandbox) -> None:
    site.switches.daily_quotas.update(t2i=100, image_edit=100)
    with genai.Client(api_key="none", http_options=genai.types.HttpOptions(base_url=proxy.url)) as client:
        config = genai.types.GenerateContentConfig(
            response_modalities=["IMAGE"], image_config=genai.types.ImageConfig(aspect_ratio="9:16")
        )
        chat = client.chats.create(model="gemini-2.5-flash-image", config=config)
        for _ in range(2):
            picture = drawn(chat.send_message("a red fox"))
            assert (picture.mime_type, size_of(picture.data or b"")) == ("image/png", RATIOS["9:16"])
        assert [each["messages"][0]["chat_type"] for each in questions(site)] == ["t2i", "image_edit"]
        *_, last = client.models.generate_content_stream(model="qwen-plus", contents="a fox", config=config)
        assert size_of(drawn(last).data or b"") == RATIOS["9:16"]
