"""Read an answer's stream for its form alone: events, phases, keys, order, times and how it ended (protocol 5). Pure.

Stands beside upstream/events.py, which reads the same stream for its content and passes over what it does not know.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from qwenproxy.disk.json_text import NotJson, read_json
from qwenproxy.probe import forms
from qwenproxy.probe.names import shown
from qwenproxy.probe.notes import Notebook
from qwenproxy.probe.shapes import Difference, Form, compare, shape_of
from qwenproxy.texts import Phrase

_MOST_PHASES = 60  # entries of the order of phases


@dataclass(slots=True)
class StreamForm:
    """The form of one answer's stream, gathered from its text as it arrives."""

    events: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    odd_lines: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    differences: dict[Difference, None] = field(default_factory=dict)
    shapes: dict[str, Any] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    delta_keys: set[str] = field(default_factory=set)
    first_at: float | None = None
    last_at: float = 0.0
    longest_gap: float = 0.0
    size: int = 0
    frames: int = 0
    begins_with: str = ""
    ends_with: str = ""
    is_counted: bool = False
    _tail: str = ""

    def feed(self, text: str, at: float) -> None:
        """Take a further part of the stream, which came `at` seconds after the question."""
        if text:
            self.longest_gap = max(self.longest_gap, at - self.last_at)
            self.first_at, self.last_at = self.first_at if self.first_at is not None else at, at
        self.size += len(text)
        *lines, self._tail = (self._tail + text).replace("\r", "\n").split("\n")
        for line in lines:
            self._line(line.strip())

    def end(self) -> None:
        """Note that the connection is closed."""
        rest, self._tail = self._tail.strip(), ""
        self._line(rest)

    def _line(self, line: str) -> None:
        if not line:
            return
        head, colon, rest = line.partition(":")
        if head != "data" or not colon:
            self.odd_lines[f"{shown(head)}:" if colon else "line"] += 1
            return
        if rest.strip() == "[DONE]":
            self.odd_lines["[DONE]"] += 1
            return
        try:
            frame = read_json(rest)
        except NotJson:
            self.odd_lines["data that is no JSON"] += 1
            return
        if isinstance(frame, dict):
            self._frame(frame)

    def _frame(self, frame: dict[str, Any]) -> None:
        self.frames += 1
        if "choices" in frame:
            self._delta(frame)
            kind = "choices"
        else:
            kind = self._event(frame)
        self.begins_with = self.begins_with or kind

    def _event(self, frame: dict[str, Any]) -> str:
        name = next((key for key in frame if key in forms.EVENTS), next(iter(frame), ""))
        kind = shown(name, forms.EVENTS)
        self.events[kind] += 1
        self.ends_with = kind
        if name in forms.EVENTS:
            self._compare(frame.get(name), forms.EVENTS[name], name)
            action = frame[name].get("action") if isinstance(frame[name], dict) else None
            if isinstance(action, str):
                self.actions[shown(action, forms.ACTIONS)] += 1
        form: Form = forms.EVENTS.get(name, "any")
        self.shapes.setdefault(kind, shape_of(frame.get(name), form))
        return kind

    def _delta(self, frame: dict[str, Any]) -> None:
        self.events["choices"] += 1
        self._compare(frame, forms.FRAME, "frame")
        self.is_counted = self.is_counted or bool(frame.get("usage"))
        if isinstance(frame.get("response_id"), str):
            self.ids.add(frame["response_id"])
        choices = frame["choices"]
        choice = choices[0] if isinstance(choices, list) and choices else None
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(delta, dict):
            return
        self.delta_keys.update(key for key in forms.IN_EACH_ANSWER if key in delta)
        phase = _word(delta.get("phase"), forms.PHASES)
        status = _word(delta.get("status"), forms.STATUSES)
        self.phases[phase] += 1
        self.statuses[status] += 1
        self.roles[_word(delta.get("role"), forms.ROLES)] += 1
        step = phase if status == "typing" else f"{phase} {status}"
        if (not self.order or self.order[-1] != step) and len(self.order) < _MOST_PHASES:
            self.order.append(step)
        self.ends_with = step
        self.shapes.setdefault(f"{phase} {status}", shape_of(frame, forms.FRAME))

    def _compare(self, value: object, form: Any, place: str) -> None:
        self.differences.update(dict.fromkeys(compare(value, form, "" if place == "frame" else place)))

    def facts(self) -> dict[str, Any]:
        """Return the form as JSON: names, numbers and shapes."""
        return {
            "events": dict(self.events),
            "actions": dict(self.actions),
            "phases": dict(self.phases),
            "statuses": dict(self.statuses),
            "roles": dict(self.roles),
            "order": self.order,
            "begins_with": self.begins_with,
            "ends_with": self.ends_with,
            "other_lines": dict(self.odd_lines),
            "answers_in_the_body": len(self.ids),
            "frames": self.frames,
            "characters": self.size,
            "first_after_s": None if self.first_at is None else round(self.first_at, 2),
            "whole_after_s": round(self.last_at, 2),
            "longest_gap_s": round(self.longest_gap, 2),
            "shapes": self.shapes,
        }

    def judge(self, book: Notebook) -> None:
        """Write down where the form is not that of the protocol."""
        book.facts["stream"] = self.facts()
        missing = [key for key in forms.IN_EACH_ANSWER if self.phases and key not in self.delta_keys]
        lacking = [Difference("missing", f"choices[].delta.{key}") for key in missing]
        book.differences([*self.differences, *lacking], "stream")
        book.names(self.events, {*forms.EVENTS, "choices"}, "event")
        book.names(self.actions, forms.ACTIONS, "action")
        book.names(self.phases, {*forms.PHASES, ""}, "phase")
        book.names(self.statuses, {*forms.STATUSES, ""}, "status")
        book.names(self.roles, {*forms.ROLES, ""}, "role")
        book.names(self.odd_lines, ("[DONE]",), "line")
        if self.frames and self.begins_with != "response.created":
            book.changed(Phrase("probe_other_beginning", name=self.begins_with))
        if self.frames and not self.is_counted:
            book.changed(Phrase("probe_no_counts"))
        if len(self.ids) > 1:
            book.seen(Phrase("probe_several_answers", count=len(self.ids)))


def _word(value: object, known: frozenset[str]) -> str:
    return shown(value, known) if isinstance(value, str) and value else ""
