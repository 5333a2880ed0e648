"""Legacy completions: the prompt reaches the model, the answer has the older objects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from replies import Reply, answer
from transcripts import CREATED, counts, delta

PATH = "/v1/completions"


def complete(client: FlaskClient, **body: Any) -> Any:
    return client.post(PATH, json={"prompt": "Once upon", **body}, buffered=True)


def frames_of(text: str) -> list[Any]:
    """Return the frames of a complete stream, parsed."""
    *frames, done = text.strip().split("\n\n")
    assert done == "data: [DONE]"
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


@pytest.mark.parametrize("path", ["/v1/completions", "/api/v1/completions", "/api/completions", "/completions"])
def test_a_whole_completion(client: FlaskClient, site: FakeSite, path: str) -> None:
    site.script("a", answer(" a", " time"))
    body = client.post(path, json={"prompt": "Once upon"}).get_json()
    assert list(body) == ["id", "object", "created", "model", "choices", "usage"]
    assert (body["id"][:5], body["object"], body["model"]) == ("cmpl-", "text_completion", "qwen3.8-max")
    assert body["choices"] == [{"text": " a time", "index": 0, "logprobs": None, "finish_reason": "stop"}]
    assert body["usage"]["completion_tokens"] == 2


def test_a_streamed_completion(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer(" a", " time"))
    frames = frames_of(complete(client, stream=True, stream_options={"include_usage": True}).text)
    assert [frame["choices"][0]["text"] for frame in frames[:-1]] == [" a", " time", ""]
    assert [frame["choices"][0]["finish_reason"] for frame in frames[:-1]] == [None, None, "stop"]
    assert frames[-1]["choices"] == []
    assert frames[-1]["usage"]["total_tokens"] == 9
    assert {frame["object"] for frame in frames} == {"text_completion"}
    assert len({frame["id"] for frame in frames}) == 1


def test_the_model_is_told_to_go_on(client: FlaskClient, site: FakeSite) -> None:
    complete(client, suffix="The end.")
    (question,) = site.questions()
    text = question["messages"][0]["content"]
    assert text.endswith("Once upon")
    assert "Continue the user's text" in text
    assert "The end." in text


@pytest.mark.parametrize("stream", [True, False])
def test_an_echo_comes_first(client: FlaskClient, site: FakeSite, stream: bool) -> None:
    site.script("a", answer(" a time"))
    response = complete(client, echo=True, stream=stream)
    texts = (
        [frame["choices"][0]["text"] for frame in frames_of(response.text)]
        if stream
        else [response.get_json()["choices"][0]["text"]]
    )
    assert "".join(texts) == "Once upon a time"


@pytest.mark.parametrize(("limit", "finish"), [(None, "length"), (16, "length"), (-1, "stop"), (400, "stop")])
def test_sixteen_tokens_are_the_default(client: FlaskClient, site: FakeSite, limit: int | None, finish: str) -> None:
    pieces = [delta(" word", usage=counts(7, number)) for number in range(1, 31)]
    *_, end = answer().chunks
    site.script("a", Reply((CREATED, *pieces, end)))
    (choice,) = complete(client, **({} if limit is None else {"max_tokens": limit})).get_json()["choices"]
    assert choice["finish_reason"] == finish
    assert len(choice["text"].split()) == (16 if finish == "length" else 30)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"prompt": ""}, "invalid_request", "prompt"),
        ({"prompt": None}, "invalid_request", "prompt"),
        ({"prompt": []}, "invalid_request", "prompt"),
        ({"prompt": True}, "invalid_request", "prompt"),
        ({"prompt": {"text": "x"}}, "invalid_request", "prompt"),
        ({"prompt": ["a", "b"]}, "unsupported_parameter", "prompt"),
        ({"prompt": [1, 2, 3]}, "unsupported_parameter", "prompt"),
        ({"prompt": [[1, 2]]}, "unsupported_parameter", "prompt"),
        ({"prompt": "x", "n": 2}, "unsupported_parameter", "n"),
        ({"prompt": "x", "best_of": 3}, "unsupported_parameter", "best_of"),
        ({"prompt": "x", "logprobs": 5}, "unsupported_parameter", "logprobs"),
        ({"prompt": "x", "logprobs": 0}, "unsupported_parameter", "logprobs"),
        ({"prompt": "x", "max_tokens": 0}, "invalid_request", "max_tokens"),
        ({"prompt": "x", "stop": [1]}, "invalid_request", "stop"),
        ({"prompt": "x", "suffix": 1}, "invalid_request", "suffix"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_refused(client: FlaskClient, body: dict[str, Any], code: str, param: str) -> None:
    response = client.post(PATH, json=body)
    assert response.status_code == 400
    error = response.get_json()["error"]
    assert (error["code"], error["param"], error["type"]) == (code, param, "invalid_request_error")


def test_one_prompt_in_an_array_is_one(client: FlaskClient) -> None:
    assert complete(client, prompt=["Once upon"]).status_code == 200


def test_what_has_no_effect_is_named(client: FlaskClient) -> None:
    assert complete(client, temperature=0.5, user="x").headers["x-qwenproxy-ignored"] == "temperature"


def test_a_wrong_method_has_openais_form(client: FlaskClient) -> None:
    response = client.get(PATH)
    assert (response.status_code, set(response.get_json()["error"])) == (
        405,
        {"message", "type", "param", "code", "request_id"},
    )
