"""The site's calls around speech, and the sound in what it answers (protocol 3.8 and 11.3).

The site reads an answer of a chat aloud, so any text has to be put in the place of one first. Pure.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from qwenproxy.browser.page import PageRequest
from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream import calls, refusals
from qwenproxy.upstream.bodies import object_in

RATE = 24_000  # samples a second: 16 bit, signed, little endian, one channel


def rewrite(chat_id: str, message_id: str, text: str) -> PageRequest:
    """Put a text in the place of an answer."""
    part: dict[str, Any] = {
        "content": text,
        "phase": "answer",
        "status": "finished",
        "extra": None,
        "role": "assistant",
        "usage": {},
    }
    path = f"/api/v2/chats/{quote(chat_id, safe='')}/messages/{quote(message_id, safe='')}"
    return calls.post(path, {"content_list": [part]})


def speak(chat_id: str, message_id: str) -> PageRequest:
    """Have an answer read aloud; the sound comes as an event stream."""
    message = {"id": message_id, "role": "assistant", "sub_chat_type": "tts"}
    payload = {"chat_id": chat_id, "timestamp": int(time.time()), "messages": [message]}
    return calls.post(f"/api/v2/tts/completions?chat_id={quote(chat_id, safe='')}", payload)


def voice_in(settings_text: str) -> str:
    """Return the voice that the account's settings name, "" if they name none."""
    data = (object_in(settings_text) or {}).get("data")
    section = data.get("tts_speaker_v2") if isinstance(data, dict) else None
    speaker = section.get("speaker") if isinstance(section, dict) else None
    return speaker if isinstance(speaker, str) else ""


class SoundDecoder:
    """Takes the sound out of an event stream, however its text is cut."""

    def __init__(self) -> None:
        """Begin before the first byte."""
        self.is_finished = False  # the site said that all has come
        self._rest = ""

    def feed(self, text: str) -> Iterator[bytes]:
        """Yield the pieces of sound that a further part of the stream completes; a piece may end within a sample.

        Raises ProtocolChanged, and the error that the site puts into the stream.
        """
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.startswith("data:"):
                yield from self._frame(line[5:].strip())

    def _frame(self, text: str) -> Iterator[bytes]:
        frame = object_in(text)
        if frame is None:
            return
        choices = frame.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(delta, dict):
            if error := refusals.error_in_frame(frame):
                raise error
            return
        if delta.get("status") == "error":
            raise refusals.error_in_delta(delta)
        self.is_finished = self.is_finished or delta.get("status") == "finished"
        piece = delta.get("tts")
        if isinstance(piece, str) and piece:
            try:
                yield base64.b64decode(piece, validate=True)
            except binascii.Error:
                raise ProtocolChanged("The site's speech has an unknown form. Look for a newer qwenproxy.") from None
