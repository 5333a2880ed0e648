"""The stages between the site's events and the client's: each is an iterator over events, one after the other.

The run chains them. A stage may hold events back, but lets every Tick through: so time passes for the client, and a
client that left is noticed. A new filter of answers becomes one more stage here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from qwenproxy.chat import ChatRequest, Event, Finish, Image, Reasoning, Text, Tick, ToolCall
from qwenproxy.chat.cutting import cut
from qwenproxy.chat.tool_calls import find_calls

Stage = Callable[[Iterator[Event]], Iterator[Event]]

TICK = 1.0  # seconds without anything for the client after which it gets a Tick
REAL = (Text, Reasoning, ToolCall, Image, Finish)  # what a client sees


def stages_for(request: ChatRequest) -> list[Stage]:
    """Return the stages that an answer to this request goes through, in their order."""
    stages: list[Stage] = []
    if request.tools:
        stages.append(find_calls)
    if request.stop or request.max_tokens is not None:
        stages.append(partial(cut, stop=request.stop, max_tokens=request.max_tokens))
    return stages


def ticking(events: Iterator[Event], clock: Callable[[], float]) -> Iterator[Event]:
    """Pass on a Tick only where the client saw nothing for a second. The last stage of all; `clock` is in seconds."""
    seen = clock()
    for event in events:
        now = clock()
        if isinstance(event, Tick):
            if now - seen < TICK:
                continue
            seen = max(seen + TICK, now - TICK)  # what is left of a second counts towards the next Tick
        elif isinstance(event, REAL):
            seen = now
        yield event
