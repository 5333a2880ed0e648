"""Atomic files, locks and ids, on a real disk."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.disk import files
from qwenproxy.disk.locks import PathLock
from qwenproxy.errors import SetupError

posix_only = pytest.mark.skipif(os.name != "posix", reason="rights and signals of POSIX")
NOBODY = 65534  # a user without any rights; root may write everywhere


@pytest.mark.parametrize(
    "good", ["acc_1752745840684", "идентификатор_чата", "a", "a.b", "me@example.org", "a" * 128], ids=spelled
)
def test_valid_ids(good: str) -> None:
    assert files.valid_id(good)


@pytest.mark.parametrize(
    "bad",
    [
        *("", ".", "..", "a..b", ".hidden", "a/b", "a\\b", "/etc", "C:", "a\0b", "a\nb", "a\x7fb", "\ud800"),
        *("a.", "a ", " a", "NUL", "con.txt", "Lpt1", "a*", 'a"b', "a|b", "a?", "a" * 129, "я" * 65, "\u202eabc"),
        *(None, 5, b"abc", ["a"]),
    ],
    ids=lambda bad: ascii(bad)[:24],
)
def test_invalid_ids(bad: object) -> None:
    assert not files.valid_id(bad)


@given(st.text(max_size=140))
def test_a_valid_id_always_stays_inside_its_folder(text: str) -> None:
    if files.valid_id(text):
        path = Path("/folder") / f"{text}.json"
        assert path.parent == Path("/folder")
        assert os.path.normpath(path) == str(path)
        assert path.name == f"{text}.json"
        assert len(os.fsencode(f".{path.name}.12345678.tmp")) <= 255


@given(st.text(alphabet="abc_-0123456789", min_size=1, max_size=128))
def test_plain_ids_are_valid(text: str) -> None:
    assert files.valid_id(text)


def test_write_replaces_the_content_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    files.write_atomic(path, b"one")
    files.write_atomic(path, b"two")
    assert files.read_bytes(path) == b"two"
    assert os.listdir(tmp_path) == ["file.json"]


@posix_only
def test_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    files.ensure_folder(folder)
    files.write_atomic(folder / "file", b"x")
    assert [path.stat().st_mode & 0o777 for path in (folder.parent, folder, folder / "file")] == [0o700, 0o700, 0o600]
    folder.chmod(0o755)
    files.ensure_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


@posix_only
def test_a_shared_folder_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    files.ensure_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_a_failed_write_keeps_the_old_content_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.write_atomic(path, b"old")

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(SetupError, match=r"cannot write .*file: No space left"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@posix_only
def test_a_read_only_folder_is_a_clear_error(tmp_path: Path) -> None:
    # Imports come first and paths are relative, since the folders above may be closed to the user it becomes.
    code = (
        "import os, sys; from pathlib import Path; import pytest; from qwenproxy.disk import files\n"
        "from qwenproxy.disk.locks import PathLock\n"
        "from qwenproxy.errors import SetupError\n"
        "if os.geteuid() == 0:\n"
        "    os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
        "files.write_atomic(Path('before'), b'x')\n"
        "os.chmod('.', 0o500)\n"
        "with pytest.raises(SetupError, match='cannot write file: Permission denied'):\n"
        "    files.write_atomic(Path('file'), b'x')\n"
        "with pytest.raises(SetupError, match='cannot lock file: Permission denied'), PathLock(Path('file')):\n"
        "    pass\n"
        "print(os.listdir('.'))\n"
    )
    if os.geteuid() == 0:
        os.chown(tmp_path, NOBODY, NOBODY)
    done = subprocess.run(
        [sys.executable, "-c", code, str(NOBODY)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "['before']\n", done.stderr


def test_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot write"):
        files.write_atomic(tmp_path / "gone" / "file", b"x")


def test_a_folder_where_a_file_should_be_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot read"):
        files.read_bytes(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SetupError, match="cannot create the folder"):
        files.ensure_folder(tmp_path / "file" / "below")


@posix_only
def test_what_a_killed_writer_leaves_is_swept(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from qwenproxy.disk import files\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_atomic(Path(sys.argv[1]), b'half')\n"
    )
    path = tmp_path / "file.json"
    files.write_atomic(path, b"whole")
    done = subprocess.run([sys.executable, "-c", code, str(path)], timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2
    files.sweep(tmp_path, "other.json")
    assert len(os.listdir(tmp_path)) == 2
    files.sweep(tmp_path, "*.json")
    assert os.listdir(tmp_path) == ["file.json"]
    assert path.read_bytes() == b"whole"


def test_set_aside_keeps_every_copy_and_reports(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "file.json"
    kept = []
    for content in (b"first", b"second"):
        path.write_bytes(content)
        kept.append(files.set_aside(path, "bad"))
    assert [one.read_bytes() for one in kept] == [b"first", b"second"]
    assert all(one.name.startswith("file.json.corrupt-") for one in kept)
    assert not path.exists()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


@posix_only
def test_set_aside_moves_a_link_and_leaves_what_it_leads_to(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"somebody else's")
    target.chmod(0o644)
    link = tmp_path / "file.json"
    link.symlink_to(target)
    moved = files.set_aside(link, "bad")
    assert (moved.readlink(), target.stat().st_mode & 0o777) == (target, 0o644)
    assert not link.is_symlink()


@posix_only
def test_a_file_set_aside_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"{")
    path.chmod(0o644)
    assert files.set_aside(path, "bad").stat().st_mode & 0o777 == 0o600


@posix_only
def test_only_regular_files_have_a_regular_status(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    status = files.regular_status(tmp_path / "file")
    assert status and status.st_size == 3
    for name in ("link", "dangling", "folder", "pipe", "nothing", "file/below"):
        assert files.regular_status(tmp_path / name) is None


def test_delete_tells_whether_there_was_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert files.delete(tmp_path / "file")
    assert not files.delete(tmp_path / "file")


def test_a_folder_in_which_somebody_still_writes_is_deleted_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "profile"
    folder.mkdir()
    refusals = [OSError(errno.ENOTEMPTY, "Directory not empty"), FileNotFoundError(errno.ENOENT, "it has gone")]
    delete = shutil.rmtree

    def rmtree(path: Path) -> None:
        if refusals:
            raise refusals.pop()
        delete(path)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    monkeypatch.setattr(files, "TREE_PAUSE", 0)
    assert files.delete_tree(folder)
    assert not folder.exists()
    assert not files.delete_tree(folder)


def test_a_folder_that_cannot_be_deleted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rmtree(path: Path) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    monkeypatch.setattr(files, "TREE_PAUSE", 0)
    with pytest.raises(OSError, match="not empty"):
        files.delete_tree(tmp_path)


def test_json_survives_what_other_writers_leave(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert files.parse_json(files.read_bytes(tmp_path / "file") or b"") == {"a": 1}
    assert files.parse_json(b'["half \\ud83d"]') == ["half \ufffd"]
    assert files.parse_json(files.format_json(["half \ud83d", "я"])) == ["half \ufffd", "я"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe\xff", b"[NaN]", b"[" * 100_000, b'{"a":1} tail'],
    ids=["empty", "half", "not UTF-8", "NaN", "deep", "with a tail"],
)
def test_bad_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        files.parse_json(data)


def test_lock_is_re_entrant_and_keeps_other_threads_out(tmp_path: Path) -> None:
    lock = PathLock(tmp_path / "file", lock_wait=0.05)
    refused: list[PathLock] = []

    def intrude(other: PathLock) -> None:
        with pytest.raises(SetupError, match="another qwenproxy has used"), other:
            pass
        refused.append(other)

    with lock, lock:
        for other in (lock, PathLock(tmp_path / "file", lock_wait=0.05)):
            thread = threading.Thread(target=intrude, args=(other,))
            thread.start()
            thread.join(10)
    assert len(refused) == 2
    with PathLock(tmp_path / "file", lock_wait=0.05):
        pass


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from qwenproxy.disk.locks import PathLock\n"
        "with PathLock(Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    path = tmp_path / "file"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(SetupError), PathLock(path, lock_wait=0.05):
                pass
        finally:
            holder.kill()
            holder.wait(10)
    with PathLock(path, lock_wait=0.05):
        pass
