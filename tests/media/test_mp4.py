"""What a film's file says of itself, whole, damaged, and cut at any place."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.media.mp4 import Film, film_in
from qwenproxy.sandbox.media.filming import film


@pytest.mark.parametrize(("size", "pixels"), [("16:9", (1280, 720)), ("9:16", (720, 1280))])
def test_the_size_and_length_of_a_film(size: str, pixels: tuple[int, int]) -> None:
    found = film_in(film(size))
    assert found is not None
    assert ((found.width, found.height), round(found.seconds, 2)) == (pixels, 5.04)


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def test_the_long_forms() -> None:
    header = b"\1\0\0\0" + struct.pack(">QQIQ", 0, 0, 1000, 5040)
    movie = box(b"mvhd", header)
    long_box = struct.pack(">I4sQ", 1, b"moov", len(movie) + 16) + movie
    assert film_in(box(b"ftyp", b"isom") + long_box) == Film(0, 0, 5.04)


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_film(data: bytes) -> None:
    assert film_in(data) is None


@given(st.integers(0, 3000), st.binary(max_size=20))
def test_a_damaged_film_is_read_as_far_as_it_goes(cut: int, junk: bytes) -> None:
    data = film("16:9")
    for damaged in (data[:cut], data[:cut] + junk, data[:cut] + junk + data[cut + len(junk) :]):
        found = film_in(damaged)
        assert found is None or found.seconds >= 0
