"""Turns of the native chat that fail, that meet each other, or whose client leaves."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import pytest
from kept_chats import KeptChats, full_disk
from replies import CUT, REFUSED_CONTENT, TICK, Reply, answer
from simple_websocket import ConnectionClosed
from transcripts import CREATED, delta, end

from qwenproxy.api.native.ws_chat import SocketChat
from qwenproxy.api.sockets import Messages
from qwenproxy.disk import files
from qwenproxy.history import turns

GONE = {"waitress.client_disconnected": lambda: True}
ONE_TURN = [("user", "Hello?"), ("assistant", "Hello world")]


class Spoken:
    """The client's end of a WebSocket: says one thing, hears the answer to its end and leaves."""

    def __init__(self, message: str) -> None:
        self.connected = True
        self.events: list[Any] = []
        self._messages = [message]

    def receive(self, timeout: float | None = None) -> str | None:
        if self._messages:
            return self._messages.pop()
        if timeout == 0:
            return None
        raise ConnectionClosed

    def send(self, text: str) -> None:
        self.events.append(json.loads(text))


class TestFailures:
    @pytest.mark.parametrize("stream", [False, True])
    def test_a_first_turn_leaves_no_chat(self, chats: KeptChats, stream: bool) -> None:
        chats.site.script("a", REFUSED_CONTENT)
        response = chats.say("Hello?", stream=stream)
        assert (response.status_code, response.get_json()["code"]) == (400, "content_filter")
        assert list(response.get_json()) == ["error", "code", "request_id"]
        assert not chats.files()
        chats.site.wait_for_deletions(("a", "up-1"))

    @pytest.mark.parametrize("reply", [REFUSED_CONTENT, CUT], ids=["refused", "cut"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_a_later_turn_leaves_the_chat_as_it_was(self, chats: KeptChats, reply: Reply, stream: bool) -> None:
        chat_id = chats.say("Hello?").get_json()["chatId"]
        before = chats.path(chat_id).read_bytes()
        chats.site.script("a", reply)
        response = chats.say("And now?", chatId=chat_id, stream=stream)
        if stream and reply is CUT:
            assert json.loads(response.text.split("data: ")[-1])["error"]["code"] == "upstream_error"
            assert "[DONE]" not in response.text
        else:
            assert response.status_code in (400, 502)
            assert response.get_json()["chatId"] == chat_id
        assert chats.path(chat_id).read_bytes() == before
        journal = chats.session_dir / "upstream-deletions.json"
        assert not journal.exists(), "the chat of the site still holds the first turn"
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-1", "R7")

    def test_a_cut_first_answer_leaves_no_chat_and_no_id(self, chats: KeptChats) -> None:
        chats.site.script("a", CUT)
        response = chats.say("Hello?", chatId="550e8400-e29b-41d4-a716-446655440000")
        assert (response.status_code, list(response.get_json())) == (502, ["error", "code", "request_id"])
        assert not chats.files()

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_client_that_leaves_in_the_middle(self, chats: KeptChats, stream: bool) -> None:
        chats.site.script("a", Reply((CREATED, delta("Half"), TICK, delta(" more"), end())))
        body = {"message": "Hello?", "stream": stream}
        chats.client.post("/api/chat", json=body, buffered=True, environ_overrides=GONE)
        assert not chats.files()
        chats.site.wait_for_deletions(("a", "up-1"))

    def test_a_client_that_stops_reading(self, chats: KeptChats) -> None:
        chats.site.script("a", answer("One", "Two", "Three"))
        response = chats.client.post("/api/chat", json={"message": "Hello?", "stream": True})
        frames = response.iter_encoded()
        assert b'"role":"assistant"' in next(frames)
        assert b"One" in next(frames)
        response.close()
        assert not chats.files()

    def test_a_client_that_closes_at_the_finish_has_its_answer(self, chats: KeptChats) -> None:
        response = chats.client.post("/api/chat", json={"message": "Hello?", "stream": True})
        for frame in response.iter_encoded():
            if b'"finish_reason":"stop"' in frame:
                break
        response.close()
        (chat_id,) = chats.files()
        assert chats.kept(chat_id) == ONE_TURN

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_disk_that_fails_is_told(self, chats: KeptChats, stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "write_atomic", full_disk)
        response = chats.say("Hello?", stream=stream)
        assert "disk is full" in response.text
        assert "[DONE]" not in response.text
        assert '"finish_reason":"stop"' not in response.text
        assert not chats.files()

    def test_a_disk_that_fails_is_told_over_a_websocket(
        self, chats: KeptChats, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "write_atomic", full_disk)
        spoken = Spoken('{"message":"Hello?"}')
        with chats.app.test_request_context(), pytest.raises(ConnectionClosed):
            SocketChat(Messages(cast(Any, spoken))).serve()
        *deltas, error = spoken.events
        assert {event["type"] for event in deltas} == {"delta"}
        assert (error["type"], "disk is full" in error["message"]) == ("error", True)
        assert "chatId" not in error

    @pytest.mark.parametrize("stream", [False, True])
    def test_where_nothing_can_be_kept_the_site_is_not_asked(self, chats: KeptChats, stream: bool) -> None:
        folder = chats.session_dir / "history"
        folder.rmdir()
        folder.write_text("a file")
        response = chats.say("Hello?", stream=stream)
        assert (response.status_code, response.get_json()["code"]) == (503, "storage_error")
        assert chats.site.texts() == []

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_history_folder_that_went_away_is_made_anew(self, chats: KeptChats, stream: bool) -> None:
        folder = chats.session_dir / "history"
        folder.rmdir()
        assert chats.client.get("/api/chats").get_json() == {"chats": []}
        assert chats.client.post("/api/chats/cleanup", json={"maxChats": 1}).get_json()["deletedCount"] == 0
        assert chats.say("Hello?", stream=stream).status_code == 200
        (chat_id,) = chats.files()
        assert chats.kept(chat_id) == ONE_TURN
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_a_history_folder_that_goes_away_during_a_turn_is_made_anew(self, chats: KeptChats) -> None:
        gate = Gate()
        chats.site.script("a", Reply((CREATED, delta("Hello world"), gate, end())))
        answers = []
        asking = threading.Thread(target=lambda: answers.append(chats.say("Hello?")))
        asking.start()
        assert gate.reached.wait(10)
        (chats.session_dir / "history").rmdir()
        gate.open.set()
        asking.join(10)
        assert answers[0].status_code == 200
        assert chats.kept(answers[0].get_json()["chatId"]) == ONE_TURN

    def test_a_chat_deleted_in_the_middle_stays_deleted(self, chats: KeptChats) -> None:
        chat_id = chats.say("Hello?").get_json()["chatId"]
        chats.site.script("a", answer("One", "Two"))
        response = chats.client.post("/api/chat", json={"message": "Go on", "stream": True, "chatId": chat_id})
        frames = response.iter_encoded()
        next(frames)
        assert chats.client.delete(f"/api/chats/{chat_id}").status_code == 200
        assert list(frames)[-1] == b"data: [DONE]\n\n"
        response.close()
        assert not chats.files()


class Gate:
    """A piece of a stream that comes when the test lets it."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __str__(self) -> str:
        self.reached.set()
        assert self.open.wait(10)
        return ""


def watch_joining(monkeypatch: pytest.MonkeyPatch, chats: KeptChats, chat_id: str) -> threading.Event:
    """Return the event that tells that a request waits, or asks, for its turn on this chat."""
    joined, turn = threading.Event(), chats.history.turn

    def join(requested_id: str, turn_wait: float | None = None, client_gone: Callable[[], bool] = lambda: False) -> Any:
        def is_gone() -> Any:
            # The first look is after the first slice of the wait.
            joined.set()
            return client_gone()

        return turn(requested_id, turn_wait, is_gone if requested_id == chat_id else client_gone)

    monkeypatch.setattr(turns, "LOOK_AGAIN", 0.001)
    monkeypatch.setattr(chats.history, "turn", join)
    return joined


class TestTurnsAtOnce:
    def test_one_after_the_other_in_order(self, chats: KeptChats, monkeypatch: pytest.MonkeyPatch) -> None:
        chat_id = chats.say("Q0").get_json()["chatId"]
        gate, joined = Gate(), threading.Semaphore(0)
        chats.site.script("a", Reply((CREATED, delta("A1"), gate, end())), answer("A2"), answer("A3"))

        class Line(deque[Any]):
            def append(self, one: Any) -> None:
                super().append(one)
                joined.release()

        monkeypatch.setattr(turns, "deque", Line)
        threads = [threading.Thread(target=self.ask, args=(chats, f"Q{number}", chat_id)) for number in (1, 2, 3)]
        for thread in threads:
            thread.start()
            assert joined.acquire(timeout=10)
        assert gate.reached.wait(10)
        assert chats.site.texts() == ["Q0", "Q1"]
        gate.open.set()
        for thread in threads:
            thread.join(10)
        texts = ["Q0", "Hello world", "Q1", "A1", "Q2", "A2", "Q3", "A3"]
        assert [content for _, content in chats.kept(chat_id)] == texts

    def test_chats_do_not_wait_for_one_another(self, chats: KeptChats) -> None:
        gate = Gate()
        chats.site.script("a", Reply((CREATED, delta("A1"), gate, end())))
        thread = threading.Thread(target=self.ask, args=(chats, "Q1", None))
        thread.start()
        assert gate.reached.wait(10)
        assert chats.say("Q2").status_code == 200
        gate.open.set()
        thread.join(10)

    @pytest.mark.parametrize("is_kept_chat", [True, False])
    def test_the_id_in_the_first_chunk_holds_at_once(
        self, chats: KeptChats, is_kept_chat: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chats.site.script("a", answer("A1"))
        response = chats.client.post("/api/chat", json={"message": "Q1", "stream": True})
        frames = response.iter_encoded()
        chat_id = json.loads(next(frames).removeprefix(b"data: "))["chatId"]
        joined = watch_joining(monkeypatch, chats, chat_id)
        answers = []
        second = threading.Thread(target=lambda: answers.append(self.ask(chats, "Q2", chat_id)))
        second.start()
        assert joined.wait(10)
        assert chats.site.texts() == ["Q1"]
        if is_kept_chat:
            assert list(frames)[-1] == b"data: [DONE]\n\n"
        response.close()
        second.join(10)
        (only,) = chats.files()
        assert answers == [only]
        texts = ["Q2", "Hello world"]
        assert [content for _, content in chats.kept(only)] == (["Q1", "A1", *texts] if is_kept_chat else texts)
        assert (only == chat_id) is is_kept_chat

    def test_a_client_that_left_the_line_is_not_asked_for(self, chats: KeptChats) -> None:
        chat_id = chats.say("Q0").get_json()["chatId"]
        chats.client.post("/api/chat", json={"message": "Q1", "chatId": chat_id}, environ_overrides=GONE)
        assert chats.site.texts() == ["Q0"]

    def test_the_wait_for_a_turn_has_a_bound(self, chats: KeptChats) -> None:
        chats.start(queue_wait="0.01")
        chat_id = chats.say("Q0").get_json()["chatId"]
        with chats.history.turn(chat_id):
            response = chats.say("Q1", chatId=chat_id)
        assert (response.status_code, response.get_json()["code"]) == (429, "queue_timeout")
        assert response.get_json()["chatId"] == chat_id
        assert int(response.headers["Retry-After"]) > 0
        assert chats.say("Q2", chatId=chat_id).status_code == 200
        assert chats.site.texts() == ["Q0", "Q2"]

    def test_a_client_that_leaves_while_it_waits_stops_waiting(
        self, chats: KeptChats, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(turns, "LOOK_AGAIN", 0.001)
        chat_id = chats.say("Q0").get_json()["chatId"]
        body, looks = {"message": "Q1", "chatId": chat_id}, [True, False]
        leaving = {"waitress.client_disconnected": looks.pop}
        with chats.history.turn(chat_id):
            response = chats.client.post("/api/chat", json=body, environ_overrides=leaving)
        assert response.status_code == 499
        assert chats.site.texts() == ["Q0"]

    @staticmethod
    def ask(chats: KeptChats, text: str, chat_id: str) -> Any:
        body = {"message": text, **({"chatId": chat_id} if chat_id else {})}
        response = chats.app.test_client().post("/api/chat", json=body)
        assert response.status_code == 200
        return response.get_json()["chatId"]
