"""POST /api/chat: its answers, what the model sees of the chat, what is kept, and what is refused."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from clocks import FakeClock
from kept_chats import KeptChats, folded
from replies import LOGGED_OUT, RATE_LIMITED, Reply, answer, refusal
from spelling import spelled
from transcripts import CREATED, SEARCHED, delta, end
from werkzeug.test import TestResponse

CHAT_GONE = refusal("Not_Found", "CHAT_NOT_FOUND: chat up-1 is not exist", status=404)
PARENT_GONE = refusal("Bad_Request", "Invalid input the parent_id R7 is not exist.", status=400)
ONE_TURN = [("user", "Hello?"), ("assistant", "Hello world")]


def frames_of(response: TestResponse) -> list[Any]:
    """Return a stream's frames, parsed; its end checked."""
    *frames, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


class TestAnswers:
    def test_a_plain_answer(self, chats: KeptChats) -> None:
        response = chats.say("Hello?", model="qwen-max")
        assert response.status_code == 200
        body = response.get_json()
        assert list(body)[-1] == "chatId"
        assert str(uuid.UUID(body["chatId"])) == body["chatId"]
        assert body["object"] == "chat.completion"
        assert body["choices"][0]["message"] == {"role": "assistant", "content": "Hello world"}
        assert ": " not in response.text.replace('"Hello world"', "")

    def test_a_streamed_answer(self, chats: KeptChats) -> None:
        response = chats.say("Hello?", stream=True)
        assert response.mimetype == "text/event-stream"
        frames = frames_of(response)
        assert "".join(frame["choices"][0]["delta"].get("content", "") for frame in frames) == "Hello world"
        (chat_id,) = chats.files()
        assert [frame.get("chatId") for frame in frames] == [chat_id, *[None] * (len(frames) - 2), chat_id]

    def test_what_is_kept(self, chats: KeptChats, clock: FakeClock) -> None:
        chat_id = chats.say("Hello?").get_json()["chatId"]
        document = json.loads(chats.path(chat_id).read_text())
        assert list(document)[:4] == ["id", "name", "created", "messages"]
        assert (document["id"], document["name"]) == (chat_id, "New chat")
        for message, (role, content) in zip(document["messages"], ONE_TURN, strict=True):
            assert list(message) == ["id", "role", "content", "timestamp", "chat_type"]
            assert (message["role"], message["content"], message["chat_type"]) == (role, content, "t2t")

    def test_parts(self, chats: KeptChats) -> None:
        chat_id = chats.say([{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]).get_json()["chatId"]
        assert chats.site.texts() == ["One\nTwo"]
        assert chats.kept(chat_id)[0][1] == [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]

    def test_only_the_last_message_of_the_user_is_taken(self, chats: KeptChats) -> None:
        turns = [("user", "Old"), ("assistant", "Older"), ("user", "New"), ("assistant", "Odd")]
        messages = [{"role": role, "content": content} for role, content in turns]
        chat_id = chats.client.post("/api/chat", json={"messages": messages}).get_json()["chatId"]
        assert chats.site.texts() == ["New"]
        assert chats.kept(chat_id) == [("user", "New"), ("assistant", "Hello world")]

    @pytest.mark.parametrize(
        "wish", [{"enable_search": True}, {"web_search_options": {}}, {"tools": [{"type": "web_search"}]}], ids=spelled
    )
    def test_a_web_search(self, chats: KeptChats, wish: dict[str, Any]) -> None:
        chats.site.script("a", Reply((SEARCHED,)))
        response = chats.say("News?", **wish)
        assert "x-qwenproxy-ignored" not in response.headers
        (message,) = chats.site.questions()[0]["messages"]
        assert message["feature_config"]["auto_search"] is True
        answered = response.get_json()["choices"][0]["message"]
        assert answered["content"] == "As [1] says."
        assert [each["url_citation"]["start_index"] for each in answered["annotations"]] == [3]
        assert chats.kept(response.get_json()["chatId"])[1] == ("assistant", "As [1] says.")

    def test_an_image_of_the_answer_stands_in_its_text(self, chats: KeptChats) -> None:
        url = "https://cdn.example/a.png"
        chats.site.script("a", Reply((CREATED, delta(url, "image_gen"), delta("Here."), end())))
        response = chats.say("Draw")
        assert chats.kept(response.get_json()["chatId"])[1][1] == f"![image]({url})\nHere."


class TestMemory:
    def test_the_next_turn_goes_on_upstream(self, chats: KeptChats) -> None:
        chats.start(accounts=2)
        chat_id = chats.say("Hello?").get_json()["chatId"]
        assert chats.say("And now?", chatId=chat_id).get_json()["chatId"] == chat_id
        assert chats.say("And then?", chatId=chat_id).get_json()["chatId"] == chat_id
        assert chats.site.places() == [("a", "up-1", None), ("a", "up-1", "R7"), ("a", "up-1", "R7")]
        assert chats.site.texts() == ["Hello?", "And now?", "And then?"]
        assert len(chats.kept(chat_id)) == 6

    def test_it_does_after_a_restart(self, chats: KeptChats) -> None:
        chat_id = chats.say("Hello?").get_json()["chatId"]
        chats.start()
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places() == [("a", "up-1", None), ("a", "up-1", "R7")]

    @pytest.mark.parametrize("failure", [RATE_LIMITED, LOGGED_OUT], ids=["limited", "logged-out"])
    def test_another_account_gets_the_whole_history(self, chats: KeptChats, failure: Reply) -> None:
        chats.start(accounts=2)
        chat_id = chats.say("Hello?").get_json()["chatId"]
        chats.site.script("a", failure, failure)
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("b", "up-2", None)
        assert folded(chats.site.texts()[-1]) == ["user: Hello?", "assistant: Hello world", "user: And now?"]
        chats.say("And then?", chatId=chat_id)
        assert chats.site.places()[-1] == ("b", "up-2", "R7")

    @pytest.mark.parametrize("failure", [CHAT_GONE, PARENT_GONE], ids=["chat", "parent"])
    def test_a_chat_that_is_gone_upstream_begins_anew(self, chats: KeptChats, failure: Reply) -> None:
        chat_id = chats.say("Hello?").get_json()["chatId"]
        chats.site.script("a", failure)
        assert chats.say("And now?", chatId=chat_id).status_code == 200
        assert chats.site.places()[-2:] == [("a", "up-1", "R7"), ("a", "up-2", None)]
        assert len(folded(chats.site.texts()[-1])) == 3

    @pytest.mark.parametrize("edit", ["content", "role", "removed", "responseId", "fingerprint", "upstream"])
    def test_a_history_edited_by_hand_is_what_the_model_sees(self, chats: KeptChats, edit: str) -> None:
        chat_id = chats.say("Hello?").get_json()["chatId"]
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

    def test_another_name_changes_nothing(self, chats: KeptChats) -> None:
        chat_id = chats.say("Hello?").get_json()["chatId"]
        chats.client.put(f"/api/chats/{chat_id}/rename", json={"name": "Mine"})
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-1", "R7")

    def test_the_limit_bounds_what_the_model_sees(self, chats: KeptChats) -> None:
        chats.start(max_history_length="4")
        chats.site.script("a", *[answer(f"A{number}") for number in range(4)])
        chat_id = chats.say("Q0").get_json()["chatId"]
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

    def test_a_chat_of_the_older_form(self, chats: KeptChats) -> None:
        chats.path("old").write_text('[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"}]')
        chats.say("Go on", chatId="old")
        assert folded(chats.site.texts()[0]) == ["user: Hi", "assistant: Yes?", "user: Go on"]
        assert len(chats.kept("old")) == 4


class TestSystem:
    def say(self, chats: KeptChats, text: str, chat_id: str | None = None, system: str | None = None) -> Any:
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": text})
        body = {"messages": messages, **({"chatId": chat_id} if chat_id else {})}
        return chats.client.post("/api/chat", json=body).get_json()["chatId"]

    def test_it_applies_and_is_remembered(self, chats: KeptChats) -> None:
        chats.start(accounts=2)
        chat_id = self.say(chats, "Hello?", system="Be brief.")
        assert folded(chats.site.texts()[0]) == ["system: Be brief.", "user: Hello?"]
        self.say(chats, "And now?", chat_id)
        assert chats.site.places()[1] == ("a", "up-1", "R7")
        chats.site.script("a", RATE_LIMITED)
        self.say(chats, "And then?", chat_id)
        assert folded(chats.site.texts()[-1])[0] == "system: Be brief."
        assert [role for role, _ in chats.kept(chat_id)] == ["user", "assistant"] * 3

    def test_the_same_one_again_changes_nothing(self, chats: KeptChats) -> None:
        chat_id = self.say(chats, "Hello?", system="Be brief.")
        self.say(chats, "And now?", chat_id, system="Be brief.")
        assert chats.site.places()[1] == ("a", "up-1", "R7")

    def test_another_one_takes_its_place(self, chats: KeptChats) -> None:
        chat_id = self.say(chats, "Hello?", system="Be brief.")
        self.say(chats, "And now?", chat_id, system="Be long.")
        assert chats.site.places()[1] == ("a", "up-2", None)
        texts = ["system: Be long.", "user: Hello?", "assistant: Hello world", "user: And now?"]
        assert folded(chats.site.texts()[1]) == texts
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
        ids=spelled,
    )
    def test_they_reach_nobody(self, chats: KeptChats, body: Any, param: str) -> None:
        response = chats.client.post("/api/chat", json=body)
        assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
        assert list(response.get_json()) == ["error", "code", "request_id"]
        assert param is None or param.split("[", maxsplit=1)[0] in response.get_json()["error"]
        assert not chats.site.calls
        assert not chats.files()

    def test_an_unknown_chat_is_a_new_one_under_a_new_id(self, chats: KeptChats) -> None:
        chat_id = chats.say("Hello?", chatId="550e8400-e29b-41d4-a716-446655440000").get_json()["chatId"]
        assert chat_id != "550e8400-e29b-41d4-a716-446655440000"
        assert chats.files() == [chat_id]
