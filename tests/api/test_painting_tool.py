"""OpenAI's hosted tool `image_generation` in the Responses API: what it asks of the site, and its pictures as items."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from painters import PAINTERS, PNG, URL, FakeFetcher, painted, use_fetcher
from replies import RATE_LIMITED, Reply, answer
from response_events import check, events_in
from transcripts import CREATED, delta, end

from qwenproxy.api.responses.request import parse_response
from qwenproxy.chat import ImagePart
from qwenproxy.chat.works import Work
from qwenproxy.errors import RequestError, SiteFailure, UnsupportedParameter

PATH = "/v1/responses"
PAINT: dict[str, Any] = {"type": "image_generation"}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}}
RED = "data:image/png;base64," + base64.b64encode(PNG).decode()
ASK = {"role": "user", "content": "Paint a fox."}
SHOW = {
    "role": "user",
    "content": [{"type": "input_text", "text": "Bluer."}, {"type": "input_image", "image_url": RED}],
}
MADE = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": base64.b64encode(PNG).decode()}


@pytest.fixture
def fetcher(client: FlaskClient, site: FakeSite, tmp_path: Path) -> FakeFetcher:
    site.always("a", PAINTERS, call="models")
    return use_fetcher(client, tmp_path)


def create(client: FlaskClient, **body: Any) -> Any:
    return client.post(PATH, json={"input": "Paint a fox.", "tools": [PAINT], **body}, buffered=True)


FORCED: dict[str, dict[str, Any]] = {
    "by its type": {"tool_choice": PAINT},
    "as the only one that is required": {"tool_choice": "required"},
    "as the only allowed one": {
        "tools": [LOOK, PAINT],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [PAINT]},
    },
    "beside others": {"tools": [LOOK, {"type": "web_search"}, PAINT], "tool_choice": PAINT},
}


@pytest.mark.parametrize("body", FORCED.values(), ids=FORCED.keys())
def test_forced_it_paints(body: dict[str, Any]) -> None:
    request = parse_response({"input": "Paint a fox.", "tools": [PAINT], "max_output_tokens": 9, **body})
    assert request.chat.work == Work("t2i", "1:1")
    assert (request.chat.tools, request.chat.search, request.chat.max_tokens) == ((), None, None)
    assert request.gives_pictures


FREE: dict[str, tuple[dict[str, Any], bool]] = {
    "alone": ({}, True),
    "beside a search": ({"tools": [PAINT, {"type": "web_search"}]}, True),
    "beside functions": ({"tools": [PAINT, LOOK]}, False),
    "denied": ({"tool_choice": "none"}, False),
    "one of two that are required": ({"tools": [PAINT, LOOK], "tool_choice": "required"}, False),
}


@pytest.mark.parametrize(("body", "gives"), FREE.values(), ids=FREE.keys())
def test_free_it_leaves_the_choice_to_the_model(body: dict[str, Any], gives: bool) -> None:
    request = parse_response({"input": "Paint a fox.", "tools": [PAINT], **body})
    assert (request.chat.work, request.gives_pictures) == (None, gives)


def test_what_is_lost_is_named() -> None:
    options = {"quality": "high", "partial_images": 2, "background": "auto", "size": "1024x1536"}
    free = parse_response({"input": "x", "tools": [{**PAINT, **options}]})
    assert free.ignored.names == tuple(
        f"tools.image_generation.{name}" for name in ("quality", "partial_images", "size")
    )
    forced = parse_response({"input": "x", "tools": [{**PAINT, **options}], "tool_choice": PAINT})
    assert forced.ignored.names == ("tools.image_generation.quality", "tools.image_generation.partial_images")
    assert forced.chat.work == Work("t2i", "2:3")


def test_an_image_of_the_conversation_is_changed() -> None:
    """The newest one counts, unless a new picture is wanted."""
    for items in (
        [SHOW],
        [SHOW, {"role": "user", "content": "Bluer."}],
        [ASK, MADE, {"role": "user", "content": "Bluer."}],
    ):
        chat = parse_response({"input": items, "tools": [PAINT], "tool_choice": PAINT}).chat
        assert chat.work == Work("image_edit", "1:1")
        assert chat.messages[0].text == "Bluer."
        assert chat.messages[0].attachments == (ImagePart(RED),)
    new = parse_response({"input": [SHOW], "tools": [{**PAINT, "action": "generate"}], "tool_choice": PAINT}).chat
    assert (new.work, new.messages[0].attachments) == (Work("t2i", "1:1"), ())


REFUSED: dict[str, tuple[dict[str, Any], type[RequestError], str]] = {
    "a mask": (
        {"tools": [{**PAINT, "input_image_mask": {"image_url": RED}}]},
        UnsupportedParameter,
        "tools[0].input_image_mask",
    ),
    "a size": ({"tools": [LOOK, {**PAINT, "size": "big"}], "tool_choice": PAINT}, RequestError, "tools[1].size"),
    "a size that is no text": ({"tools": [{**PAINT, "size": 5}]}, RequestError, "tools[0].size"),
    "an action": ({"tools": [{**PAINT, "action": "burn"}]}, RequestError, "tools[0].action"),
    "an edit of nothing": ({"tools": [{**PAINT, "action": "edit"}], "tool_choice": PAINT}, RequestError, "input"),
    "nothing to paint": ({"input": [ASK, MADE], "tool_choice": PAINT}, RequestError, "input"),
    "a picture that is none": ({"input": [ASK, {**MADE, "result": "aGVsbG8="}, ASK]}, RequestError, "input[1].result"),
    "a picture that is no text": ({"input": [ASK, {**MADE, "result": 5}, ASK]}, RequestError, "input[1].result"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "error", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(body: dict[str, Any], error: type[RequestError], param: str) -> None:
    with pytest.raises(error) as refusal:
        parse_response({"input": "Paint.", "tools": [PAINT], **body})
    assert refusal.value.param == param


def test_the_model_sees_a_picture_of_its_answer() -> None:
    said = {"role": "assistant", "content": [{"type": "output_text", "text": "Here."}]}
    chat = parse_response({"input": [ASK, MADE, said, ASK]}).chat
    assert [message.role for message in chat.messages] == ["user", "assistant", "user"]
    assert chat.messages[1].attachments == (ImagePart(RED),)
    assert chat.messages[1].text == "Here."
    failed = {**MADE, "result": None, "status": "failed"}
    assert len(parse_response({"input": [ASK, failed, said, ASK]}).chat.messages) == 3


def test_a_picture_by_force(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", painted(URL))
    body = create(client, tool_choice=PAINT, tools=[{**PAINT, "size": "1536x1024"}]).get_json()
    (item,) = body["output"]
    assert (item["type"], item["status"], base64.b64decode(item["result"])) == (
        "image_generation_call",
        "completed",
        PNG,
    )
    assert (item["output_format"], item["size"]) == ("png", "32x16")
    (question,) = site.questions()
    assert (question["messages"][0]["chat_type"], question["size"]) == ("t2i", "3:2")
    assert fetcher.fetched == [(URL, "a")]


def test_a_stream(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", painted(URL))
    events = events_in(create(client, tool_choice=PAINT, stream=True).text)
    response = check(events)
    names = [event["type"].removeprefix("response.") for event in events if "image" in event["type"]]
    assert names == [f"image_generation_call.{word}" for word in ("in_progress", "generating", "completed")]
    assert base64.b64decode(response["output"][0]["result"]) == PNG


def test_a_picture_that_the_client_names() -> None:
    named = {"type": "image_generation_call", "id": "ig_1"}
    items = [ASK, named, {"role": "user", "content": "Bluer."}]
    body = {"input": items, "tools": [PAINT], "tool_choice": PAINT}
    chat = parse_response(body, lookup={"ig_1": MADE}.get).chat
    assert (chat.work, chat.messages[0].attachments) == (Work("image_edit", "1:1"), (ImagePart(RED),))
    with pytest.raises(RequestError) as unknown:
        parse_response(body)
    assert unknown.value.param == "input[1].id"
    failed = {**body, "input": [ASK, {**named, "result": None}, {"role": "user", "content": "A cat."}]}
    assert parse_response(failed).chat.work == Work("t2i", "1:1")


def test_a_client_hears_that_it_is_painted_before_it_is_there(
    client: FlaskClient, site: FakeSite, fetcher: FakeFetcher, no_patience: None
) -> None:
    slow = painted(URL)
    site.script("a", Reply(("", "", *slow.chunks), pace=1.0, head_after=3))
    names = [event["type"] for event in events_in(create(client, tool_choice=PAINT, stream=True).text)]
    place = names.index("response.image_generation_call.generating")
    assert names[:2] == ["response.created", "response.in_progress"]
    assert place == 4, names


def test_by_force_and_not_painted_the_item_has_failed(
    client: FlaskClient, site: FakeSite, fetcher: FakeFetcher
) -> None:
    site.script("a", answer("I cannot paint that."))
    response = check(events_in(create(client, tool_choice=PAINT, stream=True).text))
    assert [(item["type"], item["status"]) for item in response["output"]] == [
        ("image_generation_call", "failed"),
        ("message", "completed"),
    ]


def by_itself(*urls: str) -> Reply:
    """Return an answer in which the site's model paints between two texts."""
    results = [{"image": url} for url in urls]
    drawn = delta("", "image_gen_tool", status="finished", extra={"tool_result": results})
    return Reply((CREATED, delta("Here: "), drawn, delta("It is red."), end()))


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_the_model_paints_by_itself(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher, streams: bool) -> None:
    site.script("a", by_itself(URL))
    sent = create(client, stream=streams)
    output = (check(events_in(sent.text)) if streams else sent.get_json())["output"]
    assert [item["type"] for item in output] == ["message", "image_generation_call", "message"]
    assert [item["content"][0]["text"] for item in output[::2]] == ["Here: ", "It is red."]
    assert base64.b64decode(output[1]["result"]) == PNG


def test_without_the_tool_a_picture_is_a_link(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", by_itself(URL))
    (item,) = create(client, tools=[]).get_json()["output"]
    assert f"![image]({URL})" in item["content"][0]["text"]
    assert fetcher.fetched == []


def test_a_file_that_cannot_be_had_is_a_link(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", painted(URL))
    FakeFetcher.files = [SiteFailure("gone"), SiteFailure("gone"), SiteFailure("gone")]
    (item,) = create(client, tool_choice=PAINT).get_json()["output"]
    assert f"![image]({URL})" in item["content"][0]["text"]


def test_text_in_place_of_a_picture(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", answer("I will not."))
    (item,) = create(client, tool_choice=PAINT).get_json()["output"]
    assert item["content"][0]["text"] == "I will not."


def test_a_share_of_the_day_that_is_used_up(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", RATE_LIMITED)
    assert create(client, tool_choice=PAINT).status_code == 429
