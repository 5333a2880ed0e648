"""Find out the type of a sound file from its content. Pure."""

from __future__ import annotations

from qwenproxy.errors import RequestError
from qwenproxy.uploads.file_types import FileType

_WAV = FileType("audio", "wav", "audio/wav")
_MP3 = FileType("audio", "mp3", "audio/mpeg")
_OGG = FileType("audio", "ogg", "audio/ogg")
_FLAC = FileType("audio", "flac", "audio/flac")
_M4A = FileType("audio", "m4a", "audio/mp4")
_WEBM = FileType("audio", "webm", "audio/webm")
_AAC = FileType("audio", "aac", "audio/aac")


def identify_sound(data: bytes) -> FileType:
    """Return the type of a sound file. Raises RequestError for anything else."""
    if not data:
        raise RequestError("The file is empty.", param="file")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _WAV
    for start, file_type in ((b"ID3", _MP3), (b"OggS", _OGG), (b"fLaC", _FLAC), (b"\x1a\x45\xdf\xa3", _WEBM)):
        if data.startswith(start):
            return file_type
    if data[4:8] == b"ftyp":
        return _M4A
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return _AAC
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:
        return _MP3
    raise RequestError("The file must be a sound: wav, mp3, m4a, ogg, flac, webm or aac.", param="file")
