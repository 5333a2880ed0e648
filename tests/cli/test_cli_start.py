"""`qwenproxy start` before it serves: who may use it, which account is missing, and the banner."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import stat
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_runner import new_token, run_here
from spelling import spelled

from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.registry import Registry
from qwenproxy.cli import start
from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.config import Config
from qwenproxy.disk.claim import claimed_session
from qwenproxy.disk.files import ensure_folder, write_atomic
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.server import listening_advice

Start = tuple[Config, str]  # with which settings, in which server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the session folder of the settings."""
    monkeypatch.setenv("QWENPROXY_SESSION_DIR", str(tmp_path / "session"))
    monkeypatch.setenv("QWENPROXY_LANG", "en")
    monkeypatch.setenv("QWENPROXY_PORT", "0")
    return tmp_path / "session"


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Start]:
    """Replace the server; return the list of the settings it was started with."""
    calls: list[Start] = []

    def run(config: Config, *, server: str, ready: Callable[[int, int | None], None], **_: object) -> int:
        calls.append((config, server))
        ready(4711, config.ollama_port)
        return 0

    monkeypatch.setattr("qwenproxy.server.run", run)
    # Keep the signal handlers of the test process.
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return calls


def _invalid(folder: Path, *ids: str) -> None:
    registry = Registry.open(SessionFolder(folder))
    for account_id in ids:
        registry.add(new_token(account_id), account_id)
        registry.mark_invalid(account_id)


def test_without_an_account_it_names_the_command_that_adds_one(folder: Path, starts: list[Start]) -> None:
    ended = run_here("start")
    assert (ended.status, starts) == (3, [])
    assert ended.output == "There is no account yet. Add one: qwenproxy account add\n"


def test_with_invalid_accounts_only_it_names_the_login_of_the_first(folder: Path, starts: list[Start]) -> None:
    _invalid(folder, "one", "two")
    ended = run_here("start")
    assert (ended.status, starts) == (3, [])
    assert "qwenproxy account relogin one" in ended.output
    assert ended.output.count("\n") == 1


def test_commands_in_messages_use_the_same_folder(folder: Path, starts: list[Start], tmp_path: Path) -> None:
    other = tmp_path / "other folder"
    _invalid(other, "one")
    ended = run_here("start", "--session-dir", str(other))
    assert f'qwenproxy account --session-dir "{other}" relogin one' in ended.output
    assert f'qwenproxy account --session-dir "{other}" add' in ended.output


@pytest.mark.parametrize(
    ("ids", "command"), [((), "qwenproxy account add"), (("one",), "qwenproxy account relogin one")], ids=spelled
)
def test_it_can_wait_for_an_account_and_says_what_to_run(
    folder: Path, starts: list[Start], monkeypatch: pytest.MonkeyPatch, ids: tuple[str, ...], command: str
) -> None:
    monkeypatch.setenv("QWENPROXY_ON_NO_ACCOUNTS", "wait")
    _invalid(folder, *ids)
    ended = run_here("start")
    assert (ended.status, len(starts)) == (0, 1)
    assert command in ended.output
    assert "503" in ended.output
    assert "qwenproxy listens on http://127.0.0.1:4711" in ended.stdout
    assert "Ollama's API is at http://127.0.0.1:4711/ollama\n" in ended.stdout


@pytest.mark.usefixtures("starts")
def test_a_second_port_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_ON_NO_ACCOUNTS", "wait")
    monkeypatch.setenv("QWENPROXY_OLLAMA_PORT", "11434")
    assert "Ollama's API is at http://127.0.0.1:11434\n" in run_here("start").stdout


