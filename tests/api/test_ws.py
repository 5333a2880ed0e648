"""The WebSocket over scripted tabs and a real HTTP server: answers, cancelling, keys, bounds, clients that leave."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from kept_chats import KeptChats
from replies import CUT, RATE_LIMITED, Reply, answer
from simple_websocket import Client, ConnectionClosed
from spelling import spelled
from transcripts import CREATED, delta, end
from werkzeug.test import TestResponse

from qwenproxy.api import sockets
from qwenproxy.api.native import ws_chat
from qwenproxy.history import turns
from qwenproxy.observe import logs

NEVER = threading.Event()
WAIT = 20.0  # seconds; only a failing test waits as long
NONCE = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": NONCE,
}


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Return the log as pairs of request and text, which grows."""
    lines: list[tuple[str, str]] = []
    package, handler = logging.getLogger("qwenproxy"), logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: lines.append((logs.request_id.get(), record.getMessage())))
    before = package.level
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    yield lines
    package.removeHandler(handler)
    package.setLevel(before)


def endless(*chunks: str, then: str = ": still here\n\n") -> Reply:
    """Return a reply that goes on after these chunks until nobody listens any more."""

    def stream() -> Iterator[str]:
        yield from chunks
        while True:
            yield then
            NEVER.wait(0.001)  # leaves the processor to those who listen

    return Reply(cast(Any, stream()), pace=0.01)


class Gated:
    """Chunks of a reply, of which those after the second one wait for a gate."""

    def __init__(self, gate: threading.Event, *chunks: str) -> None:
        self.gate = gate
        self.chunks = chunks

    def __iter__(self) -> Iterator[str]:
        yield from self.chunks[:2]
        self.gate.wait(WAIT)
        yield from self.chunks[2:]


def all_that_comes(port: int) -> bytes:
    """Open a socket, say nothing, and return all bytes until its end.

    For what the server says at once, which the library's own client loses when it comes along with the handshake.
    """
    with socket.create_connection(("127.0.0.1", port), WAIT) as silent:
        lines = ["GET /api/ws HTTP/1.1", "Host: localhost", *(": ".join(pair) for pair in HANDSHAKE.items())]
        silent.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        received = b""
        while data := silent.recv(4096):
            received += data
    assert received.startswith(b"HTTP/1.1 101")
    return received


def say(ws: Client, message: object, **more: Any) -> None:
    ws.send(json.dumps({"message": message, **more}))


def event(ws: Client) -> Any:
    text = ws.receive(timeout=WAIT)
    assert text is not None, "no event came"
    assert '": ' not in text
    return json.loads(text)


def events(ws: Client) -> list[Any]:
    """Return the events of one answer."""
    events_so_far = [event(ws)]
    while events_so_far[-1]["type"] not in ("done", "error"):
        events_so_far.append(event(ws))
    return events_so_far


def closing(ws: Client) -> int:
    """Return the code with which the server closes the socket, all events before it read."""
    with pytest.raises(ConnectionClosed) as caught:
        while ws.receive(timeout=WAIT) is not None:
            pass
    return int(caught.value.reason)


