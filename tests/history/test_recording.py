"""Every completion becomes a kept chat: what is written, when, and what a failure changes."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from kept_chats import KeptChats, folded, full_disk
from replies import CUT, REFUSED_CONTENT, Reply, answer
from werkzeug.test import TestResponse

from qwenproxy.disk import files


class TestRecording:
    TALK = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"})

    def complete(self, chats: KeptChats, **more: object) -> TestResponse:
        body = {"messages": list(self.TALK), **more}
        return chats.client.post("/v1/chat/completions", json=body, buffered=True)

    @pytest.mark.parametrize("stream", [False, True])
    def test_the_whole_conversation(self, chats: KeptChats, stream: bool) -> None:
        assert self.complete(chats, stream=stream).status_code == 200
        (chat_id,) = chats.files()
        assert json.loads(chats.path(chat_id).read_text())["name"] == "OpenAI API Chat"
        assert chats.kept(chat_id) == [("system", "Be brief."), ("user", "Hello?"), ("assistant", "Hello world")]

    def test_each_request_is_a_chat_of_its_own(self, chats: KeptChats) -> None:
        for _ in range(3):
            self.complete(chats)
        assert len(chats.files()) == 3

    def test_tool_calls_and_results(self, chats: KeptChats) -> None:
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
        assert "look {}" in chats.site.texts()[-1]
        assert "Seen" in chats.site.texts()[-1]

    def test_a_recorded_chat_can_be_gone_on_with(self, chats: KeptChats) -> None:
        self.complete(chats)
        (chat_id,) = chats.files()
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-1", "R7")

    def test_an_answer_cut_for_the_client_is_complete_but_not_gone_on_with(self, chats: KeptChats) -> None:
        """The site's own answer is longer than what the client knows of."""
        chats.site.script("a", answer("One", " STOP", " more"))
        self.complete(chats, stop="STOP")
        (chat_id,) = chats.files()
        assert chats.kept(chat_id)[-1] == ("assistant", "One ")
        chats.say("And now?", chatId=chat_id)
        assert chats.site.places()[-1] == ("a", "up-2", None)
        assert folded(chats.site.texts()[-1])[2].startswith("assistant: One")

    def test_it_is_written_after_the_text_and_before_the_end(self, chats: KeptChats) -> None:
        response = chats.client.post("/v1/chat/completions", json={"messages": list(self.TALK), "stream": True})
        seen = [(frame, bool(chats.files())) for frame in response.iter_encoded()]
        response.close()
        assert [recorded for _, recorded in seen] == [False] * (len(seen) - 2) + [True, True]
        assert b'"finish_reason":"stop"' in seen[-2][0]
        assert seen[-1][0] == b"data: [DONE]\n\n"

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_disk_that_fails_does_not_break_the_answer(
        self, chats: KeptChats, stream: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(files, "write_atomic", full_disk)
        with caplog.at_level(logging.WARNING, "qwenproxy"):
            response = self.complete(chats, stream=stream)
        assert response.status_code == 200
        assert "error" not in response.text
        assert "not recorded" in caplog.text
        assert "Hello" not in caplog.text

    @pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
    def test_what_cannot_be_kept_leaves_no_chat_on_the_site(
        self, chats: KeptChats, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = files.write_atomic

        def refuse_chats(file: Path, data: bytes) -> None:
            full_disk(file, data) if file.parent.name == "history" else write(file, data)

        monkeypatch.setattr(files, "write_atomic", refuse_chats)
        chats.client.post(path, json={"messages": list(self.TALK)}, buffered=True)
        chats.site.wait_for_deletions(("a", "up-1"))

    @pytest.mark.parametrize("reply", [CUT, REFUSED_CONTENT], ids=["cut", "refused"])
    def test_a_failed_answer_is_not_recorded(self, chats: KeptChats, reply: Reply) -> None:
        chats.site.script("a", reply)
        assert self.complete(chats).status_code >= 400
        assert not chats.files()
        chats.site.wait_for_deletions(("a", "up-1"))
