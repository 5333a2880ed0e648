"""Authorization.txt: the template, changes by people and by commands, and doors that stay shut."""

from __future__ import annotations

import hmac
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qwenproxy.access.keys import KeyFile
from qwenproxy.errors import SetupError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session" / "Authorization.txt"


def test_first_start_writes_a_template_without_keys(path: Path) -> None:
    key_file = KeyFile.open(path)
    assert key_file.keys() == ()
    assert not key_file.enabled
    assert not key_file.check("")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) > 3
    assert all(not line or line.startswith("#") for line in lines)
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"")
    assert not KeyFile.open(path).enabled
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (b"# note\n\n  key-1  \n\t\nkey-2", ("key-1", "key-2")),
        (b"\xef\xbb\xbfkey-1\r\nkey-2\r\n", ("key-1", "key-2")),
        (b"key-1\nkey-1\n", ("key-1",)),
        ("ключ\n".encode(), ("ключ",)),
        (b"#key-1\n # key-2\n", ()),
    ],
    ids=["comments and spaces", "byte order mark", "twice", "not ASCII", "comments alone"],
)
def test_keys_are_read_line_by_line(path: Path, content: bytes, keys: tuple[str, ...]) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    key_file = KeyFile.open(path)
    assert key_file.keys() == keys
    assert key_file.enabled is bool(keys)
    assert all(key_file.check(key) for key in keys)


@pytest.mark.parametrize("candidate", ["", "key", "key-12", "KEY-1", "key-1 ", "key-1\nkey-2", "ключ", "\udcff"])
def test_other_texts_are_no_keys(path: Path, candidate: str) -> None:
    path.parent.mkdir()
    path.write_bytes(b"key-1\nkey-2\n")
    assert not KeyFile.open(path).check(candidate)


def test_every_key_is_compared_in_constant_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    path.write_bytes(b"key-1\nkey-2\nkey-3\n")
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noted(key: bytes, candidate: bytes) -> bool:
        compared.append(key)
        return compare(key, candidate)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    assert KeyFile.open(path).check("key-1")
    assert compared == [b"key-1", b"key-2", b"key-3"]


def test_a_change_on_disk_is_seen_at_once(path: Path) -> None:
    key_file = KeyFile.open(path)
    assert not key_file.enabled
    path.write_bytes(b"key-1\n")
    assert key_file.check("key-1")
    path.write_bytes(b"key-2\n")
    assert not key_file.check("key-1")
    assert key_file.check("key-2")


@pytest.mark.parametrize("content", [b"\xff\xfek\x00e\x00y\x00", b"key\xff\n", b"k\x00e\x00y\x00"])
def test_an_unreadable_file_opens_no_door_and_is_kept(path: Path, content: bytes) -> None:
    key_file = KeyFile.open(path)
    assert not key_file.enabled
    path.write_bytes(content)
    for question in (key_file.keys, key_file.add, lambda: key_file.check("key"), lambda: key_file.enabled):
        for _ in range(2):
            with pytest.raises(SetupError, match="is not UTF-8 text"):
                question()
    with pytest.raises(SetupError):
        KeyFile.open(path).remove("key")
    assert path.read_bytes() == content


def test_a_file_that_goes_away_opens_no_door(path: Path) -> None:
    key_file = KeyFile.open(path)
    key_file.add("key-1")
    path.unlink()
    for _ in range(2):
        with pytest.raises(SetupError, match="is missing"):
            key_file.check("key-1")


def test_add_and_remove_keep_everything_else(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"# mine\r\nkey-1")
    key_file = KeyFile.open(path)
    assert key_file.add(" key-2 ") == "key-2"
    assert key_file.add("key-2") == "key-2"
    assert path.read_bytes() == b"# mine\r\nkey-1\nkey-2\n"
    assert key_file.remove("key-1")
    assert path.read_bytes() == b"# mine\r\nkey-2\n"
    assert not key_file.remove("key-1")
    assert not key_file.remove("# mine")
    assert not key_file.remove("")
    assert path.read_bytes() == b"# mine\r\nkey-2\n"


def test_made_keys_are_long_and_differ(path: Path) -> None:
    key_file = KeyFile.open(path)
    made = {key_file.add() for _ in range(5)}
    assert made == set(key_file.keys())
    assert all(key.startswith("qp-") and len(key) > 40 for key in made)


@pytest.mark.parametrize("key", ["", "  ", "#key", "two words", "ключ-é", "naïve", "two\nlines", "tab\tbed", "nul\0"])
def test_keys_that_the_file_cannot_hold_are_refused(path: Path, key: str) -> None:
    key_file = KeyFile.open(path)
    before = path.read_bytes()
    with pytest.raises(SetupError):
        key_file.add(key)
    assert path.read_bytes() == before


def test_processes_that_add_at_once_lose_nothing(path: Path) -> None:
    KeyFile.open(path)
    code = (
        "import sys; from pathlib import Path; from qwenproxy.access.keys import KeyFile\n"
        "key_file = KeyFile.open(Path(sys.argv[1])); sys.stdin.readline()\n"
        "[key_file.add(f'{sys.argv[2]}-{number}') for number in range(40)]\n"
    )
    adders = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], stdin=subprocess.PIPE) for name in ("a", "b")
    ]
    for adder in adders:
        assert adder.stdin is not None
        adder.stdin.write(b"go\n")
        adder.stdin.flush()
    for adder in adders:
        adder.communicate(timeout=30)
    assert [adder.returncode for adder in adders] == [0, 0]
    assert set(KeyFile.open(path).keys()) == {f"{name}-{number}" for name in "ab" for number in range(40)}


def test_no_key_reaches_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key_file = KeyFile.open(path)
    key_file.add("secret-key-1")
    key_file.check("secret-key-2")
    key_file.remove("secret-key-1")
    assert "secret-key" not in caplog.text
