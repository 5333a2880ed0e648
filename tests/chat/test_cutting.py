"""Stop sequences and token limits, wherever the text is split."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.chat import CallStarted, Citation, Event, Finish, Image, Reasoning, SearchResult, Text, Tick, Usage
from qwenproxy.chat.cutting import cut
from qwenproxy.tokenizer import counting

ALPHABET = "ab 🙂"  # few letters, so that sequences overlap and repeat


def cut_text(pieces: list[str], stop: tuple[str, ...] = (), max_tokens: int | None = None) -> tuple[str, str]:
    """Return the text that is left of an answer in these pieces, and why it ended."""
    events = list(cut([*(Text(piece) for piece in pieces if piece), Finish()], stop, max_tokens))
    *texts, finish = events
    assert isinstance(finish, Finish)
    left = [event.text for event in texts if isinstance(event, Text)]
    assert len(left) == len(texts), "nothing but text comes before the end"
    assert all(left), "an empty text says nothing"
    return "".join(left), finish.reason


@pytest.mark.parametrize(
    ("pieces", "stop", "left", "reason"),
    [
        (["abc"], ("b",), "a", "stop"),
        (["a", "b", "c"], ("bc",), "a", "stop"),
        (["abc"], ("c", "b"), "a", "stop"),
        (["xab"], ("a", "xab"), "x", "stop"),
        (["xab"], ("b", "xab"), "", "stop"),
        (["aab"], ("ab",), "a", "stop"),
        (["a", "a", "a", "b"], ("aab",), "a", "stop"),
        (["ab"], ("abc",), "ab", "stop"),
        (["abc"], ("",), "abc", "stop"),
        (["a\n", "\nb"], ("\n\n",), "a", "stop"),
        (["abc"], ("a",), "", "stop"),
        ([], ("a",), "", "stop"),
    ],
    ids=spelled,
)
def test_stop_sequences(pieces: list[str], stop: tuple[str, ...], left: str, reason: str) -> None:
    assert cut_text(pieces, stop) == (left, reason)


@given(
    st.text(ALPHABET, max_size=30),
    st.lists(st.text(ALPHABET, min_size=1, max_size=4), max_size=3),
    st.none() | st.integers(1, 8),
    st.data(),
)
def test_a_split_changes_nothing(text: str, stop: list[str], max_tokens: int | None, data: st.DataObject) -> None:
    marks = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:stop_at] for start, stop_at in zip([0, *marks], [*marks, len(text)], strict=True)]
    whole = cut_text([text], tuple(stop), max_tokens)
    assert cut_text(pieces, tuple(stop), max_tokens) == whole
    assert cut_text(list(text), tuple(stop), max_tokens) == whole
    allowed = text if max_tokens is None else counting.first_tokens(text, max_tokens)
    found = [(at + len(sequence), at) for sequence in stop if (at := allowed.find(sequence)) >= 0]
    assert whole[0] == text[: min(found)[1] if found else len(allowed)]


PROSE = "One two three, four: five.\nДа, 你好世界。It is 1234 (really)! 🙂🙂 \n\n  end  "


@given(st.text("aZ б你1 .,\n🙂é'_", max_size=40), st.integers(1, 12), st.data())
def test_without_counts_of_the_site_our_own_decide(text: str, max_tokens: int, data: st.DataObject) -> None:
    marks = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:stop_at] for start, stop_at in zip([0, *marks], [*marks, len(text)], strict=True)]
    left, reason = cut_text(pieces, (), max_tokens)
    assert left == counting.first_tokens(text, max_tokens)
    assert reason == ("length" if counting.count(text) > max_tokens else "stop")


@pytest.mark.parametrize("max_tokens", range(1, counting.count(PROSE) + 2))
def test_the_limit_holds_wherever_it_falls(max_tokens: int) -> None:
    whole = cut_text([PROSE], (), max_tokens)
    assert counting.count(whole[0]) <= max_tokens
    for at in range(len(PROSE)):
        assert cut_text([PROSE[:at], PROSE[at:]], (), max_tokens) == whole
    assert cut_text(list(PROSE), (), max_tokens) == whole


def test_an_answer_of_exactly_the_limit_is_whole() -> None:
    assert cut_text(list(PROSE), (), counting.count(PROSE)) == (PROSE, "stop")


def test_text_far_from_the_limit_flows_at_once_and_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(counting, "encoding")
    events: list[Event] = [*(Text(letter) for letter in PROSE), Finish()]
    assert list(cut(events, (), 1000)) == events


def test_counts_that_the_site_gives_late_replace_ours() -> None:
    events: list[Event] = [Text("one two thr"), Usage(9, 4), Text("ee four"), Finish()]
    assert cut_text_of(cut(events, (), 4)) == ("one two three four", "stop")
    assert cut_text_of(cut(events, (), 3))[1] == "length"


def cut_text_of(events: Iterator[Event]) -> tuple[str, str]:
    """Return the text of these events, and why they end."""
    *texts, finish = events
    assert isinstance(finish, Finish)
    return "".join(event.text for event in texts if isinstance(event, Text)), finish.reason


def test_the_sites_own_counts_decide_without_reasoning() -> None:
    events: list[Event] = [
        Usage(9, 50, 50),
        Reasoning("long"),
        Usage(9, 52, 50),
        Text("one two"),
        Usage(9, 54, 50),
        Text(" three four"),
    ]
    assert list(cut([*events, Finish()], (), 3)) == [*events[:5], Text(" three"), Finish("length")]
    assert list(cut([*events, Finish()], (), 4)) == [*events, Finish()]


def test_other_events_pass_and_what_is_held_comes_before_a_call() -> None:
    call = CallStarted("1", "look")
    events: list[Event] = [Tick(), Text("see ab"), Image("u"), call, Finish("tool_calls")]
    assert list(cut(events, ("abc",), None)) == [
        Tick(),
        Text("see "),
        Image("u"),
        Text("ab"),
        call,
        Finish("tool_calls"),
    ]


def test_nothing_is_read_after_the_cut() -> None:
    def events() -> Iterator[Event]:
        yield Text("ab")
        raise AssertionError("read on")

    assert list(cut(events(), ("b",), None)) == [Text("a"), Finish("stop", "b")]


@pytest.mark.parametrize(
    ("pieces", "stop", "left", "is_cited"),
    [
        (["a[1]", "b"], ("b",), "a[1]", True),
        (["a[1]", "b"], ("]b",), "a[1", False),
        (["a[1]", "x"], ("]b",), "a[1]x", True),
        (["a[1]"], ("]b",), "a[1]", True),
        (["a[1]"], ("a",), "", False),
    ],
    ids=spelled,
)
def test_a_citation_goes_with_its_text(pieces: list[str], stop: tuple[str, ...], left: str, is_cited: bool) -> None:
    citation = Citation(1, 4, SearchResult("https://x"))
    first, *rest = map(Text, pieces)
    said = ""
    for event in cut([first, citation, *rest, Finish()], stop, None):
        if isinstance(event, Text):
            said += event.text
        elif isinstance(event, Citation):
            assert len(said) >= event.end
            is_cited = not is_cited
    assert (said, is_cited) == (left, False)
