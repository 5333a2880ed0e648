"""Records of conversations that clients keep: what continues one, what begins one, how many stay, what goes along."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from client_talk import Talk
from kept_chats import KeptChats, full_disk
from replies import RATE_LIMITED, answer
from tree_site import TreeSite

from qwenproxy.disk import files
from qwenproxy.history import site_index


@pytest.fixture(autouse=True)
def expires_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_index, "EXPIRE_EVERY", 1)


def recorded(server: KeptChats) -> list[list[object]]:
    """Return the texts of each record, the shortest first."""
    return sorted(([content for _, content in server.kept(chat_id)] for chat_id in server.files()), key=len)


def texts(talk: Talk) -> list[Any]:
    return [message["content"] for message in talk.messages]


def test_a_conversation_is_one_record(server: KeptChats) -> None:
    talk = Talk(server, {"role": "system", "content": "Be brief."})
    for text in ("One.", "Two.", "Three."):
        talk.say(text)
    assert recorded(server) == [texts(talk)]
    [chat_id] = server.files()
    document = json.loads(server.path(chat_id).read_text())
    assert document["name"] == "OpenAI API Chat"
    assert document["upstream"]["chats"] == [{"accountId": "a", "chatId": "up-1"}]


def test_a_fork_is_a_record_of_its_own(server: KeptChats) -> None:
    talk = Talk(server)
    talk.say("One.")
    talk.say("Two.")
    fork = talk.copy()
    fork.messages[2:] = []
    fork.say("Two and a half.")
    fork.say("Three.")
    talk.say("Three?")
    assert sorted(map(str, recorded(server))) == sorted(map(str, [texts(talk), texts(fork)]))


def test_a_replay_goes_on_in_the_record_that_ends_there(server: KeptChats, tree: TreeSite) -> None:
    server.start(accounts=2)
    talk = Talk(server)
    talk.say("One.")
    tree.script("a", RATE_LIMITED)
    assert talk.say("Two.") == "replayed"
    assert recorded(server) == [texts(talk)]
    [chat_id] = server.files()
    upstream = json.loads(server.path(chat_id).read_text())["upstream"]["chats"]
    assert [chat["accountId"] for chat in upstream] == ["a", "b"]
    assert server.client.delete(f"/api/chats/{chat_id}").status_code == 200
    tree.wait_for_deletions(("b", "up-2"))  # the other account rests


def test_an_edit_that_is_replayed_is_a_record_of_its_own(server: KeptChats, tree: TreeSite) -> None:
    talk = Talk(server)
    talk.say("One.")
    talk.say("Two.")
    fork = talk.copy()
    fork.messages[2:] = []
    tree.newest_only = True
    assert fork.say("Two and a half.") == "replayed"
    assert len(server.files()) == 2


def test_a_record_can_be_gone_on_with_natively(server: KeptChats, tree: TreeSite) -> None:
    talk = Talk(server)
    talk.say("One.")
    talk.say("Two.")
    [chat_id] = server.files()
    server.say("Three.", chatId=chat_id)
    assert tree.last.question == "Three."
    assert tree.seen()[:-1] == [*talk.expected, f"assistant: {talk.messages[-1]['content']}"]
    assert talk.say("Or this.") == "continued"
    assert tree.seen() == talk.expected
    assert len(server.files()) == 2, "the record is a native chat now"


def test_the_oldest_records_go_with_their_chats(server: KeptChats, tree: TreeSite) -> None:
    native = server.begin("Hello?")
    empty = json.loads(server.client.post("/api/chats", json={"name": "Mine"}).text)["chatId"]
    older = server.history.create("OpenAI API Chat", [{"role": "user", "content": "Before."}])
    server.start(api_chats=2)
    first = Talk(server)
    first.say("First.")
    second = Talk(server)
    second.say("Second.")
    first.say("First again.")
    Talk(server).say("Third.")
    tree.wait_for_deletions(("a", "up-3"))
    kept = {"First.", "Third."}
    left = [chat_id for chat_id in server.files() if server.kept(chat_id) and server.kept(chat_id)[0][1] in kept]
    assert sorted(server.files()) == sorted([native, empty, older, *left])
    assert len(left) == 2
    assert second.say("Second again.") == "new"


def test_a_lower_limit_and_a_restart(server: KeptChats, tree: TreeSite) -> None:
    for number in range(5):
        Talk(server).say(f"Question {number}.")
    server.start(api_chats=2)
    Talk(server).say("Another one.")
    assert len(server.files()) == 2
    tree.wait_for_deletions(*(("a", f"up-{number}") for number in range(1, 5)))


def test_a_record_that_somebody_went_on_with_stays(server: KeptChats) -> None:
    server.start(api_chats=1)
    Talk(server).say("First.")
    [mine] = server.files()
    server.say("Go on.", chatId=mine)
    for number in range(3):
        Talk(server).say(f"Question {number}.")
    assert mine in server.files()
    assert len(server.files()) == 2


@pytest.mark.parametrize("claim", ["renamed", "gone on with"])
def test_a_record_that_a_person_takes_is_theirs_and_does_not_count(server: KeptChats, claim: str) -> None:
    server.start(api_chats=2)
    for text in ("First.", "Second."):
        Talk(server).say(text)
    mine, other = sorted(server.files(), key=lambda chat_id: str(server.kept(chat_id)[0]))
    if claim == "renamed":
        assert server.client.put(f"/api/chats/{other}/rename", json={"name": "Mine"}).status_code == 200
    else:
        server.say("Go on.", chatId=other)
    Talk(server).say("Third.")
    assert {mine, other} < set(server.files()), "two records and the person's chat"
    for number in range(3):
        Talk(server).say(f"Question {number}.")
    assert other in server.files()
    assert len(server.files()) == 3


def test_a_record_that_was_deleted_does_not_count(server: KeptChats) -> None:
    server.start(api_chats=2)
    for text in ("First.", "Second."):
        Talk(server).say(text)
    first, second = sorted(server.files(), key=lambda chat_id: str(server.kept(chat_id)[0]))
    assert server.client.delete(f"/api/chats/{second}").status_code == 200
    Talk(server).say("Third.")
    assert first in server.files()
    assert len(server.files()) == 2


def test_a_conversation_whose_record_was_renamed_goes_on_in_a_record_of_its_own(
    server: KeptChats, tree: TreeSite
) -> None:
    talk = Talk(server)
    talk.say("One.")
    [mine] = server.files()
    before = server.kept(mine)
    server.client.put(f"/api/chats/{mine}/rename", json={"name": "Mine"})
    assert talk.say("Two.") == "continued"
    assert tree.seen() == talk.expected
    assert server.kept(mine) == before
    assert len(server.files()) == 2


def test_no_record_goes_while_it_is_in_use(server: KeptChats, tree: TreeSite) -> None:
    server.start(api_chats=1)
    talk = Talk(server)
    talk.say("First.")
    [record] = server.files()
    messages = [*talk.messages, {"role": "user", "content": "Second."}]
    running = server.client.post("/v1/chat/completions", json={"messages": messages, "stream": True})
    Talk(server).say("Another one.")
    assert record in server.files()
    assert not tree.deleted
    running.get_data()
    running.close()
    Talk(server).say("A third one.")
    assert len(server.files()) == 1
    tree.wait_for_deletions(("a", "up-1"), ("a", "up-2"))


def test_a_site_chat_goes_with_the_record_that_used_it_last(server: KeptChats, tree: TreeSite) -> None:
    talk = Talk(server)
    talk.say("One.")
    [first] = server.files()
    talk.say("Two.")
    fork = talk.copy()
    fork.messages[2:] = []
    fork.say("Two and a half.")
    [second] = set(server.files()) - {first}
    server.client.delete(f"/api/chats/{first}")
    assert fork.say("Three.") == "continued"
    server.client.delete(f"/api/chats/{second}")
    tree.wait_for_deletions(("a", "up-1"))
    assert fork.say("Four.") == "new"


class TestWithoutRecords:
    @pytest.fixture(autouse=True)
    def no_records(self, server: KeptChats) -> None:
        server.start(api_chats=0)

    def test_it_goes_on_all_the_same(self, server: KeptChats, tree: TreeSite) -> None:
        talk = Talk(server)
        assert [talk.say(text) for text in ("One.", "Two.")] == ["new", "continued"]
        assert tree.seen() == talk.expected
        assert not server.files()
        assert not tree.deleted

    def test_the_chats_of_the_site_are_bounded(
        self, server: KeptChats, tree: TreeSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(site_index, "IndexLimits", partial(site_index.IndexLimits, chats=2))
        server.start(api_chats=0)
        talks = [Talk(server) for _ in range(4)]
        for number, talk in enumerate(talks):
            talk.say(f"Question {number}.")
        tree.wait_for_deletions(("a", "up-1"), ("a", "up-2"))
        assert [talk.say("Go on.") for talk in (*talks[2:], talks[0])] == ["continued", "continued", "new"]

    def test_what_cannot_be_gone_on_with_leaves_no_chat(self, server: KeptChats, tree: TreeSite) -> None:
        tree.script("a", answer("One", " STOP", " more"))
        Talk(server).say("Count.", stop="STOP")
        tree.wait_for_deletions(("a", "up-1"))

    def test_a_lost_chat_is_deleted(self, server: KeptChats, tree: TreeSite) -> None:
        talk = Talk(server)
        talk.say("One.")
        tree.gone.add("up-1")
        assert talk.say("Two.") == "replayed"
        tree.wait_for_deletions(("a", "up-1"))
        assert talk.say("Three.") == "continued"

    def test_without_a_disk_nothing_stays_on_the_site(self, server: KeptChats, tree: TreeSite) -> None:
        server.close()
        for path in server.session_dir.glob("state.db*"):
            path.unlink()
        (server.session_dir / "state.db").mkdir()
        server.start(api_chats=0)
        Talk(server).say("One.")
        tree.wait_for_deletions(("a", "up-1"))


def test_a_full_disk_stops_no_answer(
    server: KeptChats, tree: TreeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    talk = Talk(server)
    talk.say("One.")
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomic", full_disk)
        assert talk.say("Two.") == "continued"
    assert "not recorded" in caplog.text
    assert talk.say("Three.") == "continued", "from before the answer that was not kept"
    assert tree.seen() == talk.expected
