"""What stands around the messages of a question: how functions are offered, and what the answer must be like.

asking.py folds the messages into it, once an account and a place are known.
"""

from __future__ import annotations

from dataclasses import replace

from qwenproxy.chat import ChatRequest, Message, prefill
from qwenproxy.chat.document import instruction
from qwenproxy.upstream import dialects
from qwenproxy.upstream.dialects import Way
from qwenproxy.upstream.folding import Frame, Note
from qwenproxy.upstream.places import SitePlace


def frame_for(chat: ChatRequest, way: Way | None, place: SitePlace | None) -> Frame:
    """Return the frame of a question for a place on the site, None for a new chat; `way` is None without functions."""
    goes_on = bool(place and place.response_id)
    is_known = goes_on and place is not None and place.way == way
    offer = dialects.offer(way, chat, is_known=is_known) if way else ""
    before = [Note("functions", offer)] if offer else []
    after = [Note("format", instruction(chat.document, may_call=bool(chat.tools)))] if chat.document else []
    if prefill.beginning(chat):
        after.append(Note("answer", prefill.NOTE))
    return Frame(before, after, dialects.writer(way, chat.tools), goes_on)


def new_messages(chat: ChatRequest, place: SitePlace | None) -> tuple[Message, ...]:
    """Return the messages that the site does not hold yet.

    A result gets the name of its function, because the call is not beside it and the site knows no ids of calls.
    """
    if place is None:
        return chat.messages
    calls_before = (call for message in chat.messages[: place.holds] for call in message.tool_calls)
    names = {call.id: call.name for call in calls_before}
    return tuple(
        replace(message, name=message.name or names.get(message.tool_call_id)) if message.tool_call_id else message
        for message in chat.messages[place.holds :]
    )
