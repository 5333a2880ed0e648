"""Marks in an answer that name the pages of a web search."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.chat import (
    CallStarted,
    ChatRequest,
    Citation,
    Document,
    Event,
    Finish,
    Image,
    Message,
    Reasoning,
    Search,
    SearchResult,
    Text,
    Tick,
    Usage,
)
from qwenproxy.chat.citations import cite
from qwenproxy.chat.corrections import Corrections
from qwenproxy.chat.stages import stages_for

PAGES = tuple(SearchResult(f"https://example.com/{number}", f"Page {number}") for number in range(1, 13))
FOUND = Search(PAGES)
FENCED = "Run:\n```sh\nif [[1]]; then x[2]; fi\n```\nas [[1]] says."


def texts(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def cited(*events: Event) -> tuple[str, list[tuple[str, int]]]:
    """Return the text, and the citations: the text they name and the number of their page.

    Each must come after its text.
    """
    found = []
    said = ""
    out = list(cite(iter(events)))
    for event in out:
        if isinstance(event, Text):
            said += event.text
        elif isinstance(event, Image):
            said += event.markdown
        elif isinstance(event, Citation):
            assert event.end <= len(said), "a citation before its text"
            found.append((said[event.start : event.end], PAGES.index(event.source) + 1))
    return said, found


MARKED = {
    "one": ("As [[1]] says.", "As [1] says.", [1]),
    "glued": ("So [[1]][[2]].", "So [1][2].", [1, 2]),
    "two digits": ("So [[12]].", "So [12].", [12]),
    "as the site sometimes writes": ("So [3] and[4].", "So [3] and[4].", [3, 4]),
    "the same twice": ("[[1]] and [[1]]", "[1] and [1]", [1, 1]),
    "at the edges": ("[[1]]x[[2]]", "[1]x[2]", [1, 2]),
    "behind wide characters": ("Ж🙂漢 [[2]]", "Ж🙂漢 [2]", [2]),
    "no such page": ("So [[13]] and [14].", "So [[13]] and [14].", []),
    "nought": ("x[0] [[0]]", "x[0] [[0]]", []),
    "a year": ("In [[2024]].", "In [[2024]].", []),
    "a link": ("[text](https://x) [ ] [x]", "[text](https://x) [ ] [x]", []),
    "a third bracket": ("[[[1]]]", "[[1]]", [1]),
    "never closed": ("[[1], [[2 and [", "[[1], [[2 and [", []),
    "a mark behind an open one": ("[[[[3]]", "[[[3]", [3]),
    "a leading nought": ("[[01]]", "[1]", [1]),
    "marks inside a mark": ("[[1][2]]", "[[1][2]]", [2]),
    "a block of code": (FENCED, "Run:\n```sh\nif [[1]]; then x[2]; fi\n```\nas [1] says.", [1]),
    "a block with waves": ("~~~~\n[[1]]\n~~~\n[[1]]\n~~~~\n[[2]]", "~~~~\n[[1]]\n~~~\n[[1]]\n~~~~\n[2]", [2]),
    "an open block": ("```\n[[1]]", "```\n[[1]]", []),
    "a block in a quote": ("> ```\n> [[1]]\n> ```\n> [[2]]", "> ```\n> [[1]]\n> ```\n> [2]", [2]),
    "a span of code": ("`a[[1]]` [[2]]", "`a[[1]]` [2]", [2]),
    "a wide span": ("``a`[[1]]`` [[2]]", "``a`[[1]]`` [2]", [2]),
    "a span like a block": ("```[[1]]``` [[2]]\n[[3]]", "```[[1]]``` [2]\n[3]", [2, 3]),
    "an open span ends with its line": ("a ` b [[1]]\n[[2]]", "a ` b [[1]]\n[2]", [2]),
    "right behind code": ("`x`[[1]]\n```\n[[2]]\n```[[3]]", "`x`[1]\n```\n[[2]]\n```[3]", [1, 3]),
    "struck out": ("~~no~~ [[1]]", "~~no~~ [1]", [1]),
}
by_text = pytest.mark.parametrize(("text", "expected", "numbers"), MARKED.values(), ids=MARKED)


@by_text
def test_marks(text: str, expected: str, numbers: list[int]) -> None:
    said, found = cited(FOUND, Text(text), Finish())
    assert said == expected
    assert found == [(f"[{number}]", number) for number in numbers]


@by_text
def test_a_text_cut_anywhere(text: str, expected: str, numbers: list[int]) -> None:
    whole = cited(FOUND, Text(text), Finish())
    assert cited(FOUND, *map(Text, text), Finish()) == whole
    for cut in range(len(text)):
        pieces: list[Event] = [Text(text[:cut]), Tick(), Usage(1, 1), Reasoning("Hm."), Text(text[cut:])]
        assert cited(FOUND, *pieces, Finish()) == whole


@given(st.text("[]`~\n 1237x", max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_many_cuts(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(text)]
    pieces = [Text(text[a:b]) for a, b in itertools.pairwise(edges)]
    said, found = cited(FOUND, *pieces, Finish())
    assert (said, found) == cited(FOUND, Text(text), Finish())
    assert all(mark == f"[{number}]" for mark, number in found)
    assert said.replace("[", "").replace("]", "").replace("0", "") == "".join(c for c in text if c not in "[]0")


@given(st.text("[]12x`", max_size=30))
def test_without_a_search_no_text_changes(text: str) -> None:
    events: list[Event] = [*map(Text, text), Finish()]
    assert list(cite(iter(events))) == events


@pytest.mark.parametrize(
    ("document", "expected"), [(None, '{"a": [1], "b": "so [2]"}'), (Document(), '{"a": [[1]], "b": "so [[2]]"}')]
)
def test_a_document_keeps_its_arrays(document: Document | None, expected: str) -> None:
    """What looks like a mark may be a part of its JSON."""
    request = ChatRequest((Message("user"),), document=document)
    events: Iterator[Event] = iter([FOUND, Text('{"a": [[1]], "b": "so [[2]]"}'), Finish()])
    for stage in stages_for(request, Corrections()):
        events = stage(events)
    assert texts(events) == expected


def test_text_before_the_search_stays_and_counts() -> None:
    assert cited(Text("See [[1]]. "), FOUND, Text("So [[2]]."), Finish()) == ("See [[1]]. So [2].", [("[2]", 2)])


def test_an_image_counts_as_its_markdown() -> None:
    said, found = cited(FOUND, Text("Look: "), Image("https://x/y.png"), Text("as [[1]]"), Finish())
    assert said == "Look: ![image](https://x/y.png)\nas [1]"
    assert found == [("[1]", 1)]


def test_only_what_may_become_a_mark_is_held_back() -> None:
    out = cite(iter([FOUND, Text("a ["), Text("[1"), Text("2]"), Tick(), Text("] b"), Text("[x")]))
    assert [event for event in out if isinstance(event, Text | Tick)] == [
        Text("a "),
        Tick(),
        Text("[12]"),
        Text(" b"),
        Text("[x"),
    ]


@pytest.mark.parametrize("last", [Finish(), CallStarted("c", "look"), Image("https://x/y.png")])
def test_what_is_held_back_comes_out_before(last: Event) -> None:
    assert list(cite(iter([FOUND, Text("a [[1"), last]))) == [FOUND, Text("a "), Text("[[1"), last]


def test_a_page_that_comes_late() -> None:
    """Its mark is one of a page still to come, so the citation follows when the page does."""
    asked, gap = Search((), ("news",)), Search((SearchResult(""), PAGES[1]), ("news",))
    events: list[Event] = [asked, Text("As [[1]]"), Text(", [[2]]."), gap, Text(" So."), FOUND, Finish()]
    out = list(cite(iter(events)))
    assert texts(out) == "As [1], [2]. So."
    assert out[3:] == [
        gap,
        Citation(8, 11, PAGES[1]),
        Text(" So."),
        FOUND,
        Citation(3, 6, PAGES[0]),
        Finish(),
    ]
