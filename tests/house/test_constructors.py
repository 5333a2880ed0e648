"""A constructor makes the object and nothing else: files, threads and processes come with `open`, `start`, `take`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from fake_site import FakeSite
from fake_tabs import FakeOpener

from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.registry import Registry
from qwenproxy.api.responses.stored.background import Background
from qwenproxy.browser.profile import ProfileClaim
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.disk.state import State
from qwenproxy.history.store import HistoryStore
from qwenproxy.history.stored import stored_in
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.uploads.ledger import Ledger

MAKERS: dict[str, Callable[[SessionFolder], object]] = {
    "registry": Registry,
    "keys": lambda session: KeyFile(session.keys),
    "history": lambda session: HistoryStore(session.history, 10),
    "uploads": Ledger,
    "deletions": lambda session: UpstreamDeletions(session.deletions, Registry(session)),
    "state": lambda session: State(session.state),
    "stored": lambda session: stored_in(State(session.state), 30, 60),
    "background": lambda session: Background(),
    "claim": lambda session: ProfileClaim(session.account("a")),
    "pool": lambda session: AccountPool(Registry(session), cast(Any, FakeOpener(FakeSite())), PoolLimits()),
}


@pytest.fixture
def session(tmp_path: Path) -> SessionFolder:
    return SessionFolder(tmp_path / "session")


@pytest.mark.parametrize("part", MAKERS)
def test_a_constructor_makes_nothing(session: SessionFolder, part: str) -> None:
    threads = set(threading.enumerate())
    MAKERS[part](session)
    assert not session.root.exists()
    assert set(threading.enumerate()) == threads


def test_to_look_makes_nothing(session: SessionFolder) -> None:
    assert Registry(session).all() == ()
    assert not KeyFile(session.keys).exists
    assert HistoryStore(session.history, 10).list() == ()
    assert Ledger(session).find("https://store.example/file") is None
    assert not session.root.exists()


def test_the_first_change_makes_what_it_needs(session: SessionFolder) -> None:
    assert Registry(session).add("token", "mine") == "mine"
    assert session.account("mine").token.read_text() == "token"
    if os.name == "posix":
        assert session.root.stat().st_mode & 0o777 == 0o700
