"""The type of a sound file by its first bytes."""

from __future__ import annotations

import pytest

from qwenproxy.errors import RequestError
from qwenproxy.media.wav import wav_of
from qwenproxy.uploads.sound_types import identify_sound


@pytest.mark.parametrize(
    ("data", "extension"),
    [
        (wav_of(b"\0\0", 8000), "wav"),
        (b"ID3\4", "mp3"),
        (b"\xff\xfb\x90", "mp3"),
        (b"\xff\xf1\x50", "aac"),
        (b"OggS\0", "ogg"),
        (b"fLaC\0", "flac"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"\x1a\x45\xdf\xa3", "webm"),
    ],
)
def test_a_sound(data: bytes, extension: str) -> None:
    found = identify_sound(data)
    assert (found.kind, found.extension) == ("audio", extension)


@pytest.mark.parametrize("data", [b"", b"RIFF\0\0\0\0WEBP", b"\x89PNG\r\n\x1a\n", b"text", b"\xff\xd8\xff\xe0"])
def test_no_sound(data: bytes) -> None:
    with pytest.raises(RequestError):
        identify_sound(data)
