"""scripts/endure: which failures a trouble explains, and what its report says."""

from __future__ import annotations

import pytest

from endurance.findings import GRACE, Findings, Outcome, Trouble


@pytest.fixture
def findings() -> Findings:
    findings = Findings()
    findings.note(Trouble("Chrome killed", 100.0, 101.0))
    return findings


@pytest.mark.parametrize(
    ("begun", "ended", "cause"),
    [
        (90.0, 99.9, ""),
        (90.0, 100.0, "Chrome killed"),
        (100.5, 100.6, "Chrome killed"),
        (101.0 + GRACE, 130.0, "Chrome killed"),
        (101.1 + GRACE, 130.0, ""),
        (90.0, 130.0, "Chrome killed"),
    ],
)
def test_a_failure_is_explained_by_a_trouble_in_its_time(
    findings: Findings, begun: float, ended: float, cause: str
) -> None:
    failed = Outcome("plain", begun, ended, "502 upstream_error")
    findings.add(failed)
    assert findings.cause_of(failed) == cause
    assert findings.unexplained() == ([] if cause else [failed])


def test_the_report_counts_and_names(findings: Findings) -> None:
    for outcome in (
        Outcome("plain", 10.0, 11.0),
        Outcome("plain", 100.0, 101.0, "502 upstream_error"),
        Outcome("agent", 10.0, 11.0, "503 no_accounts"),
    ):
        findings.add(outcome)
    findings.fault("a chat is lost")
    report = findings.report()
    for line in (
        "| agent | 1 | 0 | 0 | 1 |",
        "| plain | 2 | 1 | 1 | 0 |",
        "| Chrome killed | 1 | 1 |",
        "NO CAUSE: agent: 503 no_accounts",
        "WRONG: a chat is lost",
    ):
        assert line in report.splitlines()
