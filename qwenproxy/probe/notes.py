"""What a step of the probe saw, and what that means. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from qwenproxy.probe.shapes import Difference
from qwenproxy.texts import Phrase

Verdict = Literal["expected", "unknown", "changed", "trouble", "not_tried"]

_SHOWN = 8  # differences of one kind in one remark; all of them are in the facts
_GRAVITY: tuple[Verdict, ...] = ("expected", "unknown", "trouble", "changed")


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was seen; `verdict` is what it alone would mean."""

    verdict: Verdict
    phrase: Phrase


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one step: `title` is a key of the catalogue, `section` where docs/site-protocol.md speaks of it.

    `facts` is JSON without a text, an id or a name of a person's.
    """

    name: str
    title: str
    section: str
    verdict: Verdict
    remarks: tuple[Remark, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(slots=True)
class Notebook:
    """Where a step writes down what it sees."""

    remarks: list[Remark] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The gravest of all remarks."""
        return max((remark.verdict for remark in self.remarks), key=_GRAVITY.index, default="expected")

    def changed(self, phrase: Phrase) -> None:
        """Note that the site does something else than it did."""
        self._add("changed", phrase)

    def unknown(self, phrase: Phrase) -> None:
        """Note something that the product does not know."""
        self._add("unknown", phrase)

    def trouble(self, phrase: Phrase) -> None:
        """Note what the account cannot do now."""
        self._add("trouble", phrase)

    def seen(self, phrase: Phrase) -> None:
        """Note something of interest that is as expected."""
        self._add("expected", phrase)

    def differences(self, found: Iterable[Difference], where: str) -> None:
        """Note where an answer differs from its form; `where` is a name for it."""
        found = list(found)
        for kind in ("missing", "kind", "new"):
            places = [str(one) for one in found if one.kind == kind]
            if not places:
                continue
            self.facts.setdefault(f"differences_{kind}", []).extend(f"{where}: {place}" for place in places)
            more = f" +{len(places) - _SHOWN}" if len(places) > _SHOWN else ""
            fields = ", ".join(places[:_SHOWN]) + more
            if kind == "new":
                self.unknown(Phrase("probe_new_fields", where=where, fields=fields))
            elif kind == "missing":
                self.changed(Phrase("probe_missing_fields", where=where, fields=fields))
            else:
                self.changed(Phrase("probe_other_kinds", where=where, fields=fields))

    def names(self, seen: Iterable[str], known: Iterable[str], what: str) -> None:
        """Note names that nobody knew; `what` says of which kind they are (a word of the protocol)."""
        new = sorted(set(seen) - set(known))
        if new:
            self.unknown(Phrase("probe_new_names", what=what, names=", ".join(new)))

    def _add(self, verdict: Verdict, phrase: Phrase) -> None:
        if not any(str(remark.phrase) == str(phrase) for remark in self.remarks):
            self.remarks.append(Remark(verdict, phrase))
