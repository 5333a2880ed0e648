"""Long questions on their whole way: a file in the store and a text in the page; and those that no model can read."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from asking import ask, asked_in_chats
from openai import BadRequestError, OpenAI
from proxy_process import Proxy

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

SMALL = "qwen-plus-2025-07-28"  # the stand-in's model with the shortest context
CONTEXT = 131_072
LINE = "Turn {:05}: the quick brown fox, Ёжик, 你好, jumps over the lazy dog. 🙂\n"


@pytest.fixture(scope="module")
def own_server(stand_in: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A server of these tests' own, because tests of files let uploads rest in the shared one."""
    server = Proxy(stand_in, tmp_path_factory.mktemp("long") / "session", on_no_accounts="wait")
    server.registry.add(stand_in.accounts[0].token, stand_in.accounts[0].id)
    with server:
        yield server


@pytest.fixture
def proxy(own_server: Proxy, site: Sandbox) -> Proxy:
    return own_server


def conversation(characters: int) -> list[dict[str, str]]:
    """Return a conversation of at least so many characters, whose last message lets the model repeat what it saw."""
    turns = [
        {"role": role, "content": "".join(LINE.format(1000 * number + line) for line in range(50))}
        for number in range(characters // 3000 // 2)
        for role in ("user", "assistant")
    ]
    return [{"role": "system", "content": "Be kind."}, *turns, {"role": "user", "content": "Go on. {{echo}}"}]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_conversation_of_200_000_characters_arrives_whole(proxy: Proxy, site: Sandbox, streamed: bool) -> None:
    messages = conversation(200_000)
    assert sum(len(message["content"]) for message in messages) >= 200_000
    reply = ask(proxy.url, messages, stream=streamed)
    assert reply.status == 200, reply.body
    [question] = json.loads(reply.text)
    [entry] = question["files"]
    [file] = [file for file in site.files if file.id == entry["id"]]
    assert file.data
    older, inline = file.data.decode(), question["content"]
    assert len(inline) <= 45_000
    assert inline.endswith(messages[-1]["content"])
    recent = next(at for at, message in enumerate(messages[1:], 1) if message["content"] in inline)
    for at, message in enumerate(messages):
        assert message["content"] in (older if 0 < at < recent else inline)
    places = [older.index(message["content"]) for message in messages[1:recent]]
    assert places == sorted(places) and len(places) > 50


def too_long() -> str:
    return "word " * (CONTEXT + 10)


def test_the_sdk_hears_which_limit_was_exceeded(proxy: Proxy, site: Sandbox, sdk: Callable[[Proxy], OpenAI]) -> None:
    client = sdk(proxy)
    for streamed in (False, True):
        with pytest.raises(BadRequestError) as caught:
            client.chat.completions.create(
                model=SMALL, messages=[{"role": "user", "content": too_long()}], stream=streamed
            )
        error = caught.value
        assert (error.code, error.type, error.param) == ("context_length_exceeded", "invalid_request_error", "messages")
        assert f"maximum context length is {CONTEXT} tokens" in error.message
    assert asked_in_chats(site) == []


def test_curl_hears_it(proxy: Proxy) -> None:
    curl = shutil.which("curl")
    assert curl, "curl is missing: apt-get install -y curl"
    body = json.dumps({"model": f"{SMALL}-thinking", "messages": [{"role": "user", "content": too_long()}]})
    command = [curl, "-s", "-w", "\n%{http_code}", f"{proxy.url}/v1/chat/completions", "--data-binary", "@-"]
    command += ["-H", "Content-Type: application/json"]
    done = subprocess.run(command, input=body, capture_output=True, text=True, timeout=60, check=True)
    answer, status = done.stdout.rsplit("\n", 1)
    error = json.loads(answer)["error"]
    assert (status, error["code"]) == ("400", "context_length_exceeded")
    assert f"{CONTEXT + 10 + 9} tokens" in error["message"]
