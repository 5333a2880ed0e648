"""The HTTP face over scripted tabs: answers, errors in both forms, who may ask, clients that leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from clocks import FakeClock
from fake_site import FakeSite
from flask.testing import FlaskClient
from replies import (
    BUSY,
    CAPTCHA,
    CUT,
    FOREVER,
    LOGGED_OUT,
    RATE_LIMITED,
    REFUSED_CONTENT,
    TICK,
    UNKNOWN_FORM,
    Reply,
    answer,
)
from spelling import spelled
from transcripts import CREATED, delta, end
from werkzeug.test import TestResponse

from qwenproxy.relay.questions import RelaySettings
from qwenproxy.upstream import ask as page_call

ASK = {"messages": [{"role": "user", "content": "Hello?"}]}
COMPLETIONS = [f"{prefix}/chat/completions" for prefix in ("/v1", "/api/v1", "/api")]
GONE = {"waitress.client_disconnected": lambda: True}


def post(client: FlaskClient, body: Any = ASK, path: str = "/v1/chat/completions", **more: Any) -> Any:
    """Return the answer, read to its end and closed unless `buffered` is False."""
    return client.post(path, json=body, **{"buffered": True, **more})


def error_of(response: TestResponse) -> Any:
    """Return the OpenAI error object of an answer, its form checked."""
    assert response.mimetype == "application/json"
    (error,) = response.get_json().values()
    assert list(error) == ["message", "type", "param", "code", "request_id"]
    assert error["message"]
    return error


@pytest.mark.parametrize("path", COMPLETIONS)
def test_a_plain_answer(client: FlaskClient, path: str) -> None:
    response = post(client, {**ASK, "model": "qwen-max"}, path)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.get_json()["choices"][0]["message"] == {"role": "assistant", "content": "Hello world"}
    assert response.get_json()["choices"][0]["finish_reason"] == "stop"
    assert response.get_json()["usage"]["total_tokens"] == 9
    assert "x-qwenproxy-ignored" not in response.headers


@pytest.mark.parametrize("path", COMPLETIONS)
def test_a_streamed_answer(client: FlaskClient, path: str) -> None:
    response = post(client, {**ASK, "stream": True, "stream_options": {"include_usage": True}}, path)
    assert response.status_code == 200
    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    stages = [stage.partition(";")[0] for stage in response.headers["Server-Timing"].split(", ")]
    assert stages == ["account", "files", "chat", "first"]
    *chunks, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = [json.loads(chunk.removeprefix("data: ")) for chunk in chunks]
    contents = [chunk["choices"][0]["delta"].get("content") for chunk in chunks if chunk["choices"]]
    assert contents == ["", "Hello", " world", None]
    assert chunks[-1]["usage"]["total_tokens"] == 9
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_json_is_compact_and_unescaped(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Я 🙂"))
    response = post(client)
    assert '"message":{"role":"assistant","content":"Я 🙂"}' in response.text


def test_the_question_is_read_as_utf8(client: FlaskClient, site: FakeSite) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "Как дела? 🙂"}]}, ensure_ascii=False)
    client.post("/v1/chat/completions", data=body.encode(), content_type="application/json")
    assert site.questions()[0]["messages"][0]["content"] == "Как дела? 🙂"


def test_what_is_ignored_is_named_in_a_header(client: FlaskClient) -> None:
    for stream in (False, True):
        response = post(client, {**ASK, "temperature": 0, "seed": 1, "x y": 2, "stream": stream})
        assert set(response.headers["x-qwenproxy-ignored"].split(",")) == {"temperature", "seed"}


def test_each_answer_has_a_request_id(client: FlaskClient) -> None:
    ids = {client.get("/health").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    ("reply", "status", "code", "kind"),
    [
        (REFUSED_CONTENT, 400, "content_filter", "invalid_request_error"),
        (RATE_LIMITED, 429, "rate_limited", "rate_limit_error"),
        (LOGGED_OUT, 503, "no_accounts", "api_error"),
        (CAPTCHA, 503, "verification_required", "api_error"),
        (BUSY, 502, "upstream_error", "api_error"),
        (Reply(), 502, "upstream_error", "api_error"),
        (UNKNOWN_FORM, 502, "protocol_changed", "api_error"),
        (Reply(head_after=FOREVER), 504, "upstream_timeout", "api_error"),
    ],
    ids=["content", "limited", "logged-out", "captcha", "busy", "empty", "unknown-form", "silent"],
)
def test_a_problem_before_the_first_byte_is_a_status(
    make_client: Callable[..., FlaskClient], site: FakeSite, reply: Any, status: int, code: str, kind: str
) -> None:
    client = make_client(1, RelaySettings(stall_timeout=5))
    site.always("a", reply)
    for stream in (False, True):
        response = post(client, {**ASK, "stream": stream})
        assert response.status_code == status
        error = error_of(response)
        assert (error["code"], error["type"]) == (code, kind)
        assert ("Retry-After" in response.headers) == (status == 429)


def test_how_long_to_stay_away(make_client: Callable[..., FlaskClient], site: FakeSite, clock: FakeClock) -> None:
    client = make_client()
    site.always("a", RATE_LIMITED)
    assert post(client).headers["Retry-After"] == str(6 * 3600 + 300)
    clock.now += 3600.5
    assert post(client).headers["Retry-After"] == str(5 * 3600 + 300)


def test_no_place_in_the_queue(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(1, account_concurrency=1, queue_wait=0)
    busy = post(client, {**ASK, "stream": True}, buffered=False)
    response = post(client)
    assert (response.status_code, error_of(response)["code"]) == (429, "queue_timeout")
    assert int(response.headers["Retry-After"]) > 0
    busy.close()
    assert post(client).status_code == 200


def test_a_cut_answer(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", CUT, CUT)
    plain = post(client)
    assert (plain.status_code, error_of(plain)["code"]) == (502, "upstream_error")
    assert "Half" not in plain.text
    streamed = post(client, {**ASK, "stream": True})
    assert streamed.status_code == 200
    assert json.loads(streamed.text.rstrip().rpartition("data: ")[2])["error"]["code"] == "upstream_error"
    assert "[DONE]" not in streamed.text


def test_an_unknown_model(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(1, RelaySettings(unknown_model="error"))
    response = post(client, {**ASK, "model": "made-up"})
    assert response.status_code == 404
    assert (error_of(response)["code"], error_of(response)["param"]) == ("model_not_found", "model")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ('"x"', "invalid_json"),
        ("null", "invalid_json"),
        ('{"messages":"\\ud800"}', "invalid_request"),
        ('{"n":NaN}', "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        (b"\xff\xfe{}", "invalid_json"),
        ("{}", "invalid_request"),
        ('{"messages":[]}', "invalid_request"),
        ('{"messages":[{"role":"user","content":"x"}],"n":2}', "unsupported_parameter"),
        ('{"messages":[{"role":"user","content":"x"}],"max_tokens":1e999}', "invalid_json"),
        ('{"messages":[{"role":"user","content":"x"}],"max_tokens":' + "9" * 400 + "}", None),
    ],
    ids=spelled,
)
def test_bad_bodies(client: FlaskClient, site: FakeSite, body: Any, code: str) -> None:
    response = client.post("/v1/chat/completions", data=body, content_type="application/json")
    assert response.status_code == 400
    assert code in (None, error_of(response)["code"])
    assert site.calls == []


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_other_bodies_are_not_read(client: FlaskClient, content_type: str | None) -> None:
    response = client.post("/v1/chat/completions", data=json.dumps(ASK), content_type=content_type)
    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/vnd.api+json"])
def test_json_by_any_of_its_names(client: FlaskClient, content_type: str | None) -> None:
    response = client.post("/v1/chat/completions", data=json.dumps(ASK), content_type=content_type)
    assert response.status_code == 200


def test_a_body_over_the_limit(make_client: Callable[..., FlaskClient], site: FakeSite) -> None:
    client = make_client(config={"max_body": "100"})
    response = post(client, {"messages": [{"role": "user", "content": "x" * 100}]})
    assert (response.status_code, error_of(response)["code"]) == (413, "file_too_large")
    assert site.calls == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/api/models", 405, "method_not_allowed"),
        ("PUT", "/api/chat/completions", 405, "method_not_allowed"),
        ("GET", "/v1/models/made-up", 404, "model_not_found"),
    ],
)
def test_no_such_thing_in_openais_form(client: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    response = client.open(path, method=method)
    assert (response.status_code, error_of(response)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/../etc/passwd", 404, "not_found"),
        ("GET", "/%00", 404, "not_found"),
        ("POST", "/health", 405, "method_not_allowed"),
    ],
)
def test_no_such_thing_in_the_native_form(client: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert list(response.get_json()) == ["error", "code", "request_id"]
    assert response.get_json()["code"] == code


def test_an_unforeseen_failure_tells_nothing(
    client: FlaskClient, site: FakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site.script("a", ValueError("secret words"))
    response = post(client)
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert "secret words" not in response.text + caplog.text
    assert "ValueError" in caplog.text


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1", "/api"])
def test_models(client: FlaskClient, prefix: str) -> None:
    listing = client.get(f"{prefix}/models").get_json()
    assert listing["object"] == "list"
    names = [model["id"] for model in listing["data"]]
    assert names[:3] == ["qwen3.8-max", "qwen3.7-plus", "qwen3-coder-plus"]
    assert "qwen-max-latest" in names and len(names) == len(set(names))
    for name in ("qwen3.8-max", "qwen-max-latest"):
        model = client.get(f"{prefix}/models/{name}").get_json()
        assert {"id": name, "object": "model", "created": 1770000000, "owned_by": "qwen"}.items() <= model.items()
        assert model in listing["data"]


def test_health_tells_counts_and_nothing_else(make_client: Callable[..., FlaskClient], site: FakeSite) -> None:
    client = make_client(3)
    registry = client.application.extensions["qwenproxy.relay"].pool.registry
    assert client.get("/health").get_json() == {"status": "ok", "accounts": {"OK": 3, "WAIT": 0, "INVALID": 0}}
    registry.mark_invalid("a")
    registry.rest("b", FakeClock().now + 10**9)
    assert client.get("/health").text == '{"status":"ok","accounts":{"OK":1,"WAIT":1,"INVALID":1}}'


class TestClientGone:
    def test_before_the_first_byte(self, client: FlaskClient, site: FakeSite) -> None:
        site.script("a", Reply((CREATED,), endless=True))
        assert post(client, environ_overrides=GONE).status_code == 499
        assert site.responses[-1].closed and len(site.sent) == 1

    def test_in_the_middle_of_a_plain_answer(self, client: FlaskClient, site: FakeSite) -> None:
        site.script("a", Reply((CREATED, delta("Half"), TICK, delta("more"), end())))
        assert post(client, environ_overrides=GONE).status_code == 499
        assert len(site.sent) == 1

    def test_in_the_middle_of_a_stream(self, client: FlaskClient, site: FakeSite) -> None:
        site.script("a", Reply((CREATED, delta("Half")), endless=True))
        checks = iter(range(100))
        soon = {"waitress.client_disconnected": lambda: next(checks) > 5}
        response = post(client, {**ASK, "stream": True}, environ_overrides=soon)
        assert response.text.count("data:") == 2
        assert site.responses[-1].closed and len(site.sent) == 1

    def test_before_the_stream_is_read(self, client: FlaskClient, site: FakeSite) -> None:
        post(client, {**ASK, "stream": True}, buffered=False).close()
        assert site.responses[-1].closed and len(site.sent) == 1

    def test_after_some_frames(self, client: FlaskClient, site: FakeSite) -> None:
        site.script("a", Reply((CREATED, *[delta("x")] * 50, end())))
        response = post(client, {**ASK, "stream": True}, buffered=False)
        frames = response.iter_encoded()
        assert b'"content":"x"' in [next(frames) for _ in range(3)][2]
        response.close()
        assert len(site.sent) == 1


def test_the_server_hears_once_that_nobody_is_logged_in(
    make_client: Callable[..., FlaskClient], site: FakeSite
) -> None:
    notices = []
    client = make_client(2, on_exhausted=lambda: notices.append(1))
    site.always("a", LOGGED_OUT)
    site.always("b", LOGGED_OUT)
    assert post(client).status_code == 503
    assert notices == [1]


def test_a_slow_model_list_is_no_reason_to_wait_for_ever(
    make_client: Callable[..., FlaskClient], site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_call, "CALL_WAIT", 0.0)
    client = make_client()
    site.always("a", Reply(head_after=FOREVER), call="models")
    assert client.get("/v1/models").status_code == 200
    assert post(client).status_code == 200


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    assert "POST" in client.get("/v1/chat/completions").headers["Allow"]
