"""A parsed file in memory: when it is read again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwenproxy.disk import files
from qwenproxy.disk.cached import CachedFile
from qwenproxy.errors import SetupError


def test_cached_file_reads_again_only_after_a_change(tmp_path: Path) -> None:
    path = tmp_path / "file"
    reads: list[bytes | None] = []

    def load() -> bytes | None:
        reads.append(files.read_bytes(path))
        return reads[-1]

    cached = CachedFile(path, load)
    assert (cached.get(), cached.get(), len(reads)) == (None, None, 1)
    path.write_bytes(b"one")
    os.utime(path, (1000, 1000))
    assert (cached.get(), cached.get(), len(reads)) == (b"one", b"one", 2)
    path.write_bytes(b"two")
    os.utime(path, (2000, 2000))
    assert (cached.get(), cached.get(), len(reads)) == (b"two", b"two", 3)


def test_cached_file_never_trusts_a_file_of_this_very_moment(tmp_path: Path) -> None:
    path = tmp_path / "file"
    cached = CachedFile(path, path.read_bytes)
    path.write_bytes(b"one")
    now = path.stat().st_mtime_ns
    assert cached.get() == b"one"
    path.write_bytes(b"two")
    os.utime(path, ns=(now, now))
    assert cached.get() == b"two"


def test_cached_file_does_not_remember_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    os.utime(path, (1000, 1000))
    answers: Iterator[SetupError | str] = iter([SetupError("no"), SetupError("no"), "yes"])

    def load() -> str:
        answer = next(answers)
        if isinstance(answer, SetupError):
            raise answer
        return answer

    cached = CachedFile(path, load)
    for _ in range(2):
        with pytest.raises(SetupError):
            cached.get()
    assert (cached.get(), cached.get()) == ("yes", "yes")


def test_cached_file_takes_what_was_just_written_until_somebody_else_writes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    cached = CachedFile(path, path.read_bytes)
    path.write_bytes(b"mine")
    cached.put(b"as I have it")
    assert cached.get() == b"as I have it"
    path.write_bytes(b"another's")
    assert cached.get() == b"another's"
