"""`qwenproxy connect`: what it lists, shows and writes, and where it finds the proxy."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cli_runner import Terminal, clean_environment, run_here

from qwenproxy.connect.program import without_emphasis
from qwenproxy.connect.programs import PROGRAMS
from qwenproxy.disk.claim import claimed_session
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.texts import EN, RU


@pytest.fixture
def home(tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder, and nothing that moves settings files elsewhere."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "GEMINI_CLI_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folder


class _Models(BaseHTTPRequestHandler):
    """Knows one model, and nobody without the key."""

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer key-of-many-letters"
        known = self.path == "/v1/models/qwen3-coder-plus"
        body = json.dumps({"context_length": 1000, "max_completion_tokens": 200}).encode()
        self.send_response(401 if not allowed else 200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Be quiet."""


@pytest.fixture
def running(session: Path) -> Iterator[str]:
    """Run a server on the session folder that tells of its models; return its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Models) as server, claimed_session(SessionFolder(session)) as claim:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_address[1]
        claim.announce("0.0.0.0", port)
        yield f"http://127.0.0.1:{port}"
        server.shutdown()
        thread.join()


def test_without_a_name_it_lists_the_programs(session: Path) -> None:
    ended = run_here("connect")
    lines = ended.stdout.splitlines()
    assert ended.status == 0
    assert [line.split()[0] for line in lines] == list(PROGRAMS)
    assert "Anthropic Messages" in next(line for line in lines if line.startswith("claude-code"))
    assert not session.exists()


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_is_shown_with_its_notes(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for lang, texts in (("en", EN), ("ru", RU)):
        monkeypatch.setenv("QWENPROXY_LANG", lang)
        ended = run_here("connect", name)
        assert ended.status == 0
        assert "http://127.0.0.1:3264" in ended.stdout
        assert all(without_emphasis(texts[note]) in ended.output for note in PROGRAMS[name].notes)
    assert list(home.iterdir()) == []


def test_without_a_server_the_address_is_that_of_the_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_PORT", "4000")
    monkeypatch.setenv("QWENPROXY_OLLAMA_PORT", "4001")
    ended = run_here("connect", "ollama")
    assert "OLLAMA_HOST" in ended.stdout and "http://127.0.0.1:4001" in ended.stdout
    assert "No proxy runs" in ended.output and "http://127.0.0.1:4000" in ended.output
    assert "any text will do" in ended.output


def test_where_only_a_sandbox_runs_it_is_that_one(home: Path, session: Path) -> None:
    with claimed_session(SessionFolder(session / "sandbox")) as claim:
        claim.announce("127.0.0.1", 4004, 0)
        ended = run_here("connect", "codex")
        assert 'base_url = "http://127.0.0.1:4004/v1"' in ended.stdout
        assert f'--session-dir "{session / "sandbox"}" codex --write' in ended.output
        with claimed_session(SessionFolder(session)):
            assert 'base_url = "http://127.0.0.1:3264/v1"' in run_here("connect", "codex").stdout


def test_a_shell_can_take_the_variables_as_they_are(home: Path) -> None:
    lines = [line for line in run_here("connect", "open-webui").stdout.splitlines() if line]
    assert lines and all(line.startswith("export ") for line in lines)


def test_the_running_server_is_asked_for_its_address_and_the_models_lengths(home: Path, running: str) -> None:
    run_here("keys", "add", "key-of-many-letters")
    ended = run_here("connect", "codex", "--model", "qwen3-coder-plus")
    assert f'base_url = "{running}/v1"' in ended.stdout
    assert "model_context_window = 1000\n" in ended.stdout
    assert 'experimental_bearer_token = "key-of-many-letters"' in ended.stdout
    assert "key-of...ers" in ended.output
    assert "has no model" not in ended.output
    assert "has no model other" in run_here("connect", "codex", "--model", "other").output


@pytest.mark.parametrize(("port", "address"), [(4005, "127.0.0.1:4005"), (0, "127.0.0.1:4004/ollama")])
def test_the_running_server_says_where_ollamas_api_is(
    home: Path, session: Path, monkeypatch: pytest.MonkeyPatch, port: int, address: str
) -> None:
    monkeypatch.setenv("QWENPROXY_OLLAMA_PORT", "4001")
    with claimed_session(SessionFolder(session)) as claim:
        claim.announce("127.0.0.1", 4004, port)
        assert f"http://{address}\n" in run_here("connect", "ollama").stdout


def test_a_proxy_for_other_machines_needs_a_key_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_HOST", "0.0.0.0")
    ended = run_here("connect", "codex")
    assert "lets nobody in" in ended.output and "qwenproxy keys add" in ended.output


def test_settings_are_written_once_and_the_key_is_not_shown(home: Path) -> None:
    run_here("keys", "add", "key-of-many-letters")
    path = home / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text('{\n  // mine\n  "model": "opus"\n}\n')
    first = run_here("connect", "claude-code", "--write", "--yes")
    assert first.status == 0
    assert "key-of-many-letters" not in first.output
    assert '+    "ANTHROPIC_AUTH_TOKEN": "key-of...ers",' in first.output
    assert "\x1b" not in first.output
    written = path.read_text()
    assert "// mine" in written and '"ANTHROPIC_AUTH_TOKEN": "key-of-many-letters"' in written
    assert os.name == "nt" or path.stat().st_mode & 0o777 == 0o600
    assert "only you can read" in first.output
    second = run_here("connect", "claude-code", "--write")
    assert (second.status, "nothing changes" in second.output) == (0, True)
    assert path.read_text() == written
    assert sorted(each.name for each in path.parent.iterdir()) == ["settings.json", "settings.json.before-qwenproxy"]


def test_without_a_terminal_nothing_is_written_unasked(home: Path) -> None:
    ended = run_here("connect", "codex", "--write", text="y\n")
    assert (ended.status, "--yes" in ended.output) == (2, True)
    assert list(home.iterdir()) == []


def test_a_spoilt_file_keeps_the_others_from_being_written(home: Path) -> None:
    folder = home / ".gemini"
    folder.mkdir()
    (folder / "settings.json").write_text("{oops")
    ended = run_here("connect", "gemini-cli", "--write", "--yes")
    assert (ended.status, "near line 1" in ended.output) == (1, True)
    assert [each.name for each in folder.iterdir()] == ["settings.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal of POSIX")
@pytest.mark.parametrize(("answer", "is_written"), [("y", True), ("", False)], ids=["yes", "enter"])
def test_on_a_terminal_it_asks(home: Path, session: Path, answer: str, is_written: bool) -> None:
    with Terminal(["connect", "codex", "--write"], clean_environment(session)) as terminal:
        terminal.expect("[y/N]")
        assert "\x1b[32m+model" in terminal.text
        terminal.type(f"{answer}\n")
        assert terminal.end() == 0
    assert (home / ".codex" / "config.toml").exists() is is_written


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["claude"], "Did you mean claude-code?"),
        (["emacs"], "does not know the program emacs"),
        (["codex", "--api", "chat"], "It speaks: responses."),
        (["codex", "--api", "soap"], "There is no API soap."),
        (["curl", "--write"], "has no settings file"),
    ],
    ids=["mistyped", "unknown", "not spoken", "no api", "nothing to write"],
)
def test_what_makes_no_sense_is_refused_with_the_way_on(home: Path, words: list[str], says: str) -> None:
    ended = run_here("connect", *words)
    assert (ended.status, says in ended.output) == (2, True)
