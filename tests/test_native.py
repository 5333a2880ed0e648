"""POST /api/chat and the recording of completions: what the model sees, what is kept, what a failure leaves."""

from __future__ import annotations

import json
import logging
import re
import threading
import uuid
from collections import deque

import pytest
from fakes import (
    CUT,
    LOGGED_OUT,
    RATE_LIMITED,
    REFUSED_CONTENT,
    TICK,
    Reply,
    answer,
    refusal,
)
from kept_chats import KeptChats
from transcripts import CREATED, delta, end

from qwenproxy import deletions, history, storage
from qwenproxy.errors import SetupError

GONE = {"waitress.client_disconnected": lambda: True}
CHAT_GONE = refusal("Not_Found", "CHAT_NOT_FOUND: chat up-1 is not exist", status=404)
PARENT_GONE = refusal("Bad_Request", "Invalid input the parent_id R7 is not exist.", status=400)
ONE_TURN = [("user", "Hello?"), ("assistant", "Hello world")]


@pytest.fixture
def chats(tmp_path, registry, clock, pauses, monkeypatch):
    monkeypatch.setattr(deletions, "PACE", 0)
    chats = KeptChats(tmp_path / "session", registry, clock)
    yield chats.start()
    chats.close()


def frames_of(response):
    """Return a stream's frames, parsed; its end checked."""
    *frames, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


