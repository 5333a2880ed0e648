"""The voice of the stand-in: a real tone, as long as its text and as high as its speaker (protocol 11.3)."""

from __future__ import annotations

import hashlib
import math
import struct

RATE = 24_000  # samples a second, of 16 bit, one channel
SPEAKERS = ("Cherry", "Ethan", "Jennifer", "Ryan", "Katerina", "Elias")
_LOUDNESS = 8_000
_SECONDS_PER_LETTER = 0.05
_SHORTEST, _LONGEST = 0.2, 60.0


def say(text: str, speaker: str) -> bytes:
    """Return the samples of a text, little endian."""
    height = 150 + hashlib.sha256(speaker.encode()).digest()[0]
    samples = round(RATE / height)
    wave = b"".join(
        struct.pack("<h", round(_LOUDNESS * math.sin(2 * math.pi * number / samples))) for number in range(samples)
    )
    seconds = min(max(len(text) * _SECONDS_PER_LETTER, _SHORTEST), _LONGEST)
    return wave * max(1, round(seconds * RATE / samples))
