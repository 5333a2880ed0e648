"""Read the JSON object in the body of one of the site's plain answers. Pure; used by the readers of each kind."""

from __future__ import annotations

from typing import Any

from qwenproxy.disk.json_text import NotJson, read_json


def object_in(body_text: str) -> dict[str, Any] | None:
    """Return the JSON object in a body, None for anything else."""
    try:
        value = read_json(body_text)
    except NotJson:
        return None
    return value if isinstance(value, dict) else None
