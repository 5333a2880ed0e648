"""Anthropic's messages: what comes back, what is refused, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic_talk import ASK, blocks_of, checked, send, stop_of, stream
from fake_site import FakeSite
from flask.testing import FlaskClient
from makers import MakeClient
from replies import Reply, answer
from spelling import spelled
from transcripts import CREATED, delta, end

from qwenproxy.access.keys import KeyFile
from qwenproxy.disk.folder import SessionFolder

TOOL: dict[str, Any] = {
    "name": "look",
    "description": "Look",
    "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}
USED = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "x"}}


def test_thoughts_nobody_asked_for_are_not_sent(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("Hm.", "think"), delta("", "think", "finished"), delta("So."), end())))
    assert [block["text"] for block in blocks_of(stream(client))] == ["So."]


@pytest.mark.parametrize("is_streamed", [True, False])
def test_the_sequence_that_cut_an_answer_is_named(client: FlaskClient, site: FakeSite, is_streamed: bool) -> None:
    site.script("a", answer("one ST", "OP two"))
    reply = send(client, stop_sequences=["NO", "STOP"], stream=is_streamed)
    if is_streamed:
        events = checked(reply.text)
        assert (blocks_of(events)[0]["text"], stop_of(events)) == ("one ", ("stop_sequence", "STOP"))
    else:
        body = reply.get_json()
        assert (body["content"][0]["text"], body["stop_reason"], body["stop_sequence"]) == (
            "one ",
            "stop_sequence",
            "STOP",
        )


def test_a_limit_cuts(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("one ", "two ", "three ", "four"))
    assert stop_of(stream(client, max_tokens=2)) == ("max_tokens", None)


def test_an_answer_cut_inside_a_call_asks_nobody_to_run_it(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Well.\n", '<tool_call>{"name": "look", "arguments": {"at": "', "x" * 2000))
    events = stream(client, tools=[TOOL])
    assert stop_of(events) == ("max_tokens", None)
    assert [block["type"] for block in blocks_of(events)] == ["text", "tool_use"]


@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_limit_of_nothing_asks_nobody(client: FlaskClient, site: FakeSite, is_streamed: bool) -> None:
    reply = send(client, max_tokens=0, stream=is_streamed)
    if is_streamed:
        assert (blocks_of(checked(reply.text)), stop_of(checked(reply.text))) == ([], ("max_tokens", None))
    else:
        assert (reply.get_json()["content"], reply.get_json()["usage"]["output_tokens"]) == ([], 0)
    assert not site.calls


def test_a_beginning_is_gone_on_with(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("The capital is Bern."))
    messages = [{"role": "user", "content": "Capital?"}, {"role": "assistant", "content": "The capital is"}]
    assert send(client, messages=messages).get_json()["content"] == [{"type": "text", "text": " Bern."}]


def test_it_reaches_the_site_as_it_does_through_chat_completions(client: FlaskClient, site: FakeSite) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"x"}'}}
    openais = {
        "messages": [
            {"role": "system", "content": "Rule"},
            {"role": "user", "content": "Go"},
            {"role": "assistant", "content": "Well.", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "seen"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "description": "Look", "parameters": TOOL["input_schema"]},
            }
        ],
        "max_tokens": 50,
        "stop": ["END"],
        "reasoning_effort": "high",
    }
    assert client.post("/v1/chat/completions", json=openais).status_code == 200
    used = {**USED, "id": "c1"}
    reply = send(
        client,
        model=None,
        system=[{"type": "text", "text": "Rule"}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Go"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Well."}, used]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "seen"}]},
        ],
        tools=[TOOL],
        max_tokens=50,
        stop_sequences=["END"],
        thinking={"type": "adaptive"},
    )
    assert reply.status_code == 200
    one, other = site.questions()
    fixed = ("fid", "childrenIds", "timestamp", "parentId", "parent_id")
    for question in (one, other):
        question.pop("timestamp", None)
        for message in question["messages"]:
            for name in fixed:
                message.pop(name, None)
    assert json.dumps(one) == json.dumps(other)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "clown", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0.source"),
        ({"messages": [{"role": "user", "content": [{"type": "made_up"}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "tool_use_id"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use"}]}]}, "messages.0.content.0.name"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
        ({"tools": 5}, "tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "none_such"}}, "none_such"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"stop_sequences": [5]}, "stop_sequences"),
        ({"stream": "yes"}, "stream"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "none_such"}}}},
            "output_config.format",
        ),
    ],
    ids=spelled,
)
def test_what_cannot_be_is_refused(client: FlaskClient, body: dict[str, Any], named: str) -> None:
    reply = send(client, **body)
    error = reply.get_json()
    assert (reply.status_code, error["type"], error["error"]["type"]) == (400, "error", "invalid_request_error")
    assert named in error["error"]["message"]


def test_files_of_a_files_api_are_refused(client: FlaskClient) -> None:
    block = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    reply = send(client, messages=[{"role": "user", "content": [block]}])
    assert reply.status_code == 400 and "Files API" in reply.text


def test_threads_are_refused_so_that_the_library_goes_on(client: FlaskClient) -> None:
    reply = send(client, thread={"type": "create"})
    assert reply.status_code == 400
    assert reply.get_json()["error"] == {
        "type": "invalid_request_error",
        "message": "thread: not supported",
        "details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
    }


@pytest.mark.parametrize(
    "path", ["/v1/messages/batches", "/v1/messages/batches/1/results", "/v1/complete", "/v1/messages/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_offered(client: FlaskClient, path: str, method: str) -> None:
    reply = client.open(path, method=method, json={})
    assert (reply.status_code, reply.get_json()["error"]["type"]) == (404, "not_found_error")
    assert reply.headers["request-id"] == reply.get_json()["request_id"]


@pytest.mark.parametrize(
    "path", ["/messages", "/v1/messages", "/api/messages", "/api/v1/messages", "/v1/v1/messages", "/v1/messages/"]
)
def test_every_address_works(client: FlaskClient, path: str) -> None:
    assert client.post(path, json=ASK).get_json()["type"] == "message"
    assert client.get(path).get_json()["type"] == "error"
    assert "input_tokens" in client.post(f"{path.rstrip('/')}/count_tokens", json=ASK).get_json()


@pytest.mark.parametrize("has_keys", [False, True])
@pytest.mark.parametrize("path", ["/", "/api/hello"])
def test_probes(make_client: MakeClient, tmp_path: Path, path: str, has_keys: bool) -> None:
    if has_keys:
        KeyFile.open(SessionFolder(tmp_path / "session").keys).add("qp-secret-one")
    client = make_client()
    assert client.head(path).status_code == 200
    assert client.get(path).status_code == (401 if has_keys else 404)
