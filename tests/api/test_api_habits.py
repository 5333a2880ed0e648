"""One request in the habits of many programs: encodings of bodies, spellings of addresses, keys and models, waits."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from replies import RATE_LIMITED, answer
from spelling import spelled
from werkzeug.test import TestResponse

from qwenproxy.api import waits
from qwenproxy.api.addresses import ADDRESSES, ROOTS, unoffered
from qwenproxy.api.auth import keys_in
from qwenproxy.errors import AccountsResting, QueueTimeout
from qwenproxy.relay.questions import RelaySettings
from qwenproxy.wsgi.paths import canonical_path

ASK = {"messages": [{"role": "user", "content": "Привет?"}]}
BODY = json.dumps(ASK, ensure_ascii=False).encode()
CHAT = "/v1/chat/completions"


def send(client: FlaskClient, data: Any, content_type: str = "application/json", **headers: Any) -> TestResponse:
    return client.post(CHAT, data=data, content_type=content_type, headers=headers)


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


class TestBodies:
    @pytest.mark.parametrize(
        ("encoding", "data"),
        [
            ("gzip", packed(BODY)),
            ("x-gzip", packed(BODY)),
            ("GZIP", packed(BODY)),
            ("gzip", packed(BODY[:9]) + packed(BODY[9:])),
            ("deflate", zlib.compress(BODY)),
            ("deflate", raw_deflate(BODY)),
            ("identity", BODY),
            ("", BODY),
            ("deflate, gzip", packed(zlib.compress(BODY))),
        ],
        ids=spelled,
    )
    def test_packed_ones_are_unpacked(self, client: FlaskClient, site: FakeSite, encoding: str, data: Any) -> None:
        assert send(client, data, **{"Content-Encoding": encoding}).status_code == 200
        assert site.questions()[0]["messages"][0]["content"] == "Привет?"

    @pytest.mark.parametrize(
        "encoding", ["br", "zstd", "compress", "gzip, br", "gzip, gzip, gzip", "я".encode().decode("latin-1")]
    )
    def test_other_packings_are_named(self, client: FlaskClient, site: FakeSite, encoding: str) -> None:
        response = send(client, BODY, **{"Content-Encoding": encoding})
        error = response.get_json()["error"]
        assert (response.status_code, error["code"]) == (415, "unsupported_media_type")
        assert response.headers["Accept-Encoding"] == "gzip, deflate"
        assert "gzip" in error["message"]
        assert site.calls == []

    @pytest.mark.parametrize(
        "damaged", [BODY, b"", packed(BODY)[:-9], packed(BODY) + b"x", zlib.compress(BODY)[:9]], ids=spelled
    )
    def test_damaged_ones_are_refused_in_plain_words(self, client: FlaskClient, damaged: bytes) -> None:
        for encoding in ("gzip", "deflate"):
            response = send(client, damaged, **{"Content-Encoding": encoding})
            assert (response.status_code, response.get_json()["error"]["code"]) == (400, "invalid_json")
            assert encoding in response.get_json()["error"]["message"]

    @pytest.mark.parametrize("pack", [packed, zlib.compress, raw_deflate])
    def test_the_limit_holds_for_what_is_unpacked(
        self, make_client: Callable[..., FlaskClient], site: FakeSite, pack: Callable[[bytes], bytes]
    ) -> None:
        client = make_client(config={"max_body": "100000"})
        fits, bomb = (json.dumps({**ASK, "user": "x" * size}).encode() for size in (90_000, 10_000_000))
        encoding = "gzip" if pack is packed else "deflate"
        assert send(client, pack(fits), **{"Content-Encoding": encoding}).status_code == 200
        call_count = len(site.calls)
        response = send(client, pack(bomb), **{"Content-Encoding": encoding})
        assert (response.status_code, response.get_json()["error"]["code"]) == (413, "file_too_large")
        assert len(site.calls) == call_count

    def test_a_thousand_empty_members_are_not_unpacked(self, client: FlaskClient) -> None:
        response = send(client, packed(b"") * 1000 + packed(BODY), **{"Content-Encoding": "gzip"})
        assert response.status_code == 400

    @pytest.mark.parametrize(
        ("content_type", "encoding"),
        [
            ("application/json", "utf-8-sig"),
            ("application/json", "utf-16"),
            ("application/json", "utf-16-le"),
            ("application/json", "utf-32-be"),
            ("application/json; charset=utf-16", "utf-16"),
            ("application/json; charset=windows-1251", "cp1251"),
            ('application/json; charset="KOI8-R"', "koi8-r"),
            ("application/vnd.api+json; charset=UTF-8", "utf-8"),
        ],
    )
    def test_character_sets(self, client: FlaskClient, site: FakeSite, content_type: str, encoding: str) -> None:
        data = json.dumps(ASK, ensure_ascii=False).encode(encoding)
        assert send(client, data, content_type).status_code == 200
        assert site.questions()[0]["messages"][0]["content"] == "Привет?"

    def test_half_an_emoji_costs_one_character(self, client: FlaskClient, site: FakeSite) -> None:
        assert send(client, r'{"messages":[{"role":"user","content":"cut \ud83d here"}]}').status_code == 200
        assert site.questions()[0]["messages"][0]["content"] == "cut \ufffd here"

    @pytest.mark.parametrize(
        ("data", "content_type"),
        [
            ('{"user":"naïve"}'.encode("latin-1"), "application/json"),
            (packed(BODY), "application/json"),
            (BODY, "application/json; charset=klingon"),
            (b'{"n":NaN}', "application/json"),
            (b'{"n":1e999}', "application/json"),
            (b'{"n":1', "application/json"),
            (b"[" * 9999, "application/json"),
            (b"", "application/json"),
        ],
        ids=spelled,
    )
    def test_what_is_no_json_is_told_in_our_words(
        self, client: FlaskClient, site: FakeSite, data: Any, content_type: str
    ) -> None:
        response = send(client, data, content_type)
        error = response.get_json()["error"]
        assert (response.status_code, error["code"]) == (400, "invalid_json")
        assert error["message"].startswith("The body ")
        for word in ("surrogate", "str ", "codec", "expected", "depth", "(char"):
            assert word not in error["message"]
        assert site.calls == []

    def test_other_routes_read_the_same_way(self, client: FlaskClient) -> None:
        body = packed('{"name":"Имя"}'.encode("utf-16"))
        for path in ("/api/chats", "/api/chats/"):
            headers = {"Content-Encoding": "gzip"}
            assert client.post(path, data=body, content_type="application/json", headers=headers).status_code == 200
        assert {chat["name"] for chat in client.get("/api/chats").get_json()["chats"]} == {"Имя"}


class TestAddresses:
    @pytest.mark.parametrize(
        ("spelling", "route"),
        [
            ("/", "/"),
            ("//", "/"),
            ("/v1//chat/completions/", CHAT),
            ("/chat/completions", CHAT),
            ("/chat/completions/", CHAT),
            ("/v1/v1/chat/completions", CHAT),
            ("/api/v1/v1/models", "/api/v1/models"),
            ("/models", "/v1/models"),
            ("/models/qwen/qwen-max/", "/v1/models/qwen/qwen-max"),
            ("/v1/", "/v1"),
            ("/embeddings", "/v1/embeddings"),
            ("/responses/resp_1", "/v1/responses/resp_1"),
            ("/chat", "/chat"),
            ("/modelsx", "/modelsx"),
            ("/api/chat/", "/api/chat"),
            ("/api/models", "/api/models"),
            ("/v1x/v1/models", "/v1x/v1/models"),
            ("", ""),
        ],
    )
    def test_what_a_path_means(self, spelling: str, route: str) -> None:
        assert canonical_path(spelling, ROOTS) == route
        assert canonical_path(route, ROOTS) == route

    @pytest.mark.parametrize(
        "path", ["/v1", "/v1/x", "/api/v1", "/api/v1/x", "/api/chat/completions", "/api/models/x", "/api/embeddings"]
    )
    def test_openais_paths(self, path: str) -> None:
        assert ADDRESSES.match(path)

    @pytest.mark.parametrize(
        "path", ["/", "/api/chat", "/api/chats", "/api/files/upload", "/api/modelsx", "/v1x", "/health"]
    )
    def test_other_paths(self, path: str) -> None:
        assert not ADDRESSES.match(path)
        assert unoffered(path) is None

    @pytest.mark.parametrize(
        "path",
        [
            "/chat/completions",
            "/chat/completions/",
            "/v1/chat/completions/",
            "/v1/v1/chat/completions",
            "/api/chat/completions/",
        ],
    )
    def test_a_chat_is_answered_under_every_spelling(self, client: FlaskClient, path: str) -> None:
        response = client.post(path, json=ASK)
        assert (response.status_code, response.get_json()["object"]) == (200, "chat.completion")
        refused = client.post(path, json={})
        assert (refused.status_code, list(refused.get_json()["error"])) == (
            400,
            ["message", "type", "param", "code", "request_id"],
        )

    @pytest.mark.parametrize(
        "path",
        [
            "/models",
            "/models/",
            "/v1/models/",
            "/models/qwen-max/",
            "/health/",
            "/api/status/",
            "/api/chats/",
            "/openapi.json/",
        ],
    )
    def test_every_route_has_room_for_a_slash(self, client: FlaskClient, path: str) -> None:
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize(
        "path", ["/v1", "/v1/", "/v1/nothing", "/api/v1", "/responses/x/y", "/models/x/y", "/v1/modelsx"]
    )
    def test_errors_below_openais_prefixes_have_its_form(self, client: FlaskClient, path: str) -> None:
        response = client.get(path)
        assert (response.status_code, list(response.get_json()["error"])) == (
            404,
            ["message", "type", "param", "code", "request_id"],
        )

    @pytest.mark.parametrize("prefix", ["", "/v1", "/api/v1", "/api"])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/embeddings"),
            ("POST", "/embeddings/"),
            ("POST", "/moderations"),
            ("GET", "/batches"),
            ("POST", "/batches/b1/cancel"),
            ("POST", "/fine_tuning/jobs"),
            ("GET", "/fine_tuning/jobs/j1/events"),
        ],
    )
    def test_what_is_not_offered_at_all_is_said_to_be(
        self, client: FlaskClient, prefix: str, method: str, path: str
    ) -> None:
        response = client.open(prefix + path, method=method, json={} if method == "POST" else None)
        error = response.get_json()["error"]
        assert (response.status_code, error["code"]) == (404, "unsupported_endpoint")
        assert "offers no" in error["message"]

    def test_a_program_of_http_1_0_needs_no_host(self, client: FlaskClient) -> None:
        def get(protocol: str, **headers: Any) -> Any:
            environ = {"SERVER_PROTOCOL": protocol}
            return client.get("/health", environ_overrides=environ, headers=headers).status_code

        app = client.application
        app.wsgi_app = without_host(app.wsgi_app)  # type: ignore[method-assign]
        assert get("HTTP/1.0") == 200
        assert get("HTTP/1.1") == 403
        assert get("HTTP/1.0", **{"X-Keep-Host": "evil.example"}) == 403


def without_host(serve: Callable[..., Any]) -> Any:
    """Serve requests without their Host header, or with the one in X-Keep-Host: the test client always sends one."""

    def serve_without(environ: dict[str, Any], start_response: Any) -> Any:
        environ.pop("HTTP_HOST", None)
        if kept := environ.pop("HTTP_X_KEEP_HOST", None):
            environ["HTTP_HOST"] = kept
        return serve(environ, start_response)

    return serve_without


class TestKeys:
    @pytest.fixture
    def client(self, make_client: Callable[..., FlaskClient], tmp_path: Path) -> FlaskClient:
        client = make_client()
        (tmp_path / "session" / "Authorization.txt").write_text('qp-one\nключ-два\n"quoted"\n', encoding="utf-8")
        return client

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("Authorization", "Bearer qp-one"),
            ("Authorization", "BEARER qp-one"),
            ("Authorization", 'Bearer "qp-one"'),
            ("Authorization", "Bearer 'qp-one'"),
            ("Authorization", '"Bearer qp-one"'),
            ("Authorization", "Bearer Bearer qp-one"),
            ("Authorization", "bearer bearer  qp-one "),
            ("Authorization", 'Bearer "quoted"'),
            ("Authorization", "Bearer " + "ключ-два".encode().decode("latin-1")),
            ("x-api-key", "qp-one"),
            ("X-API-Key", '"qp-one"'),
            ("x-api-key", "Bearer qp-one"),
            ("api-key", "qp-one"),
            ("api-key", "ключ-два".encode().decode("latin-1")),
        ],
    )
    @pytest.mark.parametrize("path", ["/v1/models", "/api/status", "/api/chats", "/openapi.json"])
    def test_a_key_in_every_spelling(self, client: FlaskClient, path: str, header: str, value: Any) -> None:
        assert client.get(path, headers={header: value}).status_code == 200

    def test_one_good_key_among_several_is_enough(self, client: FlaskClient) -> None:
        headers = {"Authorization": "Bearer sk-other", "x-api-key": "qp-one"}
        assert client.get("/v1/models", headers=headers).status_code == 200

    @pytest.mark.parametrize("header", ["Authorization", "x-api-key", "api-key"])
    @pytest.mark.parametrize(
        "value",
        [
            "",
            '""',
            "Bearer",
            "qp-on",
            "qp-one2",
            "quoted",
            "Bearer Bearer",
            "ключ-два".encode("cp1251").decode("latin-1"),
        ],
    )
    def test_others_open_nothing(self, client: FlaskClient, header: str, value: Any) -> None:
        assert client.get("/v1/models", headers={header: value}).status_code == 401

    def test_what_a_text_may_mean(self) -> None:
        assert keys_in("  ") == ()
        assert keys_in("Bearer  'k'") == ("Bearer  'k'", "k")
        assert keys_in("bearerkey") == ("bearerkey",)


class TestModels:
    @pytest.mark.parametrize(
        "name", ["qwen-max:latest", "Qwen-Max", "qwen/qwen-max", "qwen3-coder-plus:free", "QWEN-TURBO"]
    )
    def test_every_spelling_is_answered(self, make_client: Callable[..., FlaskClient], name: str) -> None:
        client = make_client(1, RelaySettings(unknown_model="error"))
        assert client.post(CHAT, json={**ASK, "model": name}).status_code == 200
        model = client.get(f"/v1/models/{name}").get_json()
        assert (model["id"], model["object"]) == (name, "model")

    def test_each_tells_what_it_can(self, client: FlaskClient) -> None:
        listing = client.get("/v1/models").get_json()["data"]
        for model in listing:
            assert {"name", "architecture", "supported_parameters", "capabilities"} <= set(model)
        sees = {model["id"]: model["capabilities"]["vision"] for model in listing}
        for model in listing:
            assert ("image" in model["architecture"]["input_modalities"]) == sees[model["id"]]


OLD_ASK = {**ASK, "functions": [{"name": "weather", "parameters": {"type": "object"}}]}


class TestLegacyFunctions:
    CALLS = '<tool_call>{"name":"weather","arguments":{"city":"Oslo"}}</tool_call>' * 2

    def test_a_call_is_answered_in_kind(self, client: FlaskClient, site: FakeSite) -> None:
        site.script("a", answer(self.CALLS))
        (choice,) = client.post(CHAT, json=OLD_ASK).get_json()["choices"]
        assert choice["finish_reason"] == "function_call"
        assert "tool_calls" not in choice["message"]
        assert choice["message"]["function_call"]["name"] == "weather"
        assert json.loads(choice["message"]["function_call"]["arguments"]) == {"city": "Oslo"}
        assert "weather" in site.questions()[0]["messages"][0]["feature_config"]["local_mcp"]["client"]

    def test_in_a_stream_too(self, client: FlaskClient, site: FakeSite) -> None:
        site.script("a", answer(self.CALLS))
        lines = client.post(CHAT, json={**OLD_ASK, "stream": True}, buffered=True).text.split("\n\n")
        choices = [json.loads(line[6:])["choices"][0] for line in lines if line.startswith("data: {")]
        calls = [choice["delta"]["function_call"] for choice in choices if "function_call" in choice["delta"]]
        assert [call["name"] for call in calls if "name" in call] == ["weather"]
        assert json.loads("".join(call["arguments"] for call in calls)) == {"city": "Oslo"}
        assert choices[-1]["finish_reason"] == "function_call"

    def test_a_text_stays_one(self, client: FlaskClient) -> None:
        (choice,) = client.post(CHAT, json=OLD_ASK).get_json()["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello world", "stop")

    def test_a_call_in_the_history_reaches_the_model(self, client: FlaskClient, site: FakeSite) -> None:
        call = {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "weather", "arguments": '{"city":"Oslo"}'},
        }
        result = {"role": "function", "name": "weather", "content": "sun"}
        assert client.post(CHAT, json={"messages": [*ASK["messages"], call, result]}).status_code == 200
        text = site.questions()[0]["messages"][0]["content"]
        assert "Oslo" in text
        assert "sun" in text


class TestWaits:
    def test_a_long_one_is_told_so_that_programs_stop(
        self, make_client: Callable[..., FlaskClient], site: FakeSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)
        client = make_client()
        site.always("a", RATE_LIMITED)
        for stream in (False, True):
            response = client.post(CHAT, json={**ASK, "stream": stream})
            assert (response.status_code, response.headers["x-should-retry"]) == (429, "false")
            assert int(response.headers["Retry-After"]) > 3600
            message = response.get_json()["error"]["message"]
            assert "quota is exhausted and will reset at 2027-01-15 14:05 UTC" in message
        native = client.post("/api/chat", json={"message": "x"})
        assert "will reset at 2027-01-15" in native.get_json()["error"]
        assert native.headers["x-should-retry"] == "false"

    @pytest.mark.parametrize("seconds", [1, 5, 60])
    def test_a_short_one_is_only_a_wait(self, seconds: float) -> None:
        error = AccountsResting("Every account rests.", retry_after=seconds)
        assert waits.wait_headers(error) == {"Retry-After": str(seconds)}
        assert waits.message_for_client(error) == "Every account rests."

    def test_only_a_limit_is_a_quota(self) -> None:
        error = QueueTimeout("All accounts are busy.", retry_after=300)
        assert waits.wait_headers(error) == {"Retry-After": "300", "x-should-retry": "false"}
        assert waits.message_for_client(error) == "All accounts are busy."

    def test_without_a_wait_nothing_is_said(self) -> None:
        assert waits.wait_headers(AccountsResting("x")) == {}
