"""Names of files in forms: every habit of writing one is read, and none brings the upload down."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.api.forms import Form, parse_disposition, read_form

NAMES = [
    ('filename="a.txt"', "a.txt"),
    ("filename=a.txt", "a.txt"),
    ("filename=my file.txt", "my file.txt"),
    ('filename = "a.txt" ;', "a.txt"),
    ('FileName="a.txt"', "a.txt"),
    ('filename="фото.txt"', "фото.txt"),
    ('filename="фото.txt"'.encode("cp1251"), "фото.txt"),
    ('filename="naïve.txt"'.encode("latin-1"), "naïve.txt"),
    ('filename="a "quoted" name.txt"', 'a "quoted" name.txt'),
    (r'filename="a \"quoted\" name.txt"', 'a "quoted" name.txt'),
    (r'filename="C:\Users\ivan\new file.txt"', r"C:\Users\ivan\new file.txt"),
    (r'filename="\\server\share\a.txt"', r"\\server\share\a.txt"),
    ('filename="a;b.txt"', "a;b.txt"),
    ('filename="a%22b.txt"', "a%22b.txt"),
    ("filename*=UTF-8''%D0%BE%D1%82.txt", "от.txt"),
    ("filename*=windows-1251''%EE%F2.txt", "от.txt"),
    ("filename*=utf-8'ru'%D0%BE%D1%82.txt", "от.txt"),
    ("filename*=klingon''%41.txt", "A.txt"),
    ("filename=\"plain.txt\"; filename*=UTF-8''better.txt", "better.txt"),
    ("filename*=UTF-8''better.txt; filename=\"plain.txt\"", "better.txt"),
    ('filename="=?UTF-8?B?0L7Rgi50eHQ=?="', "от.txt"),
    ('filename="=?nonsense?="', "=?nonsense?="),
    ('filename="unclosed.txt', "unclosed.txt"),
    ('filename=""', ""),
    ("", None),
]


def disposition(rest: Any) -> bytes:
    return b'form-data; name="file"; ' + (rest if isinstance(rest, bytes) else rest.encode())


@pytest.mark.parametrize(("rest", "name"), NAMES)
def test_names_in_every_habit(rest: Any, name: Any) -> None:
    assert parse_disposition(disposition(rest)) == ("file", name)


@pytest.mark.parametrize("order", ['filename="a.txt"; name="file"', "filename=a.txt; name=file"])
def test_the_order_of_the_words_does_not_matter(order: Any) -> None:
    assert parse_disposition(f" form-data; {order}".encode()) == ("file", "a.txt")


def test_the_character_set_of_the_form_counts_first() -> None:
    assert parse_disposition(disposition('filename="é.txt"'.encode("cp1252")), "windows-1252") == ("file", "é.txt")
    assert parse_disposition(disposition('filename="文.txt"'.encode("gbk")), "gbk") == ("file", "文.txt")
    assert parse_disposition(disposition('filename="a.txt"'), "klingon") == ("file", "a.txt")


def form_of(head: bytes, content: bytes = b"hi") -> bytes:
    return b"--B\r\nContent-Disposition: " + head + b"\r\n\r\n" + content + b"\r\n--B--\r\n"


def read(body: bytes) -> Any:
    files = read_form(io.BytesIO(body), Form("B", None, 256 * 1024), io.BytesIO)[1]
    return next((each for each in files if each.field == "file"), None)


@pytest.mark.parametrize(("rest", "name"), [row for row in NAMES if row[1] is not None])
def test_the_file_comes_through_under_its_name(rest: Any, name: Any) -> None:
    file = read(form_of(disposition(rest)))
    assert file
    assert (file.name, file.content.read()) == (name, b"hi")


def test_a_header_on_two_lines() -> None:
    file = read(form_of(b'form-data; name="file";\r\n filename="a.txt"'))
    assert file
    assert file.name == "a.txt"


@given(st.binary(max_size=200))
def test_no_header_does_harm(rest: Any) -> None:
    name, filename = parse_disposition(b"form-data;" + rest)
    for text in (name, filename):
        assert text is None or isinstance(text, str)
    with contextlib.suppress(ValueError):
        read(form_of(b'form-data; name="file"; filename=' + rest))


def test_a_header_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        read(form_of(disposition(b';a="' * 20_000)))
