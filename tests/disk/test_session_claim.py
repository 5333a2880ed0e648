"""Who serves a session folder, as other processes see it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from qwenproxy.disk.claim import RunningServer, claimed_session, local_url, running_server
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError


@pytest.fixture
def session(tmp_path: Path) -> SessionFolder:
    return SessionFolder(tmp_path)


def test_a_server_is_known_for_as_long_as_it_runs(tmp_path: Path) -> None:
    session = SessionFolder(tmp_path / "session")
    with claimed_session(session) as claim:
        server = running_server(session)
        assert server == RunningServer(os.getpid())
        assert server.url == ""
        claim.announce("0.0.0.0", 4711)
        server = running_server(session)
        assert server == RunningServer(os.getpid(), "0.0.0.0", 4711)
        assert server.url == "http://127.0.0.1:4711"
        if os.name == "posix":
            assert stat.S_IMODE(session.server_note.stat().st_mode) == 0o600
    assert running_server(session) is None
    assert not session.server_note.exists()


def test_a_second_server_is_told_where_the_first_one_is(session: SessionFolder) -> None:
    with claimed_session(session) as claim:
        with (
            pytest.raises(SetupError, match=rf"already running on .* \(process {os.getpid()}\)\. "),
            claimed_session(session),
        ):
            pass
        claim.announce("127.0.0.1", 4711)
        with (
            pytest.raises(SetupError, match=r"listens on http://127\.0\.0\.1:4711"),
            claimed_session(session),
        ):
            pass
        assert running_server(session) is not None


@pytest.mark.parametrize(
    "note", [b"", b"{", b"[]", b'{"pid":1,"more":2}'], ids=["empty", "half", "a list", "of another form"]
)
def test_a_note_that_cannot_be_read_is_a_server_all_the_same(session: SessionFolder, note: bytes) -> None:
    with claimed_session(session):
        session.server_note.write_bytes(note)
        assert running_server(session) == RunningServer(0)


def test_to_ask_for_a_server_makes_nothing(tmp_path: Path) -> None:
    session = SessionFolder(tmp_path / "nowhere")
    assert running_server(session) is None
    assert not session.root.exists()


def test_what_a_killed_server_noted_is_no_server(session: SessionFolder) -> None:
    session.server_note.write_text('{"pid":1,"host":"127.0.0.1","port":1}')
    assert running_server(session) is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("::", "http://127.0.0.1:1"),
        ("::1", "http://[::1]:1"),
        ("localhost", "http://localhost:1"),
    ],
)
def test_local_url(host: str, url: str) -> None:
    assert local_url(host, 1) == url
