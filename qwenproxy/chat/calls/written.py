"""A call that the site passes on beside the text: checked like any other. Knows no notation but JSON."""

from __future__ import annotations

from qwenproxy.chat import WrittenCall
from qwenproxy.chat.calls.draft import Block, CallEvent
from qwenproxy.chat.calls.names import Offer
from qwenproxy.chat.calls.objects import add_arguments
from qwenproxy.chat.calls.source import Source


def read_written(offer: Offer, call: WrittenCall) -> list[CallEvent]:
    """Return the events of the call. Raises Faulty."""
    events: list[CallEvent] = []
    block = Block(offer, events.append)
    draft = block.draft(call.name, Source(ended=True))
    add_arguments(draft, call.arguments)
    draft.end()
    return events
