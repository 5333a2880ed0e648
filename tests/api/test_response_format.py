"""The form of an answer: how requests ask for it, what reaches the site, and what the client gets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from makers import MakeClient
from replies import Reply, answer
from spelling import spelled
from transcripts import CREATED, delta, end

from qwenproxy.api.documents import read_format, read_schema
from qwenproxy.api.openai.request import parse_chat_request
from qwenproxy.chat import Document
from qwenproxy.errors import RequestError

A: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
MESSAGES = [{"role": "user", "content": "A number?"}]
WANTED = {"messages": MESSAGES, "response_format": {"type": "json_schema", "json_schema": {"name": "N", "schema": A}}}
ANY = {"messages": MESSAGES, "response_format": {"type": "json_object"}}
LOOK = [{"type": "function", "function": {"name": "look"}}]


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, Document()),
        ({"type": "json_object", "schema": None}, Document()),
        ({"type": "json_object", "schema": A}, Document(A)),
        ({"type": "json_schema", "json_schema": {"name": "N", "strict": True, "schema": A}}, Document(A, "N")),
        ({"type": "json_schema", "name": "N", "schema": A, "strict": True}, Document(A, "N")),
        ({"type": "json_schema", "schema": A}, Document(A)),
    ],
    ids=spelled,
)
def test_forms(value: Any, document: Document | None) -> None:
    assert read_format(value, "f") == document
    completion = parse_chat_request({"messages": MESSAGES, "response_format": value})
    assert completion.chat.document == document
    assert completion.ignored.names == ()


@pytest.mark.parametrize(
    ("value", "param", "words"),
    [
        ("json_object", "f", "must be an object"),
        ([], "f", "must be an object"),
        ({}, "f.type", "must be text, json_object or json_schema"),
        ({"type": "grammar"}, "f.type", "must be text"),
        ({"type": ["text"]}, "f.type", "must be text"),
        ({"type": "json_schema"}, "f.schema", "must be a JSON schema, as an object"),
        ({"type": "json_schema", "json_schema": []}, "f.json_schema", "must be an object"),
        ({"type": "json_schema", "json_schema": {}}, "f.json_schema.schema", "must be a JSON schema"),
        ({"type": "json_schema", "json_schema": {"schema": True}}, "f.json_schema.schema", "must be a JSON schema"),
        ({"type": "json_schema", "json_schema": {"name": 7, "schema": A}}, "f.json_schema.name", "must be a string"),
        ({"type": "json_object", "schema": {"type": "x"}}, "f.schema", "is no valid JSON schema: it is not valid at $"),
        ({"type": "json_schema", "schema": {"$ref": "#/x"}}, "f.schema", "it refers to #/x, which is not inside it"),
    ],
    ids=spelled,
)
def test_no_form(value: Any, param: str, words: str) -> None:
    with pytest.raises(RequestError) as error:
        read_format(value, "f")
    assert (error.value.code, error.value.param) == ("invalid_request", param)
    assert error.value.message.startswith(f"{param} ")
    assert words in error.value.message


def test_a_bare_schema() -> None:
    assert read_schema(A, "format") == A


def post(client: FlaskClient, body: Any, **more: Any) -> Any:
    data = json.dumps({**body, **more})  # Flask's own would sort the keys of a schema
    return client.post("/v1/chat/completions", data=data, content_type="application/json", buffered=True)


def error_of(response: Any) -> tuple[int, str, str | None]:
    error = response.get_json()["error"]
    return response.status_code, error["code"], error["param"]


def frames(response: Any) -> list[Any]:
    """Return the frames of a stream; `[DONE]` as it is."""
    lines = [frame.removeprefix("data: ") for frame in response.text.split("\n\n") if frame.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def contents(response: Any) -> list[str]:
    deltas = [frame["choices"][0]["delta"] for frame in frames(response) if frame != "[DONE]" and frame.get("choices")]
    return [delta["content"] for delta in deltas if delta.get("content")]


def texts(site: FakeSite) -> list[str]:
    """Return the text of every question."""
    return [question["messages"][0]["content"] for question in site.questions()]


def test_a_schema_that_is_none_reaches_no_site(client: FlaskClient, site: FakeSite) -> None:
    response = post(client, {"messages": MESSAGES, "response_format": {"type": "json_schema", "schema": {"type": 1}}})
    assert error_of(response) == (400, "invalid_request", "response_format.schema")
    assert site.asked() == []


@pytest.mark.parametrize("body", [WANTED, ANY], ids=["schema", "any"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_the_model_is_told_last(client: FlaskClient, site: FakeSite, body: Any, stream: bool) -> None:
    site.script("a", answer('{"a": 1}'))
    response = post(client, body, stream=stream, tools=LOOK)
    assert response.status_code == 200
    assert "x-qwenproxy-ignored" not in response.headers
    [text] = texts(site)
    *_, question, form = text.split("\n\n[")
    assert question.endswith("A number?")
    assert form.startswith("format ")
    assert "JSON object" in form
    assert "You may call a function first" in form
    assert ("JSON schema:\n" + json.dumps(A, separators=(",", ":")) in form) == (body is WANTED)


def test_text_changes_nothing(client: FlaskClient, site: FakeSite) -> None:
    assert post(client, {"messages": MESSAGES, "response_format": {"type": "text"}}).status_code == 200
    assert texts(site) == ["A number?"]


def test_a_whole_document(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Sure, {you}:\n```json\n", '{"a": 12345678901', "234567890}\n```", "\nAnything else?"))
    response = post(client, WANTED)
    [choice] = response.get_json()["choices"]
    assert choice["message"]["content"] == '{"a": 12345678901234567890}'
    assert choice["finish_reason"] == "stop"
    assert response.get_json()["usage"]["completion_tokens"] == 4


def test_a_document_in_a_stream(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Sure, {you}:\n```json\n", '{"a":', " 1", "}\n```", "\nAnything else?"))
    response = post(client, WANTED, stream=True, stream_options={"include_usage": True})
    assert contents(response) == ['{"a":', " 1", "}"]
    *_, finish, usage, done = frames(response)
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["completion_tokens"] == 5
    assert done == "[DONE]"


@pytest.mark.parametrize("wrong", ["I would say one.", "Say:\n[1", '{"a": "one"}', '{"a": 1', '["a"]'])
def test_an_answer_is_corrected_once(client: FlaskClient, site: FakeSite, wrong: str) -> None:
    site.script("a", answer(wrong), answer('```\n{"a": 1}\n```'))
    [choice] = post(client, WANTED).get_json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ('{"a": 1}', "stop")
    first, second = site.questions()
    assert second["chat_id"] == first["chat_id"]
    assert second["parent_id"] == "R7"
    assert "Your answer cannot be used: it" in texts(site)[1] or "at $.a: 'one' is not of" in texts(site)[1]
    assert "JSON schema:\n{" in texts(site)[1]


def test_a_stream_is_corrected_before_its_document_begins(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("I would say ", "one."), answer("Sorry: ", '{"a":', " 1}"))
    response = post(client, WANTED, stream=True)
    assert contents(response) == ['{"a":', " 1}"]
    assert frames(response)[-1] == "[DONE]"
    assert len(site.questions()) == 2


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_two_failures_are_the_end(make_client: MakeClient, site: FakeSite, stream: bool) -> None:
    client = make_client(2)
    site.always("a", answer("I would say one."))
    response = post(client, WANTED, stream=stream)
    assert error_of(response) == (502, "structured_output_failed", None)
    assert "the request asks for: it holds no JSON object. Ask again" in response.get_json()["error"]["message"]
    assert site.asked() == ["a", "a"], "no other account is asked"


def test_a_document_that_turns_out_invalid_in_a_stream(
    client: FlaskClient, site: FakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site.script("a", answer('{"a":', ' "secret-one"', "}"))
    response = post(client, WANTED, stream=True)
    assert contents(response) == ['{"a":', ' "secret-one"', "}"]
    *others, last = frames(response)
    assert last["error"]["code"] == "structured_output_failed"
    assert "at $.a: 'secret-one' is not of type 'integer'" in last["error"]["message"]
    assert all(frame["choices"][0]["finish_reason"] is None for frame in others)
    assert len(site.questions()) == 1
    assert "secret-one" not in caplog.text


def test_a_document_that_the_site_does_not_end(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer('{"a":', " 1"))
    assert frames(post(client, WANTED, stream=True))[-1]["error"]["code"] == "structured_output_failed"


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_call_takes_its_place(client: FlaskClient, site: FakeSite, stream: bool) -> None:
    site.script("a", answer("I look. ", '<tool_call>{"name": "look", "arguments": {}}</tool_call>'))
    response = post(client, WANTED, stream=stream, tools=LOOK)
    if stream:
        assert contents(response) == []
        assert frames(response)[-2]["choices"][0]["finish_reason"] == "tool_calls"
    else:
        [choice] = response.get_json()["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_document_cut_by_max_tokens(client: FlaskClient, site: FakeSite, stream: bool) -> None:
    frames_of_it = [delta(f'"{number}": 1, ', usage={"output_tokens": number}) for number in range(1, 60)]
    site.script("a", Reply((CREATED, delta("{", usage={"output_tokens": 0}), *frames_of_it), endless=True))
    response = post(client, ANY, stream=stream, max_tokens=8)
    if stream:
        text, reason = "".join(contents(response)), frames(response)[-2]["choices"][0]["finish_reason"]
    else:
        [choice] = response.get_json()["choices"]
        text, reason = choice["message"]["content"], choice["finish_reason"]
    assert reason == "length"
    assert text.startswith('{"1": 1, "2": 1, ')
    assert not text.endswith("}")
    assert len(site.questions()) == 1


def test_signs_of_life_while_the_begin_is_held_back(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("Well, "), *[""] * 25, delta('so: {"a":'), *[""] * 11, delta("1}"), end())))
    response = post(client, WANTED, stream=True)
    assert response.text.count(": keep-alive") >= 1
    assert contents(response) == ['{"a":', "1}"]


def test_the_list_of_models_says_so(client: FlaskClient) -> None:
    parameters = client.get("/v1/models/qwen-max").get_json()["supported_parameters"]
    assert {"response_format", "structured_outputs"} <= set(parameters)


def test_legacy_completions_have_no_such_field(client: FlaskClient) -> None:
    response = client.post("/v1/completions", json={"prompt": "x", "response_format": {"type": "json_object"}})
    assert response.status_code == 200
    assert response.headers["x-qwenproxy-ignored"] == "response_format"
