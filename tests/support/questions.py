"""A question to a relay, and the whole text of its answer."""

from __future__ import annotations

from typing import Any

from qwenproxy.chat import ChatRequest, Finish, Message, Text, TextPart
from qwenproxy.relay.run import ChatRun


def ask(text: str = "Hello?", *, streamed: bool = True, **more: Any) -> ChatRequest:
    """Return a request of one question."""
    return ChatRequest((Message("user", (TextPart(text),)),), streamed=streamed, **more)


def said(run: ChatRun) -> str:
    """Return the whole text of an answer that must be complete."""
    with run:
        events = list(run)
    assert isinstance(events[-1], Finish)
    return "".join(event.text for event in events if isinstance(event, Text))