class TestAnswers:
    def test_a_plain_answer(self, chats):
        response = chats.say("Hello?", model="qwen-max")
        assert response.status_code == 200
        body = response.json
        assert list(body)[-1] == "chatId"
        assert str(uuid.UUID(body["chatId"])) == body["chatId"]
        assert body["object"] == "chat.completion"
        assert body["choices"][0]["message"] == {"role": "assistant", "content": "Hello world"}
        assert ": " not in response.text.replace('"Hello world"', "")

    def test_a_streamed_answer(self, chats):
        response = chats.say("Hello?", stream=True)
        assert response.mimetype == "text/event-stream"
        frames = frames_of(response)
        assert "".join(frame["choices"][0]["delta"].get("content", "") for frame in frames) == "Hello world"
        (chat_id,) = chats.files()
        assert [frame.get("chatId") for frame in frames] == [chat_id, *[None] * (len(frames) - 2), chat_id]

    def test_what_is_kept(self, chats, clock):
        chat_id = chats.say("Hello?").json["chatId"]
        document = json.loads(chats.path(chat_id).read_text())
        assert list(document)[:4] == ["id", "name", "created", "messages"]
        assert (document["id"], document["name"]) == (chat_id, "New chat")
        for message, (role, content) in zip(document["messages"], ONE_TURN, strict=True):
            assert list(message) == ["id", "role", "content", "timestamp", "chat_type"]
            assert (message["role"], message["content"], message["chat_type"]) == (role, content, "t2t")

    def test_parts(self, chats):
        chat_id = chats.say([{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]).json["chatId"]
        assert chats.site.texts() == ["One\nTwo"]
        assert chats.kept(chat_id)[0][1] == [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]

    def test_only_the_last_message_of_the_user_is_taken(self, chats):
        asked = [("user", "Old"), ("assistant", "Older"), ("user", "New"), ("assistant", "Odd")]
        messages = [{"role": role, "content": content} for role, content in asked]
        chat_id = chats.client.post("/api/chat", json={"messages": messages}).json["chatId"]
        assert chats.site.texts() == ["New"]
        assert chats.kept(chat_id) == [("user", "New"), ("assistant", "Hello world")]

    def test_an_image_of_the_answer_stands_in_its_text(self, chats):
        url = "https://cdn.example/a.png"
        chats.site.script("a", Reply((CREATED, delta(url, "image_gen"), delta("Here."), end())))
        response = chats.say("Draw")
        assert chats.kept(response.json["chatId"])[1][1] == f"![image]({url})\nHere."


class TestMemory:
    def test_the_next_turn_goes_on_upstream(self, chats):
        chats.start(accounts=2)
        chat_id = chats.say("Hello?").json["chatId"]
        assert chats.say("And now?", chatId=chat_id).json["chatId"] == chat_id
        assert chats.say("And then?", chatId=chat_id).json["chatId"] == chat_id
        assert chats.site.places() == [("a", "up-1", None), ("a", "up-1", "R7"), ("a", "up-1", "R7")]
        assert chats.site.texts() == ["Hello?", "And now?", "And then?"]
        assert len(chats.kept(chat_id)) == 6

    def test_it_does_after_a_restart(self, chats):
        chat_id = chats.say("Hello?").json["chatId"]
        chats.start()
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places() == [("a", "up-1", None), ("a", "up-1", "R7")]

    @pytest.mark.parametrize("refused", [RATE_LIMITED, LOGGED_OUT], ids=["limited", "logged-out"])
    def test_another_account_gets_the_whole_history(self, chats, refused):
        chats.start(accounts=2)
        chat_id = chats.say("Hello?").json["chatId"]
        chats.site.script("a", refused, refused)
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("b", "up-2", None)
        assert folded(chats.site.texts()[-1]) == ["user: Hello?", "assistant: Hello world", "user: And now?"]
        chats.say("And then?", chatId=chat_id)
        assert chats.site.places()[-1] == ("b", "up-2", "R7")

    @pytest.mark.parametrize("gone", [CHAT_GONE, PARENT_GONE], ids=["chat", "parent"])
    def test_a_chat_that_is_gone_upstream_begins_anew(self, chats, gone):
        chat_id = chats.say("Hello?").json["chatId"]
        chats.site.script("a", gone)
        assert chats.say("And now?", chatId=chat_id).status_code == 200
        assert chats.site.places()[-2:] == [("a", "up-1", "R7"), ("a", "up-2", None)]
        assert len(folded(chats.site.texts()[-1])) == 3

    @pytest.mark.parametrize("edit", ["content", "role", "removed", "responseId", "fingerprint", "upstream"])
    def test_a_history_edited_by_hand_is_what_the_model_sees(self, chats, edit):
        chat_id = chats.say("Hello?").json["chatId"]
        document = json.loads(chats.path(chat_id).read_text())
        expected = ["user: Hello?", "assistant: Hello world", "user: And now?"]
        if edit == "content":
            document["messages"][1]["content"] = "Edited"
            expected[1] = "assistant: Edited"
        elif edit == "role":
            document["messages"][1]["role"] = "user"
            expected[1] = "user: Hello world"
        elif edit == "removed":
            del document["messages"][0], expected[0]
        elif edit == "upstream":
            document["upstream"] = [1]
        else:
            document["upstream"][edit] = None
        chats.path(chat_id).write_text(json.dumps(document))
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-2", None)
        assert folded(chats.site.texts()[-1]) == expected

    def test_another_name_changes_nothing(self, chats):
        chat_id = chats.say("Hello?").json["chatId"]
        chats.client.put(f"/api/chats/{chat_id}/rename", json={"name": "Mine"})
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-1", "R7")

    def test_the_limit_bounds_what_the_model_sees(self, chats):
        chats.start(max_history_length="4")
        chats.site.script("a", *[answer(f"A{number}") for number in range(4)])
        chat_id = chats.say("Q0").json["chatId"]
        for number in range(1, 4):
            chats.say(f"Q{number}", chatId=chat_id)
        assert [place[1:] for place in chats.site.places()] == [
            ("up-1", None),
            ("up-1", "R7"),
            ("up-2", None),
            ("up-3", None),
        ]
        third, fourth = map(folded, chats.site.texts()[2:])
        assert third == ["user: Q0", "user: Q1", "assistant: A1", "user: Q2"]
        assert fourth == ["user: Q0", "user: Q2", "assistant: A2", "user: Q3"]
        assert [content for _, content in chats.kept(chat_id)] == ["Q0", "A2", "Q3", "A3"]

    def test_a_chat_of_the_older_form(self, chats):
        chats.path("old").write_text('[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"}]')
        chats.say("Go on", chatId="old")
        assert folded(chats.site.texts()[0]) == ["user: Hi", "assistant: Yes?", "user: Go on"]
        assert len(chats.kept("old")) == 4


class TestSystem:
    def say(self, chats, text, chat_id=None, system=None):
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": text})
        body = {"messages": messages, **({"chatId": chat_id} if chat_id else {})}
        return chats.client.post("/api/chat", json=body).json["chatId"]

    def test_it_applies_and_is_remembered(self, chats):
        chats.start(accounts=2)
        chat_id = self.say(chats, "Hello?", system="Be brief.")
        assert folded(chats.site.texts()[0]) == ["system: Be brief.", "user: Hello?"]
        self.say(chats, "And now?", chat_id)
        assert chats.site.places()[1] == ("a", "up-1", "R7")
        chats.site.script("a", RATE_LIMITED)
        self.say(chats, "And then?", chat_id)
        assert folded(chats.site.texts()[-1])[0] == "system: Be brief."
        assert [role for role, _ in chats.kept(chat_id)] == ["user", "assistant"] * 3

    def test_the_same_one_again_changes_nothing(self, chats):
        chat_id = self.say(chats, "Hello?", system="Be brief.")
        self.say(chats, "And now?", chat_id, system="Be brief.")
        assert chats.site.places()[1] == ("a", "up-1", "R7")

    def test_another_one_takes_its_place(self, chats):
        chat_id = self.say(chats, "Hello?", system="Be brief.")
        self.say(chats, "And now?", chat_id, system="Be long.")
        assert chats.site.places()[1] == ("a", "up-2", None)
        said = ["system: Be long.", "user: Hello?", "assistant: Hello world", "user: And now?"]
        assert folded(chats.site.texts()[1]) == said
        self.say(chats, "And then?", chat_id)
        assert chats.site.places()[2] == ("a", "up-2", "R7")


class TestBadRequests:
    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({}, "message"),
            ({"message": ""}, "message"),
            ({"message": " \n"}, "message"),
            ({"message": []}, "message"),
            ({"message": 1}, "message"),
            ({"message": [{"type": "text"}]}, "message[0]"),
            ({"messages": "x"}, None),
            ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
            ({"message": "x", "model": 1}, "model"),
            ({"message": "x", "stream": "yes"}, "stream"),
            ({"message": "x", "chatId": 1}, "chatId"),
            ({"message": "x", "chatId": ""}, "chatId"),
            ({"message": "x", "chatId": "../x"}, "chatId"),
            ({"message": "x", "chatId": "a/b"}, "chatId"),
            ({"message": "x", "chatId": "a\\b"}, "chatId"),
            ({"message": "x", "chatId": "a\0b"}, "chatId"),
            ({"message": "x", "chatId": "a" * 200}, "chatId"),
        ],
    )
    def test_they_reach_nobody(self, chats, body, param):
        response = chats.client.post("/api/chat", json=body)
        assert (response.status_code, response.json["code"]) == (400, "invalid_request")
        assert list(response.json) == ["error", "code"]
        assert param is None or param.split("[")[0] in response.json["error"]
        assert not chats.site.calls
        assert not chats.files()

    def test_an_unknown_chat_is_a_new_one_under_a_new_id(self, chats):
        chat_id = chats.say("Hello?", chatId="550e8400-e29b-41d4-a716-446655440000").json["chatId"]
        assert chat_id != "550e8400-e29b-41d4-a716-446655440000"
        assert chats.files() == [chat_id]


