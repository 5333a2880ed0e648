"""POST /v1/responses over the whole product but for the browser: answers, streams, failures, counts, compactions."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from makers import MakeConversations
from openai.types.responses import Response
from replies import RATE_LIMITED, REFUSED_CONTENT, Reply, answer
from response_events import check, events_in
from transcripts import CREATED, FAILED, SEARCHED, SUMMED, counts, delta, end

from qwenproxy.api import answering
from qwenproxy.api.responses.encoder import ResponseEncoder
from qwenproxy.api.responses.failures import error_object, failed_error
from qwenproxy.api.responses.request import parse_response
from qwenproxy.errors import (
    AccountsResting,
    ContentFilter,
    ContextLengthExceeded,
    InputRejected,
    InternalError,
    ProxyError,
    QueueTimeout,
    SiteFailure,
    StorageError,
)
from qwenproxy.history.conversations import Alone

PATH = "/v1/responses"
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}
AGENTS = {
    "type": "namespace",
    "name": "agents",
    "description": "",
    "tools": [{"type": "function", "name": "spawn", "parameters": {"type": "object"}}],
}
PATCH = {"type": "custom", "name": "patch", "description": "Patch"}
TOOLS: dict[str, Any] = {"tools": [LOOK, AGENTS, PATCH]}


def written(name: str, **arguments: Any) -> Reply:
    """Return an answer that calls a function in the notation of the models."""
    call = json.dumps({"name": name, "arguments": arguments})
    return answer("Let me see. ", f"<tool_call>\n{call}\n</tool_call>")


def create(client: FlaskClient, **body: Any) -> Any:
    return client.post(PATH, json={"input": "Hello?", "model": "qwen-max", **body}, buffered=True)


def streamed(client: FlaskClient, *, fails: bool = False, **body: Any) -> dict[str, Any]:
    """Return the final response of a stream, whose events are checked."""
    response = create(client, stream=True, **body)
    assert (response.status_code, response.mimetype) == (200, "text/event-stream"), response.text
    return check(events_in(response.text, fails=fails))


def without_ids(value: Any) -> Any:
    """Return a response without what is new in each."""
    if isinstance(value, dict):
        new = ("id", "call_id", "created_at", "completed_at", "encrypted_content")
        return {key: without_ids(each) for key, each in value.items() if key not in new}
    return [without_ids(each) for each in value] if isinstance(value, list) else value


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] for part in item.get("content", ()))


@pytest.mark.parametrize("path", ["/v1/responses", "/api/v1/responses", "/api/responses", "/responses"])
def test_a_whole_response(client: FlaskClient, path: str) -> None:
    body = client.post(path, json={"input": "Hello?", "metadata": {"k": "v"}}).get_json()
    Response.model_validate(body)
    assert (body["object"], body["status"], body["error"], body["incomplete_details"]) == (
        "response", "completed", None, None,
    )  # fmt: skip
    assert body["id"].startswith("resp_")
    assert body["model"] == "qwen3.8-max"
    assert body["completed_at"] >= body["created_at"]
    assert (body["metadata"], body["store"], body["tool_choice"], body["tools"]) == ({"k": "v"}, True, "auto", [])
    assert text_of(body) == "Hello world"
    assert body["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 11, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 9,
    }


ANSWERS: dict[str, tuple[Reply, dict[str, Any]]] = {
    "text": (answer("Hello", " world"), {}),
    "thoughts": (Reply((SUMMED,)), {"reasoning": {"effort": "high"}, "include": ["reasoning.encrypted_content"]}),
    "a search": (
        Reply((SEARCHED,)),
        {"tools": [{"type": "web_search"}], "include": ["web_search_call.action.sources"]},
    ),
    "a call": (written("look", a=1), TOOLS),
    "a call in a namespace": (written("agents__spawn"), TOOLS),
    "a call of a custom tool": (written("patch", input="*** Begin"), TOOLS),
    "a cut answer": (answer(*(f"word{n} " for n in range(40))), {"max_output_tokens": 5}),
}


@pytest.mark.parametrize(("reply", "body"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_stream_ends_with_what_a_whole_answer_is(
    client: FlaskClient, site: FakeSite, reply: Reply, body: dict[str, Any]
) -> None:
    site.script("a", reply, reply)
    whole = create(client, **body).get_json()
    Response.model_validate(whole)
    assert without_ids(streamed(client, **body)) == without_ids(whole)


def test_items_of_all_kinds(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", written("look", a=1), written("agents__spawn"), written("patch", input="*** Begin"))
    calls = [streamed(client, **TOOLS)["output"][-1] for _ in range(3)]
    assert [(call["type"], call["name"], call.get("namespace")) for call in calls] == [
        ("function_call", "look", None), ("function_call", "spawn", "agents"), ("custom_tool_call", "patch", None),
    ]  # fmt: skip
    assert json.loads(calls[0]["arguments"]) == {"a": 1}
    assert calls[2]["input"] == "*** Begin"
    assert all(call["call_id"].startswith("call_") for call in calls)


def test_a_cut_answer_is_incomplete(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, *(delta("word ", usage=counts(7, n)) for n in range(1, 40)), end())))
    response = streamed(client, max_output_tokens=5)
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert response["output"][-1]["status"] == "incomplete"
    assert response["usage"]["output_tokens"] <= 6


def test_sources_and_citations_of_a_search(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((SEARCHED,)))
    response = streamed(client, tools=[{"type": "web_search"}], include=["web_search_call.action.sources"])
    search = next(item for item in response["output"] if item["type"] == "web_search_call")
    (part,) = response["output"][-1]["content"]
    (citation,) = part["annotations"]
    assert search["action"]["sources"] == [{"type": "url", "url": "https://news.example/a"}]
    assert part["text"][citation["start_index"] : citation["end_index"]] == "[1]"


def test_the_same_question_reaches_the_site_as_through_chat_completions(client: FlaskClient, site: FakeSite) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Look!"},
        {"role": "assistant", "content": "I do.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Found."},
        {"role": "user", "content": "And?"},
    ]
    items = [
        {"role": "user", "content": "Look!"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "I do."}]},
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": '{"a": 1}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "Found."},
        {"role": "user", "content": [{"type": "input_text", "text": "And?"}]},
    ]
    more = {"model": "qwen-max", "reasoning": {"effort": "low"}}
    function = {"type": "function", "function": {key: LOOK[key] for key in ("name", "parameters")}}
    client.post("/v1/chat/completions", json={"messages": messages, "tools": [function], **more})
    create(client, input=items, instructions="Be brief.", tools=[LOOK], **more)
    one, two = (_comparable(question) for question in site.questions())
    assert one == two


def _comparable(question: dict[str, Any]) -> dict[str, Any]:
    """Return a question without the ids and times that are new in each."""
    (message,) = question["messages"]
    new = ("fid", "timestamp", "childrenIds")
    return {
        **{key: value for key, value in question.items() if key not in ("messages", "timestamp", "chat_id")},
        "message": {key: value for key, value in message.items() if key not in new},
    }


def test_a_conversation_goes_on_where_the_site_holds_it(client: FlaskClient) -> None:
    first = create(client).get_json()
    items = [{"role": "user", "content": "Hello?"}, *first["output"], {"role": "user", "content": "And?"}]
    second = create(client, input=items)
    assert second.headers["x-qwenproxy-context"] == "continued"


def test_an_error_of_the_request_names_its_field(client: FlaskClient) -> None:
    response = create(client, input=123)
    assert response.status_code == 400
    error = response.get_json()["error"]
    assert error.pop("request_id") == response.headers["x-request-id"]
    assert error == {
        "message": "input must be a string or an array of items.",
        "type": "invalid_request_error",
        "param": "input",
        "code": "invalid_request",
    }


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"previous_response_id": "resp_x"}, 400, "previous_response_not_found", "previous_response_id"),
        ({"conversation": "conv_x"}, 404, "not_found", "conversation"),
    ],
    ids=["response", "conversation"],
)
def test_what_is_not_there(client: FlaskClient, body: dict[str, Any], status: int, code: str, param: str) -> None:
    response = create(client, **body)
    error = response.get_json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (status, code, param)


def test_a_used_up_quota_says_when_it_resets(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", RATE_LIMITED)
    response = create(client, stream=True)
    error = response.get_json()["error"]
    assert (response.status_code, error["type"], error["code"]) == (429, "usage_limit_reached", "rate_limited")
    assert isinstance(error["resets_at"], int)
    assert response.headers["x-should-retry"] == "false"


def test_a_refused_content(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", REFUSED_CONTENT)
    response = create(client)
    assert (response.status_code, response.get_json()["error"]["code"]) == (400, "content_filter")


def test_a_question_that_is_too_long_names_the_input() -> None:
    error = error_object(ContextLengthExceeded(9, 8))["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")


@pytest.mark.parametrize(
    "broken",
    [CREATED + delta("Half"), FAILED],
    ids=["cut", "error"],
)
def test_a_failure_amid_the_answer_is_none_that_ends_well(client: FlaskClient, site: FakeSite, broken: str) -> None:
    site.script("a", Reply((broken,)))
    text = create(client, stream=True).text
    events = events_in(text, fails=True)
    response = check(events)
    assert "[DONE]" not in text
    assert (response["status"], response["error"]["code"]) == ("failed", "server_error")
    error = events[-2]
    assert error["type"] == "error"
    assert error["message"] == error["error"]["message"] == response["error"]["message"]
    assert (
        (error["code"], error["param"]) == (error["error"]["code"], error["error"]["param"]) == ("upstream_error", None)
    )


def late(client: FlaskClient, browser: threading.Event, *, fails: bool = False) -> list[dict[str, Any]]:
    """Return the events of a stream that begins before its browser is open."""
    response = client.post(PATH, json={"input": "Hello?", "stream": True})
    pieces = response.iter_encoded()
    text = next(pieces)
    browser.set()
    text += b"".join(pieces)
    response.close()
    return events_in(text.decode(), fails=fails)


def test_signs_of_life_are_events_and_the_begin_comes_once(client: FlaskClient, browser: threading.Event) -> None:
    events = late(client, browser)
    assert text_of(check(events)) == "Hello world"
    types = [event["type"] for event in events]
    assert [types.count(kind) for kind in ("response.created", "response.in_progress")] == [1, 1]


def test_a_quota_that_is_used_up_behind_signs_of_life(
    client: FlaskClient, site: FakeSite, browser: threading.Event
) -> None:
    site.script("a", RATE_LIMITED)
    response = check(late(client, browser, fails=True))
    assert (response["status"], response["error"]["code"]) == ("failed", "insufficient_quota")
    assert "will reset at" in response["error"]["message"]


def test_each_sign_of_life_is_an_event() -> None:
    encoder = ResponseEncoder(parse_response({"input": "Hello?", "stream": True}))
    text = b"".join(encoder.keep_alive for _ in range(3)) + encoder.failure(SiteFailure("The site failed."))
    events = events_in(text.decode(), fails=True)
    assert check(events)["id"] == encoder.response_id
    assert [event["type"] for event in events] == [
        "response.created", "response.in_progress", "response.in_progress", "response.in_progress", "error",
        "response.failed",
    ]  # fmt: skip


CODES: dict[str, tuple[ProxyError, str, str]] = {
    "busy": (QueueTimeout("Busy.", retry_after=4.2), "rate_limit_exceeded", "Busy. Please try again in 5s."),
    "resting": (AccountsResting("Resting.", retry_after=3600), "insufficient_quota", " Resting."),
    "content": (ContentFilter("Refused."), "invalid_prompt", "Refused."),
    "too long": (ContextLengthExceeded(9, 8), "context_length_exceeded", "Please reduce the length of the messages."),
    "the request": (InputRejected("No."), "invalid_prompt", "No."),
    "the site": (SiteFailure("The site failed."), "server_error", "The site failed."),
    "a bug": (InternalError("A bug."), "server_error", "A bug."),
}


@pytest.mark.parametrize(("error", "code", "words"), CODES.values(), ids=CODES.keys())
def test_a_failed_response_has_a_code_that_codex_acts_on(error: ProxyError, code: str, words: str) -> None:
    fields = failed_error(error)
    assert fields["code"] == code
    assert fields["message"].endswith(words)


def test_the_final_response_is_told_once_and_before_the_end() -> None:
    told: list[dict[str, Any]] = []
    encoder = ResponseEncoder(parse_response({"input": "Hello?", "stream": True}), told.append)
    encoder.failure(SiteFailure("The site failed."))
    encoder.failure(SiteFailure("The site failed again."))
    assert [(response["id"], response["status"]) for response in told] == [(encoder.response_id, "failed")]


def test_a_response_that_cannot_be_kept_fails(make_conversations: MakeConversations) -> None:
    def fail(response: dict[str, Any]) -> None:
        raise StorageError("The disk is full.")

    request = parse_response({"input": "Hello?", "stream": True})
    encoder = ResponseEncoder(request, fail)
    with make_conversations().answer(Alone(), request.chat, lambda: False) as kept:
        text = b"".join(answering.stream(kept, encoder, lambda: False)).decode()
    assert check(events_in(text, fails=True))["status"] == "failed"


def test_refused_content_behind_signs_of_life(client: FlaskClient, site: FakeSite, browser: threading.Event) -> None:
    site.script("a", REFUSED_CONTENT)
    assert check(late(client, browser, fails=True))["error"]["code"] == "invalid_prompt"


def test_tokens_are_counted_without_the_site(client: FlaskClient, site: FakeSite) -> None:
    def count(**body: Any) -> int:
        response = client.post(f"{PATH}/input_tokens", json={"input": "Hello?", **body}).get_json()
        assert set(response) == {"object", "input_tokens"}
        return int(response["input_tokens"])

    assert 0 < count() < count(instructions="Be brief.") < count(instructions="Be brief.", tools=[LOOK])
    assert not site.questions()


def test_a_compaction_goes_on_as_its_summary(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("We ", "talked."))
    compacted = client.post(f"{PATH}/compact", json={"model": "qwen-max", "input": "Hello?"}).get_json()
    assert (compacted["object"], set(compacted)) == (
        "response.compaction", {"id", "object", "created_at", "output", "usage"},
    )  # fmt: skip
    assert [item["type"] for item in compacted["output"]] == ["message", "compaction"]
    assert compacted["usage"]["total_tokens"] == 9
    create(client, input=[*compacted["output"], {"role": "user", "content": "And?"}])
    asked, went_on = (question["messages"][0]["content"] for question in site.questions())
    assert "summary" in asked
    assert "We talked." in went_on


def test_a_compaction_needs_a_model(client: FlaskClient) -> None:
    response = client.post(f"{PATH}/compact", json={"input": "Hello?"})
    assert (response.status_code, response.get_json()["error"]["param"]) == (400, "model")


def test_a_trigger_is_answered_with_one_compaction(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("We ", "talked."))
    response = streamed(client, input=[{"role": "user", "content": "Hello?"}, {"type": "compaction_trigger"}], **TOOLS)
    assert [item["type"] for item in response["output"]] == ["compaction"]


def test_a_get_is_told_to_post(client: FlaskClient) -> None:
    response = client.get(PATH)
    assert (response.status_code, response.get_json()["error"]["code"]) == (426, "upgrade_required")
    assert response.headers["Upgrade"] == "websocket"


def test_a_socket_is_told_to_post(client: FlaskClient) -> None:
    response = client.get(PATH, headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert response.status_code == 426


def test_what_has_no_effect_is_named(client: FlaskClient) -> None:
    response = create(client, temperature=0.5, tools=[{"type": "code_interpreter"}])
    assert response.headers["x-qwenproxy-ignored"] == "tools.code_interpreter,temperature"
