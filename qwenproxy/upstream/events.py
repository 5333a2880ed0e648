"""The site's answer stream as events: text as it arrives goes in, Text, Reasoning, Usage and the like come out.

Stands between a tab's response and the relay's run (protocol 5). Does no I/O and knows no clients; errors that
the site puts into a stream are judged by refusals.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import orjson

from qwenproxy.chat import Event, Finish, Image, Reasoning, Search, Started, Text, Usage
from qwenproxy.errors import EmptyAnswer, ProtocolChanged, ProxyError, UpstreamError
from qwenproxy.upstream.generations import Generations
from qwenproxy.upstream.intruders import Intruder, Marks
from qwenproxy.upstream.phases import (
    ThinkingSummary,
    complete_address,
    image_addresses,
    search_results,
    text_of_parts,
    token_counts,
)
from qwenproxy.upstream.refusals import error_in_delta, error_in_frame

# a null phase is the answer's, too
_ANSWER_PHASES = frozenset({None, "", "answer", "Writing", "ReportGeneration"})
_REASONING_PHASES = frozenset(
    {
        "think",
        "thought",
        "DeepThinking",
        "ResearchNotice",
        "ResearchPlanning",
        "ResearchSearching",
        "ResearchReading",
    }
)
_IMAGE_PHASES = frozenset(
    {"image_gen", "image_gen_tool", "image_edit_tool", "image_edit", "generate_image", "image_gen_think"}
)
# thinking and tools end their own phases: only these end a piece of the answer (protocol 0, rule 3)
_FINAL_PHASES = _ANSWER_PHASES | {"image_gen", "image_edit"}


class EventDecoder:
    """Decode one answer, however its text is cut.

    An answer has several pieces, each of which the site finishes, with calls of its own tools between them: `finished`
    is true while the last piece is. `ended` turns true when the site says that nothing follows. Events that precede an
    error in the same text are returned first; the next call raises the error, so call `feed` on silence, too.
    """

    def __init__(self, chat_id: str = "", *, origin: str = "") -> None:
        """Prepare for an answer. `chat_id` and `origin` (scheme and host) complete the addresses of images."""
        self.finished = False
        self.ended = False
        self._generations = Generations()
        self._chat_id = chat_id
        self._origin = origin
        self._tail: list[str] = []  # pieces, joined once: a line may arrive letter by letter
        self._intruder: Intruder | None = None
        self._marks = Marks()
        self._begun = False
        self._usage: Usage | None = None
        self._answered = False
        self._stopped = False
        self._flushed = False
        self._error: ProxyError | None = None
        self._summaries: defaultdict[str, ThinkingSummary] = defaultdict(ThinkingSummary)
        self._images: set[str] = set()
        self._search: Search | None = None

    @property
    def started(self) -> Started | None:
        """The site's ids of the answer that is passed on, once it has told them."""
        return self._generations.started

    @property
    def response_ids(self) -> tuple[str, ...]:
        """The ids of all answers that the site writes into this body."""
        return self._generations.ids

    def feed(self, text: str) -> list[Event]:
        """Take text as it arrives, "" for silence; return the events it completes.

        Raises what the site reports in the stream (protocol 5.5), VerificationRequired for a page in place of a stream,
        and ProtocolChanged for a frame that is no JSON.
        """
        if self._error is not None:
            raise self._error
        if not self._begun and (is_page := Intruder.begins(text)) is not None:
            self._begun = True
            self._intruder = Intruder() if is_page else None
        if self._intruder:
            return self._nothing_or(self._intruder.feed(text))
        # on CR and LF only: str.splitlines would also cut at U+2028 inside an answer
        if "\n" not in text and "\r" not in text:
            self._tail += [text] if text else []
            return self._look_at_json(silent=not text)
        lines = ("".join(self._tail) + text).replace("\r", "\n").split("\n")
        self._tail = [last] if (last := lines.pop()) else []
        return self._decode(lines)

    def flush(self) -> list[Event]:
        """Take note that the body has ended; return what is left and Finish.

        Raises EmptyAnswer if nothing of an answer came, UpstreamError if the answer was cut, and what `feed` raises.
        """
        if self._error is None and self._intruder:
            self._error = self._intruder.end()
        if self._error is not None:
            raise self._error
        tail, self._tail = "".join(self._tail), []
        events = self._decode([tail]) if _is_whole(tail) else []
        if self._error is None and not self._flushed:
            self._flushed = True
            if not self._answered and not self._stopped:
                self._error = EmptyAnswer("The site ended its answer before it began. Try again in a moment.")
            elif not self.finished:
                self._error = UpstreamError("The site cut its answer short: what came is incomplete. Ask again.")
            else:
                events.append(Finish())
        # nobody calls again: what a last frame without its line break held matters less than the error
        if self._error is not None:
            raise self._error
        return events

    def _nothing_or(self, error: ProxyError | None) -> list[Event]:
        self._error = error
        if error is not None:
            raise error
        return []

    def _look_at_json(self, *, silent: bool) -> list[Event]:
        """Judge a JSON body in place of a stream by what is there: it may never end."""
        if not self._tail or not self._tail[0].lstrip().startswith("{"):
            return []
        self._nothing_or(self._marks.look("" if silent else self._tail[-1]))
        if not silent or not _is_whole(body := "".join(self._tail).lstrip()):
            return []
        self._tail = []
        return self._decode([body])

    def _decode(self, lines: list[str]) -> list[Event]:
        events: list[Event] = []
        try:
            for line in lines:
                if line.startswith("data:"):
                    self._frame(line[5:], events)
                elif line.startswith("{"):
                    # a whole body of JSON under the content type of a stream
                    self._frame(line, events)
        except ProxyError as error:
            self._error = error
            if not events:
                raise
        return events

    def _frame(self, payload: str, events: list[Event]) -> None:
        if self.ended or self._flushed:
            return
        try:
            frame = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            if payload.strip() in ("", "[DONE]"):
                return
            raise ProtocolChanged(
                "The site sent a frame that is no JSON. A newer qwenproxy may know this form."
            ) from error
        if not isinstance(frame, dict):
            return
        choices = frame.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not choices:
            self._notice(frame, events)
        elif isinstance(delta, dict):
            self._delta(delta, frame, events)
        if any(isinstance(each, dict) and each.get("done") is True for each in (frame, choice, delta)):
            self._end(frame)

    def _notice(self, frame: dict[str, Any], events: list[Event]) -> None:
        created, stopped = frame.get("response.created"), frame.get("response.stopped")
        if isinstance(created, dict):
            self._chat_id = str(created.get("chat_id") or self._chat_id)
            started = Started(_id_of(created), str(created.get("parent_id") or ""))
            self._generations.create(started)
            events.append(started)
        elif "response.stopped" in frame:
            self._stopped = not self._generations.is_other(_id_of(stopped))
            self._end(stopped)
        else:
            error = error_in_frame(frame)
            if error is not None:
                raise error

    def _end(self, holder: object) -> None:
        """Take note that the site says it is done, with the answer that counts or with all."""
        if not self._generations.is_other(_id_of(holder)):
            self.finished = self.ended = True

    def _delta(self, delta: dict[str, Any], frame: dict[str, Any], events: list[Event]) -> None:
        response_id, phase = _id_of(frame), delta.get("phase")
        is_other = self._generations.is_other(response_id)
        if not is_other and isinstance(usage := frame.get("usage"), dict) and usage:
            self._count(usage, events)
        if delta.get("status") == "error" and not is_other:
            raise error_in_delta(delta)
        if not (phase is None or isinstance(phase, str)):
            return
        if phase in _ANSWER_PHASES:
            if not is_other and self._say(Text, delta, events):
                self._generations.choose(response_id)
        elif phase in _REASONING_PHASES or phase == "thinking_summary":
            if self._generations.thinks(response_id):
                self._think(delta, response_id, events)
        elif phase == "web_search":
            self._found(delta, events)
        elif phase in _IMAGE_PHASES:
            is_answer = phase in _FINAL_PHASES
            if not (is_other and is_answer) and self._show(delta, events) and is_answer:
                self._generations.choose(response_id)
        if delta.get("status") == "finished" and phase in _FINAL_PHASES and not is_other and not _is_tools(delta):
            self.finished = True

    def _think(self, delta: dict[str, Any], response_id: str, events: list[Event]) -> None:
        if delta.get("phase") != "thinking_summary":
            self._say(Reasoning, delta, events)
        elif new := self._summaries[response_id].grow(delta.get("extra")):
            self._answered, self.finished = True, False
            events.append(Reasoning(new))

    def _say(self, kind: Callable[[str], Text | Reasoning], delta: dict[str, Any], events: list[Event]) -> bool:
        content = delta.get("content")
        if not content or _is_tools(delta):
            return False
        text = content if isinstance(content, str) else text_of_parts(content)
        if text:
            # what was finished goes on
            self._answered, self.finished = True, False
            events.append(kind(text))
        return bool(text)

    def _found(self, delta: dict[str, Any], events: list[Event]) -> None:
        search = Search(search_results(delta.get("extra")))
        if search.results and search != self._search:
            self._search = search
            self._answered = True
            events.append(search)

    def _show(self, delta: dict[str, Any], events: list[Event]) -> bool:
        new = False
        for address in image_addresses(delta):
            url = complete_address(address, self._origin, self._chat_id)
            if url not in self._images:
                self._images.add(url)
                self._answered = new = True
                events.append(Image(url))
        return new

    def _count(self, usage: dict[str, Any], events: list[Event]) -> None:
        counted = token_counts(usage)
        if counted != self._usage:
            self._usage = counted
            events.append(counted)


def _is_tools(delta: dict[str, Any]) -> bool:
    """Tell whether a delta is about a call of the site's own tools: the call, its result, or the end of the result."""
    return delta.get("role") == "function" or isinstance(delta.get("function_call"), dict)


def _id_of(holder: object) -> str:
    response_id = holder.get("response_id") if isinstance(holder, dict) else None
    return response_id if isinstance(response_id, str) else ""


def _is_whole(line: str) -> bool:
    """Tell a last frame that lacks only its line break from one that was cut."""
    payload = line.removeprefix("data:")
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return True
