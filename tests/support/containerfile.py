"""Reads a Containerfile: its instructions in order, with continued lines joined and comments left out."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, such as RUN, and the text behind it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words of an instruction in JSON or shell form."""
        return list(json.loads(self.text)) if self.text.startswith("[") else shlex.split(self.text)

    @property
    def variables(self) -> dict[str, str]:
        """The variables of an ENV instruction."""
        return dict(word.split("=", 1) for word in self.words)


def instructions(path: Path) -> list[Instruction]:
    """Return all instructions of a Containerfile."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def named(path: Path, name: str) -> list[Instruction]:
    """Return the instructions of one name."""
    return [each for each in instructions(path) if each.name == name]


def environment(path: Path) -> dict[str, str]:
    """Return the variables that the image sets."""
    return {key: value for each in named(path, "ENV") for key, value in each.variables.items()}


def health_command(path: Path) -> str:
    """Return the shell command of the health check."""
    [check] = named(path, "HEALTHCHECK")
    return check.text.partition("CMD ")[2]
