"""Every route against all that may be thrown at it: never a 500, never a hang, never a secret, nothing harmed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fake_site import FakeResponse
from flask.testing import FlaskClient
from fuzzing import FUZZED, JSON
from hypothesis import given, settings
from hypothesis import strategies as st
from jwts import jwt
from kept_chats import ChatSite, KeptChats
from replies import refusal
from schemathesis.checks import CHECKS
from spelling import spelled
from werkzeug.test import TestResponse

from qwenproxy.accounts.registry import Registry
from qwenproxy.admin.office import OFFICE
from qwenproxy.api.openapi import document
from qwenproxy.browser.page import PageRequest
from qwenproxy.disk.folder import SessionFolder

NOT_FUZZED = ("/admin/api/windows",)  # it opens a browser
SCHEMA = schemathesis.openapi.from_dict(document())
# The three prefixes have the same routes behind them.
COPIES = re.compile(
    "^/api/(v1/|v1beta/)?"
    "(chat/completions|completions|responses|conversations|messages|models|images|videos|audio)|^/v1/models/.+:"
)
ONCE = SCHEMA.exclude(path_regex=COPIES.pattern).exclude(path_regex="|".join(map(re.escape, NOT_FUZZED)))
CONFORMANCE = CHECKS.get_by_names(
    [
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)


def writing() -> list[tuple[str, str]]:
    """Return method and address of every route that reads a body, each once."""
    routes = [
        (method.upper(), re.sub(r"\{\w+\}", "none", path))
        for path, operations in document()["paths"].items()
        if not COPIES.match(path) and path not in NOT_FUZZED
        for method, operation in operations.items()
        if method in ("post", "put") and "requestBody" in operation
    ]
    assert len(routes) > 30
    return routes


WRITING = writing()
NEEDS_NOTHING = ("/api/chats", "/v1/conversations")  # an empty body is as good as {}
TOKEN, KEY, MESSAGE = jwt(id="planted-token"), "planted-key-8f2c", "planted message text"


class FullSite(ChatSite):
    """A site that has an answer to every call of the proxy."""

    def ask(self, account_id: str, request: PageRequest) -> FakeResponse:
        if "getstsToken" in request.path:
            response = FakeResponse(refusal("Bad_Request", "Invalid input file name", 400))
            self.responses.append(response)
            return response
        return super().ask(account_id, request)


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptChats]:
    """One server for all of this; nothing thrown at it may keep it from answering the next request."""
    session = tmp_path_factory.mktemp("fuzz") / "session"
    registry = Registry.open(SessionFolder(session))
    registry.add(TOKEN, "a")
    chats = KeptChats(session, registry, time.time, time.sleep)
    chats.site = FullSite()
    chats.start()
    # As the admin, because that opens every route, and because one of them makes keys.
    chats.client.environ_base["HTTP_AUTHORIZATION"] = admin_header(chats)["Authorization"]
    yield chats
    assert chats.say("Still there?").status_code == 200
    chats.close()


def admin_header(chats: KeptChats) -> dict[str, str]:
    """Return what opens every route."""
    return {"Authorization": f"Bearer {chats.app.extensions[OFFICE].admin_keys.first()}"}


@pytest.fixture
def client(chats: KeptChats) -> Iterator[FlaskClient]:
    yield chats.client
    assert chats.client.get("/api/status").get_json()["authenticated"]


def check(response: TestResponse) -> int:
    """An answer is a success or an error in the form of its API, and never a failure of ours."""
    path = response.request.path
    assert response.status_code != 500, f"{path}: {response.text}"
    if response.status_code >= 400 and path.startswith("/ollama"):
        assert response.get_json()["error"]
    elif response.status_code >= 400:
        error = response.get_json()["error"]
        is_anthropics = "request_id" in response.get_json()
        code = error["type" if is_anthropics else "code"] if isinstance(error, dict) else response.get_json()["code"]
        assert code
    return response.status_code


def send(client: FlaskClient, method: str, path: str, body: Any, content_type: str = "application/json") -> int:
    response = client.open(path, method=method, data=body, content_type=content_type)
    with response:
        return check(response)


@ONCE.parametrize()
@FUZZED
def test_all_that_the_description_suggests(case: Any, chats: KeptChats) -> None:
    response = case.call(app=chats.app, headers=admin_header(chats))
    assert response.status_code != 500, response.text
    case.validate_response(response, checks=CONFORMANCE)


def nested(depth: int, *, inside: str = "1") -> str:
    return "[" * depth + inside + "]" * depth


BROKEN = {
    "nothing": "",
    "one brace": "{",
    "no json": "message=hello",
    "two objects": "{}{}",
    "a comment": '{"message":"x"}//',
    "single quotes": "{'message':'x'}",
    "nested a hundred thousand deep": nested(100_000),
    "nested without an end": "[" * 100_000,
    "objects a hundred thousand deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "not a number": '{"message":NaN}',
    "infinity": '{"message":1e999}',
    "a NUL": b"\x00",
    "a NUL in a text": b'{"message":"a\x00b"}',
    "half a character": b'{"message":"\xd0"}',
    "a list": "[1]",
    "a text": '"x"',
    "null": "null",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_is_no_json_object(client: FlaskClient, body: Any) -> None:
    for method, path in WRITING:
        is_nobodys = path.startswith("/admin/api/accounts/none/")  # told before the body is read
        allowed = (200,) if body == "" and path in NEEDS_NOTHING else (404,) if is_nobodys else (400, 415)
        assert send(client, method, path, body) in allowed, path


ODD = {
    "a lone surrogate": '{"message":"\\ud800"}',
    "a surrogate in UTF-8": b'{"message":"\xed\xa0\x80"}',
    "UTF-16": '{"message":"x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"message":"x"}',
    "UTF-32": '{"message":"x"}'.encode("utf-32-be"),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_odd_json_is_json(client: FlaskClient, body: Any) -> None:
    for method, path in WRITING:
        response = client.open(path, method=method, data=body, content_type="application/json")
        with response:
            assert check(response) in (200, 204, 400, 404, 415), path
            assert "invalid_json" not in response.text, path


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "br", "gzip, gzip, gzip", "identity", ",", "x" * 5000], ids=spelled
)
def test_packings(client: FlaskClient, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    for method, path in WRITING:
        response = client.open(path, method=method, data=b"{}", content_type="application/json", headers=headers)
        with response:
            assert check(response) in (200, 204, 400, 404, 415), path


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/xml",
        "application/json; charset=utf-7",
        "multipart/form-data",
        "x" * 5000,
        "a/b;;=;",
    ],
    ids=spelled,
)
def test_other_content_types(client: FlaskClient, content_type: str) -> None:
    for method, path in WRITING:
        assert send(client, method, path, '{"message":"x"}', content_type) in (200, 204, 400, 404, 415), path


def with_arguments(value: Any) -> Any:
    function = {"name": "f", "arguments": value}
    calls = [{"id": "1", "type": "function", "function": function}]
    return {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": calls}]}


def with_parameters(value: Any) -> Any:
    function = {"name": "f", "parameters": {"x": value}}
    tool = {"type": "function", "function": function, **function, "input_schema": {"x": value}}
    return {"messages": [{"role": "user", "content": "x"}], "input": "x", "max_tokens": 9, "tools": [tool]}


@pytest.mark.parametrize("depth", [200, 253, 254, 300, 900])
@pytest.mark.parametrize(
    "body", [with_arguments, with_parameters, lambda value: {"message": value}, lambda value: value]
)
def test_deep_values_in_their_place(client: FlaskClient, body: Any, depth: int) -> None:
    for method, path in WRITING:
        send(client, method, path, json.dumps(body(json.loads(nested(depth)))))


NUMBERS = [
    "0",
    "-1",
    "-0",
    "1.0",
    "1e308",
    "9" * 400,
    "-" + "9" * 400,
    "1e-400",
    "18446744073709551616",
    "true",
    "null",
]
NUMBER_FIELDS = {
    "/v1/chat/completions": ("n", "max_tokens", "max_completion_tokens", "thinking_budget", "temperature"),
    "/api/chats/cleanup": ("olderThan", "userMessageCountLessThan", "messageCountLessThan", "maxChats"),
    "/api/files/getstsToken": ("filesize",),
    "/v1/responses": ("max_output_tokens", "max_tool_calls", "temperature", "top_logprobs", "context_management"),
    "/v1/messages": ("max_tokens", "temperature", "top_k"),
    "/v1/images/generations": ("n", "output_compression", "partial_images"),
    "/v1/videos": ("seconds", "n"),
    "/v1/audio/speech": ("speed",),
    "/ollama/api/generate": ("keep_alive", "options", "think"),
    "/v1beta/models/none:generateContent": ("generationConfig", "generation_config"),
}


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
def test_odd_numbers(client: FlaskClient, number: int) -> None:
    for path, fields in NUMBER_FIELDS.items():
        for field in fields:
            body = {"messages": [{"role": "user", "content": "x"}], "filename": "a.txt", "filetype": "file"}
            body |= {"model": "qwen-max", "input": "x", "prompt": "x", "contents": [{"parts": [{"text": "x"}]}]}
            send(client, "POST", path, json.dumps(body)[:-1] + f',"{field}":{number}}}')


ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "clown"])
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "image", "file", "input_text", "video", "thinking"]) | JSON},
    optional={"text": JSON, "image_url": JSON, "image": JSON, "file": JSON},
)
MESSAGES = st.fixed_dictionaries(
    {"role": ROLES},
    optional={
        "content": JSON | st.lists(PARTS | JSON, max_size=2),
        "tool_calls": JSON | st.lists(st.fixed_dictionaries({"function": st.just({"name": "f"}) | JSON})),
        "function_call": JSON,
        "tool_call_id": JSON,
        "name": JSON,
    },
)
FIELD_NAMES = [
    "message", "model", "stream", "stream_options", "stop", "max_tokens", "n", "tools", "tool_choice", "chatId", "name",
    "reasoning_effort", "enable_thinking", "functions", "function_call", "reasoning", "thinking", "think",
    "chat_template_kwargs", "logprobs", "logit_bias", "modalities", "temperature", "response_format",
    "filename", "filesize", "filetype", "olderThan", "maxChats", "input", "instructions", "system", "contents",
    "prompt", "previous_response_id", "conversation", "generationConfig", "systemInstruction", "format", "options",
    "template", "images", "image", "mask", "size", "voice", "speed", "seconds", "input_reference", "text", "include",
    "metadata", "items", "context_management", "output_config", "mcp_servers", "safetySettings", "keep_alive", "suffix",
    "store", "background",
]  # fmt: skip
FIELDS = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGES | JSON, max_size=3) | JSON}, optional=dict.fromkeys(FIELD_NAMES, JSON)
)


@settings(FUZZED, max_examples=50)
@given(FIELDS)
def test_right_names_and_wrong_types(client: FlaskClient, body: Any) -> None:
    for method, path in WRITING:
        send(client, method, path, json.dumps(body))


IDS = [
    "..%2F..%2Fsecret", "%2E%2E%2Fsecret", "..%5Csecret", "..", ".", "%00", "a%00b", "secret%00", "a" * 256, "a" * 5000,
    "%ED%A0%80", "%FF", "*", "~", "%20", "con", "nul.json", "a/b", "/secret", "%252e%252e%252fsecret", "..;", "-",
]  # fmt: skip


@pytest.mark.parametrize("chat_id", IDS, ids=lambda chat_id: chat_id[:12])
def test_ids_that_lead_elsewhere(client: FlaskClient, chats: KeptChats, chat_id: str) -> None:
    secret = chats.session_dir.parent / "secret.json"
    secret.write_text("[]")
    for method in ("GET", "DELETE"):
        assert send(client, method, f"/api/chats/{chat_id}", None) in (400, 404, 405)
    assert send(client, "PUT", f"/api/chats/{chat_id}/rename", '{"name":"x"}') in (400, 404, 405)
    assert secret.read_text() == "[]"


@pytest.mark.parametrize(
    "chat_id",
    ["../secret", "..", ".", "", "a/b", "a\\b", "a\0b", "a" * 256, "/etc/passwd", "x\n", 7, [], {}, True],
    ids=spelled,
)
def test_ids_in_bodies_that_lead_elsewhere(client: FlaskClient, chats: KeptChats, chat_id: str) -> None:
    secret = chats.session_dir.parent / "secret.json"
    secret.write_text("[]")
    assert send(client, "POST", "/api/chat", json.dumps({"message": "x", "chatId": chat_id})) == 400
    assert secret.read_text() == "[]"
    assert not list(chats.session_dir.parent.glob("*.lock"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer " + "x" * 100_000},
        {"Authorization": "\xff\xfe"},
        {"Authorization": "Bearer \x00"},
        {"Content-Length": "-1"},
        {"Content-Length": "many"},
        {"Content-Length": "1" * 100},
        {"Accept": "*/*;q=x,,;"},
        {"Cookie": "=;" * 1000},
        {"Range": "bytes=-1"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "\t", "Forwarded": "host=x"},
        {"If-None-Match": '"' * 1000},
        {"Transfer-Encoding": "chunked, chunked"},
        {"Upgrade": "websocket", "Connection": "Upgrade"},
        {"Origin": "http://localhost:\xff"},
        {f"X-{number}": "x" for number in range(3000)},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_odd_headers(client: FlaskClient, headers: dict[str, Any]) -> None:
    for method, path in [
        ("GET", "/health"),
        ("GET", "/api/status"),
        *WRITING,
        ("OPTIONS", "/api/chat"),
        ("GET", "/nowhere"),
    ]:
        response = client.open(path, method=method, headers=headers, data=b"{}", content_type="application/json")
        with response:
            check(response)


@pytest.mark.parametrize(
    "path",
    ["/", "//", "/%00", "/\xff", "/api/../api/status", "/v1/models/" + "x" * 9000, "/v1/models/%2e%2e"],
    ids=spelled,
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"])
def test_odd_paths_and_methods(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method, query_string="a=%00&a=\xff&" + "b" * 5000)
    with response:
        assert response.status_code in (200, 400, 403, 404, 405)
        assert response.mimetype == (None if (method, response.status_code) == ("OPTIONS", 200) else "application/json")


@pytest.mark.parametrize("path", ["/v1//chat/completions", "/api///v1/chat/completions"])
def test_a_base_url_with_a_slash_too_many(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={"messages": [{"role": "user", "content": "x"}]})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_options(client: FlaskClient) -> None:
    answer = client.options("/v1/models")
    assert (answer.status_code, answer.data, answer.headers.get("Content-Type")) == (200, b"", None)
    assert set(answer.allow) == {"GET", "HEAD", "OPTIONS"}


class TestSecrets:
    """Token, key and message text, planted and looked for in all that is logged and told."""

    @pytest.fixture
    def ask(self, chats: KeptChats, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., TestResponse]]:
        """Return what sends a request and remembers what came back; at the end all of it is searched."""
        keys = chats.session_dir / "Authorization.txt"
        before = keys.read_text()
        keys.write_text(KEY + "\n")
        caplog.set_level(logging.DEBUG)
        answers = []

        def ask(method: str, path: str, key: str = KEY, **more: Any) -> Any:
            headers = {"Authorization": f"Bearer {key}"}
            response = chats.client.open(path, method=method, headers=headers, **more)
            with response:
                answers.append(f"{response.headers}{response.text}")
                return response

        yield ask
        keys.write_text(before)
        log = "\n".join([caplog.text, *(str(record.__dict__) for record in caplog.records)])
        for where, text in (("log", log), ("answers", "\n".join(answers))):
            for secret in (TOKEN, KEY, MESSAGE):
                assert secret not in text, f"{secret} is in the {where}"

    def test_in_errors(self, ask: Callable[..., TestResponse], chats: KeptChats) -> None:
        body = {"message": MESSAGE, "messages": [{"role": "user", "content": MESSAGE}]}
        for method, path in WRITING:
            ask(method, path, json={**body, "model": 1, "name": 1, "chatId": 1, "olderThan": "x", "filename": 1})
            ask(method, path, data=MESSAGE)
            ask(method, path, data=f'{{"message":"{MESSAGE}', content_type="application/json")
            ask(method, path, json=body, key=KEY[:-1])
            ask(method, path, json=body, key=KEY + "x")

    def test_in_what_the_site_refuses(self, ask: Callable[..., TestResponse], chats: KeptChats) -> None:
        for reply in (refusal("Bad_Request", "no", 400), refusal("internal_error", "oops", 500), ValueError(MESSAGE)):
            chats.site.script("a", reply, reply, reply, reply)
            ask("POST", "/v1/chat/completions", json={"messages": [{"role": "user", "content": MESSAGE}]})
            chats.site.forget_script()

    def test_in_successes(self, ask: Callable[..., TestResponse], chats: KeptChats) -> None:
        assert ask("POST", "/api/chat", json={"message": MESSAGE}).status_code == 200
        assert ask("POST", "/api/chats", json={"name": "x"}).status_code == 200
        for path in ("/api/status", "/health", "/v1/models", "/openapi.json", "/api/chats"):
            assert ask("GET", path).status_code == 200


def test_nothing_on_the_disk_is_for_others(tmp_path: Path) -> None:
    session = tmp_path / "session"
    before = os.umask(0)
    try:
        registry = Registry.open(SessionFolder(session))
        registry.add(TOKEN, "a")
        chats = KeptChats(session, registry, time.time, time.sleep)
        with contextlib.closing(chats.start()):
            chat_id = chats.say("Hello?").get_json()["chatId"]
            chats.client.put(f"/api/chats/{chat_id}/rename", json={"name": "x"})
            chats.client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})
            chats.client.delete(f"/api/chats/{chat_id}")
            chats.site.wait_for_deletions(("a", "up-1"))
            registry.rest("a", until=4e9)
    finally:
        os.umask(before)
    paths = [session, *session.rglob("*")]
    assert len(paths) > 8
    wrong = {str(path): oct(mode) for path in paths if (mode := mode_of(path)) not in (0o700, 0o600)}
    assert not wrong


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