class TestFailures:
    @pytest.mark.parametrize("stream", [False, True])
    def test_a_first_turn_leaves_no_chat(self, chats, stream):
        chats.site.script("a", REFUSED_CONTENT)
        response = chats.say("Hello?", stream=stream)
        assert (response.status_code, response.json["code"]) == (400, "content_filter")
        assert list(response.json) == ["error", "code"]
        assert not chats.files()
        chats.site.wait_for_deletions(("a", "up-1"))

    @pytest.mark.parametrize("reply", [REFUSED_CONTENT, CUT], ids=["refused", "cut"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_a_later_turn_leaves_the_chat_as_it_was(self, chats, reply, stream):
        chat_id = chats.say("Hello?").json["chatId"]
        before = chats.path(chat_id).read_bytes()
        chats.site.script("a", reply)
        response = chats.say("And now?", chatId=chat_id, stream=stream)
        if stream and reply is CUT:
            assert json.loads(response.text.split("data: ")[-1])["error"]["code"] == "upstream_error"
            assert "[DONE]" not in response.text
        else:
            assert response.status_code in (400, 502)
            assert response.json.get("chatId") == (chat_id if reply is REFUSED_CONTENT else None)
        assert chats.path(chat_id).read_bytes() == before
        journal = chats.session_dir / "upstream-deletions.json"
        assert not journal.exists(), "the chat of the site still holds the first turn"
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-1", "R7")

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_client_that_leaves_in_the_middle(self, chats, stream):
        chats.site.script("a", Reply((CREATED, delta("Half"), TICK, delta(" more"), end())))
        body = {"message": "Hello?", "stream": stream}
        chats.client.post("/api/chat", json=body, buffered=True, environ_overrides=GONE)
        assert not chats.files()
        chats.site.wait_for_deletions(("a", "up-1"))

    def test_a_client_that_stops_reading(self, chats):
        chats.site.script("a", answer("One", "Two", "Three"))
        response = chats.client.post("/api/chat", json={"message": "Hello?", "stream": True})
        frames = response.iter_encoded()
        assert b'"role":"assistant"' in next(frames)
        assert b"One" in next(frames)
        response.close()
        assert not chats.files()

    def test_a_client_that_closes_at_the_finish_has_its_answer(self, chats):
        response = chats.client.post("/api/chat", json={"message": "Hello?", "stream": True})
        for frame in response.iter_encoded():
            if b'"finish_reason":"stop"' in frame:
                break
        response.close()
        (chat_id,) = chats.files()
        assert chats.kept(chat_id) == ONE_TURN

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_disk_that_fails_is_told(self, chats, stream, monkeypatch):
        monkeypatch.setattr(storage, "write_atomic", full_disk)
        response = chats.say("Hello?", stream=stream)
        assert "disk is full" in response.text
        assert "[DONE]" not in response.text
        assert not chats.files()

    def test_a_chat_deleted_in_the_middle_stays_deleted(self, chats):
        chat_id = chats.say("Hello?").json["chatId"]
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

    def __init__(self):
        self.reached, self.open = threading.Event(), threading.Event()

    def __str__(self):
        self.reached.set()
        assert self.open.wait(10)
        return ""


class TestTurnsAtOnce:
    def test_one_after_the_other_in_order(self, chats, monkeypatch):
        chat_id = chats.say("Q0").json["chatId"]
        gate, joined = Gate(), threading.Semaphore(0)
        chats.site.script("a", Reply((CREATED, delta("A1"), gate, end())), answer("A2"), answer("A3"))

        class Line(deque):
            def append(self, one):
                super().append(one)
                joined.release()

        monkeypatch.setattr(history, "deque", Line)
        threads = [threading.Thread(target=self.ask, args=(chats, f"Q{number}", chat_id)) for number in (1, 2, 3)]
        for thread in threads:
            thread.start()
            assert joined.acquire(timeout=10)
        assert gate.reached.wait(10)
        assert chats.site.texts() == ["Q0", "Q1"]
        gate.open.set()
        for thread in threads:
            thread.join(10)
        said = ["Q0", "Hello world", "Q1", "A1", "Q2", "A2", "Q3", "A3"]
        assert [content for _, content in chats.kept(chat_id)] == said

    def test_chats_do_not_wait_for_one_another(self, chats):
        gate = Gate()
        chats.site.script("a", Reply((CREATED, delta("A1"), gate, end())))
        thread = threading.Thread(target=self.ask, args=(chats, "Q1", None))
        thread.start()
        assert gate.reached.wait(10)
        assert chats.say("Q2").status_code == 200
        gate.open.set()
        thread.join(10)

    def test_a_client_that_left_the_line_is_not_asked_for(self, chats):
        chat_id = chats.say("Q0").json["chatId"]
        chats.client.post("/api/chat", json={"message": "Q1", "chatId": chat_id}, environ_overrides=GONE)
        assert chats.site.texts() == ["Q0"]

    @staticmethod
    def ask(chats, text, chat_id):
        body = {"message": text, **({"chatId": chat_id} if chat_id else {})}
        assert chats.app.test_client().post("/api/chat", json=body).status_code == 200


class TestRecording:
    TALK = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"})

    def complete(self, chats, **more):
        body = {"messages": list(self.TALK), **more}
        return chats.client.post("/v1/chat/completions", json=body, buffered=True)

    @pytest.mark.parametrize("stream", [False, True])
    def test_the_whole_conversation(self, chats, stream):
        assert self.complete(chats, stream=stream).status_code == 200
        (chat_id,) = chats.files()
        assert json.loads(chats.path(chat_id).read_text())["name"] == "OpenAI API Chat"
        assert chats.kept(chat_id) == [("system", "Be brief."), ("user", "Hello?"), ("assistant", "Hello world")]

    def test_each_request_is_a_chat_of_its_own(self, chats):
        for _ in range(3):
            self.complete(chats)
        assert len(chats.files()) == 3

    def test_tool_calls_and_results(self, chats):
        call = '<tool_call>{"name": "look", "arguments": {"q": 1}}</tool_call>'
        chats.site.script("a", answer(call))
        function = {"type": "function", "function": {"name": "look"}}
        called = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        talk = [
            {"role": "user", "content": "Look"},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": "c1", "content": "Seen"},
        ]
        self.complete(chats, messages=talk, tools=[function])
        (chat_id,) = chats.files()
        stored = json.loads(chats.path(chat_id).read_text())["messages"]
        assert [message["role"] for message in stored] == ["user", "assistant", "tool", "assistant"]
        assert stored[1]["tool_calls"] == [called]
        assert (stored[2]["tool_call_id"], stored[2]["content"]) == ("c1", "Seen")
        assert json.loads(stored[3]["tool_calls"][0]["function"]["arguments"]) == {"q": 1}
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-2", None)
        assert 'name": "look"' in chats.site.texts()[-1]
        assert "Seen" in chats.site.texts()[-1]

    def test_a_recorded_chat_can_be_gone_on_with(self, chats):
        self.complete(chats)
        (chat_id,) = chats.files()
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-1", "R7")

    def test_an_answer_cut_for_the_client_is_complete_but_not_gone_on_with(self, chats):
        """The site's own answer is longer than what the client knows of."""
        chats.site.script("a", answer("One", " STOP", " more"))
        self.complete(chats, stop="STOP")
        (chat_id,) = chats.files()
        assert chats.kept(chat_id)[-1] == ("assistant", "One ")
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-2", None)
        assert folded(chats.site.texts()[-1])[2].startswith("assistant: One")

    def test_it_is_written_after_the_answer_and_before_its_end(self, chats):
        response = chats.client.post("/v1/chat/completions", json={"messages": list(self.TALK), "stream": True})
        seen = [(frame, bool(chats.files())) for frame in response.iter_encoded()]
        response.close()
        assert [recorded for _, recorded in seen] == [False] * (len(seen) - 1) + [True]
        assert seen[-1][0] == b"data: [DONE]\n\n"

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_disk_that_fails_does_not_break_the_answer(self, chats, stream, monkeypatch, caplog):
        monkeypatch.setattr(storage, "write_atomic", full_disk)
        with caplog.at_level(logging.WARNING, "qwenproxy"):
            response = self.complete(chats, stream=stream)
        assert response.status_code == 200
        assert "error" not in response.text
        assert "not recorded" in caplog.text
        assert "Hello" not in caplog.text

    @pytest.mark.parametrize("reply", [CUT, REFUSED_CONTENT], ids=["cut", "refused"])
    def test_a_failed_answer_is_not_recorded(self, chats, reply):
        chats.site.script("a", reply)
        assert self.complete(chats).status_code >= 400
        assert not chats.files()
        chats.site.wait_for_deletions(("a", "up-1"))


def folded(text: str) -> list[str]:
    """Return the messages of a folded conversation as `role: text`."""
    key = re.search(r"the key (\w{12})", text)
    assert key, text
    found = re.findall(rf"^\[(\w+) {key[1]}\]\n(.*?)(?=\n\n\[\w+ {key[1]}\]|\Z)", text, re.MULTILINE | re.DOTALL)
    return [f"{role}: {content}" for role, content in found]


def full_disk(path, data):
    raise SetupError(f"cannot write {path.name}: the disk is full")
