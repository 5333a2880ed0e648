"""What goes away on the site when a chat goes away here: exactly its own chats, in the background, across restarts."""

from __future__ import annotations

import json
import stat
import sys
from unittest.mock import Mock

import pytest
from kept_chats import KeptChats
from replies import GATEWAY_DOWN, LOGGED_OUT, RATE_LIMITED, TICK, Reply, refusal
from spelling import spelled

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk import files
from qwenproxy.errors import NetworkFailed, SetupError, TabLost
from qwenproxy.history.reuse import UpstreamMemory
from qwenproxy.relay import deletions
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.upstream.places import SiteChat

NOT_FOUND = refusal("Not_Found", "CHAT_NOT_FOUND", status=404)


@pytest.fixture(autouse=True)
def no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "RETRY_PAUSES", ())


def journal(chats: KeptChats) -> list[tuple[str, str, int]]:
    """Return what is still to be deleted, once nobody works on it."""
    assert chats.deletions.wait_idle(10)
    path = chats.session_dir / "upstream-deletions.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    return [(row["accountId"], row["chatId"], row["attempts"]) for row in rows]


def delete(chats: KeptChats, chat_id: str) -> None:
    assert chats.client.delete(f"/api/chats/{chat_id}").status_code == 200


class TestWhatGoes:
    def test_the_chat_of_a_deleted_chat(self, chats: KeptChats) -> None:
        mine, _other = (chats.begin() for _ in range(2))
        delete(chats, mine)
        chats.site.wait_for_deletions(("a", "up-1"))
        assert journal(chats) == []

    def test_all_that_were_made_for_it(self, chats: KeptChats) -> None:
        chats.start(accounts=2)
        chat_id = chats.begin()
        chats.site.script("a", NOT_FOUND)
        chats.say("Again?", chatId=chat_id)
        document = json.loads(chats.path(chat_id).read_text())
        assert [row["chatId"] for row in document["upstream"]["chats"]] == ["up-1", "up-2"]
        delete(chats, chat_id)
        chats.site.wait_for_deletions(("a", "up-1"), ("a", "up-2"))

    def test_those_of_recorded_completions(self, chats: KeptChats) -> None:
        chats.client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})
        delete(chats, *chats.files())
        chats.site.wait_for_deletions(("a", "up-1"))

    def test_a_clean_up_takes_those_of_all_it_deletes(self, chats: KeptChats) -> None:
        for _ in range(3):
            chats.say("Hello?")
        response = chats.client.post("/api/chats/cleanup", json={"messageCountLessThan": 3})
        assert json.loads(response.text)["deletedCount"] == 3
        chats.site.wait_for_deletions(("a", "up-1"), ("a", "up-2"), ("a", "up-3"))

    def test_none_for_a_chat_that_was_never_answered(self, chats: KeptChats) -> None:
        delete(chats, json.loads(chats.client.post("/api/chats").text)["chatId"])
        assert not (chats.session_dir / "upstream-deletions.json").exists()

    def test_a_journal_that_cannot_be_written_keeps_the_chat(
        self, chats: KeptChats, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chat_id = chats.begin()

        def refuse(_chats: object) -> None:
            raise SetupError("the disk is full")

        monkeypatch.setattr(chats.deletions, "add", refuse)
        assert chats.client.delete(f"/api/chats/{chat_id}").status_code == 503
        assert chats.files() == [chat_id]


def test_what_an_interrupted_write_left_is_swept(chats: KeptChats) -> None:
    leftover = chats.session_dir / ".upstream-deletions.json.0123abcd.tmp"
    leftover.write_bytes(b"half")
    chats.start()
    assert not leftover.exists()


class TestLater:
    def test_after_a_restart_when_the_account_is_open_again(self, chats: KeptChats) -> None:
        chat_id = chats.begin()
        chats.start()
        delete(chats, chat_id)
        assert journal(chats) == [("a", "up-1", 0)]
        chats.start()
        assert not chats.site.deleted
        assert chats.client.get("/v1/models").status_code == 200
        chats.site.wait_for_deletions(("a", "up-1"))
        assert journal(chats) == []

    def test_each_account_deletes_its_own(self, chats: KeptChats) -> None:
        chats.start(accounts=2)
        first, second = (chats.begin() for _ in range(2))
        delete(chats, first)
        delete(chats, second)
        chats.site.wait_for_deletions(("a", "up-1"), ("b", "up-2"))

    @pytest.mark.parametrize(
        "reply", [TabLost("gone"), NetworkFailed("gone"), RATE_LIMITED], ids=lambda each: type(each).__name__
    )
    def test_what_is_not_about_the_chat_is_no_attempt(
        self, chats: KeptChats, reply: NetworkFailed | Reply | TabLost
    ) -> None:
        chat_id = chats.begin()
        chats.site.delete_replies = [reply]
        delete(chats, chat_id)
        assert journal(chats) == [("a", "up-1", 0)]

    def test_a_resting_account_is_left_alone(self, chats: KeptChats, registry: Registry) -> None:
        chat_id = chats.begin()
        registry.rest("a", until=4e9)
        delete(chats, chat_id)
        assert journal(chats) == [("a", "up-1", 0)]
        assert not chats.site.deleted

    def test_a_login_that_ended_waits_for_the_next_tab(self, chats: KeptChats, registry: Registry) -> None:
        chat_id = chats.begin()
        chats.site.delete_replies = [LOGGED_OUT]
        delete(chats, chat_id)
        assert journal(chats) == [("a", "up-1", 0)]
        registry.renew("a", "token-new")
        chats.say("Hello?")
        chats.site.wait_for_deletions(("a", "up-1"), ("a", "up-1"))
        assert journal(chats) == []

    @pytest.mark.parametrize("reply", [NOT_FOUND, Reply(("",), 204)], ids=["404", "204"])
    def test_what_is_gone_is_done(self, chats: KeptChats, reply: Reply) -> None:
        chat_id = chats.begin()
        chats.site.delete_replies = [reply]
        delete(chats, chat_id)
        assert journal(chats) == []

    def test_a_failure_is_tried_again_while_the_tab_is_open(
        self, chats: KeptChats, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deletions, "RETRY_PAUSES", (0, 0))
        chat_id = chats.begin()
        chats.site.delete_replies = [GATEWAY_DOWN, GATEWAY_DOWN]
        delete(chats, chat_id)
        assert journal(chats) == []
        assert len(chats.site.deleted) == 3

    def test_attempts_are_bounded(
        self, chats: KeptChats, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(deletions, "RETRY_PAUSES", (0,) * 100)
        chat_id = chats.begin()
        chats.site.delete_replies = [GATEWAY_DOWN] * 100
        delete(chats, chat_id)
        assert journal(chats) == []
        assert len(chats.site.deleted) == deletions.ATTEMPTS
        assert "up-1 stays" in caplog.text

    def test_attempts_are_counted_across_restarts(self, chats: KeptChats) -> None:
        chat_id = chats.begin()
        chats.site.delete_replies = [GATEWAY_DOWN]
        delete(chats, chat_id)
        assert journal(chats) == [("a", "up-1", 1)]


class TestFailedAnswers:
    def test_a_client_that_left(self, chats: KeptChats) -> None:
        chats.site.script("a", Reply((TICK,), endless=True))
        gone = {"waitress.client_disconnected": lambda: True}
        chats.client.post(
            "/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]}, environ_overrides=gone
        )
        chats.site.wait_for_deletions(("a", "up-1"))

    def test_an_account_that_refused(self, chats: KeptChats) -> None:
        chats.start(accounts=2)
        chats.site.script("a", GATEWAY_DOWN, GATEWAY_DOWN)
        assert chats.say("Hello?").status_code == 200
        chats.site.wait_for_deletions(("a", "up-1"), ("a", "up-2"))


class TestJournal:
    def test_it_is_private(self, chats: KeptChats, registry: Registry) -> None:
        chats.deletions.add([SiteChat("a", "c1")])
        path = chats.session_dir / "upstream-deletions.json"
        if sys.platform != "win32":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_each_chat_stands_in_it_once(self, chats: KeptChats) -> None:
        for _ in range(2):
            chats.deletions.add([SiteChat("x", "c1"), SiteChat("x", "c1"), SiteChat("x", "c2")])
        assert journal(chats) == [("x", "c1", 0), ("x", "c2", 0)]

    @pytest.mark.parametrize("content", ["{", "{}", "null"])
    def test_a_corrupt_one_is_set_aside(self, chats: KeptChats, content: str) -> None:
        path = chats.session_dir / "upstream-deletions.json"
        path.write_text(content)
        chats.deletions.add([SiteChat("x", "c1")])
        assert journal(chats) == [("x", "c1", 0)]
        (kept,) = chats.session_dir.glob("upstream-deletions.json.corrupt-*")
        assert kept.read_text() == content

    def test_rows_of_another_shape_are_passed_over(self, chats: KeptChats) -> None:
        path = chats.session_dir / "upstream-deletions.json"
        path.write_text('[1, {"accountId": "x"}, {"accountId": "x", "chatId": "c1", "attempts": "x"}]')
        chats.deletions.add([SiteChat("x", "c2")])
        assert journal(chats) == [("x", "c1", 0), ("x", "c2", 0)]

    def test_a_burst_reads_it_once(self, chats: KeptChats, monkeypatch: pytest.MonkeyPatch) -> None:
        read_rows = Mock(wraps=files.read_rows)
        monkeypatch.setattr(files, "read_rows", read_rows)
        for number in range(20):
            chats.deletions.add([SiteChat("x", f"c{number}")])
        assert read_rows.call_count <= 1
        assert journal(chats) == [("x", f"c{number}", 0) for number in range(20)]

    def test_what_another_process_writes_counts(self, chats: KeptChats, registry: Registry) -> None:
        chats.deletions.add([SiteChat("x", "c1")])
        other = UpstreamDeletions.open(chats.session_dir / "upstream-deletions.json", registry)
        other.add([SiteChat("x", "c2")])
        chats.deletions.note_deleted([SiteChat("x", "c1")])
        assert journal(chats) == [("x", "c2", 0)]


class TestMemoryForm:
    def test_there_and_back(self) -> None:
        memory = UpstreamMemory((SiteChat("a", "c1"), SiteChat("b", "c2")), "r", "f")
        assert UpstreamMemory.from_json(json.loads(json.dumps(memory.to_json()))) == memory

    @pytest.mark.parametrize(
        "value", [None, 1, "x", [], {}, {"chats": 1}, {"chats": [1, {"accountId": 1}]}], ids=spelled
    )
    def test_anything_else_is_nothing(self, value: object) -> None:
        assert UpstreamMemory.from_json(value) == UpstreamMemory()


def test_chats_that_somebody_else_deleted_are_struck_off(chats: KeptChats) -> None:
    mine, other = SiteChat("closed", "up-7"), SiteChat("closed", "up-8")
    chats.deletions.add([mine, other])
    chats.deletions.note_deleted([mine])
    assert journal(chats) == [("closed", "up-8", 0)]
