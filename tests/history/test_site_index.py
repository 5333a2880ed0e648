"""The index of places: what is found first, how long it is kept, and who deletes the chats that nobody needs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from clocks import FakeClock

from qwenproxy.disk.state import State
from qwenproxy.history import site_index
from qwenproxy.history.in_use import ChatsInUse
from qwenproxy.history.site_index import DAY, Held, IndexLimits, SiteIndex
from qwenproxy.upstream.places import SiteChat

ONE, TWO, THREE = (SiteChat("a", f"c{number}") for number in (1, 2, 3))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state.db")
    yield state
    state.close()


@pytest.fixture
def index(state: State, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> SiteIndex:
    monkeypatch.setattr(site_index, "EXPIRE_EVERY", 1)
    return SiteIndex(state, IndexLimits(places=4, chats=2), clock)


def held(name: str, chat: SiteChat = ONE, response_id: str = "R1", depth: int = 2, record: str | None = None) -> Held:
    return Held(name.encode(), depth, chat, response_id, "m", "", record)


def found(index: SiteIndex, *names: str) -> list[tuple[str, str, bool, bool]]:
    """Return chat, answer, whether it is the newest and whether one may ask there; the longest beginning first."""
    beginnings = {name.encode(): len(names) - number for number, name in enumerate(names)}
    return [(c.chat.chat_id, c.response_id, c.is_newest, c.may_ask) for c in index.find(beginnings)]


def test_the_longest_first_then_the_newest_place(index: SiteIndex, clock: FakeClock) -> None:
    index.keep(held("x", ONE, "R1", 2))
    index.keep(held("xy", ONE, "R2", 4))
    clock.now += 1
    index.keep(held("x", TWO, "R3", 2))
    assert found(index, "xy", "x") == [
        ("c1", "R2", True, True),
        ("c2", "R3", True, True),
        ("c1", "R1", False, True),
    ]
    assert found(index, "z") == []
    assert index.find({}) == []


def test_an_account_that_was_refused(index: SiteIndex, clock: FakeClock) -> None:
    index.keep(held("x", ONE, "R1", 2))
    index.keep(replace(held("xy", ONE, "R2", 4), refused_by="a"))
    assert found(index, "x") == [("c1", "R1", False, False)]
    assert found(index, "xy") == [("c1", "R2", True, True)]
    clock.now += 8 * DAY
    assert found(index, "x") == [("c1", "R1", False, True)]


def test_another_answer_is_the_newest(index: SiteIndex) -> None:
    index.keep(held("x"))
    index.note_other_answer(ONE)
    assert found(index, "x") == [("c1", "R1", False, True)]


def test_a_lost_chat(index: SiteIndex) -> None:
    index.keep(held("x", ONE))
    index.keep(held("y", TWO, record="mine"))
    assert index.keep(replace(held("xy", THREE), lost=ONE)) == (True, [ONE])
    assert index.keep(replace(held("yz", THREE), lost=TWO)) == (True, []), "its record deletes it"
    assert found(index, "x", "y") == []


def test_age(index: SiteIndex, clock: FakeClock) -> None:
    index.keep(held("x", ONE))
    index.keep(held("y", TWO, record="mine"))
    clock.now += 31 * DAY
    assert found(index, "x", "y") == []
    assert index.expire(ChatsInUse()) == [ONE]


def test_too_many_places(index: SiteIndex, clock: FakeClock) -> None:
    for number in range(6):
        clock.now += 1
        index.keep(held(f"{number}", ONE if number < 3 else TWO, f"R{number}"))
    assert index.expire(ChatsInUse()) == []
    assert {place[1] for place in found(index, *"012345")} == {"R2", "R3", "R4", "R5"}


def test_too_many_chats_that_no_record_has(index: SiteIndex, clock: FakeClock) -> None:
    for number, chat in enumerate((ONE, TWO, THREE)):
        clock.now += 1
        index.keep(held(f"{number}", chat))
    in_use = ChatsInUse()
    in_use.claim(ONE)
    assert index.expire(in_use) == [], "it serves a request"
    in_use.release(ONE)
    assert index.expire(in_use) == [ONE]
    assert found(index, *"012") != []
    assert ONE not in in_use


def test_now_and_then(state: State, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_index, "EXPIRE_EVERY", 3)
    index = SiteIndex(state, IndexLimits(chats=0), clock)
    due = []
    for _ in range(7):
        index.keep(held("x"))
        due.append(bool(index.expire(ChatsInUse())))
    assert due == [True, False, False, True, False, False, True]


def test_a_kept_chat_that_goes(index: SiteIndex) -> None:
    index.keep(held("x", ONE, record="mine"))
    index.keep(held("y", TWO, record="another"))
    assert index.release("mine", [ONE, TWO, THREE]) == [ONE, THREE]
    assert found(index, "x") == []
    assert found(index, "y") != []


def test_one_chat_serves_one_request_at_a_time() -> None:
    in_use = ChatsInUse()
    assert in_use.claim(ONE)
    assert not in_use.claim(SiteChat("a", "c1"))
    assert in_use.claim(TWO)
    in_use.release(ONE)
    assert ONE not in in_use
    assert in_use.claim(ONE)


def test_bytes_that_changed_anywhere(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a damaged file holds: nothing raises, and new places are kept."""
    monkeypatch.setattr(site_index, "EXPIRE_EVERY", 1)
    path = tmp_path / "state.db"
    template = State(path)
    index = SiteIndex(template, clock=clock)
    for number in range(150):
        index.keep(held(f"{number}", SiteChat("a", f"chat-{number % 40}"), f"R{number}", record="mine"[: number % 5]))
    template.close()
    content, chance = path.read_bytes(), random.Random(5)
    for _ in range(40):
        for file in tmp_path.glob("state.db*"):
            file.unlink()
        damaged = bytearray(content)
        for _ in range(chance.choice((3, 50, 1000))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        state = State(path)
        index = SiteIndex(state, IndexLimits(places=100, chats=5), clock)
        found(index, *map(str, range(150)))
        index.expire(ChatsInUse())
        index.release("mine", [SiteChat("a", "chat-1")])
        index.note_other_answer(SiteChat("a", "chat-2"))
        assert index.keep(held("new"))[0] or index.keep(held("new"))[0]
        assert found(index, "new")
        state.close()
