"""Pictures in Gemini's form: the wish in a conversation, and the answer with the picture inside. Pure."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from qwenproxy.api.gemini.format import candidate
from qwenproxy.api.picture_talk import picture_message
from qwenproxy.chat import ChatRequest
from qwenproxy.errors import RequestError
from qwenproxy.media.pictures import Picture, PictureWish
from qwenproxy.upstream.works import engine_of, means_pictures

_COUNTS = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}


def wish_of(chat: ChatRequest, ratio: str | None) -> PictureWish:
    """Return the picture that a conversation asks for: its last message, with what the system says before it.

    Without an image in that message the newest one of the conversation is changed. Raises RequestError.
    """
    message = picture_message(chat.messages)
    if message is None:
        raise RequestError("The last content must say what to paint.", param="contents")
    model = None if means_pictures(chat.model) else chat.model
    return PictureWish(
        message.text,
        message.images,
        model,
        engine_of(chat.model),
        ratio or "1:1",
        as_bytes=True,
        client=chat.client,
    )


def picture_object(picture: Picture, model: str) -> dict[str, Any]:
    """Return the answer with a picture; the site counts no tokens for it."""
    data = base64.b64encode(picture.data or b"").decode()
    part = {"inlineData": {"mimeType": picture.content_type, "data": data}}
    only = candidate([part], finishReason="STOP")
    return {"candidates": [only], "usageMetadata": _COUNTS, "modelVersion": model, "responseId": uuid.uuid4().hex}
