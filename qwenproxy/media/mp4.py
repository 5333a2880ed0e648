"""What an MP4 file says of its film: pixels and length (ISO 14496-12). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_FIXED_POINT = 1 << 16


@dataclass(frozen=True, slots=True)
class Film:
    """Size in pixels and length in seconds, each 0 where the file does not say it."""

    width: int = 0
    height: int = 0
    seconds: float = 0.0


def film_in(data: bytes) -> Film | None:
    """Return what an MP4 file says of its film, None for anything else."""
    if data[4:8] != b"ftyp":
        return None
    film = Film()
    for name, movie in _boxes(data):
        if name == b"moov":
            for inner, content in _boxes(movie):
                if inner == b"mvhd":
                    film = Film(film.width, film.height, _seconds(content))
                elif inner == b"trak" and not film.width:
                    film = Film(*_pixels(content), film.seconds)
    return film


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of each box, up to one that is damaged."""
    at = 0
    while at + 8 <= len(data):
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(data) - at
        if size < head or at + size > len(data):
            return
        yield data[at + 4 : at + 8], data[at + head : at + size]
        at += size


def _seconds(header: bytes) -> float:
    form = ">QQIQ" if header[:1] == b"\1" else ">IIII"
    try:
        _, _, scale, length = struct.unpack_from(form, header, 4)
    except struct.error:
        return 0.0
    return float(length / scale) if scale else 0.0


def _pixels(track: bytes) -> tuple[int, int]:
    """Return the size of a track, (0, 0) for one of sound."""
    for name, header in _boxes(track):
        if name == b"tkhd" and len(header) >= 84:
            width, height = struct.unpack(">II", header[-8:])
            return width // _FIXED_POINT, height // _FIXED_POINT
    return 0, 0
