"""One more try for an answer that does not do what the request demands: a stage asks for it, the run makes it.

A stage raises NeedsCorrection at the end of an answer; the run puts its text to the model in the same chat, and the
events of the new answer take the place of the first ones. That is possible once, and only before the client has seen
anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qwenproxy.chat import CallStarted, Event, Finish, Text


class NeedsCorrection(Exception):
    """The answer must be corrected; `text` tells the model how. Raise it only while `Corrections.available`.

    With `held`, the events that the stage held back, the answer stays as it was if the new one holds no call.
    """

    def __init__(self, text: str, held: Sequence[Event] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.held = held


def unless_called(events: Iterator[Event], first: str) -> Iterator[Event]:
    """Pass a corrected answer on if it holds a call; else let the text of the first one come: that was meant."""
    held: list[Text] = []
    has_call = False
    for event in events:
        if isinstance(event, Text) and not has_call:
            held.append(event)
            continue
        if isinstance(event, CallStarted) and not has_call:
            has_call = True
            yield from held
        elif isinstance(event, Finish) and not has_call:
            yield Text(first)
        yield event


class Corrections:
    """Whether an answer can still be corrected. One for each answer, shared by its stages."""

    def __init__(self) -> None:
        self._is_over = False

    @property
    def available(self) -> bool:
        """False after one correction, and once the client has seen text or a call."""
        return not self._is_over

    def end(self) -> None:
        """Note that nothing can be corrected from now on."""
        self._is_over = True
