"""The doctor where browsers open on a Selenium Grid: what does not fit, with its remedy; no Chrome is needed here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import FakeHub, FakeNode

from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.cli.console import open_console
from qwenproxy.cli.finding import Finding
from qwenproxy.cli.findings import browser_findings
from qwenproxy.cli.grid_findings import grid_findings
from qwenproxy.config import Config

PASSWORD = "s3cret"


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with FakeHub(login=f"me:{PASSWORD}").running() as hub:
        yield hub


@pytest.fixture
def settings(fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return settings without any browser on this machine."""
    monkeypatch.setattr("qwenproxy.observe.logs.configure", lambda level, form: None)
    return {
        "QWENPROXY_SESSION_DIR": str(tmp_path / "session"),
        "QWENPROXY_LANG": "en",
        "QWENPROXY_CHROME": "/nowhere/chrome",
        "QWENPROXY_GRID_URL": fake.url,
    }


def findings(settings: dict[str, str], accounts: int = 0) -> list[Finding]:
    console = open_console(Config.load({}, settings))
    for number in range(accounts):
        console.registry.add(f"token-{number}", f"acc_{number}")
    made = list(browser_findings(console))
    assert all(bool(one.remedy) == (one.level != "ok") for one in made)
    assert PASSWORD not in str(made)
    return made


def test_a_grid_that_fits(fake: FakeHub, settings: dict[str, str]) -> None:
    fake.sessions = {"s1": {"se:name": "acc_0"}}
    assert [str(one) for one in findings(settings, accounts=4)] == [
        f"✅ Selenium Grid 4.48.0 (revision abc) at http://localhost:{fake.port}: nodes: 2, slots taken: 1 of 4",
        "✅ Node http://10.0.0.1:5571: sessions: 1 of 2, accounts: acc_0",
        "✅ Node http://10.0.0.1:5572: sessions: 0 of 2",
        "✅ The settings of the Grid fit.",
    ]


@pytest.mark.parametrize(
    ("nodes", "level", "text", "remedy"),
    [
        ([], "wrong", "No node has registered", "--registration-secret"),
        ([FakeNode(1, browser="firefox")], "wrong", "No node of the Grid has a Chrome", "--driver-configuration"),
        ([FakeNode(1, 9), FakeNode(2, availability="DOWN")], "warning", "Node http://10.0.0.1:2 is DOWN", "heartbeat"),
        ([FakeNode(1, slots=3)], "warning", "3 slots, and up to 4 browsers", "QWENPROXY_MAX_BROWSERS=3"),
        ([FakeNode(1, 9, session_timeout=30)], "warning", "after 30 s without a command", "--session-timeout 300"),
        ([FakeNode(1, 9, session_timeout=7200)], "warning", "leaves for 7200 s", "--session-timeout 300"),
        ([FakeNode(1, 9, heartbeat=60)], "warning", "each 60 s", "--heartbeat-period 5"),
    ],
    ids=["no node", "firefox", "down", "few slots", "short time limit", "long time limit", "late heartbeat"],
)
def test_what_does_not_fit(
    fake: FakeHub, settings: dict[str, str], nodes: list[FakeNode], level: str, text: str, remedy: str
) -> None:
    fake.nodes = nodes
    [finding] = [one for one in findings(settings, accounts=4) if one.level != "ok"]
    assert finding.level == level
    assert text in finding.text and remedy in finding.remedy


def test_a_grid_that_cannot_be_asked(fake: FakeHub, settings: dict[str, str]) -> None:
    settings["QWENPROXY_GRID_URL"] = f"http://me:wrong@localhost:{fake.port}"
    [finding] = findings(settings)
    assert (finding.level, finding.text) == ("wrong", "The Selenium Grid cannot be used.")
    assert "does not accept this user and password" in finding.remedy


@pytest.mark.parametrize(
    ("url", "texts"),
    [
        ("http://localhost:4444", []),
        ("http://hub.example:4444", ["has no password", "not encrypted"]),
        ("https://hub.example", ["has no password"]),
        ("http://me:s3cret@hub.example:4444", ["not encrypted"]),
        ("https://me:s3cret@hub.example", []),
    ],
)
def test_the_way_to_a_hub_elsewhere(
    fake: FakeHub, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, url: str, texts: list[str]
) -> None:
    near, far = fake.hub(), GridHub(GridAddress.parse(url))
    monkeypatch.setattr(far, "nodes", near.nodes)
    monkeypatch.setattr(far, "report", near.report)
    console = open_console(Config.load({}, settings))
    warnings = [one for one in grid_findings(console, far) if one.level != "ok"]
    assert len(warnings) == len(texts)
    for warning, text in zip(warnings, texts, strict=True):
        assert warning.level == "warning" and text in warning.text
