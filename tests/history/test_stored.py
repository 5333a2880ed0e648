"""Stored responses and conversations: who sees them, what goes on from them, how long they stay, what a kill leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clocks import FakeClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwenproxy.disk.state import State
from qwenproxy.errors import NotFound, PreviousResponseNotFound, RequestError, StorageError
from qwenproxy.history.stored.conversations import StoredConversations
from qwenproxy.history.stored.responses import NewResponse, StoredResponses
from qwenproxy.history.stored.tables import Item, PageWish, StoredLimits

DAY = 86400


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state.db")
    yield state
    state.close()


@pytest.fixture
def limits() -> StoredLimits:
    return StoredLimits(objects=100, bytes=1_000_000, days=30)


@pytest.fixture
def responses(state: State, limits: StoredLimits, clock: FakeClock) -> StoredResponses:
    return StoredResponses(state, limits, clock)


@pytest.fixture
def conversations(state: State, limits: StoredLimits, clock: FakeClock) -> StoredConversations:
    return StoredConversations(state, limits, clock=clock)


def message(item_id: str, text: str = "Hi", role: str = "user") -> Item:
    return {"id": item_id, "type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def new(
    name: str, previous: str | None = None, client: str = "one", status: str = "completed", **more: Any
) -> NewResponse:
    """Return a response `name` with the input `in-name` and the output `out-name`."""
    ended = status in ("completed", "incomplete")
    content = {
        "id": name,
        "object": "response",
        "status": status,
        "previous_response_id": previous,
        "output": [message(f"out-{name}", role="assistant")] if ended else [],
    }
    return NewResponse(client, content, [message(f"in-{name}")], **more)


def ids(items: list[Item]) -> list[str]:
    return [item["id"] for item in items]


class TestWhatIsKept:
    def test_it_is_there_after_a_restart(
        self, responses: StoredResponses, state: State, tmp_path: Path, limits: StoredLimits, clock: FakeClock
    ) -> None:
        responses.keep(new("r1"))
        before = responses.get("r1", "one")
        assert before == new("r1").object
        state.close()
        again = StoredResponses(State(tmp_path / "state.db"), limits, clock)
        assert again.get("r1", "one") == before
        assert ids(again.earlier("r1", "one")) == ["in-r1", "out-r1"]

    @pytest.mark.parametrize("what", ["get", "delete", "inputs", "earlier", "item", "events"])
    def test_another_client_sees_nothing(self, responses: StoredResponses, what: str) -> None:
        responses.keep(new("r1"))
        if what == "earlier":
            with pytest.raises(PreviousResponseNotFound):
                responses.earlier("r1", "two")
        elif what == "item":
            assert responses.item("in-r1", "two") is None
        elif what == "events":
            assert responses.events("r1", "two") is None
        else:
            with pytest.raises(NotFound):
                getattr(responses, what)("r1", "two", *([PageWish()] if what == "inputs" else []))
        assert responses.get("r1", "one")

    def test_another_client_cannot_go_on_through_its_own_response(self, responses: StoredResponses) -> None:
        responses.keep(new("r1", client="one"))
        responses.keep(new("r2", "r1", client="two"))
        with pytest.raises(PreviousResponseNotFound):
            responses.earlier("r2", "two")

    def test_a_chain_in_order(self, responses: StoredResponses) -> None:
        responses.keep(new("r1"))
        responses.keep(new("r2", "r1"))
        responses.keep(new("r3", "r2"))
        responses.keep(new("other", "r1"))
        assert ids(responses.earlier("r3", "one")) == ["in-r1", "out-r1", "in-r2", "out-r2", "in-r3", "out-r3"]
        assert ids(responses.earlier("other", "one")) == ["in-r1", "out-r1", "in-other", "out-other"]

    @pytest.mark.parametrize("gone", ["r1", "r2", "r3"])
    def test_a_chain_without_one_of_them_is_no_shorter_conversation(
        self, responses: StoredResponses, gone: str
    ) -> None:
        for name, previous in (("r1", None), ("r2", "r1"), ("r3", "r2")):
            responses.keep(new(name, previous))
        responses.delete(gone, "one")
        with pytest.raises(PreviousResponseNotFound, match=gone):
            responses.earlier("r3", "one")
        with pytest.raises(NotFound):
            responses.get(gone, "one")

    @pytest.mark.parametrize("status", ["queued", "in_progress", "failed", "cancelled"])
    def test_nothing_goes_on_from_one_that_did_not_end_well(self, responses: StoredResponses, status: str) -> None:
        responses.keep(new("r1", status=status))
        with pytest.raises(RequestError, match=status):
            responses.earlier("r1", "one")

    def test_an_item_by_its_id(self, responses: StoredResponses) -> None:
        responses.keep(new("r1"))
        assert responses.item("in-r1", "one") == message("in-r1")
        assert responses.item("out-r1", "one") == message("out-r1", role="assistant")
        assert responses.item("none", "one") is None

    def test_a_conversation_is_no_response(
        self, responses: StoredResponses, conversations: StoredConversations
    ) -> None:
        conversation = conversations.create("one", {}, [])["id"]
        responses.keep(new("r1"))
        with pytest.raises(NotFound):
            responses.get(conversation, "one")
        with pytest.raises(NotFound):
            conversations.get("r1", "one")
        with pytest.raises(NotFound):
            conversations.delete("r1", "one")


class TestPages:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
    @given(count=st.integers(0, 12), limit=st.integers(1, 5), newest_first=st.booleans())
    def test_pages_give_every_item_once_and_in_order(
        self, conversations: StoredConversations, count: int, limit: int, newest_first: bool
    ) -> None:
        names = [f"m{number}" for number in range(count)]
        conversation = conversations.create("one", {}, [message(name) for name in names])["id"]
        seen: list[str] = []
        while True:
            wish = PageWish(limit, newest_first=newest_first, after=seen[-1] if seen else None)
            page = conversations.page(conversation, "one", wish)
            seen += ids(page.items)
            if not page.has_more:
                break
            assert len(page.items) == limit
        assert seen == (names[::-1] if newest_first else names)

    def test_input_items_are_not_those_of_the_answer(self, responses: StoredResponses) -> None:
        responses.keep(new("r1"))
        assert ids(responses.inputs("r1", "one", PageWish()).items) == ["in-r1"]
        with pytest.raises(RequestError, match="after"):
            responses.inputs("r1", "one", PageWish(after="out-r1"))


class TestConversations:
    def test_a_life(self, conversations: StoredConversations, clock: FakeClock) -> None:
        made = conversations.create("one", {"topic": "x"}, [message("a")])
        assert made == {
            "id": made["id"],
            "object": "conversation",
            "created_at": int(clock.now),
            "metadata": {"topic": "x"},
        }
        assert conversations.update(made["id"], "one", {"topic": "y"})["metadata"] == {"topic": "y"}
        assert conversations.get(made["id"], "one")["metadata"] == {"topic": "y"}
        conversations.add(made["id"], "one", [message("b"), message("c")])
        assert conversations.item(made["id"], "one", "b") == message("b")
        assert conversations.remove(made["id"], "one", "b")["id"] == made["id"]
        assert ids(conversations.items(made["id"], "one")) == ["a", "c"]
        for missing in ("b", "z"):
            with pytest.raises(NotFound):
                conversations.item(made["id"], "one", missing)
            with pytest.raises(NotFound):
                conversations.remove(made["id"], "one", missing)
        conversations.delete(made["id"], "one")
        with pytest.raises(NotFound):
            conversations.items(made["id"], "one")

    def test_a_response_adds_its_items(self, responses: StoredResponses, conversations: StoredConversations) -> None:
        conversation = conversations.create("one", {}, [message("a")])["id"]
        responses.keep(new("r1", conversation=conversation))
        responses.keep_in_conversation(new("r2", conversation=conversation))
        responses.keep(new("r3", status="failed", conversation=conversation))
        assert ids(conversations.items(conversation, "one")) == ["a", "in-r1", "out-r1", "in-r2", "out-r2"]
        with pytest.raises(NotFound):
            responses.get("r2", "one")

    def test_one_that_was_deleted_meanwhile(
        self, responses: StoredResponses, conversations: StoredConversations
    ) -> None:
        conversation = conversations.create("one", {}, [])["id"]
        conversations.delete(conversation, "one")
        responses.keep(new("r1", conversation=conversation))
        assert responses.get("r1", "one")

    def test_another_client_sees_nothing(self, conversations: StoredConversations) -> None:
        conversation = conversations.create("one", {}, [message("a")])["id"]
        for call in (
            lambda: conversations.get(conversation, "two"),
            lambda: conversations.update(conversation, "two", {}),
            lambda: conversations.items(conversation, "two"),
            lambda: conversations.page(conversation, "two", PageWish()),
            lambda: conversations.add(conversation, "two", [message("b")]),
            lambda: conversations.item(conversation, "two", "a"),
            lambda: conversations.remove(conversation, "two", "a"),
            lambda: conversations.delete(conversation, "two"),
        ):
            with pytest.raises(NotFound):
                call()
        assert ids(conversations.items(conversation, "one")) == ["a"]


class TestBackground:
    def test_from_the_queue_to_its_end(self, responses: StoredResponses, conversations: StoredConversations) -> None:
        conversation = conversations.create("one", {}, [])["id"]
        responses.begin(new("r1", status="queued", conversation=conversation))
        assert responses.get("r1", "one")["status"] == "queued"
        assert responses.note(new("r1", status="in_progress"))
        assert responses.note(new("r1", conversation=conversation))
        responses.keep_events("r1", "one", b"events")
        assert responses.get("r1", "one") == new("r1").object
        assert responses.events("r1", "one") == b"events"
        assert ids(conversations.items(conversation, "one")) == ["in-r1", "out-r1"]

    def test_one_that_was_deleted_stays_away(self, responses: StoredResponses) -> None:
        responses.begin(new("r1", status="queued"))
        responses.delete("r1", "one")
        assert not responses.note(new("r1"))
        with pytest.raises(NotFound):
            responses.get("r1", "one")

    @pytest.mark.parametrize("status", ["queued", "in_progress"])
    def test_what_a_kill_interrupted_has_failed(
        self, responses: StoredResponses, state: State, limits: StoredLimits, clock: FakeClock, status: str
    ) -> None:
        responses.begin(new("r1", status=status))
        responses.keep(new("r2"))
        again = StoredResponses(state, limits, clock)
        failed = again.get("r1", "one")
        assert (failed["status"], failed["error"]["code"]) == ("failed", "server_error")
        assert again.get("r2", "one")["status"] == "completed"
        again.begin(new("r3", status=status))
        assert again.get("r3", "one")["status"] == status, "it is this server's own"


class TestBounds:
    def test_so_many_days_after_the_last_use(self, responses: StoredResponses, clock: FakeClock) -> None:
        responses.keep(new("r1"))
        responses.keep(new("idle"))
        clock.now += 20 * DAY
        responses.earlier("r1", "one")
        clock.now += 20 * DAY
        responses.keep(new("r2", "r1"))
        assert ids(responses.earlier("r2", "one")) == ["in-r1", "out-r1", "in-r2", "out-r2"]
        with pytest.raises(NotFound):
            responses.get("idle", "one")

    def test_so_many(self, state: State, clock: FakeClock) -> None:
        limits = StoredLimits(objects=3)
        responses, conversations = (
            StoredResponses(state, limits, clock),
            StoredConversations(state, limits, clock=clock),
        )
        conversation = conversations.create("one", {}, [])["id"]
        for number in range(4):
            clock.now += 1
            responses.keep(new(f"r{number}"))
        with pytest.raises(NotFound):
            conversations.get(conversation, "one")
        with pytest.raises(NotFound):
            responses.get("r0", "one")
        assert responses.get("r1", "one")
        assert state.rows("SELECT count(*) FROM stored_items WHERE owner NOT IN (SELECT id FROM stored_objects)") == [
            (0,)
        ]

    def test_so_many_bytes(self, state: State, clock: FakeClock) -> None:
        responses = StoredResponses(state, StoredLimits(bytes=3000), clock)
        for number in range(4):
            clock.now += 1
            big = NewResponse("one", new(f"r{number}").object, [message(f"in-{number}", "x" * 1000)])
            responses.keep(big)
        kept = [row[0] for row in state.rows("SELECT id FROM stored_objects ORDER BY id")]
        assert kept == ["r2", "r3"]

    def test_bytes_are_counted_as_they_are(
        self, responses: StoredResponses, conversations: StoredConversations, state: State
    ) -> None:
        conversation = conversations.create("one", {}, [message("a"), message("b")])["id"]
        conversations.update(conversation, "one", {"topic": "another"})
        conversations.remove(conversation, "one", "a")
        responses.begin(new("r1", status="queued"))
        responses.note(new("r1", conversation=conversation))
        responses.keep_events("r1", "one", b"events")
        responses.keep_events("r1", "one", b"other events")
        items = "(SELECT coalesce(sum(length(item)), 0) FROM stored_items WHERE owner = o.id)"
        rows = state.rows(f"SELECT bytes, length(object) + coalesce(length(events), 0) + {items} FROM stored_objects o")
        assert len(rows) == 2
        assert all(counted == real for counted, real in rows)


class TestDamage:
    @pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"\xff", "text", 7], ids=repr)
    def test_a_row_with_anything_in_it(
        self, responses: StoredResponses, state: State, tmp_path: Path, junk: object
    ) -> None:
        responses.keep(new("r1"))
        responses.keep(new("r2"))
        state.close()
        with sqlite3.connect(tmp_path / "state.db") as connection:
            connection.execute("UPDATE stored_objects SET object = ? WHERE id = 'r1'", (junk,))
            connection.execute("UPDATE stored_items SET item = ? WHERE owner = 'r2' AND is_output", (junk,))
        connection.close()
        with pytest.raises(NotFound):
            responses.get("r1", "one")
        assert ids(responses.earlier("r2", "one")) == ["in-r2"]

    def test_a_circle_ends(self, responses: StoredResponses, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qwenproxy.history.stored.tables.LONGEST_CHAIN", 5)
        responses.keep(new("r1", "r2"))
        responses.keep(new("r2", "r1"))
        with pytest.raises(PreviousResponseNotFound):
            responses.earlier("r2", "one")

    def test_a_disk_that_refuses(self, tmp_path: Path, limits: StoredLimits) -> None:
        (tmp_path / "taken").write_text("a file where a folder should be")
        responses = StoredResponses(State(tmp_path / "taken" / "state.db"), limits)
        with pytest.raises(StorageError):
            responses.keep(new("r1"))
        with pytest.raises(StorageError):
            responses.get("r1", "one")
