"""Let an answer go on from the beginning that a request gives it: a stage, if its last message is the assistant's.

Models like to write such a beginning once more. The client has it already, so it is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator

from qwenproxy.chat import ChatRequest, Event, Finish, Text

NOTE = (
    "The last message is the beginning of your answer. Go on exactly where it ends, in the middle of a word if it ends "
    "there, and do not repeat it."
)


def beginning(request: ChatRequest) -> str:
    """Return the beginning of the answer that the request gives, "" for none."""
    last = request.messages[-1] if request.messages else None
    return last.text if last and last.role == "assistant" and not last.tool_calls else ""


def beginning_of_document(begun: str) -> str:
    """Return the part of a beginning that may be the beginning of a JSON document, "" for none."""
    places = [at for at in (begun.find("{"), begun.find("[")) if at >= 0]
    return begun[min(places) :] if places else ""


def with_beginning(events: Iterator[Event], begun: str) -> Iterator[Event]:
    """Put the beginning before an answer's text, for a stage that has to see both as one."""
    is_before = True
    for event in events:
        if is_before and isinstance(event, Text):
            is_before = False
            yield Text(begun)
        yield event


def without_repetition(events: Iterator[Event], begun: str) -> Iterator[Event]:
    """Pass an answer on without its beginning, if it repeats the whole of it."""
    held: str | None = ""  # None once it is decided whether the beginning comes again
    for event in events:
        if held is None or not isinstance(event, Text | Finish):
            yield event
            continue
        held += event.text if isinstance(event, Text) else ""
        text = held.lstrip()
        if len(text) < len(begun) and begun.startswith(text) and isinstance(event, Text):
            continue
        rest = text.removeprefix(begun) if text.startswith(begun) else held
        held = None
        if rest:
            yield Text(rest)
        if isinstance(event, Finish):
            yield event
