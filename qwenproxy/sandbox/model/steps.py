"""Steps that a prompt writes for the model: what it says and calls in one answer. Part of directives.py. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.model.dialects import DIALECTS, Call


@dataclass(frozen=True, slots=True)
class Step:
    """One answer: words, then calls."""

    say: str
    calls: tuple[Call, ...]


def read_steps(value: Any) -> tuple[Step, ...]:
    """Return the steps of a JSON list. Raises ValueError for anything that is no step.

    A step is `{"say": TEXT}`, `{"call": NAME, "arguments": {...}, "as": DIALECT}`, both in one, or a list of them.
    """
    if not isinstance(value, list) or not value:
        raise ValueError("steps are a list")
    return tuple(_step(one) for one in value)


def _step(value: Any) -> Step:
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, dict) and ("say" in part or "call" in part) for part in parts):
        raise ValueError("a step says or calls something")
    return Step("".join(str(part.get("say", "")) for part in parts), tuple(_calls(parts)))


def _calls(parts: list[dict[str, Any]]) -> Iterator[Call]:
    for part in parts:
        if "call" in part:
            dialect = str(part.get("as", ""))
            if dialect and dialect not in DIALECTS:
                raise ValueError(f"no dialect {dialect}")
            yield Call(str(part["call"]), part.get("arguments"), dialect)


def step_by_results(steps: tuple[Step, ...], results: int) -> Step | None:
    """Return the step of a chain that is due after this many results; None when the chain is over."""
    for step in steps:
        if results <= 0:
            return step
        results -= len(step.calls)
    return None
