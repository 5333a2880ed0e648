"""`doctor --probe` as a person runs it: a process and a browser of its own, with the stand-in as the site."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import CHECKOUT, Terminal, clean_environment
from proxy_process import family

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser


def _environment(site: Sandbox, session: Path) -> dict[str, str]:
    """Return an environment whose only account, `mine`, is one of the stand-in."""
    Registry.open(SessionFolder(session)).add(site.accounts[0].token, "mine")
    settings = {"QWENPROXY_BASE_URL": site.base_url, "QWENPROXY_BASE_URL_SPKI": site.spki}
    return clean_environment(session, **settings)


def test_a_probe_finds_the_stand_in_as_expected_and_leaves_nothing(tmp_path: Path) -> None:
    session = tmp_path / "session"
    with Sandbox(accounts=1) as site:
        done = subprocess.run(
            [sys.executable, "-m", "qwenproxy", "doctor", "--probe", "--all", "--yes", "--report", tmp_path / "seen"],
            env=_environment(site, session),
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


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is POSIX")
def test_ctrl_c_stops_a_probe_which_still_deletes_its_chats_and_writes_its_report(tmp_path: Path) -> None:
    session = tmp_path / "session"
    with Sandbox(accounts=1) as site:
        site.add_fault(Fault("stall", nth=4, options={"after": 2, "seconds": 90}))
        command = ["doctor", "--probe", "--report", str(tmp_path / "seen")]
        with Terminal(command, _environment(site, session)) as terminal:
            terminal.expect("Begin? (yes/no)")
            terminal.type("yes\n")
            terminal.expect("Reading the chat: as expected")
            site.wait_for(lambda site: len(site.running_generations()) == 1)
            terminal.type("\x03")
            terminal.expect("Thinking and its budget: not tried")
            terminal.expect("Deletion of the chats: as expected")
            assert terminal.end() == 1
        assert site.chat_ids() == []
    report = json.loads((tmp_path / "seen.json").read_bytes())
    assert (report["interrupted"], report["verdict"]) == (True, "unfinished")
    assert not family(session), "a process stayed"
