"""Read `chatType` and `size` of the native chat: work of the site in place of talk (contract 12). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.api.fields import read_text
from qwenproxy.chat.works import Work
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.upstream.works import nearest_ratio

TALK = ("t2t", "search")
TYPES = (*TALK, "t2i", "image_edit", "deep_research")
FIELDS = frozenset({"chatType", "size"})


def take_work(body: Mapping[str, Any], *, has_images: bool) -> tuple[Work | None, Mapping[str, Any]]:
    """Return the work that a request wants, None for talk, and the body; `search` is a wish that the body then has.

    A picture of a message with images is an edited one. Raises RequestError, UnsupportedParameter naming the field.
    """
    kind = read_text(body, "chatType") or "t2t"
    if kind in ("t2v", "i2v"):
        raise UnsupportedParameter("Films take minutes: ask for them with POST /v1/videos.", param="chatType")
    if kind not in TYPES:
        raise RequestError(f"chatType must be one of {', '.join(TYPES)}.", param="chatType")
    if kind == "search":
        return None, {"web_search_options": {}, **body}
    if kind == "t2t":
        return None, body
    if kind == "deep_research":
        return Work("deep_research"), body
    if kind == "image_edit" and not has_images:
        raise RequestError("There is no image to edit. Send one in the message.", param="message")
    ratio = nearest_ratio(read_text(body, "size") or "auto")
    if ratio is None:
        raise RequestError("size must be like 1024x1024, 3:4, or auto.", param="size")
    return Work("image_edit" if has_images else "t2i", ratio), body
