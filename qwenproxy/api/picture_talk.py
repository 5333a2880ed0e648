"""The picture that a conversation asks for: what its last message says, and the image that is to be changed. Pure.

For the wire APIs that paint inside a conversation; the site's painter gets one message and sees nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from qwenproxy.chat import ImagePart, Message, TextPart


def picture_message(messages: Sequence[Message], *, with_images: bool = True) -> Message | None:
    """Return the one message for the painter, None if the last message of the conversation says nothing to paint.

    What the system says comes before the text. Without an image in that message the newest one of the conversation is
    changed; `with_images` False leaves them all out.
    """
    *before, last = messages or (Message("system"),)
    if last.role != "user" or not last.text.strip():
        return None
    systems = [message.text for message in before if message.role == "system"]
    prompt = "\n\n".join(text for text in (*systems, last.text) if text.strip())
    images = (last.images or _newest_image(before)) if with_images else ()
    return Message("user", (TextPart(prompt), *images))


def _newest_image(messages: Sequence[Message]) -> tuple[ImagePart, ...]:
    return next((message.images[-1:] for message in reversed(messages) if message.images), ())