@pytest.fixture
def taken_port(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port at which another program listens; an account and a browser are there."""
    Registry.open(SessionFolder(folder)).add(new_token(), "mine")
    monkeypatch.setattr("qwenproxy.browser.local.LocalLauncher.check", lambda _: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


LISTENING = [
    ("203.0.113.9", "203.0.113.9 is not an address of this machine", "У этой машины нет адреса 203.0.113.9"),
    ("a..b", "a..b is not an address of this machine", "У этой машины нет адреса a..b"),
    (".é", ".é is not an address of this machine", "У этой машины нет адреса .é"),
    ("127.0.0.1", "Stop the program that uses the port", "Остановите программу, которая занимает порт"),
]


@pytest.mark.parametrize(("host", "english", "russian"), LISTENING, ids=spelled)
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_where_it_cannot_listen_it_gives_advice(
    taken_port: int, monkeypatch: pytest.MonkeyPatch, host: str, english: str, russian: str, lang: str
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    ended = run_here("start", "--host", host, "--port", str(taken_port), "--insecure")
    assert (ended.status, ended.output.count("\n")) == (1, 1)
    assert host in ended.output and str(taken_port) in ended.output
    assert [text in ended.output for text in (english, russian)] == [lang == "en", lang == "ru"]


TAKEN = [
    ("en", "perhaps Ollama itself, or choose another one with QWENPROXY_OLLAMA_PORT", "are both {port}"),
    ("ru", "возможно, саму Ollama), или задайте другой в QWENPROXY_OLLAMA_PORT", "один и тот же порт {port}"),
]


@pytest.mark.parametrize(("lang", "taken", "same"), TAKEN, ids=["en", "ru"])
def test_a_second_port_that_cannot_be_had(
    taken_port: int, monkeypatch: pytest.MonkeyPatch, lang: str, taken: str, same: str
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    monkeypatch.setenv("QWENPROXY_OLLAMA_PORT", str(taken_port))
    ended = run_here("start")
    assert (ended.status, ended.output.count("\n")) == (1, 1)
    assert f"{taken_port}" in ended.output and taken in ended.output
    ended = run_here("start", "--port", str(taken_port))
    assert (ended.status, ended.output.count("\n")) == (2, 1)
    assert same.format(port=taken_port) in ended.output and "QWENPROXY_OLLAMA_PORT" in ended.output


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "1024 or higher"),
        (OSError(errno.EAFNOSUPPORT, "Address family not supported"), "not an address of this machine"),
        (OSError(errno.ENOBUFS, "No buffer space available"), "another address"),
    ],
    ids=spelled,
)
def test_the_advice_follows_from_the_error_of_the_system(error: OSError | PermissionError, advice: str) -> None:
    assert advice in str(listening_advice("::1", error))


def test_other_machines_need_a_key(folder: Path, starts: list[Start]) -> None:
    Registry.open(SessionFolder(folder)).add(new_token(), "mine")
    ended = run_here("start", "--host", "0.0.0.0")
    assert (ended.status, starts) == (2, [])
    assert "qwenproxy keys add" in ended.output
    assert run_here("start", "--host", "0.0.0.0", "--insecure").status == 0
    KeyFile.open(folder / "Authorization.txt").add()
    assert run_here("start", "--host", "0.0.0.0").status == 0


def test_an_address_of_no_machine_is_not_an_open_door(folder: Path, starts: list[Start]) -> None:
    Registry.open(SessionFolder(folder)).add(new_token(), "mine")
    ended = run_here("start", "--host", "nonsense.invalid")
    assert (ended.status, starts, "other machines" in ended.output) == (1, [], False)
    assert "nonsense.invalid is not an address of this machine" in ended.output
    assert "QWENPROXY_HOST" in ended.output


@pytest.mark.skipif(os.name != "posix", reason="rights are POSIX")
def test_the_folder_around_the_sandboxs_is_for_its_owner_too(
    folder: Path, starts: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    token = new_token()
    address = SandboxAddress("https://127.0.0.1:9", "", {"sandbox1": token})
    enter = lambda config, _address: Registry.open(SessionFolder(config.session_dir)).add(token, "sandbox1")  # noqa: E731
    monkeypatch.setattr(start, "enter_sandbox", enter)
    monkeypatch.setattr(start, "sandbox_process", lambda accounts, brain: contextlib.nullcontext(address))
    assert run_here("start", "--sandbox").status == 0
    assert [stat.S_IMODE(one.stat().st_mode) for one in (folder, folder / "sandbox")] == [0o700, 0o700]


def test_the_command_that_creates_a_key_works(folder: Path, starts: list[Start], tmp_path: Path) -> None:
    other = tmp_path / "other"
    ended = run_here("start", "--host", "0.0.0.0", "--session-dir", str(other))
    words = ended.output.partition("qwenproxy keys")[2].partition(" - ")[0].replace('"', "").split()
    assert run_here("keys", *words).status == 0
    assert KeyFile.open(other / "Authorization.txt").enabled


def test_with_keys_the_snippets_carry_one_and_say_where_it_is(folder: Path, starts: list[Start]) -> None:
    Registry.open(SessionFolder(folder)).add(new_token(), "mine")
    assert "YOUR-KEY" not in run_here("start").output
    key = KeyFile.open(folder / "Authorization.txt").add()
    banner = run_here("start").output
    assert "-H 'Authorization: Bearer YOUR-KEY'" in banner
    assert 'api_key="YOUR-KEY"' in banner
    assert "qwenproxy keys list --show" in banner
    assert key not in banner


def test_the_banner_speaks_russian(folder: Path, starts: list[Start], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    Registry.open(SessionFolder(folder)).add(new_token(), "mine")
    banner = run_here("start").stdout
    assert "qwenproxy работает: http://127.0.0.1:4711" in banner
    for words in ("listens", "Try it", "or with"):
        assert words not in banner


def test_what_keeps_it_from_starting_is_told_in_russian(
    folder: Path, starts: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    assert run_here("start").output == "Аккаунтов пока нет. Добавить: qwenproxy account add\n"


def test_a_second_server_is_told_where_the_first_one_is(
    folder: Path, starts: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    with claimed_session(SessionFolder(folder)) as claim:
        claim.announce("127.0.0.1", 4711)
        ended = run_here("start")
    assert (ended.status, starts) == (1, [])
    assert "уже работает" in ended.output
    assert "http://127.0.0.1:4711" in ended.output


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_sigterm_that_python_swallows_still_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does inside the callback of a weak reference, which may run anywhere."""
    ending = start._Ending()
    handled: list[int] = []
    monkeypatch.setattr(signal, "raise_signal", handled.append)
    ending.hand_over()
    thing = frozenset((1, 2))
    reference = weakref.ref(thing, ending)  # kept, because a dead reference calls nobody
    del thing
    assert reference() is None
    assert handled == []
    ending.hand_over()
    assert handled == [signal.SIGTERM]


def test_the_stand_ins_accounts_are_not_taken_to_the_site(folder: Path, starts: list[Start]) -> None:
    ensure_folder(folder)
    write_atomic(SessionFolder(folder).sandbox_mark, b"")
    ended = run_here("start")
    assert (ended.status, starts) == (2, [])
    assert "those of the stand-in" in ended.output
    assert f'qwenproxy start --sandbox --session-dir "{folder.parent}"' in ended.output
