"""Server-sent events, as every wire API but Ollama's streams them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


def frame(value: dict[str, Any]) -> bytes:
    """Return the event that carries an object."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def named_frame(event: Mapping[str, Any]) -> bytes:
    """Return the event that carries an object and has its `type` as name."""
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), orjson.dumps(event))
