"""A change of a settings file on the disk: copies, links, modes, and what leaves the file alone."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from qwenproxy.connect.change import Change, locate, plan
from qwenproxy.connect.program import Location, Settings
from qwenproxy.errors import SetupError, StorageError

LOCATION = Location(".program", "settings.json", "PROGRAM_HOME", "inside", ("settings.jsonc",))
SETTINGS = Settings(LOCATION, "json", {"env": {"KEY": "qp-secret"}}, {"version": 1})
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def change(path: Path, secret: str = "") -> Change:
    return plan(SETTINGS, path, secret)


def test_a_file_is_made_with_its_folders_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "settings.json"
    assert change(path).write() is None
    assert path.read_text() == '{\n  "version": 1,\n  "env": {\n    "KEY": "qp-secret"\n  }\n}\n'
    assert not change(path).is_needed
    assert os.name == "nt" or (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_what_was_there_is_kept_and_no_older_copy_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    copies = []
    for text in ('{"a": 1}', '{"a": 2}', '{"a": 3}'):
        path.write_text(text)
        copies.append(change(path).write())
    assert [copy.name for copy in copies if copy] == [
        f"settings.json.before-qwenproxy{end}" for end in ("", "-2", "-3")
    ]
    assert [copy.read_text() for copy in copies if copy] == ['{"a": 1}', '{"a": 2}', '{"a": 3}']


@posix
def test_a_file_keeps_its_mode_unless_a_key_comes_into_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text("{}")
    path.chmod(0o644)
    open_to_all = change(path)
    copy = open_to_all.write()
    assert not open_to_all.becomes_private
    assert copy is not None
    assert (mode(path), mode(copy)) == (0o644, 0o600)
    path.write_text("{}")
    private = change(path, "qp-secret")
    private.write()
    assert private.becomes_private
    assert mode(path) == 0o600


@posix
def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real, link, loop = tmp_path / "dotfiles" / "real.json", tmp_path / "settings.json", tmp_path / "loop.json"
    link.symlink_to(Path("dotfiles") / "real.json")
    change(link).write()
    assert link.is_symlink()
    assert "qp-secret" in real.read_text()
    loop.symlink_to(loop)
    with pytest.raises(StorageError):
        change(loop)


def test_the_key_is_masked_in_the_difference(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"a": 1}\n')
    lines = change(path, "qp-secret").diff("qp-secret", "qp-...")
    assert lines[0] == f"--- {path}"
    assert '-{"a": 1}' in lines
    assert '+    "KEY": "qp-..."' in lines
    assert not any("qp-secret" in line for line in lines)


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    change(path).write()
    assert path.read_bytes().startswith(b'\xef\xbb\xbf{"a": 1,')
    assert not change(path).is_needed


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"{oops", "near line 1"), (b'{"env": 1}', '"env"'), (b'{"a": "\xff"}', "UTF-8")],
    ids=["fault", "no place", "no text"],
)
def test_a_file_that_cannot_be_changed_is_left_alone(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(data)
    with pytest.raises(SetupError, match=says) as caught:
        change(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no file"):
        change(tmp_path)


@posix
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    os.mkfifo(path)
    with pytest.raises(SetupError, match="no file"):
        change(path)


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"a": 1}')
    planned = change(path)
    path.write_text('{"a": 2}')
    with pytest.raises(SetupError, match="meanwhile"):
        planned.write()
    assert path.read_text() == '{"a": 2}'
    assert list(tmp_path.iterdir()) == [path]


def test_where_a_settings_file_is(tmp_path: Path) -> None:
    usual = tmp_path / ".program"
    assert locate(LOCATION, tmp_path, lambda name: "") == usual / "settings.json"
    usual.mkdir()
    (usual / "settings.jsonc").write_text("{}")
    assert locate(LOCATION, tmp_path, lambda name: "") == usual / "settings.jsonc"
    (usual / "settings.json").write_text("{}")
    assert locate(LOCATION, tmp_path, lambda name: "") == usual / "settings.json"
    moved = locate(LOCATION, tmp_path, lambda name: str(tmp_path / "moved") if name == "PROGRAM_HOME" else "")
    assert moved == tmp_path / "moved" / "inside" / "settings.json"
