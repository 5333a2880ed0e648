"""Cut an answer where the client wants it cut: at a stop sequence, or after so many tokens.

A pure filter over events, between the decoder and the API; the relay stops the answer upstream once it has ended here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qwenproxy.chat import CallStarted, Citation, Event, Finish, Image, Text, Usage
from qwenproxy.chat.token_limit import TokenLimit


def cut(events: Iterable[Event], stop: tuple[str, ...], max_tokens: int | None) -> Iterator[Event]:
    """Pass events on until a stop sequence or the token limit is met, then one Finish.

    A stop sequence is found across any split of the text and is not part of the answer. `max_tokens` counts the site's
    own output tokens without reasoning; if the site counts none, we count. A citation waits for the text that it names,
    and goes with it.
    """
    scissors = _Scissors(stop, max_tokens)
    length = 0  # of all text so far
    waiting: list[Citation] = []
    for event in _cut(events, scissors):
        if isinstance(event, Citation):
            waiting.append(event)
        else:
            yield event
            length += len(event.text if isinstance(event, Text) else event.markdown if isinstance(event, Image) else "")
        while waiting and waiting[0].end <= length:
            yield waiting.pop(0)


def _cut(events: Iterable[Event], scissors: _Scissors) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Usage):
            scissors.count(event)
        elif isinstance(event, Text | CallStarted | Finish):
            text, end = scissors.feed(event.text) if isinstance(event, Text) else scissors.flush()
            if text:
                yield Text(text)
            if end:
                yield end
                return
            if isinstance(event, Text):
                continue
        yield event


class _Scissors:
    """The text so far, as both limits need it."""

    def __init__(self, stop: tuple[str, ...], max_tokens: int | None) -> None:
        self._stop = tuple(sequence for sequence in stop if sequence)
        self._limit = None if max_tokens is None else TokenLimit(max_tokens)
        self._held = ""  # the end of the text, as long as it may be the start of a stop sequence

    def count(self, usage: Usage) -> None:
        if self._limit:
            self._limit.count(usage)

    def feed(self, text: str) -> tuple[str, Finish | None]:
        """Return the text to pass on, and the end of the answer if it ends here."""
        text, is_over = self._limit.feed(text) if self._limit else (text, False)
        return self._cut(text, is_over)

    def flush(self) -> tuple[str, Finish | None]:
        """Return what was held back, and the end of the answer if it ends there, because other events follow."""
        text, is_over = self._limit.flush() if self._limit else ("", False)
        text, end = self._cut(text, is_over)
        return (text, end) if end else (text + self._take_held(), None)

    def _cut(self, text: str, is_over: bool) -> tuple[str, Finish | None]:
        text, stop = self._before_stop(text)
        if stop is not None:
            return text, Finish("stop", stop)
        return (text + self._take_held(), Finish("length")) if is_over else (text, None)

    def _take_held(self) -> str:
        held, self._held = self._held, ""
        return held

    def _before_stop(self, text: str) -> tuple[str, str | None]:
        """Return the text before a stop sequence, and that sequence; None if there is none so far."""
        if not self._stop:
            return text, None
        text = self._held + text
        # Take the one that is complete first, as if the text came letter by letter, so that no split of it matters.
        matches = [(at + len(sequence), at, sequence) for sequence in self._stop if (at := text.find(sequence)) >= 0]
        if matches:
            self._held = ""
            _, at, sequence = min(matches)
            return text[:at], sequence
        keep = max(self._overlap(text, sequence) for sequence in self._stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], None

    @staticmethod
    def _overlap(text: str, sequence: str) -> int:
        longest = min(len(sequence) - 1, len(text))
        return next((n for n in range(longest, 0, -1) if text.endswith(sequence[:n])), 0)
