"""A question on its way to the site: what is asked, where, and what became of the place that there was.

asking.py makes it, run.py asks it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from qwenproxy.chat import ChatRequest
from qwenproxy.observe.laps import Laps
from qwenproxy.upstream import calls
from qwenproxy.upstream.dialects import Way
from qwenproxy.upstream.places import SitePlace

Loss = Literal["chat", "parent"]  # what the site did not take any more of a place where a conversation was to go on


@dataclass(frozen=True, slots=True)
class SiteQuestion:
    """A question for the site: the request, its place there, and the turn that is sent.

    `way` says how functions are offered; `on_interception` runs when the site takes a call of the model for one of its
    own functions. `lost` says why the conversation does not go on where it was.
    """

    chat: ChatRequest
    place: SitePlace
    turn: calls.Question
    laps: Laps
    way: Way | None
    on_interception: Callable[[], None]
    lost: Loss | None = None
