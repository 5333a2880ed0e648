"""One finding of the doctor: what it says, how bad it is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "wrong"]
ICONS = {"ok": "✅", "warning": "⚠️ ", "wrong": "❌"}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. A level other than `ok` has a remedy."""

    level: Level
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return icon and text, and the remedy on a line of its own."""
        return f"{ICONS[self.level]} {self.text}" + (f"\n   -> {self.remedy}" if self.remedy else "")
