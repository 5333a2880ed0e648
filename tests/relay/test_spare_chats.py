"""Chats made ahead of need: one for each account, taken once, given up when old, at stop and after a kill."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clocks import FakeClock

from qwenproxy.errors import StorageError, TabLost
from qwenproxy.relay import spare_chats
from qwenproxy.relay.spare_chats import LONGEST_AGE, SpareChats
from qwenproxy.upstream.places import SiteChat

PAGE: Any = "page"


class Stock:
    """Spare chats over a site that only makes chats; what is made and given up is counted."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.path = path
        self.made: list[str] = []
        self.discarded: list[SiteChat] = []
        self.failure: Exception | None = None
        self._news = threading.Condition()
        self.chats = SpareChats(path, self.discard, clock, pause=0.0)

    def call(self, page: object, request: Any) -> Any:
        with self._news:
            self.made.append(json.loads(request.body)["models"][0])
            self._news.notify_all()
            if self.failure:
                raise self.failure
            return json.dumps({"success": True, "data": {"id": f"up-{len(self.made)}"}})

    def discard(self, chats: Any) -> None:
        with self._news:
            self.discarded += chats
            self._news.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(condition, 10)

    def put(self, account_id: str = "a", model: str = "m") -> SiteChat:
        """Have a chat made and written down; return it."""
        chat = SiteChat(account_id, f"up-{len(self.made) + 1}")
        self.chats.want(account_id, PAGE, model)
        self.wait_for_file(chat)
        return chat

    def wait_for_file(self, *chats: SiteChat) -> None:
        rows = [{"accountId": chat.account_id, "chatId": chat.chat_id} for chat in chats]
        for _ in range(1000):
            if self.rows() == rows:
                return
            threading.Event().wait(0.01)
        raise AssertionError(self.rows())

    def rows(self) -> Any:
        try:
            return json.loads(self.path.read_text())
        except FileNotFoundError:
            return []


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stock(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stock]:
    stock = Stock(tmp_path / "spare-chats.json", clock)
    monkeypatch.setattr(spare_chats, "call", stock.call)
    yield stock
    stock.chats.close()


def test_a_chat_is_taken_once_and_by_its_own_account_and_model(stock: Stock) -> None:
    chat = stock.put()
    assert stock.chats.take("b", "m") is None
    assert stock.chats.take("a", "other") is None
    assert stock.chats.take("a", "m") == chat
    assert stock.chats.take("a", "m") is None
    stock.wait_for_file()
    assert stock.discarded == []


def test_there_is_one_for_each_account(stock: Stock) -> None:
    first = stock.put("a")
    stock.chats.want("a", PAGE, "m")
    stock.chats.want("b", PAGE, "m")
    stock.wait_for_file(first, SiteChat("b", "up-2"))
    assert len(stock.made) == 2


def test_another_model_takes_the_place(stock: Stock) -> None:
    old = stock.put(model="m")
    new = stock.put(model="n")
    assert stock.discarded == [old]
    assert stock.chats.take("a", "n") == new


def test_an_old_one_is_given_up(stock: Stock, clock: FakeClock) -> None:
    old = stock.put()
    clock.now += LONGEST_AGE
    assert stock.chats.take("a", "m") is None
    stock.chats.want("b", PAGE, "m")  # wakes the thread as its own time would
    stock.wait(lambda: stock.discarded == [old])
    stock.wait_for_file(SiteChat("b", "up-2"))


def test_a_stop_deletes_what_is_in_stock(stock: Stock) -> None:
    chat = stock.put()
    stock.chats.close()
    assert stock.discarded == [chat]
    assert stock.rows() == []
    stock.chats.want("a", PAGE, "m")
    stock.chats.close()
    assert stock.made == ["m"]


def test_what_a_killed_server_left_is_deleted(stock: Stock) -> None:
    stock.path.write_text('[{"accountId":"a","chatId":"up-9"},{"accountId":5},7]')
    stock.chats.prepare()
    assert stock.discarded == [SiteChat("a", "up-9")]
    assert not stock.path.exists()
    stock.chats.prepare()
    assert len(stock.discarded) == 1


@pytest.mark.parametrize("text", ["{", '{"a":1}'])
def test_an_unreadable_file_is_set_aside(stock: Stock, text: str) -> None:
    stock.path.write_text(text)
    stock.chats.prepare()
    assert stock.discarded == []
    assert list(stock.path.parent.glob("spare-chats.json.corrupt-*"))


def test_a_failure_leaves_the_stock_empty_and_the_next_wish_is_tried(stock: Stock) -> None:
    stock.failure = TabLost("gone")
    stock.chats.want("a", PAGE, "m")
    stock.wait(lambda: len(stock.made) == 1)
    stock.failure = None
    assert stock.put() == SiteChat("a", "up-2")


def test_a_disk_that_refuses_costs_no_chat(
    stock: Stock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path, data: bytes) -> None:
        refused.set()
        raise StorageError("the disk is full")

    refused = threading.Event()
    monkeypatch.setattr("qwenproxy.disk.files.write_atomic", refuse)
    stock.chats.want("a", PAGE, "m")
    assert refused.wait(10)
    assert stock.chats.take("a", "m") == SiteChat("a", "up-1")
    stock.chats.close()
    assert "not written down" in caplog.text
