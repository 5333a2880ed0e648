"""Names for parameter sets: what a value is, short enough to read in a failure."""

from __future__ import annotations

MOST = 40  # characters


def case_id(value: object) -> str:
    """Return a value's name in the id of a test: its text, or its repr."""
    text = value if isinstance(value, str) else getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= MOST else f"{text[: MOST - 3]}..."
