"""A WAV file around plain samples. Pure."""

from __future__ import annotations

import struct

_PCM = 1
_SAMPLE_BYTES = 2
_HEAD_BYTES = 44


def wav_of(samples: bytes, rate: int) -> bytes:
    """Return a WAV file of 16-bit little-endian samples of one channel; half a sample at the end is left out."""
    samples = samples[: len(samples) - len(samples) % _SAMPLE_BYTES]
    form = struct.pack("<HHIIHH", _PCM, 1, rate, rate * _SAMPLE_BYTES, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES)
    chunks = _chunk(b"fmt ", form) + _chunk(b"data", samples)
    return _chunk(b"RIFF", b"WAVE" + chunks)


def seconds_of(sound: bytes, *, has_head: bool, rate: int = 24_000) -> float:
    """Return how long a file of `wav_of` plays, or bare samples of the same form without a head."""
    return max(0, len(sound) - (_HEAD_BYTES if has_head else 0)) / (rate * _SAMPLE_BYTES)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content
