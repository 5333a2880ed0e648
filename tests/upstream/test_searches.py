"""The site's web searches: their queries, and the numbers of their pages in every form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcripts import CREATED, delta, end, frame

from qwenproxy.chat import Search, SearchResult
from qwenproxy.upstream.events import EventDecoder
from qwenproxy.upstream.searches import PHASE, Searches, queries_in


def page(name: str, **more: object) -> dict[str, object]:
    return {"url": f"https://{name}.example", "title": name.upper(), "snippet": f"about {name}", **more}


def info(*pages: object, call: str = "c1") -> dict[str, Any]:
    return {"phase": PHASE, "role": "function", "function_id": call, "extra": {"web_search_info": list(pages)}}


def docs(used_id: object, *pages: object, call: str = "c1") -> dict[str, Any]:
    result = {"docs": list(pages), "used_id": used_id}
    return {"phase": PHASE, "role": "function", "function_id": call, "extra": {"tool_result": result}}


def asks(arguments: str, call: str = "c1") -> dict[str, Any]:
    return {"phase": PHASE, "function_id": call, "function_call": {"name": PHASE, "arguments": arguments}}


def after(*deltas: dict[str, Any]) -> Search:
    """Return all searches after these deltas."""
    searches, last = Searches(), Search(())
    for each in deltas:
        last = searches.grow(each, {}) or last
    return last


def names(search: Search) -> str:
    """Return the names of the pages in the order of their numbers, a dash for one that is missing."""
    return " ".join(each.title.lower() or "-" for each in search.results)


A, B, C, D = map(page, "abcd")
NUMBERED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "one list": ([info(A, B)], "a b"),
    "the same list again": ([info(A, B), info(A, B)], "a b"),
    "all so far": ([info(A, B), info(A, B, C, D, call="c2")], "a b c d"),
    "those of each call": ([info(A, B), info(C, D, call="c2")], "a b c d"),
    "those of each call, growing": ([info(A), info(A, B), info(C, call="c2"), info(C, D, call="c2")], "a b c d"),
    "those of each call, without ids": ([info(A, B, call=""), info(C, call=""), info(D, call="")], "a b c d"),
    "an older list late": ([info(A, B, C), info(A)], "a b c"),
    "an index": ([info(page("b", index=2), page("a", index=1))], "a b"),
    "an index with a gap": ([info(page("c", index=3))], "- - c"),
    "an index that fills a gap": ([info(page("c", index=3)), info(page("a", index=1), page("b", index=2))], "a b c"),
    "a useless index": ([info(page("a", index=0), page("b", index="2"), page("c", index=True))], "a b c"),
    "an index beyond all reason": ([info(page("a", index=10**12), B)], "- b"),
    "the next number": ([docs(3, A, B), docs(5, C, D, call="c2")], "a b c d"),
    "the next number, the later call first": ([docs(5, C, D, call="c2"), docs(3, A, B)], "a b c d"),
    "the next number, with a gap": ([docs(4, C)], "- - c"),
    "a number that is its own": ([docs(1, A, B), docs(3, C, D, call="c2")], "a b c d"),
    "a number that is none": ([docs(None, A, B), docs("3", C, call="c2"), docs(True, D, call="c3")], "a b c d"),
    "a page found twice": ([info(A, B), info(B, C, call="c2")], "a b b c"),
    "elements that are no pages keep their place": ([info(A, {"title": "x"}, 7, D)], "a - - d"),
    "both forms": ([{**info(A, B), "extra": {**info(A, B)["extra"], **docs(3, A, B)["extra"]}}], "a b"),
    "pages that were opened": ([info(A), {"extra": {"web_extract_info": [A, B]}}, info(A, C)], "a c b"),
}


@pytest.mark.parametrize(("deltas", "expected"), NUMBERED.values(), ids=NUMBERED)
def test_a_page_stands_at_the_place_of_its_number(deltas: list[dict[str, Any]], expected: str) -> None:
    assert names(after(*deltas)) == expected


def test_sources_of_a_whole_frame() -> None:
    assert Searches().grow({"phase": "answer"}, {"sources": [A, B]}) == Search(
        (SearchResult("https://a.example", "A", "about a"), SearchResult("https://b.example", "B", "about b"))
    )


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=5))
def test_whichever_form_a_call_has_no_page_changes_its_number(calls: list[tuple[int, bool]]) -> None:
    searches, seen, count = Searches(), Search(()), 0
    expected: list[str] = []
    for number, (length, is_info) in enumerate(calls):
        new = [page(f"p{count + place}") for place in range(length)]
        count += length
        expected += [f"p{count - length + place}" for place in range(length)]
        call = f"c{number}"
        found = searches.grow(info(*new, call=call) if is_info else docs(count + 1, *new, call=call), {})
        assert found is not None
        assert found.results[: len(seen.results)] == seen.results
        seen = found
    assert names(seen).split() == expected


@pytest.mark.parametrize(
    ("arguments", "queries"),
    [
        ('{"queries": ["a", "b"]}', ("a", "b")),
        ('{"query": " a "}', ("a",)),
        ('{"queries": "a"}', ("a",)),
        ('{"queries": "[\\"a\\", \\"b\\"]"}', ("a", "b")),
        ('{"queries": ["", 7, "a"]}', ("a",)),
        ('{"queries": ["a', ()),
        ("", ()),
        ("[1]", ()),
        ("{}", ()),
    ],
)
def test_what_a_call_asks_for(arguments: str, queries: tuple[str, ...]) -> None:
    assert queries_in(arguments) == queries


QUERIES: dict[str, tuple[list[dict[str, Any]], tuple[str, ...]]] = {
    "snapshots": ([asks(""), asks('{"queries": ["a'), asks('{"queries": ["a"]}'), asks('{"queries": ["a"]}')], ("a",)),
    "at the same time": ([asks(""), asks("", "c2"), asks('{"query":"b"}', "c2"), asks('{"query":"a"}')], ("a", "b")),
    "without ids": ([asks('{"query":"a"}', ""), asks("", ""), asks('{"query":"b"}', "")], ("a", "b")),
    "twice the same": ([asks('{"query":"a"}'), asks('{"query":"a"}', "c2")], ("a",)),
    "of another tool": ([{**asks('{"query":"a"}'), "phase": "web_extractor"}], ()),
}


@pytest.mark.parametrize(("deltas", "queries"), QUERIES.values(), ids=QUERIES)
def test_queries(deltas: list[dict[str, Any]], queries: tuple[str, ...]) -> None:
    assert after(*deltas).queries == queries


def test_what_is_not_new_is_not_told_again() -> None:
    searches = Searches()
    told = [searches.grow(each, {}) for each in (asks(""), asks('{"query":"a"}'), asks('{"query":"a"}'), info(A))]
    assert told == [
        None,
        Search((), ("a",)),
        None,
        Search((SearchResult("https://a.example", "A", "about a"),), ("a",)),
    ]
    assert searches.grow(info(A), {}) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"phase": PHASE, "function_call": 7, "extra": 7},
        {"phase": PHASE, "function_call": {"arguments": {"query": "a"}}},
        {"phase": PHASE, "function_id": 7, "extra": {"web_search_info": {"url": "x"}, "tool_result": [7]}},
        {"phase": 7, "extra": {"web_extract_info": "x", "web_search_info": [{"url": 7}, None]}},
        {"phase": "image_gen_tool", "extra": {"tool_result": {"docs": [A], "used_id": 2}}},
    ],
)
def test_what_is_odd_is_left_out(odd: dict[str, Any]) -> None:
    assert Searches().grow(odd, {"sources": "x"}) is None


def test_searches_at_the_same_time_among_other_frames() -> None:
    calls = [delta("", PHASE, function_call={"arguments": f'{{"query":"{n}"}}'}, function_id=n) for n in "xy"]
    results = [
        delta("", PHASE, "finished", role="function", function_id=call, extra=docs(used_id, found)["extra"])
        for call, used_id, found in (("y", 3, B), ("x", 2, A))
    ]
    decoder = EventDecoder()
    events = decoder.feed(CREATED + "".join([*calls, *results]) + delta("So [[1]].") + end()) + decoder.flush()
    searches = [event for event in events if isinstance(event, Search)]
    assert [(names(each), each.queries) for each in searches] == [
        ("", ("x",)),
        ("", ("x", "y")),
        ("- b", ("x", "y")),
        ("a b", ("x", "y")),
    ]


def test_sources_at_the_top_of_a_frame_reach_the_answer() -> None:
    whole = {"choices": [{"delta": {"content": "So.", "phase": "answer", "status": "typing"}}], "sources": [A]}
    decoder = EventDecoder()
    events = decoder.feed(CREATED + frame(whole) + end()) + decoder.flush()
    assert [names(event) for event in events if isinstance(event, Search)] == ["a"]