class TestAnswers:
    def test_an_answer_in_events(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        ws = connect()
        say(ws, "Hello?", model="qwen-max")
        *deltas, done = events(ws)
        assert deltas == [{"type": "delta", "text": "Hello"}, {"type": "delta", "text": " world"}]
        assert list(done) == ["type", "chatId", "finish_reason", "model", "usage"]
        assert (done["type"], done["finish_reason"], done["usage"]["total_tokens"]) == ("done", "stop", 9)
        assert chats.kept(done["chatId"]) == [("user", "Hello?"), ("assistant", "Hello world")]

    def test_thinking_and_images(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        url = "https://cdn.example/a.png"
        thought = delta("Hm.", "think")
        chats.site.script("a", Reply((CREATED, thought, delta(url, "image_gen"), delta("Hi Я"), end())))
        ws = connect()
        say(ws, "Hello?")
        assert events(ws)[:-1] == [
            {"type": "reasoning", "text": "Hm."},
            {"type": "delta", "text": f"![image]({url})\n"},
            {"type": "delta", "text": "Hi Я"},
        ]

    def test_several_turns_of_one_chat_on_one_socket(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        ws = connect()
        say(ws, "Hello?")
        chat_id = events(ws)[-1]["chatId"]
        say(ws, "And now?", chatId=chat_id)
        assert events(ws)[-1]["chatId"] == chat_id
        assert chats.site.places() == [("a", "up-1", None), ("a", "up-1", "R7")]

    def test_each_has_an_id_in_the_log_and_what_comes_after_has_none(
        self,
        serve: Callable[..., int],
        connect: Callable[..., Client],
        chats: KeptChats,
        log_lines: list[tuple[str, str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        port = serve()
        inner, over = chats.app.wsgi_app, threading.Event()

        def around(*called: Any) -> Any:
            try:
                return inner(*called)
            finally:
                log_lines.append((logs.request_id.get(), "over"))
                over.set()

        monkeypatch.setattr(chats.app, "wsgi_app", around)
        ws = connect(port)
        for _ in range(2):
            say(ws, "Hello?")
            events(ws)
        ws.close()
        assert over.wait(WAIT)

        def ids(words: Any) -> Any:
            return [request for request, text in log_lines if words in text]

        [handshake] = set(ids("GET /api/ws"))
        assert ids("the client closed") == [handshake]
        assert len({handshake, logs.NO_REQUEST, *ids("WebSocket answer ended")}) == 4
        assert ids("over") == [logs.NO_REQUEST]

    def test_requests_that_came_early_are_answered_in_order(
        self, connect: Callable[..., Client], chats: KeptChats
    ) -> None:
        chats.site.script("a", answer("One"), answer("Two"), answer("Three"))
        ws = connect()
        for number in range(3):
            say(ws, f"Q{number}")
        assert [events(ws)[0]["text"] for _ in range(3)] == ["One", "Two", "Three"]
        assert chats.site.texts() == ["Q0", "Q1", "Q2"]

    def test_messages_as_openai_has_them(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        ws = connect()
        ws.send(json.dumps({"messages": [{"role": "user", "content": "Hi"}], "stream": False}).encode())
        assert events(ws)[-1]["type"] == "done"
        assert chats.site.texts() == ["Hi"]

    def test_sockets_are_independent(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        chats.site.script("a", endless(CREATED, delta("Half")))
        first, second = connect(), connect()
        say(first, "Hello?")
        assert event(first)["text"] == "Half"
        say(second, "Hello?")
        assert events(second)[-1]["type"] == "done"
        first.send('{"type":"cancel"}')
        assert events(first)[-1]["finish_reason"] == "cancelled"


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "invalid_json"),
            ("{", "invalid_json"),
            ("[]", "invalid_json"),
            ("[" * 100_000, "invalid_json"),
            ('"\\ud800"', "invalid_json"),
            ("{}", "invalid_request"),
            ('{"message":1}', "invalid_request"),
            ('{"message":"x","chatId":"../x"}', "invalid_request"),
            ('{"message":"x","model":7}', "invalid_request"),
            ('{"type":"dance"}', "invalid_request"),
            ('{"type":["cancel"]}', "invalid_request"),
            (b"\xff", "invalid_json"),
        ],
        ids=spelled,
    )
    def test_bad_messages_harm_nobody(self, connect: Callable[..., Client], text: str, code: str) -> None:
        ws = connect()
        ws.send(text)
        error = event(ws)
        assert (error["type"], error["code"]) == ("error", code)
        assert error["message"]
        say(ws, "Hello?")
        assert events(ws)[-1]["type"] == "done"

    @pytest.mark.parametrize(
        "data", [r'{"message":"cut \ud83d"}', '{"message":"cut \ufffd"}'.encode("utf-16")], ids=spelled
    )
    def test_odd_json_is_json(self, connect: Callable[..., Client], chats: KeptChats, data: Any) -> None:
        ws = connect()
        ws.send(data)
        assert events(ws)[-1]["type"] == "done"
        assert chats.site.texts() == ["cut \ufffd"]

    def test_before_the_first_event(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        chats.site.script("a", RATE_LIMITED)
        ws = connect()
        say(ws, "Hello?")
        error = event(ws)
        assert (error["type"], error["code"]) == ("error", "rate_limited")
        assert "quota is exhausted and will reset at" in error["message"]
        assert "chatId" not in error
        assert chats.files() == []

    def test_a_cut_answer_is_none(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        ws = connect()
        say(ws, "Hello?")
        chat_id = events(ws)[-1]["chatId"]
        chats.site.script("a", CUT)
        say(ws, "Go on", chatId=chat_id)
        *_, error = events(ws)
        assert (error["code"], error["chatId"]) == ("upstream_error", chat_id)
        assert len(chats.kept(chat_id)) == 2

    def test_a_cut_first_answer_leaves_no_chat(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        chats.site.script("a", CUT)
        ws = connect()
        say(ws, "Hello?")
        *_, error = events(ws)
        assert error["code"] == "upstream_error"
        assert "chatId" not in error
        assert chats.files() == []

    def test_an_unforeseen_failure_tells_nothing(
        self, connect: Callable[..., Client], chats: KeptChats, caplog: pytest.LogCaptureFixture
    ) -> None:
        chats.site.script("a", ValueError("secret text"))
        ws = connect()
        say(ws, "Hello?")
        assert "secret" not in json.dumps(event(ws))
        assert closing(ws) == sockets.INTERNAL_ERROR
        assert "unexpected ValueError" in caplog.text
        assert "secret" not in caplog.text


class TestCancelling:
    @pytest.mark.parametrize("then", [": still here\n\n", delta("x")], ids=["silent", "talking"])
    def test_in_the_middle(self, connect: Callable[..., Client], chats: KeptChats, then: str) -> None:
        chats.site.script("a", endless(CREATED, delta("Half"), then=then))
        ws = connect()
        say(ws, "Hello?")
        assert event(ws)["type"] == "delta"
        ws.send('{"type":"cancel"}')
        assert events(ws)[-1] == {"type": "done", "chatId": None, "finish_reason": "cancelled"}
        assert all(response.closed for response in chats.site.responses)
        assert chats.files() == []
        say(ws, "Again?")
        assert events(ws)[-1]["finish_reason"] == "stop"

    def test_before_the_first_event(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        chats.site.script("a", endless(CREATED))
        ws = connect()
        say(ws, "Hello?")
        ws.send('{"type":"cancel"}')
        assert events(ws) == [{"type": "done", "chatId": None, "finish_reason": "cancelled"}]

    def test_a_later_turn_leaves_the_history_as_it_was(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        ws = connect()
        say(ws, "Hello?")
        chat_id = events(ws)[-1]["chatId"]
        chats.site.script("a", endless(CREATED, delta("Half")))
        say(ws, "Go on", chatId=chat_id)
        event(ws)
        ws.send('{"type":"cancel"}')
        assert events(ws)[-1] == {"type": "done", "chatId": chat_id, "finish_reason": "cancelled"}
        assert len(chats.kept(chat_id)) == 2

    def test_only_the_running_answer_stops(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        chats.site.script("a", endless(CREATED, delta("Half")))
        ws = connect()
        say(ws, "Hello?")
        event(ws)
        say(ws, "Next")
        ws.send('{"type":"cancel"}')
        assert events(ws)[-1]["finish_reason"] == "cancelled"
        assert events(ws)[-1]["finish_reason"] == "stop"

    def test_while_it_waits_for_its_turn(
        self, connect: Callable[..., Client], chats: KeptChats, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        joined = threading.Semaphore(0)

        class Line(deque[Any]):
            def append(self, one: Any) -> None:
                super().append(one)
                joined.release()

        monkeypatch.setattr(turns, "deque", Line)
        ws = connect()
        say(ws, "Hello?")
        chat_id = events(ws)[-1]["chatId"]
        with chats.history.turn(chat_id):
            while joined.acquire(blocking=False):
                pass
            say(ws, "Go on", chatId=chat_id)
            assert joined.acquire(timeout=WAIT)
            ws.send('{"type":"cancel"}')
            assert events(ws) == [{"type": "done", "chatId": chat_id, "finish_reason": "cancelled"}]
        say(ws, "Go on", chatId=chat_id)
        assert events(ws)[-1]["finish_reason"] == "stop"
        assert chats.site.texts() == ["Hello?", "Go on"]

    def test_nothing_to_cancel(self, connect: Callable[..., Client]) -> None:
        ws = connect()
        ws.send('{"type":"cancel"}')
        say(ws, "Hello?")
        assert events(ws)[-1]["finish_reason"] == "stop"


class TestClientGone:
    @pytest.mark.parametrize("politely", [True, False])
    def test_the_answer_is_stopped(self, connect: Callable[..., Client], chats: KeptChats, politely: bool) -> None:
        chats.site.script("a", answer("Hello"), endless(CREATED, delta("Half")))
        ws = connect()
        say(ws, "Hello?")
        chat_id = events(ws)[-1]["chatId"]
        say(ws, "Go on", chatId=chat_id)
        event(ws)
        if politely:
            ws.close()
        else:
            ws.sock.shutdown(socket.SHUT_RDWR)
        # a chat's next turn has to wait until the one before has ended
        assert chats.say("Next?", chatId=chat_id).status_code == 200
        assert all(response.closed for response in chats.site.responses)

    def test_a_client_that_floods_is_cut_off(self, connect: Callable[..., Client], chats: KeptChats) -> None:
        chats.site.script("a", endless(CREATED, delta("Half")))
        ws = connect()
        say(ws, "Hello?")
        event(ws)
        with pytest.raises((ConnectionClosed, OSError)):
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                say(ws, "More!")
        ws.thread.join(WAIT)


class TestKeys:
    @pytest.fixture
    def keys(self, tmp_path: Path, connect: Callable[..., Client]) -> Path:
        connect().close()
        path = tmp_path / "session" / "Authorization.txt"
        path.write_text("key-1\n")
        return path

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("Authorization", "Bearer key-1"),
            ("Authorization", "Bearer Bearer key-1"),
            ("x-api-key", "key-1"),
            ("api-key", '"key-1"'),
        ],
    )
    def test_in_the_handshake(self, keys: Path, connect: Callable[..., Client], header: str, value: str) -> None:
        ws = connect(**{header: value})
        say(ws, "Hello?")
        assert events(ws)[-1]["type"] == "done"

    @pytest.mark.parametrize("key", ["key-1", " key-1\\n", "Bearer key-1", "'key-1'"])
    def test_in_the_first_message(self, keys: Path, connect: Callable[..., Client], key: str) -> None:
        ws = connect()
        ws.send(f'{{"type":"auth","key":"{key}"}}')
        say(ws, "Hello?")
        assert events(ws)[-1]["type"] == "done"

    @pytest.mark.parametrize(
        "first",
        [
            '{"type":"auth","key":"key-2"}',
            '{"type":"auth"}',
            '{"type":"auth","key":1}',
            '{"message":"Hello?"}',
            "{",
            "[]",
        ],
    )
    def test_none_in_the_first_message(
        self, keys: Path, connect: Callable[..., Client], chats: KeptChats, first: dict[str, Any] | str
    ) -> None:
        ws = connect()
        ws.send(first)
        error = event(ws)
        assert (error["type"], error["code"]) == ("error", "invalid_api_key")
        assert closing(ws) == sockets.POLICY_VIOLATION
        assert chats.site.calls == []

    def test_none_in_time(self, serve: Callable[..., int], chats: KeptChats, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ws_chat, "KEY_WAIT", 0.01)
        port = serve()
        (chats.session_dir / "Authorization.txt").write_text("key-1\n")
        refused = all_that_comes(port)
        assert b'"code":"invalid_api_key"' in refused
        assert sockets.POLICY_VIOLATION.to_bytes(2, "big") in refused

    def test_one_that_was_taken_back(self, keys: Path, connect: Callable[..., Client]) -> None:
        ws = connect(Authorization="Bearer key-1")
        say(ws, "Hello?")
        assert events(ws)[-1]["type"] == "done"
        keys.write_text("key-2 is longer\n")
        say(ws, "Hello?")
        assert event(ws)["code"] == "invalid_api_key"
        assert closing(ws) == sockets.POLICY_VIOLATION

    def test_one_that_nobody_asked_for(self, connect: Callable[..., Client]) -> None:
        ws = connect()
        ws.send('{"type":"auth","key":"whatever"}')
        say(ws, "Hello?")
        assert events(ws)[-1]["type"] == "done"


class TestBounds:
    def test_so_many_sockets(self, serve: Callable[..., int], connect: Callable[..., Client]) -> None:
        port = serve(threads=8)
        for ws in [connect(port), connect(port)]:
            say(ws, "Hello?")
            assert events(ws)[-1]["type"] == "done"
        refused = all_that_comes(port)
        assert b'"code":"queue_timeout"' in refused
        assert sockets.TRY_AGAIN_LATER.to_bytes(2, "big") in refused

    def test_a_closed_socket_makes_room(self, serve: Callable[..., int], connect: Callable[..., Client]) -> None:
        port = serve(threads=1)
        for _ in range(3):
            ws = connect(port)
            say(ws, "Hello?")
            assert events(ws)[-1]["type"] == "done"
            ws.close()
            ws.thread.join(WAIT)

    def test_a_server_that_stops_lets_the_running_answer_end(
        self, connect: Callable[..., Client], chats: KeptChats
    ) -> None:
        gate = threading.Event()
        chats.site.script("a", Reply(cast(Any, Gated(gate, CREATED, delta("Half"), delta(" and half"), end()))))
        busy, idle = connect(), connect()
        say(busy, "Hello?")
        assert event(busy)["text"] == "Half"
        chats.app.extensions[sockets.SOCKETS].stop()
        assert closing(idle) == sockets.GOING_AWAY
        gate.set()
        assert [each.get("text") for each in events(busy)] == [" and half", None]
        assert closing(busy) == sockets.GOING_AWAY

    def test_a_client_that_answers_no_ping_is_gone(
        self, serve: Callable[..., int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sockets, "PING_INTERVAL", 0.05)
        assert b"Ping/Pong timeout" in all_that_comes(serve())

    def test_the_size_of_a_message(self, serve: Callable[..., int], connect: Callable[..., Client]) -> None:
        ws = connect(serve(max_body=1000))
        say(ws, "x" * 2000)
        assert closing(ws) == 1009

    def test_pieces_of_a_message_count_together(
        self, serve: Callable[..., int], connect: Callable[..., Client]
    ) -> None:
        ws = connect(serve(max_body=1000))
        frames = [bytes([opcode, 0x80 | 126, 0x01, 0x90, 0, 0, 0, 0]) + b"x" * 400 for opcode in (1, 0, 0)]
        ws.sock.sendall(b"".join(frames))
        assert closing(ws) == 1009


class TestHandshakes:
    @pytest.fixture
    def ask(self, chats: KeptChats) -> Iterator[Callable[..., TestResponse]]:
        """Return what sends a handshake as gunicorn would hand it on."""
        ours, theirs = socket.socketpair()

        def ask(**headers: Any) -> Any:
            present = {name: value for name, value in {**HANDSHAKE, **headers}.items() if value is not None}
            return chats.client.get("/api/ws", headers=present, environ_overrides={"gunicorn.socket": ours})

        with ours, theirs:
            yield ask

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-WebSocket-Version": "8"},
            {"Sec-WebSocket-Version": None},
            {"Sec-WebSocket-Key": "short"},
            {"Sec-WebSocket-Key": None},
            {"Sec-WebSocket-Key": "ключ".encode().decode("latin-1")},
            {"Host": "localhost", "X-Odd": "a\x00b"},
            {"Upgrade": None},
            {"Connection": None},
            {"Upgrade": "h2c"},
        ],
        ids=spelled,
    )
    def test_bad_ones(self, ask: Callable[..., TestResponse], headers: dict[str, Any]) -> None:
        response = ask(**headers)
        assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")

    def test_a_wrong_key(self, ask: Callable[..., TestResponse], chats: KeptChats) -> None:
        (chats.session_dir / "Authorization.txt").write_text("key-1\n")
        for header in ("Authorization", "x-api-key", "api-key"):
            assert ask(**{header: "Bearer key-2"}).status_code == 401

    def test_a_foreign_page(self, ask: Callable[..., TestResponse]) -> None:
        assert ask(Origin="https://page.example").status_code == 403

    def test_a_foreign_host(self, ask: Callable[..., TestResponse]) -> None:
        assert ask(Host="page.example").status_code == 403

    def test_a_server_that_cannot(self, chats: KeptChats) -> None:
        response = chats.client.get("/api/ws", headers=HANDSHAKE)
        assert (response.status_code, response.get_json()["code"]) == (404, "not_found")
        assert "waitress" in response.get_json()["error"]

    def test_plain_http_is_told_what_this_is(self, chats: KeptChats) -> None:
        response = chats.client.get("/api/ws")
        assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
        assert "WebSocket" in response.get_json()["error"]
