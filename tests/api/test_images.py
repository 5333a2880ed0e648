"""OpenAI's Images API: what reaches the site, what comes back, and what a bad request is told."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from kept_chats import KeptChats
from makers import MakeClient
from painters import PAINTERS, PNG, URL, FakeFetcher, painted, use_fetcher
from replies import CUT, RATE_LIMITED, answer, refusal

from qwenproxy.api.images.request import form_values, parse_edit
from qwenproxy.chat import ImagePart
from qwenproxy.media.fetching import DeadAddress
from qwenproxy.media.pictures import Picture, Pictures, PictureWish

PATH = "/v1/images/generations"
EDITS = "/v1/images/edits"


@pytest.fixture
def fetcher(client: FlaskClient, site: FakeSite, tmp_path: Path) -> FakeFetcher:
    site.always("a", PAINTERS, call="models")
    return use_fetcher(client, tmp_path)


def generate(client: FlaskClient, **body: Any) -> Any:
    return client.post(PATH, json={"prompt": "a fox", **body}, buffered=True)


@pytest.mark.parametrize("path", [PATH, "/api/v1/images/generations", "/api/images/generations", "/images/generations"])
def test_an_address(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher, path: str) -> None:
    site.script("a", painted(URL))
    body = client.post(path, json={"prompt": "a fox", "size": "1792x1024"}).get_json()
    assert body["data"] == [{"url": URL}]
    assert (body["size"], body["output_format"]) == ("32x16", "png")
    (question,) = site.questions()
    message = question["messages"][0]
    assert (question["model"], question["size"], message["chat_type"]) == ("qwen3.7-plus", "16:9", "t2i")
    assert message["extra"] == {"meta": {"subChatType": "t2i", "size": "16:9"}}
    assert fetcher.fetched == [(URL, "a")]


@pytest.mark.parametrize(
    ("wish", "has_bytes"),
    [
        ({"model": "gpt-image-1"}, True),
        ({"model": "dall-e-3"}, False),
        ({"model": "gpt-image-1", "response_format": "url"}, False),
        ({"response_format": "b64_json"}, True),
    ],
)
def test_bytes_or_an_address(
    client: FlaskClient, site: FakeSite, fetcher: FakeFetcher, wish: Any, has_bytes: bool
) -> None:
    site.script("a", painted(URL))
    (data,) = generate(client, **wish).get_json()["data"]
    assert list(data) == (["b64_json"] if has_bytes else ["url"])
    if has_bytes:
        assert base64.b64decode(data["b64_json"]) == PNG


def test_an_engine(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", painted(URL))
    assert generate(client, model="Qwen-Image-3.0-Pro").status_code == 200
    assert site.questions()[0]["messages"][0]["extra"]["meta"]["model"] == "qwen-image-3.0-pro"


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"n": 5}, "n"),
        ({"n": 0}, "n"),
        ({"size": "huge"}, "size"),
        ({"size": "0x5"}, "size"),
        ({"response_format": "png"}, "response_format"),
        ({"stream": "yes"}, "stream"),
        ({"image": URL}, "image"),
        ({"images": [{"image_url": URL}]}, "images"),
    ],
)
def test_a_bad_wish(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher, wish: Any, param: str) -> None:
    response = generate(client, **wish)
    assert (response.status_code, response.get_json()["error"]["param"]) == (400, param)
    assert site.questions() == []


def test_a_stream(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", painted(URL), painted(URL))
    text = generate(client, stream=True, n=2).text
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert [event["type"] for event in events] == ["image_generation.completed"] * 2
    assert base64.b64decode(events[0]["b64_json"]) == PNG


def test_a_stream_that_fails_later(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", painted(URL), refusal("data_inspection_failed", "Input data may contain inappropriate content."))
    first, second = generate(client, stream=True, n=2).text.strip().split("\n\n")
    assert "completed" in first
    assert json.loads(second.removeprefix("data: "))["error"]["code"] == "content_filter"


def test_an_early_failure_has_its_status(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.always("a", refusal("data_inspection_failed", "Input data may contain inappropriate content."))
    assert generate(client, stream=True).status_code == 400


def test_those_made_before_a_failure_are_the_answer(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", painted(URL), RATE_LIMITED)
    assert len(generate(client, n=3).get_json()["data"]) == 1


@pytest.mark.parametrize(
    ("files", "status", "times"),
    [
        ([DeadAddress("404")], 200, 1),
        ([b"<html>", PNG], 200, 1),
        ([b"<html>", b"<html>", PNG], 200, 2),
        ([b"<html>"] * 4, 502, 2),
    ],
    ids=["late", "not a picture", "painted again", "given up"],
)
def test_an_address_that_leads_nowhere(
    client: FlaskClient, site: FakeSite, fetcher: FakeFetcher, files: Any, status: int, times: int
) -> None:
    FakeFetcher.files = list(files)
    site.always("a", painted(URL))
    response = generate(client)
    assert response.status_code == status
    assert len(site.questions()) == times


def test_words_in_place_of_a_picture(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", answer("I cannot paint that."))
    response = generate(client)
    assert response.status_code == 502
    assert "I cannot paint that." in response.get_json()["error"]["message"]


def test_a_cut_answer(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.always("a", CUT)
    assert generate(client).status_code == 502


def test_a_spent_day(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", refusal("RateLimited", "今日生图额度已用完"))
    first, second = generate(client), generate(client)
    assert (first.status_code, second.status_code) == (429, 429)
    assert len(site.questions()) == 1
    talk = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "Hi"}]})
    assert talk.status_code == 200


@pytest.mark.parametrize(
    "images",
    [{"images": [{"image_url": URL}]}, {"images": [{"image_url": {"url": URL}}]}, {"image": URL}, {"image": [URL]}],
)
def test_the_images_of_an_edit(images: Any) -> None:
    assert parse_edit({"prompt": "blue", **images}).wish.images == (ImagePart(URL),)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "image"),
        ({"images": [{"file_id": "file-1"}]}, "images[0].file_id"),
        ({"images": [{}]}, "images[0]"),
        ({"images": [{"image_url": URL}] * 21}, "image"),
        ({"images": [{"image_url": URL}]}, "image"),  # this server takes no images at all
        ({"images": [{"image_url": URL}], "mask": {"image_url": URL}}, "mask"),
    ],
)
def test_a_bad_edit(client: FlaskClient, fetcher: FakeFetcher, body: Any, param: str) -> None:
    response = client.post(EDITS, json={"prompt": "blue", **body})
    assert (response.status_code, response.get_json()["error"]["param"]) == (400, param)


def test_a_bad_form(client: FlaskClient, fetcher: FakeFetcher) -> None:
    text = {"prompt": "blue", "image": (io.BytesIO(b"no picture"), "cat.png")}
    assert client.post(EDITS, data=text).get_json()["error"]["param"] == "image"
    mask = {"prompt": "blue", "image": (io.BytesIO(PNG), "a.png"), "mask": (io.BytesIO(PNG), "m.png")}
    assert client.post(EDITS, data=mask).get_json()["error"]["param"] == "mask"
    assert client.post(EDITS, data=b"prompt", content_type="text/plain").status_code == 415


@pytest.mark.parametrize(("text", "number"), [("2.0", 2), (" 1 ", 1), ("3", 3), ("", None), ("many", "many")])
def test_a_number_of_a_form_is_read_as_that_of_json(text: str, number: int | str | None) -> None:
    assert form_values({"n": text}).get("n") == number


def test_the_last_account_that_is_spent_tells_when_the_first_is_back(
    make_client: MakeClient, site: FakeSite, tmp_path: Path
) -> None:
    client = make_client(2)
    for account in ("a", "b"):
        site.always(account, PAINTERS, call="models")
    use_fetcher(client, tmp_path)
    site.script("a", refusal("RateLimited", "Try again later."))
    site.always("a", painted(URL))
    site.always("b", refusal("RateLimited", "今日生图额度已用完"))
    first, second = generate(client), generate(client)
    assert (first.status_code, second.status_code) == (429, 429)
    assert first.headers["retry-after"] == second.headers["retry-after"] == "120"


def test_variations_are_not_offered(client: FlaskClient) -> None:
    response = client.post("/v1/images/variations", json={})
    assert (response.status_code, response.get_json()["error"]["code"]) == (404, "unsupported_endpoint")


def test_what_is_ignored_is_named(client: FlaskClient, site: FakeSite, fetcher: FakeFetcher) -> None:
    site.script("a", painted(URL))
    response = generate(client, output_format="webp", quality="high", user="me")
    assert response.headers["x-qwenproxy-ignored"] == "output_format,quality"


class TestOpenWebui:
    """The requests of its engine for pictures, as `routers/images.py` of 0.12 makes them."""

    @pytest.mark.parametrize(
        ("model", "size", "form"),
        [
            ("dall-e-2", "512x512", {"response_format": "b64_json"}),
            ("qwen-image-2.0", "1024x1792", {"response_format": "b64_json"}),
            ("gpt-image-1", "auto", {}),
            ("gpt-image-1", None, {}),
        ],
    )
    def test_a_picture(
        self, client: FlaskClient, site: FakeSite, fetcher: FakeFetcher, model: str, size: str | None, form: Any
    ) -> None:
        site.script("a", painted(URL))
        body = {"model": model, "prompt": "a fox", "n": 1, **({"size": size} if size else {}), **form}
        response = client.post(f"{PATH}?api-version=2025-04-01", json=body)
        (image,) = response.get_json()["data"]
        assert base64.b64decode(image["b64_json"]) == PNG
        assert "x-qwenproxy-ignored" not in response.headers

    @pytest.mark.parametrize("field", ["image", "image[]"])
    @pytest.mark.parametrize("model", ["", "gpt-image-1", "dall-e-2", "qwen3.7-plus"])
    def test_an_edit(
        self, client: FlaskClient, fetcher: FakeFetcher, monkeypatch: pytest.MonkeyPatch, model: str, field: str
    ) -> None:
        wishes: list[PictureWish] = []

        def paint(self: Pictures, wish: PictureWish, client_gone: object) -> Picture:
            wishes.append(wish)
            return Picture(URL, 32, 16, "image/png", PNG)

        monkeypatch.setattr(Pictures, "paint", paint)
        files = [(io.BytesIO(PNG), f"{name}.png", "image/png") for name in ("one", "two")]
        form = {} if model.startswith("gpt-image") else {"response_format": "b64_json"}
        told = {"model": model, "prompt": "make it night", "n": "1", "size": "1024x1024", "background": "transparent"}
        response = client.post(
            EDITS,
            data={**told, **form, field: files if field == "image[]" else files[0]},
            content_type="multipart/form-data",
        )
        assert response.status_code == 200, response.text
        assert base64.b64decode(response.get_json()["data"][0]["b64_json"]) == PNG
        assert response.headers["x-qwenproxy-ignored"] == "background"
        (wish,) = wishes
        assert len(wish.images) == (2 if field == "image[]" else 1)
        assert wish.model == ("qwen3.7-plus" if model == "qwen3.7-plus" else None)


def test_a_picture_that_was_not_painted_leaves_no_chat(chats: KeptChats) -> None:
    chats.site.always("a", PAINTERS, call="models")
    chats.site.script("a", answer("I would rather not."))
    response = chats.client.post(PATH, json={"prompt": "a fox"})
    assert response.status_code >= 400
    chats.site.wait_for_deletions(("a", "up-1"))
