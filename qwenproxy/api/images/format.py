"""OpenAI's objects for pictures, and the events of a stream of them. Pure."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Any

from qwenproxy.media.pictures import Picture

# The site counts no tokens for pictures; clients of the newer models read the fields.
USAGE = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
}


def pictures_object(pictures: Sequence[Picture]) -> dict[str, Any]:
    """Return the answer with all pictures. The size of the first stands for all, as they have one ratio."""
    first = pictures[0]
    return {
        "created": int(time.time()),
        "data": [_data(picture) for picture in pictures],
        **_looks(first),
        "usage": USAGE,
    }


def picture_event(picture: Picture, *, edited: bool) -> dict[str, Any]:
    """Return the event of a streamed answer that carries one complete picture."""
    kind = "image_edit" if edited else "image_generation"
    return {"type": f"{kind}.completed", **_data(picture), "created_at": int(time.time()), **_looks(picture), **_AUTO}


_AUTO = {"quality": "auto", "background": "opaque", "usage": USAGE}


def _data(picture: Picture) -> dict[str, Any]:
    if picture.data is None:
        return {"url": picture.address}
    return {"b64_json": base64.b64encode(picture.data).decode()}


def _looks(picture: Picture) -> dict[str, Any]:
    size = {"size": f"{picture.width}x{picture.height}"} if picture.width else {}
    return {**size, "output_format": picture.content_type.rpartition("/")[2]}
