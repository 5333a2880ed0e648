"""Pictures in Gemini's form: the wish in a conversation, and the answer with the picture inside. Pure."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from typing import Any

from qwenproxy.api.gemini.format import candidate
from qwenproxy.chat import ChatRequest, ImagePart, Message
from qwenproxy.errors import RequestError
from qwenproxy.media.pictures import Picture, PictureWish
from qwenproxy.upstream.works import engine_of, means_pictures

_COUNTS = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}


def wish_of(chat: ChatRequest, ratio: str | None) -> PictureWish:
    """Return the picture that a conversation asks for: its last message, with what the system says before it.

    Without an image in that message the newest one of the conversation is changed. Raises RequestError.
    """
    *before, last = chat.messages
    systems = [message.text for message in before if message.role == "system"]
    prompt = "\n\n".join(text for text in (*systems, last.text) if text.strip())
    if last.role != "user" or not last.text.strip():
        raise RequestError("The last content must say what to paint.", param="contents")
    images = _images(last) or _newest_image(before)
    model = None if means_pictures(chat.model) else chat.model
    return PictureWish(prompt, images, model, engine_of(chat.model), ratio or "1:1", as_bytes=True, client=chat.client)


def picture_object(picture: Picture, model: str) -> dict[str, Any]:
    """Return the answer with a picture; the site counts no tokens for it."""
    data = base64.b64encode(picture.data or b"").decode()
    part = {"inlineData": {"mimeType": picture.content_type, "data": data}}
    only = candidate([part], finishReason="STOP")
    return {"candidates": [only], "usageMetadata": _COUNTS, "modelVersion": model, "responseId": uuid.uuid4().hex}


def _newest_image(messages: Sequence[Message]) -> tuple[ImagePart, ...]:
    return next((images[-1:] for message in reversed(messages) if (images := _images(message))), ())


def _images(message: Message) -> tuple[ImagePart, ...]:
    return tuple(part for part in message.parts if isinstance(part, ImagePart))
