"""An answer as Ollama sends it: one JSON object a line, or one object for all.

POST /api/chat puts the text into a message, POST /api/generate beside the model's name. A tool call goes out when it is
complete, because Ollama has no form for a part of one. Nor has it one for the sources of a web search: their marks stay
in the text.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qwenproxy.api.ollama.format import line, moment, ollama_error, tool_call_object
from qwenproxy.chat import Event, Image, Reasoning, Text
from qwenproxy.chat.whole_calls import WholeCalls
from qwenproxy.errors import ProxyError
from qwenproxy.history.kept_answer import KeptAnswer

Piece = Callable[..., dict[str, Any]]


def message_piece(text: str = "", **more: Any) -> dict[str, Any]:
    """Return a piece of a chat's answer: a text, and `thinking` or `tool_calls`."""
    return {"message": {"role": "assistant", "content": text, **more}}


def response_piece(text: str = "", **more: Any) -> dict[str, Any]:
    """Return the same of a generated text."""
    return {"response": text, **more}


class OllamaEncoder:
    """The encoder of both routes."""

    def __init__(self, model: str, piece: Piece, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """`model` is the client's name for the model, `piece` the form of the route, `clock` gives nanoseconds."""
        self._model = model
        self._piece = piece
        self._clock = clock
        self._asked_at = clock()
        self._begun_at = self._first_at = 0
        self._answer: KeptAnswer | None = None
        self._calls = WholeCalls()
        self._call_count = 0

    @property
    def keep_alive(self) -> bytes:
        """A line without text, because clients of Ollama take no comments."""
        return self._line(self._piece())

    def begin(self, answer: KeptAnswer) -> bytes:
        """Note the answer; a stream has no begin of its own."""
        self._answer = answer
        self._model = answer.run.model
        self._begun_at = self._clock()
        return b""

    def event(self, event: Event) -> bytes:
        """Return a line with text, thoughts or a whole call, b"" for any other event."""
        piece = self._piece_of(event)
        if piece is None:
            return b""
        self._first_at = self._first_at or self._clock()
        return self._line(piece)

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return nothing, because the counts stand in the last line."""
        return b""

    def end(self, answer: KeptAnswer) -> bytes:
        """Return the last line, with the reason for the end and the counts."""
        return line(self._last(answer, self._piece()))

    def failure(self, error: ProxyError) -> bytes:
        """Return the line with the error, after which no line says `done`."""
        return line(ollama_error(error))

    def whole(self, answer: KeptAnswer) -> dict[str, Any]:
        """Return the answer as one object."""
        self._model = answer.run.model
        # Programs divide by the time of the answer; when its first word came, nobody has seen.
        self._begun_at = self._first_at = self._asked_at
        result, more = answer.run.answer, dict[str, Any]()
        if result.reasoning and _shows_thoughts(answer):
            more["thinking"] = result.reasoning
        if result.tool_calls:
            tools = answer.run.chat.tools
            more["tool_calls"] = [tool_call_object(at, call, tools) for at, call in enumerate(result.tool_calls)]
        return self._last(answer, self._piece(result.text, **more))

    def _piece_of(self, event: Event) -> dict[str, Any] | None:
        if isinstance(event, Text):
            return self._piece(event.text)
        if isinstance(event, Image):
            return self._piece(event.markdown)
        if isinstance(event, Reasoning):
            return self._piece(thinking=event.text) if self._answer and _shows_thoughts(self._answer) else None
        if (call := self._calls.take(event)) and self._answer:
            self._call_count += 1
            form = tool_call_object(self._call_count - 1, call, self._answer.run.chat.tools)
            return self._piece(tool_calls=[form])
        return None

    def _line(self, piece: dict[str, Any]) -> bytes:
        return line({"model": self._model, "created_at": moment(), **piece, "done": False})

    def _last(self, answer: KeptAnswer, piece: dict[str, Any]) -> dict[str, Any]:
        counts = answer.run.answer.counts(answer.run.chat)
        now = self._clock()
        begun_at = self._begun_at or now
        first_at = self._first_at or now
        return {
            "model": self._model,
            "created_at": moment(),
            **piece,
            "done": True,
            "done_reason": "length" if answer.run.answer.finish_reason == "length" else "stop",
            **({} if "message" in piece else {"context": []}),
            "total_duration": now - self._asked_at,
            "load_duration": begun_at - self._asked_at,
            "prompt_eval_count": counts.input_tokens,
            "prompt_eval_duration": first_at - begun_at,
            "eval_count": counts.output_tokens,
            "eval_duration": now - first_at,
        }


def _shows_thoughts(answer: KeptAnswer) -> bool:
    """Tell whether the client asks for thoughts, by a field or by the model's name; a model may think without it."""
    return bool(answer.run.chat.thinking)
