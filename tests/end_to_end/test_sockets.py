"""The WebSocket end to end: real connections, a real browser, and what reaches the site."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from proxy_process import Proxy
from simple_websocket import Client, ConnectionClosed
from small_server import THREADS, SmallServer
from spelling import spelled

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

WAIT = 60.0  # seconds; only a failing test waits as long
NOTICED_WITHIN = 15
FLOWING = "{{stream chunks=100000 interval_ms=20}}"
SILENT = "{{say one two three}}{{fault stall after=2 seconds=1000}}"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

HEADERS = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())

Connect = Callable[..., Client]


@pytest.fixture
def connect(proxy: Proxy) -> Iterator[Connect]:
    """Return what opens a socket to the shared server."""
    sockets: list[Client] = []

    def open_socket(**headers: str) -> Client:
        sockets.append(Client.connect(f"{proxy.url.replace('http', 'ws', 1)}/api/ws", headers=headers))
        return sockets[-1]

    yield open_socket
    for each in sockets:
        with contextlib.suppress(ConnectionClosed):
            each.close()
        each.thread.join(WAIT)


def say(ws: Client, message: object, **more: object) -> None:
    ws.send(json.dumps({"message": message, **more}))


def event(ws: Client) -> dict[str, Any]:
    text = ws.receive(timeout=WAIT)
    assert text is not None, "no event came"
    found: dict[str, Any] = json.loads(text)
    return found


def events(ws: Client) -> list[dict[str, Any]]:
    """Return the events of one answer."""
    found = [event(ws)]
    while found[-1]["type"] not in ("done", "error"):
        found.append(event(ws))
    return found


def text_of(found: list[dict[str, Any]]) -> str:
    return "".join(each["text"] for each in found if each["type"] == "delta")


def closing(ws: Client) -> int:
    """Return the code with which the server closes the socket."""
    with pytest.raises(ConnectionClosed) as caught:
        while ws.receive(timeout=WAIT) is not None:
            pass
    return int(caught.value.reason)


def test_several_chats_on_one_socket(connect: Connect, proxy: Proxy, site: Sandbox) -> None:
    ws = connect()
    say(ws, "My name is Ада. {{say Hello, Ада.}}", model="qwen-max")
    first = events(ws)
    assert text_of(first) == "Hello, Ада."
    assert (first[-1]["type"], first[-1]["finish_reason"]) == ("done", "stop")
    assert first[-1]["usage"]["total_tokens"] > 0
    chat_id = first[-1]["chatId"]

    say(ws, "Another chat. {{say Indeed.}}")
    other = events(ws)
    assert text_of(other) == "Indeed."
    assert other[-1]["chatId"] != chat_id

    say(ws, "What is my name? {{echo}}", chatId=chat_id)
    again = events(ws)
    assert "My name is Ада." in text_of(again)
    assert "Another chat" not in text_of(again)
    assert again[-1]["chatId"] == chat_id
    kept = httpx.get(f"{proxy.url}/api/chats/{chat_id}").json()["history"]["messages"]
    assert [message["role"] for message in kept] == ["user", "assistant", "user", "assistant"]


@pytest.mark.parametrize("question", [FLOWING, SILENT], ids=["flowing", "silent"])
def test_cancelling(connect: Connect, proxy: Proxy, site: Sandbox, question: str) -> None:
    ws = connect()
    say(ws, question)
    assert event(ws)["type"] == "delta"
    ws.send('{"type":"cancel"}')
    assert events(ws)[-1] == {"type": "done", "chatId": None, "finish_reason": "cancelled"}
    site.wait_idle(NOTICED_WITHIN)
    say(ws, "{{say And on we go.}}")
    assert text_of(events(ws)) == "And on we go."


@pytest.mark.parametrize("question", [FLOWING, SILENT], ids=["flowing", "silent"])
@pytest.mark.parametrize("politely", [True, False])
def test_a_client_that_leaves(connect: Connect, site: Sandbox, question: str, politely: bool) -> None:
    ws = connect()
    say(ws, question)
    assert event(ws)["type"] == "delta"
    if politely:
        ws.close()
    else:
        ws.sock.shutdown(socket.SHUT_RDWR)
    site.wait_idle(NOTICED_WITHIN)


@pytest.fixture
def key(proxy: Proxy) -> Iterator[str]:
    """The key that the shared server wants."""
    path = proxy.session_dir / "Authorization.txt"
    before = path.read_text()
    path.write_text("socket-key-77aa\n")
    yield "socket-key-77aa"
    path.write_text(before)
    assert "socket-key-77aa" not in proxy.log()


def test_the_key(connect: Connect, key: str) -> None:
    in_header, in_message, without = connect(Authorization=f"Bearer {key}"), connect(), connect()
    in_message.send(json.dumps({"type": "auth", "key": key}))
    for ws in (in_header, in_message):
        say(ws, "{{say Come in.}}")
        assert text_of(events(ws)) == "Come in."
    say(without, "{{say Come in.}}")
    assert event(without)["code"] == "invalid_api_key"
    assert closing(without) == 1008


@pytest.mark.parametrize(
    ("header", "status"), [({"Origin": "https://page.example"}, 403), ({"Host": "page.example"}, 403)], ids=spelled
)
def test_foreign_pages_open_no_socket(proxy: Proxy, header: dict[str, str], status: int) -> None:
    answer = httpx.get(f"{proxy.url}/api/ws", headers={**HANDSHAKE, **header})
    assert (answer.status_code, answer.json()["code"]) == (status, "forbidden_host")


def test_a_server_with_sockets_open(tmp_path: Path) -> None:
    with SmallServer(tmp_path / "session").running() as server:
        kept = [Client.connect(f"ws://127.0.0.1:{server.port}/api/ws") for _ in range(THREADS // 4)]
        for ws in kept:
            ws.send("{")
            assert event(ws)["code"] == "invalid_json"
        refused = server.answer(f"GET /api/ws HTTP/1.1\r\nHost: localhost\r\n{HEADERS}\r\n".encode())
        assert b'"code":"queue_timeout"' in refused
        assert server.health() == 200
        # leaving the block ends the server, and checks that it ends well
    for ws in kept:
        assert closing(ws) == 1001
        ws.thread.join(WAIT)


def test_waitress_says_that_it_cannot(tmp_path: Path) -> None:
    with SmallServer(tmp_path / "session", http_server="waitress").running() as server:
        answer = httpx.get(f"http://127.0.0.1:{server.port}/api/ws", headers=HANDSHAKE)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "POST /api/chat" in answer.json()["error"]
