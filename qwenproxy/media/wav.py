"""A WAV file around plain samples. Pure."""

from __future__ import annotations

import struct

_PCM = 1
_SAMPLE_BYTES = 2


def wav_of(samples: bytes, rate: int) -> bytes:
    """Return a WAV file of 16-bit little-endian samples of one channel; half a sample at the end is left out."""
    samples = samples[: len(samples) - len(samples) % _SAMPLE_BYTES]
    form = struct.pack("<HHIIHH", _PCM, 1, rate, rate * _SAMPLE_BYTES, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES)
    chunks = _chunk(b"fmt ", form) + _chunk(b"data", samples)
    return _chunk(b"RIFF", b"WAVE" + chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content
