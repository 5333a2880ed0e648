"""`doctor --probe` as a person runs it: a process and a browser of its own, with the stand-in as the site."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import CHECKOUT, clean_environment
from proxy_process import family

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser


def test_a_probe_finds_the_stand_in_as_expected_and_leaves_nothing(tmp_path: Path) -> None:
    session = tmp_path / "session"
    with Sandbox(accounts=1) as site:
        Registry.open(SessionFolder(session)).add(site.accounts[0].token, "mine")
        settings = {"QWENPROXY_BASE_URL": site.base_url, "QWENPROXY_BASE_URL_SPKI": site.spki}
        done = subprocess.run(
            [sys.executable, "-m", "qwenproxy", "doctor", "--probe", "--all", "--yes", "--report", tmp_path / "seen"],
            env=clean_environment(session, **settings),
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert site.chat_ids() == []
    report = json.loads((tmp_path / "seen.json").read_bytes())
    assert {step["step"]: step["verdict"] for step in report["steps"] if step["verdict"] != "expected"} == {}
    assert report["verdict"] == "expected"
    assert "eyJ" not in done.stdout + (tmp_path / "seen.json").read_text() + (tmp_path / "seen.txt").read_text()
    assert not family(session), "a process stayed"
