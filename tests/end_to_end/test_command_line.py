"""The commands beside `start` that the main path needs, run as a person runs them."""

from __future__ import annotations

import base64
import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from proxy_process import environment

from qwenproxy.config import SETTINGS

pytestmark = pytest.mark.browser

QWENPROXY = [sys.executable, "-m", "qwenproxy"]


def test_config_prints_every_setting_and_where_it_comes_from(tmp_path: Path) -> None:
    told = environment(session_dir=tmp_path / "session", port=4567)
    done = subprocess.run(
        [*QWENPROXY, "config"],
        check=False,
        env={**told, "DEFAULT_MODEL": "qwen-plus"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert list(lines) == [f"QWENPROXY_{setting.name}" for setting in SETTINGS]
    assert lines["QWENPROXY_PORT"].split()[1:3] == ["4567", "QWENPROXY_PORT"]
    assert lines["QWENPROXY_DEFAULT_MODEL"].split()[1:3] == ["qwen-plus", "DEFAULT_MODEL"]
    assert lines["QWENPROXY_HOST"].split()[1:3] == ["127.0.0.1", "default"]
    assert not (tmp_path / "session").exists()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_sandbox_alone_tells_where_it_is(sent: signal.Signals) -> None:
    command = [*QWENPROXY, "sandbox", "--json", "--accounts", "2"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())
        assert len(base64.b64decode(address["spki"])) == 32
        assert list(address["tokens"]) == ["sandbox1", "sandbox2"]
        page = httpx.get(address["base_url"], verify=False, cookies={"token": address["tokens"]["sandbox2"]})
        assert page.status_code == 200
        assert "Log in" not in page.text
        process.send_signal(sent)
        assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 0


def test_the_lines_that_the_sandbox_prints_work_one_after_the_other(tmp_path: Path) -> None:
    told = environment(lang="en")
    told.pop("QWENPROXY_SESSION_DIR", None)
    command = [*QWENPROXY, "sandbox", "--accounts", "2"]
    with subprocess.Popen(command, env=told, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            *adding, start = [process.stdout.readline().strip() for _ in range(5)][2:]
            for line in adding:
                words = shlex.split(line)
                assert words[0] == "qwenproxy"
                added = [*QWENPROXY, *words[1:]]
                subprocess.run(added, env=told, cwd=tmp_path, check=True, capture_output=True, timeout=60)
            settings, _, options = start.partition(" qwenproxy start ")
            site = dict(one.split("=", 1) for one in settings.split())
            check = [*QWENPROXY, "account", *shlex.split(options), "check"]
            done = subprocess.run(
                check, env={**told, **site}, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False
            )
        finally:
            process.terminate()
    assert (done.returncode, done.stdout.count("the site says: logged in")) == (0, 2), done.stdout + done.stderr
