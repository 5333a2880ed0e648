"""The stages between the site's events and the client's: each is an iterator over events, one after the other.

The run chains them. A stage may hold events back, but lets every Tick through, because a Tick is the moment to notice
that a client left. A new filter of answers becomes one more stage here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from qwenproxy.chat import ChatRequest, Event
from qwenproxy.chat.calls.stage import find_calls
from qwenproxy.chat.corrections import Corrections
from qwenproxy.chat.cutting import cut

Stage = Callable[[Iterator[Event]], Iterator[Event]]


def stages_for(request: ChatRequest, corrections: Corrections) -> list[Stage]:
    """Return the stages that an answer to this request goes through, in their order."""
    stages: list[Stage] = []
    if request.may_hold_calls:
        stages.append(partial(find_calls, request=request, corrections=corrections))
    if request.stop or request.max_tokens is not None:
        stages.append(partial(cut, stop=request.stop, max_tokens=request.max_tokens))
    return stages
