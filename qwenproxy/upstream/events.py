"""The site's answer stream as events: text as it arrives goes in, Text, Reasoning, Usage and the like come out.

Stands between a tab's response and the relay's run (protocol section 5). Does no I/O and knows no clients; errors that
the site puts into a stream are judged by refusals.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from qwenproxy.chat import Event, Finish, Image, Reasoning, Search, Started, Text, Usage
from qwenproxy.errors import EmptyAnswer, ProtocolChanged, ProxyError, UpstreamError
from qwenproxy.upstream.phases import ThinkingSummary, image_addresses, search_results, text_of_parts
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
# thinking and tools end their own phases: only these end the answer (section 0, rule 3)
_FINAL_PHASES = _ANSWER_PHASES | {"image_gen", "image_edit"}


class EventDecoder:
    """Decode one answer, however its text is cut.

    `finished` turns true when the final phase has ended; the site closes the stream soon after. `started` holds the
    site's ids once it has told them. Events that precede an error in the same text are returned first; the next call
    raises the error, so call `feed` on silence, too.
    """

    def __init__(self, chat_id: str = "", *, origin: str = "") -> None:
        """Prepare for an answer. `chat_id` and `origin` (scheme and host) complete the addresses of images."""
        self.started: Started | None = None
        self.finished = False
        self._chat_id = chat_id
        self._origin = origin
        self._tail: list[str] = []  # pieces, joined once: a line may arrive letter by letter
        self._usage: Usage | None = None
        self._answered = False
        self._closed = False
        self._error: ProxyError | None = None
        self._summary = ThinkingSummary()
        self._images: set[str] = set()
        self._search: Search | None = None

    def feed(self, text: str) -> list[Event]:
        """Take text as it arrives, "" for silence; return the events it completes.

        Raises what the site reports in the stream (section 5.5) and ProtocolChanged for a frame that is no JSON.
        """
        if self._error is not None:
            raise self._error
        # on CR and LF only: str.splitlines would also cut at U+2028 inside an answer
        if "\n" not in text and "\r" not in text:
            if text:
                self._tail.append(text)
            return []
        lines = ("".join(self._tail) + text).replace("\r", "\n").split("\n")
        self._tail = [lines.pop()]
        return self._decode(lines)

    def flush(self) -> list[Event]:
        """Take note that the body has ended; return what is left and Finish.

        Raises EmptyAnswer if nothing of an answer came, UpstreamError if the answer was cut, and what `feed` raises.
        """
        if self._error is not None:
            raise self._error
        tail, self._tail = "".join(self._tail), []
        events = self._decode([tail]) if _is_whole(tail) else []
        if self._error is None and not self._closed:
            self._closed = True
            if not self._answered:
                self._error = EmptyAnswer("The site ended its answer before it began. Try again in a moment.")
            elif not self.finished:
                self._error = UpstreamError("The site cut its answer short: what came is incomplete. Ask again.")
            else:
                events.append(Finish())
        # nobody calls again: what a last frame without its line break held matters less than the error
        if self._error is not None:
            raise self._error
        return events

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
        if self._closed:
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
        if not choices:
            self._notice(frame, events)
            return
        usage = frame.get("usage")
        if isinstance(usage, dict) and usage:
            self._count(usage, events)
        choice = choices[0] if isinstance(choices, list) else None
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict):
            self._delta(delta, events)

    def _notice(self, frame: dict[str, Any], events: list[Event]) -> None:
        created = frame.get("response.created")
        if isinstance(created, dict):
            self._chat_id = str(created.get("chat_id") or self._chat_id)
            self.started = Started(str(created.get("response_id") or ""), str(created.get("parent_id") or ""))
            events.append(self.started)
        elif "response.stopped" in frame:
            self.finished = self._closed = True
            events.append(Finish())
        else:
            error = error_in_frame(frame)
            if error is not None:
                raise error

    def _delta(self, delta: dict[str, Any], events: list[Event]) -> None:
        phase, status = delta.get("phase"), delta.get("status")
        if status == "error":
            raise error_in_delta(delta)
        if not (phase is None or isinstance(phase, str)):
            return
        if phase in _ANSWER_PHASES:
            self._say(Text, delta, events)
        elif phase in _REASONING_PHASES:
            self._say(Reasoning, delta, events)
        elif phase == "thinking_summary":
            new = self._summary.grow(delta.get("extra"))
            if new:
                self._answered = True
                events.append(Reasoning(new))
        elif phase == "web_search":
            self._found(delta, events)
        elif phase in _IMAGE_PHASES:
            self._show(delta, events)
        if status == "finished" and phase in _FINAL_PHASES:
            self.finished = True

    def _say(self, kind: Callable[[str], Text | Reasoning], delta: dict[str, Any], events: list[Event]) -> None:
        content = delta.get("content")
        if content:
            text = content if isinstance(content, str) else text_of_parts(content)
            if text:
                self._answered = True
                events.append(kind(text))

    def _found(self, delta: dict[str, Any], events: list[Event]) -> None:
        search = Search(search_results(delta.get("extra")))
        if search.results and search != self._search:
            self._search = search
            self._answered = True
            events.append(search)

    def _show(self, delta: dict[str, Any], events: list[Event]) -> None:
        for address in image_addresses(delta):
            url = self._completed(address)
            if url not in self._images:
                self._images.add(url)
                self._answered = True
                events.append(Image(url))

    def _completed(self, address: str) -> str:
        if address.startswith(("http://", "https://", "data:")):
            return address
        if address.startswith("//"):
            return f"https:{address}"
        if address.startswith("/api/"):
            return self._origin + address
        return f"{self._origin}/api/v2/chat/{self._chat_id}/{address.lstrip('/')}"

    def _count(self, usage: dict[str, Any], events: list[Event]) -> None:
        output_details, prompt_details = (
            usage.get("output_tokens_details"),
            usage.get("prompt_tokens_details"),
        )
        counted = Usage(
            _tokens(usage, "input_tokens"),
            _tokens(usage, "output_tokens"),
            _tokens(output_details, "reasoning_tokens") if output_details else 0,
            _tokens(prompt_details, "cached_tokens") if prompt_details else 0,
        )
        if counted != self._usage:
            self._usage = counted
            events.append(counted)


def _tokens(counts: object, key: str) -> int:
    count = counts.get(key) if isinstance(counts, dict) else None
    return count if type(count) is int and count >= 0 else 0


def _is_whole(line: str) -> bool:
    """Tell a last frame that lacks only its line break from one that was cut."""
    payload = line.removeprefix("data:")
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return True
