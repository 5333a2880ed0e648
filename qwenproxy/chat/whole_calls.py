"""The calls of an answer, put together from its events: for a wire API that has no form for a part of one. Pure."""

from __future__ import annotations

from qwenproxy.chat import CallArguments, CallEnded, CallStarted, Event, ToolCall


class WholeCalls:
    """The call that is coming."""

    def __init__(self) -> None:
        self._started: CallStarted | None = None
        self._arguments: list[str] = []

    def take(self, event: Event) -> ToolCall | None:
        """Take one event in; return the call that it completes, None for any other event."""
        if isinstance(event, CallStarted):
            self._started, self._arguments = event, []
        elif isinstance(event, CallArguments):
            self._arguments.append(event.text)
        elif isinstance(event, CallEnded) and self._started:
            started, self._started = self._started, None
            return ToolCall(started.id, started.name, "".join(self._arguments))
        return None
