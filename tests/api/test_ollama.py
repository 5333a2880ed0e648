"""Ollama's API: answers as its clients read them, models, refusals, and which address is whose."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import ollama
import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from makers import MakeClient
from ollama_lines import NDJSON, check_whole, complete, failed, lines_of, text_of
from replies import CUT, RATE_LIMITED, Reply, answer
from spelling import spelled
from transcripts import CREATED, SEARCHED, counts, delta, end

from qwenproxy.access.keys import KeyFile
from qwenproxy.api.ollama import encoder
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.relay.questions import RelaySettings

HELLO = [{"role": "user", "content": "Hello?"}]
CHAT, GENERATE = "/ollama/api/chat", "/ollama/api/generate"
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"q": {}}}}}
CALLS = '<tool_call>{"name": "look", "arguments": {"q": "я"}}</tool_call>' * 2
THOUGHT = Reply((CREATED, delta("Hm. ", "think"), delta("So.", usage=counts(7, 2)), end()))
OLLAMA_PORT = 11434
CHOSEN_ANEW = ("timestamp", "fid", "childrenIds")  # for each question


def chat(client: FlaskClient, path: str = CHAT, **body: Any) -> Any:
    return client.post(path, json={"model": "qwen-max", "messages": HELLO, **body}, buffered=True)


def generate(client: FlaskClient, **body: Any) -> Any:
    return client.post(GENERATE, json={"model": "qwen-max", "prompt": "Hello?", **body}, buffered=True)


# answers


def test_a_streamed_chat(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Hello", " world"))
    response = chat(client)
    lines = lines_of(response)
    assert [line["message"]["content"] for line in lines] == ["Hello", " world", ""]
    assert {line["model"] for line in lines} == {"qwen3.8-max"}
    assert text_of(complete(response)) == "Hello world"
    last = lines[-1]
    assert (last["done_reason"], last["prompt_eval_count"], last["eval_count"]) == ("stop", 7, 2)
    assert response.headers["x-qwenproxy-context"] == "new"


def test_each_line_is_one_write(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Hello", " world"))
    response = client.post(CHAT, json={"model": "qwen-max", "messages": HELLO})
    pieces = list(response.iter_encoded())
    response.close()
    assert all(piece.endswith(b"\n") and piece.count(b"\n") == 1 for piece in pieces)
    assert len(pieces) == 3


def test_a_whole_chat(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Hello", " world"))
    response = chat(client, stream=False)
    assert response.mimetype == "application/json"
    assert check_whole(response.get_json())["message"] == {"role": "assistant", "content": "Hello world"}


def test_a_streamed_text(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Hello", " world"))
    assert text_of(complete(generate(client))) == "Hello world"


def test_a_whole_text(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Hello", " world"))
    assert check_whole(generate(client, stream=False).get_json())["response"] == "Hello world"


def test_the_times_are_measured(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 100, 10))
    monkeypatch.setattr(encoder.OllamaEncoder.__init__, "__defaults__", (lambda: next(ticks),))
    last = lines_of(chat(client))[-1]
    times = {name: last[name] for name in last if name.endswith("duration")}
    assert times == {"total_duration": 30, "load_duration": 10, "prompt_eval_duration": 10, "eval_duration": 10}


def test_a_whole_answer_has_a_time_to_divide_by(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10, 100, 10))
    monkeypatch.setattr(encoder.OllamaEncoder.__init__, "__defaults__", (lambda: next(ticks),))
    whole = chat(client, stream=False).get_json()
    assert (whole["total_duration"], whole["eval_duration"], whole["load_duration"]) == (10, 10, 0)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("body", "thinking"),
    [
        ({"think": True}, "Hm. "),
        ({"think": "high"}, "Hm. "),
        ({"model": "qwen3.7-plus-thinking"}, "Hm. "),
        ({"think": False}, ""),
        ({"think": None}, ""),
        ({}, ""),
    ],
    ids=spelled,
)
def test_thoughts_come_where_they_are_wanted(
    client: FlaskClient, site: FakeSite, body: dict[str, Any], thinking: str, stream: bool
) -> None:
    site.always("a", THOUGHT)
    for response in (chat(client, stream=stream, **body), generate(client, stream=stream, **body)):
        pieces = complete(response) if stream else [check_whole(response.get_json())]
        assert (text_of(pieces, "thinking"), text_of(pieces)) == (thinking, "So.")


@pytest.mark.parametrize("stream", [True, False])
def test_calls_come_whole(client: FlaskClient, site: FakeSite, stream: bool) -> None:
    site.script("a", answer(*CALLS))
    response = chat(client, tools=[LOOK], stream=stream)
    pieces = complete(response) if stream else [check_whole(response.get_json())]
    calls = [call for piece in pieces for call in piece["message"].get("tool_calls", ())]
    assert [call["function"] for call in calls] == [
        {"index": 0, "name": "look", "arguments": {"q": "я"}},
        {"index": 1, "name": "look", "arguments": {"q": "я"}},
    ]
    assert len({call["id"] for call in calls}) == 2
    assert text_of(pieces) == ""
    assert lines_of(response)[-1]["done_reason"] == "stop" if stream else True


@pytest.mark.parametrize("stream", [True, False])
def test_a_freeform_tools_text_is_its_input(client: FlaskClient, site: FakeSite, stream: bool) -> None:
    site.script("a", answer('<tool_call>{"name": "run", "arguments": {"input": "ls -l"}}</tool_call>'))
    response = chat(client, tools=[{"type": "custom", "custom": {"name": "run"}}], stream=stream)
    [piece] = complete(response) if stream else [check_whole(response.get_json())]
    [call] = piece["message"]["tool_calls"]
    assert call["function"] == {"index": 0, "name": "run", "arguments": {"input": "ls -l"}}


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_was_cut_says_so(client: FlaskClient, site: FakeSite, stream: bool) -> None:
    words = [delta(" word", usage=counts(7, number)) for number in range(1, 9)]
    site.script("a", Reply((CREATED, *words, end())))
    response = chat(client, options={"num_predict": 3}, stream=stream)
    lines = lines_of(response) if stream else [response.get_json()]
    assert lines[-1]["done_reason"] == "length"
    assert text_of(lines) == " word word word"


def test_a_document(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Sure:\n```json\n", '{"a":1}', "\n```"))
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert json.loads(text_of(complete(chat(client, format=schema)))) == {"a": 1}


def test_marks_of_a_search_stay_without_their_sources(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((SEARCHED,)))
    assert text_of(complete(chat(client, model="qwen3.7-plus-search"))) == "As [1] says."


@pytest.mark.parametrize(
    ("path", "body", "other"),
    [
        (CHAT, {"messages": HELLO}, {"messages": HELLO}),
        (
            CHAT,
            {"messages": HELLO, "tools": [LOOK], "think": True, "format": "json"},
            {
                "messages": HELLO,
                "tools": [LOOK],
                "enable_thinking": True,
                "response_format": {"type": "json_object"},
            },
        ),
        (
            CHAT,
            {
                "messages": [
                    *HELLO,
                    {"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": {"q": 1}}}]},
                    {"role": "tool", "content": "x", "tool_name": "look"},
                ]
            },
            {
                "messages": [
                    *HELLO,
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"id": "call_1_0", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}
                        ],
                    },
                    {"role": "tool", "content": "x", "tool_call_id": "call_1_0", "name": "look"},
                ]
            },
        ),
        (
            GENERATE,
            {"prompt": "Hello?", "system": "Be brief."},
            {"messages": [{"role": "system", "content": "Be brief."}, *HELLO]},
        ),
    ],
    ids=["plain", "all at once", "a call without id", "generate"],
)
def test_the_site_is_asked_the_same_as_by_openais_api(
    make_client: MakeClient, site: FakeSite, path: str, body: dict[str, Any], other: dict[str, Any]
) -> None:
    client = make_client(config={"api_chats": 0})
    site.always("a", answer('{"a":1}'))
    client.post(path, json={"model": "qwen-max:latest", "stream": False, **body})
    client.post("/v1/chat/completions", json={"model": "qwen-max", **other})
    questions = site.questions()
    for question in questions:
        for message in (question, *question["messages"]):
            for name in CHOSEN_ANEW:
                message.pop(name, None)
    assert len(questions) == 2
    assert questions[0] == questions[1]


def test_a_conversation_goes_on_where_the_site_holds_it(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("Hi."), answer("Fine."))
    chat(client)
    said = {"role": "assistant", "content": "Hi."}
    response = chat(client, messages=[*HELLO, said, {"role": "user", "content": "How are you?"}])
    assert response.headers["x-qwenproxy-context"] == "continued"
    assert site.questions()[-1]["messages"][0]["content"] == "How are you?"


def test_results_that_name_no_call_go_on_there_too(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer(*CALLS), answer("Fine."))
    said = chat(client, tools=[LOOK], stream=False).get_json()["message"]
    calls = [
        {"function": {name: call["function"][name] for name in ("name", "arguments")}} for call in said["tool_calls"]
    ]
    results = [{"role": "tool", "content": text} for text in ("one", "two")]
    messages = [*HELLO, {"role": "assistant", "content": "", "tool_calls": calls}, *results]
    response = chat(client, tools=[LOOK], messages=messages, stream=False)
    assert response.headers["x-qwenproxy-context"] == "continued"
    assert response.get_json()["message"]["content"] == "Fine."


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_the_type_of_a_body_does_not_matter(client: FlaskClient, content_type: str) -> None:
    body = json.dumps({"model": "qwen-max", "messages": HELLO})
    assert text_of(complete(client.post(CHAT, data=body, content_type=content_type, buffered=True))) == "Hello world"


@pytest.mark.parametrize("name", ["qwen-max", "qwen-max:latest", "QWEN-MAX:LATEST", "qwen3.8-max:latest"])
def test_latest_behind_a_model_is_the_model(client: FlaskClient, name: str) -> None:
    assert chat(client, model=name, stream=False).get_json()["model"] == "qwen3.8-max"
    body = {"model": name, "messages": HELLO}
    assert client.post("/v1/chat/completions", json=body).get_json()["model"] == "qwen3.8-max"
    assert client.get(f"/v1/models/{name}").status_code == 200


def test_no_question_loads_the_model(client: FlaskClient, site: FakeSite) -> None:
    for keep_alive, reason in ((None, "load"), (0, "unload")):
        loaded = chat(client, messages=[], stream=False, keep_alive=keep_alive).get_json()
        assert (loaded["message"]["content"], loaded["done"], loaded["done_reason"]) == ("", True, reason)
        [line] = lines_of(generate(client, prompt="", keep_alive=keep_alive))
        assert (line["response"], line["done"], line["done_reason"]) == ("", True, reason)
    assert site.asked() == []


def test_what_has_no_effect_is_named(client: FlaskClient) -> None:
    assert chat(client, options={"temperature": 0.1}).headers["x-qwenproxy-ignored"] == "options.temperature"


# silence and failures

SILENT = Reply((CREATED, *[delta("hm ", "think")] * 40, delta("So."), end()), pace=0.9)


def test_silence_is_bridged_by_lines_without_text(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", SILENT)
    pieces = complete(chat(client))
    assert [piece["message"] for piece in pieces] == [{"role": "assistant", "content": ""}] * 3 + [
        {"role": "assistant", "content": "So."}
    ]


def test_a_call_that_is_long_in_the_making_is_bridged(client: FlaskClient, site: FakeSite) -> None:
    pieces = ["I look.", '<tool_call>{"name": "look", "arguments": {"q": "', *["x" * 9] * 30, '"}}</tool_call>']
    site.script("a", Reply((CREATED, *map(delta, pieces), end()), pace=1))
    first, *bridge, last = complete(chat(client, tools=[LOOK]))
    assert first["message"]["content"] == "I look."
    assert [piece["message"] for piece in bridge] == [{"role": "assistant", "content": ""}] * 3
    assert last["message"]["tool_calls"][0]["function"]["arguments"] == {"q": "x" * 270}


@pytest.mark.parametrize(
    ("path", "question"), [(CHAT, {"messages": HELLO}), (GENERATE, {"prompt": "Hello?"})], ids=["chat", "generate"]
)
def test_a_sign_of_life_before_the_answer(
    make_client: MakeClient, browser: threading.Event, path: str, question: dict[str, Any]
) -> None:
    response = make_client().post(path, json={"model": "qwen-max:latest", **question})
    written = response.iter_encoded()
    first = next(written)
    browser.set()
    lines = [json.loads(line) for line in (first + b"".join(written)).splitlines()]
    response.close()
    assert (text_of(lines[:1]), lines[0]["model"]) == ("", "qwen-max:latest")
    assert text_of(lines) == "Hello world"
    check_whole(lines[-1])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("ask", [chat, generate])
def test_a_cut_answer_never_looks_whole(make_client: MakeClient, site: FakeSite, ask: Any, stream: bool) -> None:
    site.always("a", CUT)
    response = ask(make_client(), stream=stream)
    if stream:
        assert failed(response)
    else:
        assert (response.status_code, list(response.get_json())) == (502, ["error", "request_id"])


@pytest.mark.parametrize("stream", [True, False])
def test_a_limit_is_told_with_its_end(make_client: MakeClient, site: FakeSite, stream: bool) -> None:
    site.always("a", RATE_LIMITED)
    response = chat(make_client(), stream=stream)
    assert (response.status_code, response.headers["x-should-retry"]) == (429, "false")
    assert int(response.headers["Retry-After"]) > 3600
    assert "quota is exhausted and will reset at" in response.get_json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 400, "empty"),
        ("{", 400, "not valid JSON"),
        ("[]", 400, "must be a JSON object"),
        ("{}", 400, "model is required"),
        ('{"model":"x","messages":"x"}', 400, "messages must be an array"),
        ('{"model":"made-up","messages":[]}', 404, "model not found"),
    ],
)
def test_errors_have_ollamas_form(make_client: MakeClient, body: str, status: int, words: str) -> None:
    client = make_client(settings=RelaySettings(unknown_model="error"))
    response = client.post(CHAT, data=body)
    assert (response.status_code, list(response.get_json())) == (status, ["error", "request_id"])
    assert words in response.get_json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("POST", "/api/embed", 400, "does not support embeddings"),
        ("POST", "/api/embeddings", 400, "does not support embeddings"),
        ("POST", "/api/create", 403, "cannot be created"),
        ("POST", "/api/copy", 403, "cannot be created"),
        ("DELETE", "/api/delete", 403, "cannot be created"),
        ("POST", "/api/push", 403, "cannot be created"),
        ("POST", "/api/blobs/sha256:12", 403, "cannot be created"),
        ("POST", "/api/experimental/web_search", 404, "-search searches the web"),
        ("POST", "/api/web_fetch", 404, "-search searches the web"),
        ("POST", "/api/me", 404, "ollama.com"),
        ("GET", "/api/status", 404, "GET /health"),
        ("GET", "/api/nothing", 404, "GET /openapi.json"),
        ("GET", "/api/chat", 405, "another method"),
        ("DELETE", "/api/tags", 405, "another method"),
    ],
)
def test_what_is_refused_says_why(client: FlaskClient, method: str, path: str, status: int, words: str) -> None:
    for address in (f"/ollama{path}", f"/ollama{path}/"):
        response = client.open(address, method=method, data="{}")
        assert (response.status_code, list(response.get_json())) == (status, ["error", "request_id"])
        assert words in response.get_json()["error"]


def test_a_key_is_asked_for_in_ollamas_form(make_client: MakeClient) -> None:
    client = make_client(config={"host": "0.0.0.0"})
    response = client.get("/ollama/api/tags")
    assert (response.status_code, list(response.get_json())) == (401, ["error", "request_id"])


# models


def test_the_models(client: FlaskClient) -> None:
    models = client.get("/ollama/api/tags").get_json()
    ollama.ListResponse.model_validate(models)
    names = [model["name"] for model in models["models"]]
    assert names == [f"{model['id']}:latest" for model in client.get("/v1/models").get_json()["data"]]
    assert [model["model"] for model in models["models"]] == names
    assert {len(model["digest"]) for model in models["models"]} == {64}


@pytest.mark.parametrize("body", [{"model": "qwen-max:latest"}, {"name": "qwen-max"}, {"model": "gpt-4o"}])
def test_a_model(client: FlaskClient, body: dict[str, str]) -> None:
    model = client.post("/ollama/api/show", json=body).get_json()
    ollama.ShowResponse.model_validate(model)
    [name] = body.values()
    assert model["model_info"]["general.architecture"] == "qwen3"
    assert model["model_info"]["general.basename"] == name.removesuffix(":latest")
    assert model["capabilities"][:2] == ["completion", "tools"]
    assert model["details"]["family"] == "qwen3"


def test_a_model_says_what_it_can_do(client: FlaskClient, site: FakeSite) -> None:
    meta = {"max_context_length": 262144, "capabilities": {"vision": True, "thinking": True}}
    entry = {"id": "qwen9", "info": {"is_active": True, "meta": meta}}
    site.script("a", Reply((json.dumps({"data": [entry]}),)), call="models")
    model = client.post("/ollama/api/show", json={"model": "qwen9"}).get_json()
    assert model["model_info"]["qwen3.context_length"] == 262144
    assert model["parameters"] == "num_ctx 262144"
    assert model["capabilities"] == ["completion", "tools", "vision", "thinking"]


@pytest.mark.parametrize("path", ["/ollama/api/show", "/ollama/api/pull"])
def test_a_model_that_is_made_up(client: FlaskClient, path: str) -> None:
    response = client.post(path, json={"model": "made-up"})
    assert response.status_code == 404
    assert "model not found" in response.get_json()["error"]


def test_pulling_what_is_there(client: FlaskClient) -> None:
    assert client.post("/ollama/api/pull", json={"model": "qwen-max", "stream": False}).get_json() == {
        "status": "success"
    }
    response = client.post("/ollama/api/pull", json={"name": "qwen-max:latest"}, buffered=True)
    assert response.mimetype == NDJSON
    assert response.text == '{"status":"pulling manifest"}\n{"status":"success"}\n'


def test_the_server(client: FlaskClient) -> None:
    for method in ("GET", "HEAD"):
        response = client.open("/ollama", method=method)
        assert (response.status_code, response.mimetype) == (200, "text/plain")
        assert client.open("/ollama/api/version", method=method).status_code == 200
    assert client.get("/ollama/").text == "Ollama is running"
    assert client.get("/ollama/api/version").get_json() == {"version": "0.23.0"}
    assert client.get("/ollama/api/ps").get_json() == {"models": []}


# addresses


@pytest.mark.parametrize(
    "path", ["/ollama/v1/chat/completions", "/ollama/chat/completions", "/ollama//v1/v1/chat/completions/"]
)
def test_openais_routes_stand_below_too(client: FlaskClient, path: str) -> None:
    response = client.post(path, json={"model": "qwen-max:latest", "messages": HELLO})
    assert response.get_json()["choices"][0]["message"]["content"] == "Hello world"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_that_it_runs_is_told_without_a_key(make_client: MakeClient, tmp_path: Path, method: str) -> None:
    KeyFile.open(SessionFolder(tmp_path / "session").keys).add("qp-secret-one")
    client = make_client(config={"ollama_port": OLLAMA_PORT})
    there = {"SERVER_PORT": str(OLLAMA_PORT)}
    assert client.open("/", method=method, environ_overrides=there).status_code == 200
    assert client.open("/ollama", method=method).status_code == 200
    for path in ("/api/tags", "/api/version", "/v1/models"):
        assert client.open(path, method=method, environ_overrides=there).status_code == 401


def test_ollamas_own_port(make_client: MakeClient) -> None:
    client = make_client(config={"ollama_port": OLLAMA_PORT})
    there = {"SERVER_PORT": str(OLLAMA_PORT)}
    assert client.get("/", environ_overrides=there).text == "Ollama is running"
    assert client.get("/", headers={"Host": f"localhost:{OLLAMA_PORT}"}).status_code == 404
    assert client.get("/api/ps", environ_overrides=there).get_json() == {"models": []}
    assert client.get("/health", environ_overrides=there).get_json()["status"] == "ok"
    body = {"model": "qwen-max", "messages": HELLO}
    said = client.post("/api/chat", json=body, environ_overrides=there, buffered=True)
    assert text_of(complete(said)) == "Hello world"
    for path in ("/v1/chat/completions", "/chat/completions"):
        answered = client.post(path, json=body, environ_overrides=there).get_json()
        assert answered["object"] == "chat.completion"
    refused = client.post("/api/embed", json={}, environ_overrides=there)
    assert (refused.status_code, list(refused.get_json())) == (400, ["error", "request_id"])


@pytest.mark.parametrize("path", ["/api/tags", "/api/version", "/api/ps"])
def test_free_addresses_of_the_main_port_are_ollamas(client: FlaskClient, path: str) -> None:
    assert client.get(path).get_json() == client.get(f"/ollama{path}").get_json()


def test_free_addresses_to_post_to(client: FlaskClient) -> None:
    assert client.post("/api/show", data='{"model":"qwen-max"}').get_json()["model_info"]
    assert client.post("/api/pull", json={"model": "qwen-max", "stream": False}).get_json() == {"status": "success"}
    body = {"model": "qwen-max", "prompt": "Hello?"}
    assert text_of(complete(client.post("/api/generate", json=body, buffered=True))) == "Hello world"


@pytest.mark.parametrize(
    ("body", "user_agent"),
    [({"messages": HELLO}, "ollama-js/0.6.3"), ({"messages": HELLO, "options": {}}, "Python/3.11 aiohttp/3.14.5")],
    ids=["by its name", "by a field"],
)
def test_the_shared_address_answers_ollama(client: FlaskClient, body: dict[str, Any], user_agent: str) -> None:
    response = client.post(
        "/api/chat", json={"model": "qwen-max", **body}, headers={"User-Agent": user_agent}, buffered=True
    )
    assert text_of(complete(response)) == "Hello world"
    assert client.get("/api/chats").get_json()["chats"][0]["name"] == "OpenAI API Chat"


@pytest.mark.parametrize(
    "body", [{"messages": HELLO, "model": "qwen-max"}, {"message": "Hello?", "options": {}, "think": True}], ids=spelled
)
def test_the_shared_address_stays_our_own(client: FlaskClient, body: dict[str, Any]) -> None:
    answered = client.post("/api/chat", json=body).get_json()
    assert answered["object"] == "chat.completion"
    assert answered["chatId"]


def test_a_browsers_plugin_asks_first(make_client: MakeClient) -> None:
    origin = "app://obsidian.md"
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    body = {"model": "qwen-max", "messages": HELLO, "stream": False}
    allowing = make_client(config={"cors_origins": origin})
    preflight = allowing.options(CHAT, headers=asks)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    granted = allowing.post(CHAT, json=body, headers={"Origin": origin})
    assert granted.headers["Access-Control-Allow-Origin"] == origin
    refused = make_client(0).post(CHAT, json=body, headers={"Origin": origin})
    assert (refused.status_code, list(refused.get_json())) == (403, ["error", "request_id"])
