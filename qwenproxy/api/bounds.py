"""Where an answer is to end: stop sequences and limits, as all wire APIs name them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.api.fields import read_whole
from qwenproxy.errors import RequestError

MAX_STOP_SEQUENCES = 16


def read_stop(body: Mapping[str, Any], name: str = "stop", *, within: str = "") -> tuple[str, ...]:
    """Return the stop sequences. Raises RequestError."""
    where = f"{within}{name}"
    value = body.get(name)
    sequences = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(sequences, list) or not all(isinstance(sequence, str) for sequence in sequences):
        raise RequestError(f"{where} must be a string or an array of strings.", param=where)
    if len(sequences) > MAX_STOP_SEQUENCES:
        raise RequestError(f"{where} may have at most {MAX_STOP_SEQUENCES} sequences.", param=where)
    return tuple(sequence for sequence in sequences if sequence)


def read_limit(body: Mapping[str, Any], name: str) -> int | None:
    """Return a number of tokens, None for no limit. Raises RequestError."""
    return read_whole(body, name, has_none=True)
