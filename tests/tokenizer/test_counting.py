"""Tokens of texts: whole, in pieces, long, odd."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.tokenizer import counting, vocabulary

ALPHABET = "aбb你好世 \n\t01,.。，!'é\u0301\u200b🙂_-\r\x85\xa0²½अ\u093f"  # on both sides of every seam
TEXTS = st.text(ALPHABET, max_size=20) | st.text(max_size=20)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("Hello! 毕老师！1 + 1 = 2 ĠÑĤÐ²ÑĬÑĢ", 26),  # the example of the vocabulary's own documentation
        ("1234", 4),
        ("<|im_end|>", 6),  # its name in a text is no special token
        (" " * 128, 1),
        ("Hello\ud83d", 2),
    ],
)
def test_a_text_has_as_many_tokens_as_for_the_models(text: str, tokens: int) -> None:
    assert counting.count(text) == tokens


@given(TEXTS)
def test_a_text_has_no_more_tokens_than_bytes(text: str) -> None:
    assert counting.count(text) <= counting.byte_length(text)


@given(TEXTS, TEXTS)
def test_nothing_that_follows_changes_what_is_settled(text: str, more: str) -> None:
    settled, rest = counting.split_at_seam(text)
    assert settled + rest == text
    assert counting.count(text + more) == counting.count(settled) + counting.count(rest + more)


@given(TEXTS, st.integers(0, 12))
def test_the_first_tokens_begin_the_text(text: str, number: int) -> None:
    begin = counting.first_tokens(text, number)
    assert text.startswith(begin)
    assert (begin == text) == (counting.count(text) <= number)


def test_a_long_text_counts_as_the_sum_of_its_lines() -> None:
    line = "The quick brown fox, aged 12, jumps over 你好.\n"
    assert counting.count(line * 5000) == counting.count(line) * 5000


@pytest.mark.parametrize("run", [" ", "\n", "a", "!", "你", "1", "\0"], ids=repr)
def test_a_run_of_one_character_is_counted(run: str) -> None:
    assert 0 < counting.count(run * 1_000_000) <= 3_000_000


def test_beyond_enough_tokens_the_rest_is_taken_to_be_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["word " * 30_000] * 100
    exact = counting.count(texts[0]) * 100
    counted: list[str] = []
    count_chunk = counting._count_chunk

    def note(chunk: str) -> int:
        counted.append(chunk)
        return count_chunk(chunk)

    monkeypatch.setattr(counting, "_count_chunk", note)
    estimate = counting.count_all(texts, 50_000)
    assert abs(estimate - exact) < exact / 100
    assert sum(map(len, counted)) < 400_000
    assert counting.count_all(["a b", "c"], 3) == 3


def test_threads_load_the_vocabulary_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[object] = []

    def load() -> object:
        loads.append(None)
        return object()

    monkeypatch.setattr(vocabulary, "_loaded", None)
    monkeypatch.setattr(vocabulary, "_load", load)
    threads = [threading.Thread(target=vocabulary.encoding) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
