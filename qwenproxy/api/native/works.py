"""Read `chatType` and `size` of the native chat: work of the site in place of talk (contract 12). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.api.fields import read_text
from qwenproxy.chat import ImagePart, Message
from qwenproxy.chat.works import Work
from qwenproxy.errors import RequestError
from qwenproxy.upstream.works import FILMS, nearest_ratio

TALK = ("t2t", "search")
PICTURES = ("t2i", "image_edit")
TYPES = (*TALK, *PICTURES, *FILMS, "deep_research")
FIELDS = frozenset({"chatType", "size"})
LONGEST_FILM = 32_000  # characters that say what to film


def take_work(body: Mapping[str, Any], message: Message) -> tuple[Work | None, Mapping[str, Any]]:
    """Return the work that a request wants, None for talk, and the body; `search` is a wish that the body then has.

    A picture of a message with images is an edited one, a film of such a message begins with it. Raises RequestError
    naming the field.
    """
    kind = read_text(body, "chatType") or "t2t"
    has_images = bool(message.images)
    if kind not in TYPES:
        raise RequestError(f"chatType must be one of {', '.join(TYPES)}.", param="chatType")
    if kind == "search":
        return None, {"web_search_options": {}, **body}
    if kind == "t2t":
        return None, body
    if kind == "deep_research":
        return Work("deep_research"), body
    if kind in ("image_edit", "i2v") and not has_images:
        wanted = "to edit" if kind == "image_edit" else "to begin the film with"
        raise RequestError(f"There is no image {wanted}. Send one in the message.", param="message")
    if kind in FILMS:
        _check_film(message)
        return Work("i2v" if has_images else "t2v", _ratio(body, None)), body
    return Work("image_edit" if has_images else "t2i", _ratio(body, nearest_ratio("auto"))), body


def _ratio(body: Mapping[str, Any], default: str | None) -> str | None:
    size = (read_text(body, "size") or "auto").strip().lower()
    if size in ("", "auto"):
        return default
    ratio = nearest_ratio(size)
    if ratio is None:
        raise RequestError("size must be like 1024x1024, 3:4, or auto.", param="size")
    return ratio


def _check_film(message: Message) -> None:
    if not message.text.strip():
        raise RequestError("Say in the message what to film.", param="message")
    if len(message.text) > LONGEST_FILM:
        raise RequestError(f"A wish for a film must have at most {LONGEST_FILM} characters.", param="message")
    if any(not isinstance(part, ImagePart) for part in message.attachments):
        raise RequestError("A film is made from a text and an image. Send no other files.", param="message")
