"""Chats on disk: forms of the file, trimming, turns in order, clean-up, corrupt files and crashes."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest
from clocks import NOW, FakeClock
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.disk import files
from qwenproxy.errors import ChatNotFound, ClientGone, QueueTimeout, RequestError, SetupError
from qwenproxy.history import store as history
from qwenproxy.history import turns
from qwenproxy.history.format import Chat, ChatSummary, parse_chat, select_for_cleanup, trim
from qwenproxy.history.store import HistoryStore

DAY_MS = 86_400_000
TURN = ({"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "history"


@pytest.fixture
def store(folder: Path, clock: FakeClock) -> HistoryStore:
    return HistoryStore.open(folder, 10, clock)


def write_chat(folder: Path, chat_id: str, content: object) -> None:
    (folder / f"{chat_id}.json").write_text(json.dumps(content), encoding="utf-8")


def chat_of(store: HistoryStore, chat_id: str) -> Chat:
    """Return a chat that must be there."""
    chat = store.get(chat_id)
    assert chat is not None, chat_id
    return chat


def test_a_new_chat_has_the_documented_form(store: HistoryStore, folder: Path) -> None:
    chat_id = store.create("Имя")
    assert str(uuid.UUID(chat_id)) == chat_id
    assert json.loads((folder / f"{chat_id}.json").read_text(encoding="utf-8")) == {
        "id": chat_id,
        "name": "Имя",
        "created": int(NOW * 1000),
        "messages": [],
    }
    if os.name == "posix":
        assert (folder / f"{chat_id}.json").stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_turn_fills_in_what_a_message_lacks(store: HistoryStore, folder: Path, clock: FakeClock) -> None:
    chat_id = store.create("a")
    parts = [{"type": "text", "text": "я"}, {"type": "image", "image": "http://x"}]
    store.append_turn(chat_id, [{"role": "user", "content": parts}, {"role": "assistant", "content": "b", "info": {}}])
    first, second = json.loads((folder / f"{chat_id}.json").read_text(encoding="utf-8"))["messages"]
    assert list(first) == ["id", "role", "content", "timestamp", "chat_type"]
    assert (first["role"], first["content"], first["timestamp"]) == ("user", parts, int(NOW))
    assert (second["chat_type"], second["info"]) == ("t2t", {})
    assert uuid.UUID(first["id"]) != uuid.UUID(second["id"])
    kept = {"id": "mine", "role": "user", "content": "c", "timestamp": 5, "chat_type": "t2i"}
    assert store.append_turn(chat_id, [kept]).messages[-1] == kept
    assert chat_of(store, chat_id).messages == (first, second, kept)


def test_a_chat_can_begin_with_its_first_turn_and_a_given_id(store: HistoryStore) -> None:
    chat_id = store.create("a", TURN, chat_id="мой-чат")
    assert [message["content"] for message in chat_of(store, chat_id).messages] == ["question", "answer"]
    with pytest.raises(RequestError, match="exists"):
        store.create("b", chat_id="мой-чат")
    with pytest.raises(RequestError, match="not a valid id"):
        store.create("b", chat_id="../b")


@pytest.mark.parametrize(
    "chat_id", ["", "../tokens", "..", "a/b", "a\\b", "nul", "a\0", "x" * 129, ".a", "unknown"], ids=spelled
)
def test_ids_without_a_chat(store: HistoryStore, folder: Path, chat_id: str) -> None:
    (folder.parent / "tokens.json").write_text('{"messages": []}')
    assert store.get(chat_id) is None
    for act in (store.delete, lambda one: store.rename(one, "n"), lambda one: store.append_turn(one, TURN)):
        with pytest.raises(ChatNotFound):
            act(chat_id)
    assert (folder.parent / "tokens.json").exists()


def test_the_older_bare_array_is_read_and_rewritten(store: HistoryStore, folder: Path) -> None:
    message = {"id": "m", "role": "user", "content": "old", "timestamp": 1700000000, "chat_type": "t2t", "info": 1}
    write_chat(folder, "old-chat-id", [message])
    chat = chat_of(store, "old-chat-id")
    assert (chat.name, chat.created, chat.messages) == ("Chat old-chat", 1700000000000, (message,))
    store.append_turn("old-chat-id", TURN)
    written = json.loads((folder / "old-chat-id.json").read_text(encoding="utf-8"))
    assert list(written) == ["id", "name", "created", "messages"]
    assert (written["messages"][0], len(written["messages"])) == (message, 3)


def test_a_chat_without_any_date_takes_its_files(store: HistoryStore, folder: Path) -> None:
    write_chat(folder, "empty", [])
    os.utime(folder / "empty.json", (1600000000, 1600000000))
    assert chat_of(store, "empty").created == 1600000000000


@pytest.mark.parametrize("created", [None, "now", True, -1, 1e300, {}], ids=spelled)
def test_an_unreadable_date_is_replaced(created: object) -> None:
    data = json.dumps({"created": created, "messages": []}).encode()
    assert parse_chat("a", data, 77).created == 77


def test_unknown_fields_survive_every_change(store: HistoryStore, folder: Path) -> None:
    write_chat(folder, "a", {"upstream": {"x": [1]}, "id": "other", "name": "n", "created": 5, "messages": []})
    store.append_turn("a", TURN)
    store.rename("a", "m")
    written = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert (written["upstream"], written["id"], written["name"], written["created"]) == ({"x": [1]}, "a", "m", 5)
    assert chat_of(store, "a").extra == {"upstream": {"x": [1]}}
    assert list(chat_of(store, "a").to_json()) == ["id", "name", "created", "messages"]


@given(st.lists(st.integers(), max_size=30), st.integers(2, 12))
def test_trimming_keeps_the_first_and_the_newest(messages: list[int], limit: int) -> None:
    kept = trim(messages, limit)
    assert len(kept) == min(len(messages), limit)
    assert list(kept[:1]) == messages[:1]
    assert list(kept[1:]) == messages[1:][-(limit - 1) :]


def test_a_long_chat_is_trimmed_as_it_grows(store: HistoryStore) -> None:
    chat_id = store.create("a")
    for number in range(8):
        store.append_turn(chat_id, [{"role": r, "content": f"{r}{number}"} for r in ("user", "assistant")])
    contents = [message["content"] for message in chat_of(store, chat_id).messages]
    assert len(contents) == 10
    assert contents[:2] == ["user0", "assistant3"]
    assert contents[-1] == "assistant7"


@pytest.mark.parametrize("name", ["", "  \t", None, 5, ["a"]], ids=spelled)
def test_a_blank_name_is_refused(store: HistoryStore, name: object) -> None:
    chat_id = store.create("a")
    with pytest.raises(RequestError) as caught:
        store.rename(chat_id, name)
    assert caught.value.param == "name"
    assert chat_of(store, chat_id).name == "a"


def test_rename_and_delete(store: HistoryStore, folder: Path) -> None:
    chat_id = store.create("a", TURN)
    assert store.rename(chat_id, " б ") == "б"
    assert (chat_of(store, chat_id).name, len(chat_of(store, chat_id).messages)) == ("б", 2)
    store.delete(chat_id)
    assert store.get(chat_id) is None
    assert store.list() == ()
    assert os.listdir(folder) == []


def test_the_list_is_newest_first_and_counts(store: HistoryStore, clock: FakeClock) -> None:
    first = store.create("first", TURN)
    clock.now += 1
    second = store.create("second")
    store.append_turn(first, TURN[:1])
    assert store.list() == (
        ChatSummary(second, "second", int(NOW * 1000) + 1000, 0, 0),
        ChatSummary(first, "first", int(NOW * 1000), 3, 2),
    )


def test_the_list_sees_what_others_did(store: HistoryStore, folder: Path, clock: FakeClock) -> None:
    store.create("mine")
    assert len(store.list()) == 1
    other = HistoryStore.open(folder, 10, clock)
    theirs = other.create("theirs", TURN)
    assert {chat.name for chat in store.list()} == {"mine", "theirs"}
    other.rename(theirs, "renamed")
    assert {chat.name for chat in store.list()} == {"mine", "renamed"}
    other.delete(theirs)
    assert [chat.name for chat in store.list()] == ["mine"]


def test_the_list_reads_only_what_changed(store: HistoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        write_chat(folder, f"c{number}", {"messages": []})
    reads: list[str] = []
    read_bytes = files.read_bytes

    def read(path: Path) -> bytes | None:
        reads.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(files, "read_bytes", read)
    assert (len(store.list()), len(reads)) == (20, 20)
    reads.clear()
    write_chat(folder, "c7", {"messages": [], "name": "changed"})
    os.utime(folder)
    assert len(store.list()) == 20
    assert reads == ["c7.json"]
    reads.clear()
    chat_id = store.create("own")
    store.append_turn(chat_id, TURN)
    reads.clear()
    assert (len(store.list()), reads) == (21, [f"{chat_id}.json"])


@pytest.mark.parametrize(
    "content",
    [b"", b'{"id":"a","messages":[', b"\xff\xfe\x00", b"5", b'{"name":"x"}', b'{"messages":[1]}', b'[{"content":1}]'],
)
def test_a_corrupt_chat_is_kept_aside_and_the_rest_unharmed(
    store: HistoryStore, folder: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    good = store.create("good")
    for name in ("bad1", "bad2"):
        (folder / f"{name}.json").write_bytes(content)
    assert store.get("bad1") is None
    assert [chat.id for chat in store.list()] == [good]
    for name in ("bad1", "bad2"):
        assert [path.read_bytes() for path in folder.glob(f"{name}.json.corrupt-*")] == [content]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert chat_of(store, good).name == "good"


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_what_is_no_regular_file_is_no_chat(store: HistoryStore, folder: Path, tmp_path: Path) -> None:
    chat_id = store.create("mine")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("no chat")
    elsewhere.chmod(0o644)
    (folder / "dir.json").mkdir()
    (folder / "dangling.json").symlink_to(tmp_path / "gone")
    (folder / "link.json").symlink_to(elsewhere)
    os.mkfifo(folder / "pipe.json")
    seen: list[object] = []

    def look() -> None:
        seen.append([chat.id for chat in store.list()])
        seen.append([store.get(name) for name in ("dir", "dangling", "link", "pipe")])
        seen.append(history.import_chats(folder, tmp_path / "imported"))

    # A thread, since who reads a pipe waits for ever.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(10)
    assert seen == [[chat_id], [None] * 4, 1]
    assert (elsewhere.read_text(), elsewhere.stat().st_mode & 0o777) == ("no chat", 0o644)
    for name in ("dir", "pipe"):
        with pytest.raises(ChatNotFound):
            store.delete(name)


def test_half_an_emoji_of_the_older_project_is_no_corruption(store: HistoryStore, folder: Path) -> None:
    (folder / "a.json").write_bytes(b'[{"role":"user","content":"x \\ud83d"}]')
    assert chat_of(store, "a").messages[0]["content"] == "x \ufffd"


def test_a_chat_that_cannot_be_read_is_left_out_and_left_alone(
    store: HistoryStore, folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.json").write_text("{")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert store.list() == ()
    assert "left out" in caplog.text
    with pytest.raises(SetupError, match="cannot read"):
        store.get("a")
    assert (folder / "a.json").read_text() == "{"


def test_a_turn_that_cannot_be_written_changes_nothing(store: HistoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    chat_id = store.create("a", TURN)
    before = store.get(chat_id)

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", disk_full)
        with pytest.raises(SetupError, match="No space left"):
            store.append_turn(chat_id, TURN)
    assert store.get(chat_id) == before
    assert store.list()[0].message_count == 2


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"unknown": 5},
        {"olderThan": 0},
        {"olderThan": -1},
        {"olderThan": "7 days"},
        {"olderThan": None},
        {"olderThan": True},
        {"olderThan": float("nan")},
        {"olderThan": float("inf")},
        {"maxChats": 0},
        {"maxChats": 1.5},
        {"maxChats": True},
        {"messageCountLessThan": -1},
        {"messageCountLessThan": [3]},
        {"userMessageCountLessThan": "3"},
        {"userMessageCountLessThan": False, "maxChats": 1},
        {"messageCountLessThan": 100, "maxChats": {}},
    ],
    ids=spelled,
)
def test_a_bad_clean_up_deletes_nothing(store: HistoryStore, criteria: dict[str, object]) -> None:
    for name in ("a", "b"):
        store.create(name)
    with pytest.raises(RequestError):
        store.cleanup(criteria)
    assert len(store.list()) == 2


CHATS = [
    ChatSummary("new-empty", "", int(NOW * 1000) - 1, 0, 0),
    ChatSummary("new-long", "", int(NOW * 1000) - DAY_MS, 9, 5),
    ChatSummary("old-short", "", int(NOW * 1000) - 8 * DAY_MS, 2, 1),
    ChatSummary("old-long", "", int(NOW * 1000) - 9 * DAY_MS, 9, 5),
]


@pytest.mark.parametrize(
    ("limits", "doomed"),
    [
        ({"olderThan": 7 * DAY_MS}, {"old-short", "old-long"}),
        ({"olderThan": 8 * DAY_MS}, {"old-long"}),
        ({"messageCountLessThan": 2}, {"new-empty"}),
        ({"messageCountLessThan": 0}, set()),
        ({"userMessageCountLessThan": 2}, {"new-empty", "old-short"}),
        ({"olderThan": 7 * DAY_MS, "userMessageCountLessThan": 3, "messageCountLessThan": 5}, {"old-short"}),
        ({"olderThan": 7 * DAY_MS, "messageCountLessThan": 2}, set()),
        ({"maxChats": 4}, set()),
        ({"maxChats": 1}, {"new-long", "old-short", "old-long"}),
        ({"maxChats": 2, "messageCountLessThan": 2}, {"new-empty", "old-long"}),
        ({"maxChats": 10**30}, set()),
    ],
    ids=spelled,
)
def test_clean_up_takes_what_meets_all_and_the_surplus(limits: dict[str, int], doomed: set[str]) -> None:
    assert set(select_for_cleanup(CHATS, limits, NOW * 1000)) == doomed


def test_clean_up_deletes_on_disk_and_names_the_ids(store: HistoryStore, folder: Path, clock: FakeClock) -> None:
    ids = []
    for number in range(5):
        clock.now = NOW + number
        ids.append(store.create(f"c{number}"))
    assert store.cleanup({"maxChats": 2, "unknown": 1}) == (ids[2], ids[1], ids[0])
    assert [chat.id for chat in store.list()] == [ids[4], ids[3]]
    assert len(os.listdir(folder)) == 2
    clock.now = NOW + 10
    assert store.cleanup({"olderThan": 6500, "messageCountLessThan": 1}) == (ids[3],)


def test_turns_on_one_chat_come_in_order_of_arrival(store: HistoryStore) -> None:
    order: list[int] = []

    def take(number: int) -> None:
        with store.turn("a"):
            order.append(number)

    threads = []
    with store.turn("a"), store.turn("b"):
        for number in range(10):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            wait_for_line(store, "a", number + 2)
        assert order == []
    for thread in threads:
        thread.join(10)
    assert order == list(range(10))
    assert store.in_line("a") == store.in_line("b") == 0


def wait_for_line(store: HistoryStore, chat_id: str, length: int) -> None:
    """Yield the processor until so many are in line; the suite's time limit ends a vain wait."""
    while store.in_line(chat_id) != length:
        time.sleep(0)


