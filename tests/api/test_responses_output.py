"""The events of an answer as items of a response: in order, whole, and the same however the text is cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.api.responses.output import Output, SummaryOutput
from qwenproxy.api.responses.sealed import unseal
from qwenproxy.chat import (
    CallArguments,
    CallEnded,
    CallStarted,
    Citation,
    Event,
    Image,
    Reasoning,
    Search,
    SearchResult,
    Started,
    Text,
    Tick,
    Tool,
    Usage,
)

PAGE, OTHER = SearchResult("https://a.example/", "A"), SearchResult("https://b.example/")
TOOLS = (Tool("look"), Tool("patch", freeform=True), Tool("agents__spawn", namespace="agents"))
CALL = (CallStarted("call_1", "look"), CallArguments('{"a":'), CallArguments("1}"), CallEnded())


def output_of(*events: Event, **more: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the types of all events, without the common beginning, and the items."""
    output = Output(TOOLS, **more)
    types = [each["type"].removeprefix("response.") for event in events for each in output.take(event)]
    types += [each["type"].removeprefix("response.") for each in output.close()]
    return types, output.items


def test_thoughts_text_and_a_call_come_one_after_the_other() -> None:
    types, items = output_of(Started("R", "P"), Reasoning("Hm. "), Tick(), Text("So"), Text("."), Usage(1, 1), *CALL)
    assert types == [
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
        "function_call_arguments.done", "output_item.done",
    ]  # fmt: skip
    assert [item["type"] for item in items] == ["reasoning", "message", "function_call"]
    assert items[0]["summary"] == [{"type": "summary_text", "text": "Hm. "}]
    assert items[1]["content"] == [{"type": "output_text", "text": "So.", "annotations": [], "logprobs": []}]
    assert (items[2]["call_id"], items[2]["name"], items[2]["arguments"]) == ("call_1", "look", '{"a":1}')
    assert {item["status"] for item in items} == {"completed"}


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("look", {"type": "function_call", "name": "look", "arguments": "x"}),
        ("patch", {"type": "custom_tool_call", "name": "patch", "input": "x"}),
        ("agents__spawn", {"type": "function_call", "name": "spawn", "namespace": "agents", "arguments": "x"}),
        ("unknown", {"type": "function_call", "name": "unknown", "arguments": "x"}),
    ],
)
def test_a_call_has_the_form_of_its_tool(name: str, item: dict[str, Any]) -> None:
    _, items = output_of(CallStarted("call_1", name), CallArguments("x"), CallEnded())
    assert {key: value for key, value in items[0].items() if key not in ("id", "status", "call_id")} == item


def test_thoughts_are_sealed_where_the_client_wants_to_keep_them() -> None:
    _, (thoughts,) = output_of(Reasoning("Hm."), seals_thoughts=True)
    assert unseal(thoughts["encrypted_content"]) == {"reasoning": thoughts["id"]}
    assert "encrypted_content" not in output_of(Reasoning("Hm."))[1][0]


def test_thoughts_after_a_search_do_not_begin_with_line_breaks() -> None:
    _, items = output_of(Reasoning("One."), Search((PAGE,), ("a",)), Reasoning("\n\n"), Reasoning("Two."))
    assert [item["type"] for item in items] == ["reasoning", "web_search_call", "reasoning"]
    assert items[2]["summary"][0]["text"] == "Two."


def test_each_search_is_an_item_with_what_it_found() -> None:
    types, items = output_of(
        Search((), ("a",)),
        Tick(),
        Search((PAGE,), ("a",)),
        Search((PAGE,), ("a", "b", "c")),
        Search((PAGE, OTHER), ("a", "b", "c")),
        names_sources=True,
    )
    search = [
        "output_item.added", "web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed",
        "output_item.done",
    ]  # fmt: skip
    assert types == search * 2
    assert [item["action"] for item in items] == [
        {"type": "search", "query": "a", "queries": ["a"], "sources": [{"type": "url", "url": "https://a.example/"}]},
        {
            "type": "search",
            "query": "b",
            "queries": ["b", "c"],
            "sources": [{"type": "url", "url": "https://b.example/"}],
        },
    ]
    assert "sources" not in output_of(Search((PAGE,), ("a",)))[1][0]["action"]


def test_pages_without_new_queries_are_no_search_of_their_own() -> None:
    _, items = output_of(Search((PAGE,)), Text("So."), Search((PAGE, OTHER)))
    assert [item["type"] for item in items] == ["web_search_call", "message"]
    assert items[0]["action"]["query"] == ""


def test_citations_count_from_the_begin_of_their_message() -> None:
    _, items = output_of(
        Text("Äöü. "),
        Search((PAGE,), ("a",)),
        Text("🙂 [1]"),
        Citation(7, 10, PAGE),
        Citation(0, 2, PAGE),  # stands in the message before
        Image("https://p.example/"),
    )
    (part,) = items[2]["content"]
    (citation,) = part["annotations"]
    assert part["text"][citation["start_index"] : citation["end_index"]] == "[1]"
    assert (citation["type"], citation["title"], citation["url"]) == ("url_citation", "A", "https://a.example/")
    assert part["text"].endswith("![image](https://p.example/)\n")


def test_an_answer_that_is_cut_ends_with_an_incomplete_item() -> None:
    output = Output(())
    output.take(Text("One"))
    output.close("incomplete")
    assert output.items[0]["status"] == "incomplete"
    assert output.close() == []


def test_a_summary_is_one_sealed_item() -> None:
    output = SummaryOutput()
    assert [*output.take(Reasoning("Hm.")), *output.take(Text(" We ")), *output.take(Text("talked."))] == []
    added, done = output.close()
    assert (added["type"], done["type"]) == ("response.output_item.added", "response.output_item.done")
    assert output.close() == []
    (item,) = output.items
    assert item["type"] == "compaction"
    assert unseal(item["encrypted_content"]) == {"summary": "We talked."}


@given(st.text(min_size=1).filter(str.strip), st.data())
def test_the_same_text_cut_anywhere_is_the_same_item(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    for kind in (Text, Reasoning):
        one, two = output_of(kind(text))[1], output_of(kind(text[:place]), kind(text[place:]))[1]
        assert [{**item, "id": ""} for item in one] == [{**item, "id": ""} for item in two]
