"""Decode the site's answer stream: text goes in as it arrives, events (Text, Reasoning, Usage ...) come out.

Stands between a tab's response and the relay's run (protocol 5). Does no I/O and knows no clients; refusals.py judges
the errors that the site puts into a stream.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import orjson

from qwenproxy.chat import Event, Finish, Image, Reasoning, Started, Text, Usage
from qwenproxy.errors import EmptyAnswer, ProtocolChanged, ProxyError, UpstreamError
from qwenproxy.upstream.generations import Generations
from qwenproxy.upstream.intruders import Intruder, Marks
from qwenproxy.upstream.phases import (
    ANSWER_PHASES,
    FINAL_PHASES,
    IMAGE_PHASES,
    REASONING_PHASES,
    ThinkingSummary,
    complete_address,
    image_addresses,
    image_sizes,
    text_of_parts,
    token_counts,
)
from qwenproxy.upstream.refusals import error_in_delta, error_in_frame
from qwenproxy.upstream.searches import Searches
from qwenproxy.upstream.written_calls import LOCAL_PHASE, WrittenCalls


class EventDecoder:
    """Decode one answer, however its text is cut.

    An answer has several pieces; between them the site calls its own tools. `finished` is true while the last piece is
    finished, `ended` once the site says that nothing follows. If events precede an error in the same text, `feed`
    returns them and the next call raises the error. So call `feed` on silence, too.
    """

    def __init__(self, chat_id: str = "", *, origin: str = "", offers_tools: bool = False) -> None:
        """Prepare for an answer. `chat_id` and `origin` (scheme and host) complete the addresses of images.

        Calls count, and become events, only if the question `offers_tools`.
        """
        self.finished = False
        self.ended = False
        self._generations = Generations()
        self._chat_id = chat_id
        self._origin = origin
        self._tail: list[str] = []  # pieces of the open line, joined once: it may arrive letter by letter
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
        self._searches: defaultdict[str, Searches] = defaultdict(Searches)
        self._calls = WrittenCalls(offers_tools=offers_tools)

    @property
    def started(self) -> Started | None:
        """The site's ids of the answer that is passed on; None until the site names them."""
        return self._generations.started

    @property
    def response_ids(self) -> tuple[str, ...]:
        """The ids of all answers that the site writes into this body."""
        return self._generations.ids

    def feed(self, text: str) -> list[Event]:
        """Return the events that this text completes; "" stands for silence.

        Raises the error that the site reports in the stream (protocol 5.5), VerificationRequired for a page in place of
        a stream, and ProtocolChanged for a frame that is not JSON.
        """
        if self._error is not None:
            raise self._error
        if not self._begun and (is_page := Intruder.begins(text)) is not None:
            self._begun = True
            self._intruder = Intruder() if is_page else None
        if self._intruder:
            return self._judge(self._intruder.feed(text))
        # Cut at CR and LF only: str.splitlines would also cut at U+2028 inside an answer.
        if "\n" not in text and "\r" not in text:
            self._tail += [text] if text else []
            return self._look_at_json(silent=not text)
        lines = ("".join(self._tail) + text).replace("\r", "\n").split("\n")
        self._tail = [last] if (last := lines.pop()) else []
        return self._decode(lines)

    def flush(self) -> list[Event]:
        """End the body: return the last events and Finish.

        Raises EmptyAnswer if no part of an answer came, UpstreamError if the answer was cut, and what `feed` raises.
        """
        if self._error is None and self._intruder:
            self._error = self._intruder.end()
        if self._error is not None:
            raise self._error
        tail, self._tail = "".join(self._tail), []
        events = self._decode([tail]) if _is_whole(tail) else []
        if last := self._calls.end():
            self._answered = True
            events += last
        if self._error is None and not self._flushed:
            self._flushed = True
            if not self._answered and not self._stopped:
                self._error = EmptyAnswer("The site ended its answer without any text. Try again in a moment.")
            elif not self.finished:
                self._error = UpstreamError("The site cut its answer short. Ask again.")
            else:
                events.append(Finish())
        # Drop the events of a last frame without its line break: nobody calls again to get the error.
        if self._error is not None:
            raise self._error
        return events

    def _judge(self, error: ProxyError | None) -> list[Event]:
        """Keep and raise an error, if there is one; return no events."""
        self._error = error
        if error is not None:
            raise error
        return []

    def _look_at_json(self, *, silent: bool) -> list[Event]:
        """Judge a JSON body in place of a stream by what has arrived: it may never end."""
        if not self._tail or not self._tail[0].lstrip().startswith("{"):
            return []
        self._judge(self._marks.look("" if silent else self._tail[-1]))
        if not silent or not _is_whole(body := "".join(self._tail).lstrip()):
            return []
        self._tail = []
        return self._decode([body])

    def _decode(self, lines: list[str]) -> list[Event]:
        """Return the events of some lines. An error waits for the next call if events precede it."""
        events: list[Event] = []
        try:
            for line in lines:
                if line.startswith("data:"):
                    payload = line[5:]
                elif line.startswith("{"):  # a whole body of JSON under the content type of a stream
                    payload = line
                else:
                    continue
                for event in self._frame(payload):  # one by one, so that events before an error are not lost
                    events.append(event)
        except ProxyError as error:
            self._error = error
            if not events:
                raise
        return events

    def _frame(self, payload: str) -> Iterator[Event]:
        if self.ended or self._flushed:
            return
        try:
            frame = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            if payload.strip() in ("", "[DONE]"):
                return
            raise ProtocolChanged(
                "The site sent a frame that is not JSON. A newer qwenproxy may know this form."
            ) from error
        if not isinstance(frame, dict):
            return
        choices = frame.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not choices:
            yield from self._notice(frame)
        elif isinstance(delta, dict):
            yield from self._delta(delta, frame)
        if any(isinstance(each, dict) and each.get("done") is True for each in (frame, choice, delta)):
            self._end(frame)

    def _notice(self, frame: dict[str, Any]) -> Iterator[Event]:
        """Read a frame without a delta: the answer begins, was stopped, or failed."""
        created, stopped = frame.get("response.created"), frame.get("response.stopped")
        if isinstance(created, dict):
            self._chat_id = str(created.get("chat_id") or self._chat_id)
            started = Started(_id_of(created), str(created.get("parent_id") or ""))
            self._generations.create(started)
            yield started
        elif "response.stopped" in frame:
            self._stopped = not self._generations.is_other(_id_of(stopped))
            self._end(stopped)
        elif error := error_in_frame(frame):
            raise error

    def _end(self, holder: object) -> None:
        """Note that the site is done, if `holder` names the answer that counts or none."""
        if not self._generations.is_other(_id_of(holder)):
            self.finished = self.ended = True

    def _delta(self, delta: dict[str, Any], frame: dict[str, Any]) -> Iterator[Event]:
        response_id, phase = _id_of(frame), delta.get("phase")
        is_other = self._generations.is_other(response_id)
        if not is_other and (usage := self._new_usage(frame.get("usage"))):
            yield usage
        if delta.get("status") == "error" and not is_other:
            raise error_in_delta(delta)
        if not is_other and (search := self._searches[response_id].grow(delta, frame)):
            self._answered = self._answered or bool(search.results)
            yield search
        if not (phase is None or isinstance(phase, str)):
            return
        if not is_other and (written := self._calls.feed(delta)):
            self._answered = True
            self._generations.choose(response_id)
            yield from written
        if phase in ANSWER_PHASES:
            if not is_other and (text := self._new_text(delta)):
                self._generations.choose(response_id)
                yield Text(text)
        elif phase in REASONING_PHASES or phase == "thinking_summary":
            if self._generations.thinks(response_id) and (text := self._new_thoughts(delta, response_id)):
                yield Reasoning(text)
        elif phase in IMAGE_PHASES:
            is_answer = phase in FINAL_PHASES
            if not (is_other and is_answer) and (images := self._new_images(delta, frame)):
                if is_answer:
                    self._generations.choose(response_id)
                yield from images
        if delta.get("status") == "finished" and not is_other and _ends_a_piece(delta, phase):
            self.finished = True

    def _new_text(self, delta: dict[str, Any]) -> str:
        content = delta.get("content")
        if not content or _is_tools(delta):
            return ""
        text = content if isinstance(content, str) else text_of_parts(content)
        if text:
            self._answered, self.finished = True, False
        return text

    def _new_thoughts(self, delta: dict[str, Any], response_id: str) -> str:
        if delta.get("phase") != "thinking_summary":
            return self._new_text(delta)
        text = self._summaries[response_id].grow(delta.get("extra"))
        if text:
            self._answered, self.finished = True, False
        return text

    def _new_images(self, delta: dict[str, Any], frame: dict[str, Any]) -> list[Image]:
        urls = [complete_address(address, self._origin, self._chat_id) for address in image_addresses(delta)]
        sizes = dict(zip(urls, image_sizes(delta, frame.get("usage")), strict=False))
        new = [url for url in dict.fromkeys(urls) if url not in self._images]
        self._images.update(new)
        self._answered = self._answered or bool(new)
        return [Image(url, *sizes.get(url, (0, 0))) for url in new]

    def _new_usage(self, counts: object) -> Usage | None:
        if not isinstance(counts, dict) or not counts:
            return None
        usage = token_counts(counts)
        if usage == self._usage:
            return None
        self._usage = usage
        return usage


def _is_tools(delta: dict[str, Any]) -> bool:
    """Tell whether a delta belongs to one of the site's own tools: the tool call, its result, or the result's end."""
    return delta.get("role") == "function" or isinstance(delta.get("function_call"), dict)


def _ends_a_piece(delta: dict[str, Any], phase: str | None) -> bool:
    """Tell whether a finished delta ends a piece of the answer: the calls of local tools are one, too."""
    return phase == LOCAL_PHASE or (phase in FINAL_PHASES and not _is_tools(delta))


def _id_of(holder: object) -> str:
    response_id = holder.get("response_id") if isinstance(holder, dict) else None
    return response_id if isinstance(response_id, str) else ""


def _is_whole(line: str) -> bool:
    """Tell whether a last frame lacks only its line break; otherwise it was cut."""
    payload = line.removeprefix("data:")
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return True
