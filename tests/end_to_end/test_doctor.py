"""The doctor and the check of accounts with real browsers: alone, and beside a server that has the profiles open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from asking import ask
from cli_runner import CHECKOUT, clean_environment
from proxy_process import Proxy
from session_files import account_of

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

COMPLETIONS = "/api/v2/chat/completions"


def _run(site: Sandbox, session_dir: Path, *args: str, port: int = 0) -> subprocess.CompletedProcess[str]:
    settings = {"PORT": str(port), "BASE_URL": site.base_url, "BASE_URL_SPKI": site.spki}
    environment = clean_environment(session_dir, **{f"QWENPROXY_{name}": value for name, value in settings.items()})
    command = [sys.executable, "-m", "qwenproxy", *args]
    return subprocess.run(
        command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, timeout=110, check=False
    )


def _completions(site: Sandbox) -> int:
    return sum(one.path == COMPLETIONS for one in site.requests)


@pytest.fixture
def alone(site: Sandbox, tmp_path: Path) -> Registry:
    """A session folder without a server, with the account that no server of these tests uses."""
    registry = Registry.open(SessionFolder(tmp_path / "session"))
    registry.add(site.accounts[-1].token, "mine")
    return registry


def test_a_check_and_a_doctor_spend_no_quota(site: Sandbox, alone: Registry, tmp_path: Path) -> None:
    checked = _run(site, tmp_path / "session", "account", "check")
    assert (checked.returncode, "mine: ✅ OK" in checked.stdout) == (0, True)
    assert "eyJ" not in checked.stdout + checked.stderr
    doctor = _run(site, tmp_path / "session", "doctor")
    assert doctor.returncode == 0, doctor.stdout
    for words in (
        "Browser: ",
        "versions of browser and driver match",
        "mine: the site says: logged in",
        "The clock agrees",
        "port 0 is free",
    ):
        assert words in doctor.stdout
    assert _completions(site) == 0


def test_a_round_trip_without_a_server_is_one_question(site: Sandbox, alone: Registry, tmp_path: Path) -> None:
    doctor = _run(site, tmp_path / "session", "doctor", "--roundtrip")
    assert (doctor.returncode, "Round trip: first words after" in doctor.stdout) == (0, True), doctor.stdout
    assert _completions(site) == 1


def test_a_round_trip_beside_a_server_goes_to_where_it_listens(site: Sandbox, proxy: Proxy) -> None:
    # The settings name a free port, as they did when the server took whichever it got.
    doctor = _run(site, proxy.session_dir, "doctor", "--roundtrip", port=0)
    assert doctor.returncode == 0, doctor.stdout
    assert f"The proxy is running on this session folder at {proxy.url}, process {proxy.pid}" in doctor.stdout
    assert "Round trip: first words after" in doctor.stdout
    assert _completions(site) == 1


def test_a_doctor_beside_a_healthy_server_finds_nothing(site: Sandbox, proxy: Proxy) -> None:
    assert ask(proxy.url, "{{say hello}}").text == "hello"
    doctor = _run(site, proxy.session_dir, "doctor")
    assert doctor.returncode == 0, doctor.stdout
    *findings, last = doctor.stdout.splitlines()
    assert all(line.startswith("✅") for line in findings), doctor.stdout
    assert last == "Nothing is wrong."


def test_an_unreachable_site_is_no_verdict_on_the_account(site: Sandbox, alone: Registry, tmp_path: Path) -> None:
    settings = {"QWENPROXY_BASE_URL": "https://localhost:9"}
    done = subprocess.run(
        [sys.executable, "-m", "qwenproxy", "account", "check"],
        env=clean_environment(tmp_path / "session", **settings),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot reach https://localhost:9" in done.stdout
    assert account_of(alone, "mine").status(0) == "OK"
