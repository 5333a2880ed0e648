"""What was seen: each request with its outcome, the troubles that explain failures, and the report on both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

GRACE = 15.0  # seconds after a trouble in which a failure is explained by it: browsers open, an account rests


class Wrong(Exception):
    """An answer that no trouble excuses: it is not what was asked for, or cut and passed off as whole."""


class Refused(Exception):
    """An honest failure: an HTTP status or an error frame. The text is status and code."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request, between two moments (monotonic s). `failure` is empty where it was answered."""

    kind: str
    begun: float
    ended: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that was done to the proxy or the site, between two moments (monotonic s)."""

    what: str
    begun: float
    ended: float


@dataclass
class Findings:
    """Everything that was seen. For any thread: it only grows, by one at a time."""

    outcomes: list[Outcome] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # what must not be, in words

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def note(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)

    def fault(self, words: str) -> None:
        """Note something that must not be."""
        self.faults.append(words)

    def cause_of(self, outcome: Outcome) -> str:
        """Return the trouble that explains a failure, "" if none does."""
        for trouble in self.troubles:
            if outcome.begun <= trouble.ended + GRACE and outcome.ended >= trouble.begun:
                return trouble.what
        return ""

    def unexplained(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.failure and not self.cause_of(each)]

    def report(self) -> str:
        """Return tables of requests and troubles, and what must not be."""
        lines = ["| Kind | asked | answered | failed in a trouble | failed without a cause |", "|---|---|---|---|---|"]
        lost = Counter(each.kind for each in self.unexplained())
        failed = Counter(each.kind for each in self.outcomes if each.failure)
        for kind, asked in sorted(Counter(each.kind for each in self.outcomes).items()):
            row = (kind, asked, asked - failed[kind], failed[kind] - lost[kind], lost[kind])
            lines.append(f"| {' | '.join(map(str, row))} |")
        lines += ["", "| Trouble | times | requests that failed in it |", "|---|---|---|"]
        causes = Counter(self.cause_of(each) for each in self.outcomes if each.failure)
        for what, times in sorted(Counter(each.what for each in self.troubles).items()):
            lines.append(f"| {what} | {times} | {causes[what]} |")
        for each in self.unexplained():
            lines.append(f"NO CAUSE: {each.kind}: {each.failure}")
        lines += [f"WRONG: {words}" for words in self.faults]
        return "\n".join(lines)
