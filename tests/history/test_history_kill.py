"""kill -9 amid the writes of many threads: what the store has confirmed is there afterwards, and nothing is broken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from qwenproxy.history.store import HistoryStore

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

THREADS = 8
TURNS = 125  # of each thread: 1,000 in all
CHATS = ["chat-0", "chat-1", "chat-2", "chat-3", "chat-4"]
UNTRIMMED = 10_000

# Prints the ids of a turn's messages once append_turn has returned, and ends itself after `limit` such lines, while
# seven other threads are at whatever they are at.
WRITER = textwrap.dedent(
    f"""
    import itertools, os, signal, sys, threading
    from pathlib import Path
    from qwenproxy.history.store import HistoryStore

    store, limit = HistoryStore.open(Path(sys.argv[1]), {UNTRIMMED}), int(sys.argv[2])
    printing, printed = threading.Lock(), itertools.count(1)

    def acknowledge(line):
        with printing:
            os.write(1, line.encode())
            if next(printed) == limit:
                os.kill(os.getpid(), signal.SIGKILL)

    def work(thread):
        for turn in range({TURNS}):
            ids = [f"{{thread}}-{{turn}}-{{role}}" for role in ("user", "assistant")]
            chat_id = f"chat-{{turn % {len(CHATS)}}}"
            messages = [{{"id": i, "role": i.split("-")[2], "content": "Привет, " + i}} for i in ids]
            store.append_turn(chat_id, messages)
            acknowledge(f"{{chat_id}} {{' '.join(ids)}}\\n")

    for thread in range({THREADS}):
        threading.Thread(target=work, args=(thread,)).start()
    """
)


def killed_after(folder: Path, acknowledgements: int) -> dict[str, set[str]]:
    """Let a process write until it has confirmed that many turns; return the confirmed message ids of each chat."""
    command = [sys.executable, "-c", WRITER, str(folder), str(acknowledgements)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == acknowledgements
    confirmed: dict[str, set[str]] = {chat_id: set() for chat_id in CHATS}
    for line in lines:
        chat_id, *ids = line.split()
        confirmed[chat_id].update(ids)
    return confirmed


@pytest.mark.parametrize("acknowledgements", [40, 400, 800])
def test_killed_among_a_thousand_writes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, acknowledgements: int
) -> None:
    folder = tmp_path / "history"
    created = HistoryStore.open(folder, UNTRIMMED)
    for chat_id in CHATS:
        created.create("Before", chat_id=chat_id)
    confirmed = killed_after(folder, acknowledgements)

    store = HistoryStore.open(folder, UNTRIMMED)
    assert sorted(path.name for path in folder.iterdir()) == [f"{chat_id}.json" for chat_id in CHATS]
    kept = {chat_id: read_ids(folder / f"{chat_id}.json") for chat_id in CHATS}
    assert {chat.id: chat.message_count for chat in store.list()} == {chat: len(ids) for chat, ids in kept.items()}
    for chat_id, ids in kept.items():
        assert confirmed[chat_id] <= set(ids), "a confirmed message is lost"
        assert len(set(ids)) == len(ids)
    unconfirmed = set().union(*kept.values()) - set().union(*confirmed.values())
    turns = Counter(message_id.rpartition("-")[0] for message_id in unconfirmed)
    assert set(turns.values()) <= {2}, "half a turn is kept"
    assert len(turns) < THREADS, "more than one turn of a thread is unconfirmed"
    assert not caplog.records

    store.append_turn(CHATS[0], [{"id": "after", "role": "user", "content": "x"}])
    assert read_ids(folder / f"{CHATS[0]}.json") == [*kept[CHATS[0]], "after"]


def read_ids(path: Path) -> list[str]:
    """Return the ids of a chat's messages in order, read without the store."""
    document = json.loads(path.read_text("utf-8"))
    return [message["id"] for message in document["messages"]]
