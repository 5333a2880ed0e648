"""A model of an OpenAI-compatible endpoint answers in the place of the stand-in's own."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from openai_server import OpenAIServer, openai_server
from sandbox_caller import COMPLETIONS, Caller, answer_text, deltas, frames, payload

from qwenproxy.cli.brains import BrainOptions
from qwenproxy.cli.sandbox import sandbox_process
from qwenproxy.sandbox import Brain, Sandbox, Switches
from qwenproxy.sandbox.pages.cookies import FIREWALL, firewall_value

TOOL = {"description": "Looks.", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
NATIVE = {"local_mcp": {"mine": {"look": TOOL}}}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[OpenAIServer, Sandbox]]:
    with openai_server() as server:
        brain = Brain(server.url, "small", "secret")
        with Sandbox(1, switches=Switches(interval_ms=1, busy_release_s=0), brain=brain) as site:
            yield server, site


@pytest.fixture
def server(served: tuple[OpenAIServer, Sandbox]) -> OpenAIServer:
    server, _ = served
    server.status, server.before_each = 200, ()
    server.requests.clear()
    return server


@pytest.fixture
def caller(served: tuple[OpenAIServer, Sandbox]) -> Iterator[Caller]:
    caller = Caller(served[1], served[1].accounts[0])
    yield caller
    caller.close()
    served[1].wait_idle()


def test_the_brain_sees_the_conversation_and_its_words_are_the_answer(server: OpenAIServer, caller: Caller) -> None:
    server.deltas = [{"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"}]
    chat_id = caller.new_chat()
    first = caller.ask("Hi {{say never}}", chat_id)
    assert answer_text(first) == "Hello"
    assert [delta["content"] for delta in deltas(first)] == ["Hel", "lo", "", ""]
    caller.ask("And?", chat_id, parent_id=frames(first)[0]["response.created"]["response_id"])
    assert server.requests[-1] == {
        "model": "small",
        "stream": True,
        "messages": [
            {"role": "user", "content": "Hi {{say never}}"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "And?"},
        ],
    }
    assert server.keys[-1] == "Bearer secret"


def test_native_functions_are_its_tools_and_its_calls_are_native(server: OpenAIServer, caller: Caller) -> None:
    server.deltas = [
        {"content": "I look."},
        {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "look", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "look", "arguments": ""}}]},
    ]
    answer = caller.ask("Look!", features=NATIVE)
    [calls] = [delta["extra"]["local_mcp"] for delta in deltas(answer) if delta["phase"] == "local_tool"]
    assert calls == {"mine": [{"tool_name": "mine-look", "params": {"a": 1}}, {"tool_name": "mine-look", "params": {}}]}
    assert answer_text(answer) == "I look."
    assert server.requests[-1]["tools"] == [
        {
            "type": "function",
            "function": {"name": "look", "description": "Looks.", "parameters": TOOL["input_schema"]},
        }
    ]


@pytest.mark.parametrize("form", ["detail", "summary"])
def test_its_thoughts_are_the_sites(server: OpenAIServer, caller: Caller, form: str) -> None:
    server.deltas = [{"reasoning_content": "Well, "}, {"reasoning_content": "so."}, {"content": "Yes."}]
    thinking = {"thinking_enabled": True, "thinking_format": form}
    answer = caller.ask("Think!", features=thinking)
    assert answer_text(answer) == "Yes."
    thoughts = [delta["extra"]["summary_thought"]["content"] for delta in deltas(answer) if "extra" in delta]
    assert (answer_text(answer, "think"), thoughts[-1:]) == (
        ("Well, so. ", []) if form == "detail" else ("", [["Well, so."]])
    )
    assert {delta["phase"] for delta in deltas(caller.ask("Do not think."))} == {"answer"}


def test_while_it_is_silent_the_site_gives_signs_of_life(
    served: tuple[OpenAIServer, Sandbox], server: OpenAIServer, caller: Caller
) -> None:
    switches, go = served[1].switches, threading.Event()
    server.deltas, server.before_each = [{"content": "Late."}], [go]
    switches.keep_alive_s = 0.01
    timer = threading.Timer(0.1, go.set)
    timer.start()
    try:
        answer = caller.ask("Hurry!")
    finally:
        switches.keep_alive_s = 10.0
        timer.join()
    assert any(frame.get("response.info", {}).get("action") == "keep_alive" for frame in frames(answer))
    assert answer_text(answer) == "Late."


@pytest.mark.parametrize(
    ("status", "chunks", "words"),
    [
        (503, [], "503"),
        (200, [b"{broken"], "no JSON"),
        (200, [b'{"error":{"message":"out of memory"}}'], "out of memory"),
        (200, [{"tool_calls": [{"index": 0, "function": {"name": "look", "arguments": "{"}}]}], "arguments"),
    ],
    ids=["status", "no JSON", "error", "arguments"],
)
def test_its_failures_are_the_sites(
    server: OpenAIServer, caller: Caller, status: int, chunks: list[dict[str, object] | bytes], words: str
) -> None:
    server.status, server.deltas = status, chunks
    error = frames(caller.ask("Hello."))[-1]["error"]
    assert error["code"] == "internal_error"
    assert words in error["details"]


def test_a_cut_answer_of_the_brain_is_no_whole_one(server: OpenAIServer, caller: Caller) -> None:
    server.deltas, server.is_cut = [{"content": "half of "}], True
    assert "no complete stream" in frames(caller.ask("Hello."))[-1]["error"]["details"]


def test_a_brain_that_is_not_there_fails_as_the_site_does(caller: Caller) -> None:
    with Sandbox(1, brain=Brain("http://127.0.0.1:9/v1", "none")) as site:
        other = Caller(site, site.accounts[0])
        assert "cannot be reached" in frames(other.ask("Hello."))[-1]["error"]["details"]
        other.close()


def test_faults_strike_its_answers_too(server: OpenAIServer, caller: Caller) -> None:
    server.deltas = [{"content": "one "}, {"content": "two "}, {"content": "three"}]
    assert answer_text(caller.ask("{{fault cut_before_end after=2}}")) == "one two "
    assert "no fault 'cut'" in answer_text(caller.ask("{{fault cut}}"))


def test_the_command_line_puts_a_brain_behind_the_stand_in(server: OpenAIServer, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("from the file\n", encoding="utf-8")
    server.deltas = [{"content": "From the brain."}]
    with sandbox_process(1, BrainOptions(server.url, "small", str(key_file))) as address:
        headers = {
            "cookie": f"token={address.tokens['sandbox1']}; {FIREWALL}={firewall_value(time.time())}",
            "source": "web",
            "version": "0.3.12",
            "x-request-id": str(uuid.uuid4()),
            "bx-v": "2.5.36",
            "bx-ua": "231!a",
            "bx-umidtoken": "T2gA0",
        }
        # the certificate is new in each process, and a browser would check its key
        with httpx.Client(verify=False, base_url=address.base_url, headers=headers, timeout=20) as http:
            chat_id = http.post("/api/v2/chats/new", json={}).json()["data"]["id"]
            answer = http.post(f"{COMPLETIONS}?chat_id={chat_id}", json=payload(chat_id, "Hello."))
    assert answer_text(answer) == "From the brain."
    assert (server.requests[-1]["model"], server.keys[-1]) == ("small", "Bearer from the file")
