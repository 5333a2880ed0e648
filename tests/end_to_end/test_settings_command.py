"""Settings of an account on the site, with real browsers: the command, and a server that warns of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking import ask
from cli_runner import CHECKOUT, clean_environment
from proxy_process import Proxy, eventually

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

MEMORY_ON, MEMORY_OFF = ({"memory": {"enable_memory": on}} for on in (True, False))
WARNING = "its settings on the site change its answers (memory)"


@pytest.fixture
def alone(site: Sandbox, tmp_path: Path) -> Registry:
    """A session folder without a server, with the account that no server of these tests uses."""
    registry = Registry.open(SessionFolder(tmp_path / "session"))
    registry.add(site.accounts[-1].token, "mine")
    return registry


def account(site: Sandbox, session_dir: Path, *args: str) -> subprocess.CompletedProcess[str]:
    settings = {"BASE_URL": site.base_url, "BASE_URL_SPKI": site.spki}
    environment = clean_environment(session_dir, **{f"QWENPROXY_{name}": value for name, value in settings.items()})
    return subprocess.run(
        [sys.executable, "-m", "qwenproxy", "account", *args],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def listed(site: Sandbox, session_dir: Path) -> dict[str, Any]:
    [one] = json.loads(account(site, session_dir, "list", "--json").stdout)
    assert isinstance(one, dict)
    return one


def test_a_person_switches_a_setting_on_and_off(site: Sandbox, alone: Registry, tmp_path: Path) -> None:
    session = tmp_path / "session"
    site.user_settings.update(site.accounts[-1].id, MEMORY_OFF)
    switched_on = account(site, session, "settings", "mine", "--off", "all", "--on", "memory", "--yes")
    assert (switched_on.returncode, "memory: off -> on" in switched_on.stdout) == (0, True), switched_on
    assert "memory" in listed(site, session)["settings"]["changesAnswers"]
    checked = account(site, session, "check")
    assert checked.returncode == 0, checked
    assert "qwenproxy account settings mine" in checked.stdout
    assert "the site did not tell" not in checked.stdout
    switched_off = account(site, session, "settings", "mine", "--off", "memory", "--yes", "--json")
    assert json.loads(switched_off.stdout)["changed"] == {"memory": [True, False]}
    assert "memory" not in listed(site, session)["settings"]["changesAnswers"]


def test_a_server_reads_them_in_the_background_and_warns_once(new_proxy: Callable[..., Proxy], site: Sandbox) -> None:
    proxy = new_proxy()
    site.user_settings.update("sandbox1", MEMORY_ON)
    report = proxy.registry.folder("sandbox1").site_report
    assert not report.exists()
    try:
        for _ in range(2):
            proxy.start()
            assert ask(proxy.url, "{{say ready}}").text == "ready"
            assert eventually(report.exists)
            assert proxy.end() == 0
        assert proxy.log().count(WARNING) == 1
        assert listed(site, proxy.session_dir)["settings"]["switches"]["memory"] is True
    finally:
        site.user_settings.update("sandbox1", MEMORY_OFF)
