"""Gemini's routes: the question reaches the model, and the answer is what Google's own SDK reads."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from gemini_answers import in_order, streamed, text_of, valid
from makers import MakeClient
from replies import RATE_LIMITED, Reply, answer
from transcripts import CREATED, DETAILED, SEARCHED, counts, delta, end

from qwenproxy.access.keys import KeyFile
from qwenproxy.api import answering
from qwenproxy.disk.folder import SessionFolder

MODELS = "/v1beta/models"
ASK = {"contents": [{"role": "user", "parts": [{"text": "Hello?"}]}]}
LOOK = {"functionDeclarations": [{"name": "look", "parameters": {"type": "OBJECT", "properties": {}}}]}
CALL = answer('<tool_call>{"name":"look","arguments":{"city":"Köln"}}</tool_call>')
CUT = Reply((CREATED, delta("Half an ans")))


def post(client: FlaskClient, method: str, body: Any = ASK, query: str = "", model: str = "qwen-max") -> Any:
    return client.post(f"{MODELS}/{model}:{method}{query}", json=body, buffered=True)


def stream(client: FlaskClient, body: Any = ASK) -> Any:
    return post(client, "streamGenerateContent", body, "?alt=sse")


@pytest.mark.parametrize(
    "path",
    [
        f"{MODELS}/qwen-max:generateContent",
        f"{MODELS}/models/qwen-max:generateContent",
        "/v1/models/qwen-max:generateContent",
        "/api/v1/models/qwen-max:generateContent",
        "/api/v1beta/models/qwen-max%3AgenerateContent",
        "/v1/v1beta/models/qwen-max:generateContent/",
        "/models/qwen-max:latest:generateContent",
        f"{MODELS}/gemini-2.5-pro:generateContent",
    ],
)
def test_a_whole_answer(client: FlaskClient, path: str) -> None:
    response = client.post(path, json=ASK)
    assert response.status_code == 200, response.text
    whole = valid(response.get_json())
    assert whole.text == "Hello world"
    assert whole.model_version == "qwen3.8-max"
    assert whole.usage_metadata and whole.usage_metadata.candidates_token_count == 2
    assert whole.candidates and str(whole.candidates[0].finish_reason) == "FinishReason.STOP"


def test_a_stream_of_events(client: FlaskClient) -> None:
    response = stream(client)
    assert response.mimetype == "text/event-stream"
    assert text_of(streamed(response.text)) == "Hello world"


def test_a_stream_of_one_array(client: FlaskClient) -> None:
    response = post(client, "streamGenerateContent")
    assert response.mimetype == "application/json"
    pieces = list(response.iter_encoded())
    assert [piece[:1] for piece in pieces] == [b"[", b",", b","]
    assert text_of(in_order(json.loads(response.text))) == "Hello world"


def test_it_reaches_the_site_as_the_same_bytes(client: FlaskClient, site: FakeSite) -> None:
    schema = {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}, "required": ["n"]}
    google = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER", "nullable": True}}, "required": ["n"]}
    openai = {
        "model": "qwen-max",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How is it?"},
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": '{"n":1}'}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": "d", "parameters": schema}}],
        "enable_thinking": True,
        "thinking_budget": 100,
    }
    gemini = {
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "How is it?"}]},
            {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "I lo"}]},
            {
                "role": "model",
                "parts": [{"text": "ok."}, {"function_call": {"name": "look", "args": {"n": 1}, "id": "c1"}}],
            },
            {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"output": "sunny"}}}]},
            {"role": "user", "parts": [{"text": "And now?"}]},
        ],
        "tools": [{"function_declarations": [{"name": "look", "description": "d", "parameters": google}]}],
        "generation_config": {"thinking_config": {"thinking_budget": 100}},
    }
    assert client.post("/v1/chat/completions", json=openai).status_code == 200
    assert post(client, "generateContent", gemini).status_code == 200
    first, second = ({**each, "timestamp": 0} for each in site.questions())
    assert json.dumps(_without_ids(first)) == json.dumps(_without_ids(second))


def _without_ids(value: Any) -> Any:
    """Return a question without what is new in each."""
    if isinstance(value, dict):
        fresh = ("id", "fid", "parentId", "parent_id", "childrenIds", "timestamp", "chat_id")
        return {name: _without_ids(each) for name, each in value.items() if name not in fresh}
    return [_without_ids(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
def test_a_call(client: FlaskClient, site: FakeSite, is_streamed: bool) -> None:
    site.always("a", CALL)
    body = {**ASK, "tools": [LOOK]}
    if is_streamed:
        pieces = streamed(stream(client, body).text)
        calls = [each for piece in pieces for each in piece.function_calls or ()]
    else:
        calls = valid(post(client, "generateContent", body).get_json()).function_calls or []
    (call,) = calls
    assert (call.name, call.args) == ("look", {"city": "Köln"})
    assert call.id


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("wants", [True, False], ids=["shown", "hidden"])
def test_thoughts_come_when_asked_for(client: FlaskClient, site: FakeSite, is_streamed: bool, wants: bool) -> None:
    site.always("a", Reply((DETAILED,)))
    config = {"thinkingConfig": {"includeThoughts": wants, "thinkingLevel": "HIGH"}}
    body = {**ASK, "generationConfig": config}
    if is_streamed:
        answers = streamed(stream(client, body).text)
    else:
        answers = [valid(post(client, "generateContent", body).get_json())]
    parts = [part for each in answers for part in each.parts or ()]
    assert "".join(part.text or "" for part in parts if part.thought) == ("First, then." if wants else "")
    assert "".join(part.text or "" for part in parts if not part.thought) == "So."


def test_counts_and_the_limit(client: FlaskClient, site: FakeSite) -> None:
    pieces = [delta(" word", usage=counts(7, 12 + number, 12)) for number in range(1, 31)]
    site.script("a", Reply((CREATED, *pieces, end())))
    body = {**ASK, "generationConfig": {"maxOutputTokens": 5, "stopSequences": ["never"]}}
    whole = valid(post(client, "generateContent", body).get_json())
    assert whole.candidates and str(whole.candidates[0].finish_reason) == "FinishReason.MAX_TOKENS"
    usage = whole.usage_metadata
    assert usage and usage.thoughts_token_count == 12
    assert usage.total_token_count == 7 + (usage.candidates_token_count or 0) + 12
    assert usage.cached_content_token_count == 11


def test_sources_of_a_search(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((SEARCHED,)))
    body = {**ASK, "tools": [{"googleSearch": {}}, {"urlContext": {}}]}
    response = post(client, "generateContent", body)
    assert response.headers["x-qwenproxy-ignored"] == "tools.urlContext"
    (candidate,) = response.get_json()["candidates"]
    assert candidate["content"]["parts"] == [{"text": "As [1] says."}]
    assert candidate["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": "https://news.example/a", "title": "A", "domain": "news.example"}}],
        "groundingSupports": [{"segment": {"endIndex": 2, "text": "As"}, "groundingChunkIndices": [0]}],
    }


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
def test_a_document_and_a_bare_word(client: FlaskClient, site: FakeSite, is_streamed: bool) -> None:
    schema = {"type": "STRING", "enum": ["a", "b"]}
    method, query = ("streamGenerateContent", "?alt=sse") if is_streamed else ("generateContent", "")
    for kind, expected in (("application/json", '"b"'), ("text/x.enum", "b")):
        site.script("a", answer('"b"'))
        config = {"responseMimeType": kind, "responseSchema": schema}
        text = post(client, method, {**ASK, "generationConfig": config}, query).text
        answers = streamed(text) if is_streamed else [valid(json.loads(text))]
        assert text_of(answers) == expected


def test_an_answer_that_breaks_is_an_error_twice_and_never_ends(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", CUT)
    pieces = list(stream(client).iter_encoded())
    bare, event = pieces[-2:]
    assert event == b"data: " + bare + b"data:"
    assert json.loads(bare)["error"]["status"] == "UNAVAILABLE"
    assert b"finishReason" not in b"".join(pieces)


def test_an_array_that_breaks_stays_open(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", CUT)
    text = post(client, "streamGenerateContent").text
    assert json.loads(text + "]")[-1]["error"]["code"] == 502
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


@pytest.mark.parametrize(("query", "blank"), [("?alt=sse", b"\n\n"), ("", b"\n")])
def test_signs_of_life_are_blank(
    client: FlaskClient, site: FakeSite, monkeypatch: pytest.MonkeyPatch, query: str, blank: bytes
) -> None:
    monkeypatch.setattr(answering, "KEEP_ALIVE_AFTER", 2)
    site.script("a", Reply((CREATED, delta("So"), "", "", "", "", delta("."), end())))
    response = post(client, "streamGenerateContent", query=query)
    assert list(response.iter_encoded()).count(blank) == 2
    answers = streamed(response.text) if query else in_order(json.loads(response.text))
    assert text_of(answers) == "So."


def test_tokens_are_counted_without_the_site(client: FlaskClient, site: FakeSite) -> None:
    plain = post(client, "countTokens").get_json()["totalTokens"]
    inside = post(client, "countTokens", {"generateContentRequest": {"model": "models/x", **ASK}}).get_json()
    more = post(client, "countTokens", {**ASK, "tools": [LOOK]}).get_json()
    assert inside["totalTokens"] == plain < more["totalTokens"]
    assert not site.calls


def test_a_limit_says_when_to_come_back(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", RATE_LIMITED)
    response = stream(client)
    assert (response.status_code, response.headers["x-should-retry"]) == (429, "false")
    error = response.get_json()["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert "will reset at" in error["message"]
    (delay,) = (each["retryDelay"] for each in error["details"] if each["@type"].endswith("RetryInfo"))
    assert delay == f"{response.headers['Retry-After']}s"


@pytest.mark.parametrize(
    ("path", "topic"),
    [
        ("/v1beta/models/x:embedContent", "offers no embeddings"),
        ("/v1/models/x:batchEmbedContents", "offers no embeddings"),
        ("/v1beta/models/x:batchGenerateContent", "offers no batches"),
        ("/v1beta/models/x:predict", "offers no predictions"),
        ("/v1beta/cachedContents", "offers no cached contents"),
        ("/v1beta/files", "There is no POST /v1beta/files"),
        ("/upload/v1beta/files", "There is no POST"),
        ("/v1beta/nothing", "There is no POST"),
        ("/v1beta/models/x:nothing", "no method 'nothing'. They have generateContent, streamGenerateContent, countT"),
        ("/api/v1beta/models/x:", "no method ''"),
    ],
)
def test_what_is_not_there_says_so_in_googles_form(client: FlaskClient, path: str, topic: str) -> None:
    response = client.post(path, json={})
    assert response.status_code == 404
    error = response.get_json()["error"]
    assert error["status"] == "NOT_FOUND"
    assert topic in error["message"]


def test_a_method_that_no_model_has_in_the_stable_version(client: FlaskClient) -> None:
    response = client.post("/v1/models/x:nothing", json={}, headers={"x-goog-api-key": "x"})
    assert (response.status_code, response.get_json()["error"]["status"]) == (404, "NOT_FOUND")


@pytest.fixture
def locked(make_client: MakeClient, tmp_path: Any) -> FlaskClient:
    KeyFile.open(SessionFolder(tmp_path / "session").keys).add("qp-secret-one")
    return make_client()


def test_keys_of_google(locked: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    path = f"{MODELS}/qwen-max:generateContent"
    for query, headers in (("?key=qp-secret-one", {}), ("", {"x-goog-api-key": "qp-secret-one"})):
        assert locked.post(path + query, json=ASK, headers=headers).status_code == 200
        for models in (MODELS, "/v1/models", "/v1/models/qwen-max"):
            assert locked.get(models + query, headers=headers).status_code == 200
    refused = locked.post(f"{path}?key=wrong", json=ASK)
    assert (refused.status_code, refused.get_json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert locked.get("/api/status?key=qp-secret-one").status_code == 401, "no other route reads its query"
    assert locked.post("/v1/chat/completions?key=qp-secret-one", json={}).status_code == 401
    assert "secret-one" not in caplog.text


def test_models(client: FlaskClient) -> None:
    first = client.get(f"{MODELS}?pageSize=2").get_json()
    rest = client.get(f"{MODELS}?pageToken={first['nextPageToken']}").get_json()
    whole = client.get("/v1/models", headers={"x-goog-api-key": "x"}).get_json()
    assert first["models"] + rest["models"] == whole["models"]
    assert "nextPageToken" not in rest
    one = client.get(f"{MODELS}/models/qwen-max").get_json()
    assert (one["name"], one["version"]) == ("models/qwen-max", "qwen3.8-max")
    assert "generateContent" in one["supportedGenerationMethods"]
    assert client.get(f"{MODELS}/gemini-2.5-pro").get_json()["name"] == "models/gemini-2.5-pro"
    assert client.get(f"{MODELS}/none").get_json()["error"]["status"] == "NOT_FOUND"
    assert client.get("/v1/models/none?key=x").status_code == 404
    for query in ("pageSize=0", "pageSize=x", "pageToken=-1"):
        assert client.get(f"{MODELS}?{query}").get_json()["error"]["status"] == "INVALID_ARGUMENT"
    assert client.get("/v1/models").get_json()["object"] == "list"


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent", "countTokens"])
def test_a_method_of_a_model_is_no_model(client: FlaskClient, method: str) -> None:
    response = client.get(f"/v1beta/models/qwen-max:{method}")
    assert (response.status_code, response.get_json()["error"]["code"]) == (405, 405)
    assert client.get("/v1beta/models/qwen-max:latest").status_code == 200
