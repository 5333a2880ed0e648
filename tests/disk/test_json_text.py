"""The one JSON reader: what people's programs call JSON, and plain words for what is none."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.disk.json_text import NotJson, read_json, without_halves

VALUE = {"я": ["🙂", 1, 1.5, None, True]}
TEXT = json.dumps(VALUE, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\ud83d b"', "a\ufffd b"),
        (r'"a\ude00 b"', "a\ufffd b"),
        (r'"\ud83d"', "\ufffd"),
        (r'"\ud83d\ud83d\ude00\ude00"', "\ufffd😀\ufffd"),
        (r'{"\ud800":"\\ud800"}', {"\ufffd": "\\ud800"}),
        (b'"\xed\xa0\xbd b"', "\ufffd b"),
        (b'"\xed\xa0\xbd\xed\xb8\x80"', "😀"),
    ],
    ids=["high half", "low half", "half alone", "pair between halves", "in a key", "half in bytes", "pair in bytes"],
)
def test_half_a_surrogate_pair_costs_one_character(text: str | bytes, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_the_encodings_of_unicode_are_told_apart(encoding: str) -> None:
    assert read_json(TEXT.encode(encoding)) == VALUE
    assert read_json(TEXT.encode(encoding), "utf-8") == VALUE


@pytest.mark.parametrize("charset", ["windows-1251", "cp1251", "koi8-r", "UTF-16", "utf-16le", "utf8"])
def test_a_named_character_set_is_honoured(charset: str) -> None:
    assert read_json('"Привет"'.encode(charset), charset) == "Привет"


def test_latin_1() -> None:
    assert read_json('"naïve"'.encode("latin-1"), "iso-8859-1") == "naïve"


@pytest.mark.parametrize(
    ("data", "charset", "reason"),
    [
        (b"", None, "is empty"),
        (b" \r\n", None, "is empty"),
        (b"\xef\xbb\xbf", None, "is empty"),
        (b"{", None, "line 1, column 2"),
        (b'{"a":\n x}', None, "line 2, column 2"),
        (b'"na\xefve"', None, "is not text in UTF-8"),
        (b"\x1f\x8b\x08\x00", None, "is not text in UTF-8"),
        (b'"\xef"', "ascii", "is not text in ascii"),
        (b'"x"', "klingon", "character set that is unknown"),
        (b'"x"', "zip", "character set that is unknown"),
        (b'"x"', "idna", "character set that is unknown"),
        (b'"x"', "unicode_escape", "character set that is unknown"),
        (b'"x"', "a\0b", "character set that is unknown"),
        (b"NaN", None, "holds NaN"),
        (b'{"a":-Infinity}', None, "holds -Infinity"),
        (b"1e999", None, "out of range"),
        (b"9" * 400, None, "out of range"),
        (b"9" * 5000, None, "out of range"),
        (b"[" * 100_000, None, "nested too deeply"),
        (b"[" * 1100 + b"]" * 1100, None, "nested too deeply"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_json_is_told_in_plain_words(data: bytes, charset: str | None, reason: str) -> None:
    with pytest.raises(NotJson, match=reason) as caught:
        read_json(data, charset)
    for word in ("surrogate", "codec", "str ", "byte", "char ", "recursion"):
        assert word not in str(caught.value).lower()


@given(st.binary(max_size=40) | st.text(max_size=40), st.none() | st.sampled_from(["utf-8", "latin-1", "utf-16", "x"]))
def test_nothing_but_not_json_comes_of_any_text(data: str | bytes, charset: str | None) -> None:
    try:
        value = read_json(data, charset)
    except NotJson as error:
        assert str(error)
    else:
        orjson.dumps(value)


@given(st.text(st.characters(codec="utf-16")))
def test_whole_texts_stay_as_they_are(text: str) -> None:
    assert without_halves(text) == text
    assert read_json(json.dumps(text)) == text
