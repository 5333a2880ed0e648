"""The report of a probe: as JSON for whoever mends the product, and as text that its person can read first. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qwenproxy.probe.forms import NEWEST_BUNDLE, NEWEST_SOURCE
from qwenproxy.probe.notes import Outcome, Verdict
from qwenproxy.texts import speaker

Whole = Literal["expected", "changed", "unfinished"]

VERDICTS: Mapping[Verdict, tuple[str, str]] = {
    "expected": ("✅", "probe_expected"),
    "unknown": ("❔", "probe_unknown"),
    "changed": ("❌", "probe_changed"),
    "trouble": ("⚠️ ", "probe_trouble"),
    "not_tried": ("➖", "probe_not_tried"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a probe. `version` is ours, `day` its date, `circumstances` are JSON without anything private."""

    outcomes: Sequence[Outcome]
    is_whole: bool
    version: str
    day: str
    circumstances: Mapping[str, Any]

    @property
    def verdict(self) -> Whole:
        """Whether the site has changed: also where only part of it was seen."""
        verdicts = {outcome.verdict for outcome in self.outcomes}
        if verdicts & {"changed", "unknown"}:
            return "changed"
        return "expected" if self.is_whole and "trouble" not in verdicts else "unfinished"

    def to_json(self) -> dict[str, Any]:
        """Return the report for programs; what is said in it is English."""
        return {
            "report": "qwenproxy doctor --probe",
            "version": self.version,
            "day": self.day,
            "compared_with": {"site_protocol": NEWEST_SOURCE, "bundle": NEWEST_BUNDLE},
            **self.circumstances,
            "verdict": self.verdict,
            "steps": [_step_json(outcome) for outcome in self.outcomes],
        }

    def to_text(self, lang: str) -> str:
        """Return the report for people, in `lang`."""
        say = speaker(lang)
        lines = [say("probe_report_title", version=self.version, day=self.day), say("probe_report_privacy"), ""]
        for outcome in self.outcomes:
            lines += [line_of(outcome, lang), *remarks_of(outcome, lang)]
        return "\n".join([*lines, "", self.summary(lang), ""])

    def summary(self, lang: str) -> str:
        """Return in a line what the whole means."""
        counts = Counter(outcome.verdict for outcome in self.outcomes)
        key = {
            "expected": "probe_whole_expected",
            "changed": "probe_whole_changed",
            "unfinished": "probe_whole_unfinished",
        }[self.verdict]
        numbers = {verdict: counts[verdict] for verdict in VERDICTS}
        return speaker(lang)(key, **numbers)


def line_of(outcome: Outcome, lang: str) -> str:
    """Return a step and its verdict in a line."""
    icon, key = VERDICTS[outcome.verdict]
    say = speaker(lang)
    return f"{icon} {say(outcome.title)}: {say(key)}" + (f" ({outcome.seconds:.1f} s)" if outcome.seconds else "")


def remarks_of(outcome: Outcome, lang: str) -> list[str]:
    """Return what was seen, a line each."""
    return [f"   - {remark.phrase.say(lang)}" for remark in outcome.remarks]


def without(report: Any, private: Sequence[str], hidden: Callable[[str], str]) -> Any:
    """Return JSON in whose texts none of the private ones stands: a second lock behind names.py."""
    if isinstance(report, str):
        for text in private:
            report = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", hidden(text), report)
        return report
    if isinstance(report, list):
        return [without(each, private, hidden) for each in report]
    if isinstance(report, dict):
        return {without(key, private, hidden): without(each, private, hidden) for key, each in report.items()}
    return report


def _step_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "step": outcome.name,
        "protocol": outcome.section,
        "verdict": outcome.verdict,
        "seconds": outcome.seconds,
        "remarks": [{"verdict": remark.verdict, "text": str(remark.phrase)} for remark in outcome.remarks],
        "facts": outcome.facts,
    }
