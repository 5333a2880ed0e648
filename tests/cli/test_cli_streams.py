"""Commands with closed streams, and the echo of a terminal after a signal."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import CHECKOUT, Terminal, clean_environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX: closed descriptors and pseudo-terminals")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("command", "status"), [("config", 0), ("account list", 0), ("start", 3)])
def test_a_closed_stream_is_no_reason_to_fail(session: Path, closed: str, command: str, status: int) -> None:
    process = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m qwenproxy {command} {closed}', sys.executable],
        env=clean_environment(session),
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == status, process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_echoes_again_when_a_hidden_question_is_cut_off(session: Path, sent: signal.Signals) -> None:
    with Terminal(["account", "add", "--token", "-"], clean_environment(session)) as terminal:
        terminal.expect("hidden): ")
        assert not terminal.echoes
        terminal.process.send_signal(sent)
        assert terminal.end() == 128 + sent
        assert terminal.echoes
    assert "Traceback" not in terminal.text