def test_a_wait_for_a_turn_can_end_and_leaves_the_line(store: HistoryStore) -> None:
    with store.turn("a"):
        with pytest.raises(QueueTimeout), store.turn("a", turn_wait=0.01):
            pass
        assert store.in_line("a") == 1
    with store.turn("a", turn_wait=0.01):
        pass
    with pytest.raises(KeyError), store.turn("a"):
        raise KeyError
    assert store.in_line("a") == 0


def test_a_client_that_leaves_while_it_waits_leaves_the_line(
    store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LOOK_AGAIN", 0.001)
    looks = [True, False]
    with store.turn("a"):
        with pytest.raises(ClientGone), store.turn("a", client_gone=looks.pop):
            pass
        assert not looks
        assert store.in_line("a") == 1
    assert store.in_line("a") == 0


def test_one_that_leaves_the_line_changes_nothing_for_those_behind(
    store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LOOK_AGAIN", 0.001)
    order: list[int] = []
    left = threading.Event()

    def take(number: int) -> None:
        with suppress(ClientGone), store.turn("a", 60, left.is_set if number == 1 else lambda: False):
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    with store.turn("a"):
        for number, thread in enumerate(threads):
            thread.start()
            wait_for_line(store, "a", number + 2)
        left.set()
        threads[1].join(10)
        assert store.in_line("a") == 4
    for thread in threads:
        thread.join(10)
    assert order == [0, 2, 3]


def test_threads_that_append_at_once_lose_nothing(folder: Path) -> None:
    store = HistoryStore.open(folder, 1000)
    chat_ids = [store.create("a"), store.create("b")]

    def work(name: int) -> None:
        for number in range(15):
            store.append_turn(chat_ids[number % 2], [{"role": "user", "content": f"{name}-{number}"}])

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    contents = {m["content"] for chat_id in chat_ids for m in chat_of(store, chat_id).messages}
    assert contents == {f"{name}-{number}" for name in range(6) for number in range(15)}
    assert sum(chat.message_count for chat in store.list()) == 90


def test_import_copies_only_what_is_missing(folder: Path, tmp_path: Path, store: HistoryStore) -> None:
    source = tmp_path / "older"
    source.mkdir()
    write_chat(source, "a", [])
    write_chat(source, "b", [])
    (source / "notes.txt").write_text("x")
    write_chat(folder, "a", {"messages": [], "name": "mine"})
    assert history.import_chats(source, folder) == 1
    assert history.import_chats(source, folder) == 0
    assert history.import_chats(tmp_path / "nowhere", folder) == 0
    assert (chat_of(store, "a").name, chat_of(store, "b").messages) == ("mine", ())
