"""Judge a stream of the Responses API: by the types of OpenAI's package, and by the order that its clients rely on."""

from __future__ import annotations

import json
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

Event = dict[str, Any]

_TYPE: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_END = ("response.completed", "response.incomplete", "response.failed")
# What is added up from deltas: kind of the event without its last word -> the field of the whole text.
_SUMS = {
    "response.output_text": "text",
    "response.reasoning_summary_text": "text",
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
}


def events_in(text: str, *, fails: bool = False) -> list[Event]:
    """Return the events of a complete stream. A stream that does not fail ends with `[DONE]`."""
    *frames, last = text.removesuffix("\n\n").split("\n\n")
    if fails:
        frames.append(last)
    else:
        assert last == "data: [DONE]"
    events = []
    for frame in frames:
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


def check(events: list[Event]) -> Event:
    """Check the order and the types of all events of a stream; return the final response."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert [event["type"] in _END for event in events] == [*([False] * (len(events) - 1)), True]
    items = _Items()
    for event in events:
        if event["type"] != "response.failed":  # its codes are more than the types know, as Codex wants them
            _TYPE.validate_python(event)
        if event["type"] not in ("response.created", "response.in_progress", "error", *_END):
            items.take(event)
    final: Event = events[-1]["response"]
    assert final["output"] == items.done
    assert {key: final[key] for key in ("id", "created_at")} == {
        key: events[0]["response"][key] for key in ("id", "created_at")
    }
    if final["status"] != "failed":
        assert items.open is None
        Response.model_validate(final)
    return final


class _Items:
    """The items of a stream: one is open at a time, and its index is its place in the output."""

    def __init__(self) -> None:
        self.done: list[Event] = []
        self.open: Event | None = None
        self._parts: dict[str, bool] = {}  # kind of a part -> whether it is open
        self._sums: dict[str, str] = {}

    def take(self, event: Event) -> None:
        kind = event["type"]
        assert event["output_index"] == len(self.done)
        if kind == "response.output_item.added":
            self._add(event["item"])
        elif kind == "response.output_item.done":
            self._end(event["item"])
        else:
            assert self.open is not None
            assert event["item_id"] == self.open["id"]
            self._fill(kind, event)

    def _add(self, item: Event) -> None:
        assert self.open is None
        assert item.get("content", []) == item.get("summary", []) == []
        assert item.get("arguments", "") == item.get("input", "") == ""
        self.open, self._parts, self._sums = item, {}, {}

    def _end(self, item: Event) -> None:
        assert self.open is not None
        assert {key: item[key] for key in ("id", "type")} == {key: self.open[key] for key in ("id", "type")}
        assert not any(self._parts.values())
        for kind, whole in self._sums.items():
            assert whole == _text_of(item), kind
        self.done.append(item)
        self.open = None

    def _fill(self, kind: str, event: Event) -> None:
        stem, _, word = kind.rpartition(".")
        if stem in _SUMS and word == "delta":
            assert event["delta"]
            self._sums[stem] = self._sums.get(stem, "") + event["delta"]
        elif stem in _SUMS:
            assert event[_SUMS[stem]] == self._sums.setdefault(stem, "")
        elif stem.endswith("_part"):
            assert self._parts.get(stem, False) is (word == "done")
            self._parts[stem] = word == "added"


def _text_of(item: Event) -> str:
    """Return all that was written into an item."""
    parts = item.get("content") or item.get("summary") or [{"text": item.get("arguments", item.get("input"))}]
    return "".join(part["text"] for part in parts)
