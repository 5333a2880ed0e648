"""An answer in the form of the Responses API: numbered events, or one response object.

output.py makes the items; here are the response around them, the numbers of the events, and their frames.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from qwenproxy.api.responses.failures import error_event, failed_error
from qwenproxy.api.responses.filling import StreamEvent
from qwenproxy.api.responses.objects import new_id, response_object, usage_object
from qwenproxy.api.responses.output import Output, ReadPicture, SummaryOutput
from qwenproxy.api.responses.request import REASONING, SOURCES, ResponseRequest
from qwenproxy.api.sse import DONE, named_frame
from qwenproxy.chat import Event, Finish, Image, Usage
from qwenproxy.errors import ProxyError
from qwenproxy.history.kept_answer import KeptAnswer
from qwenproxy.observe import journal

Response = dict[str, Any]
Frame = Callable[[StreamEvent], bytes]
# Returns the file behind an address of the site, by the way of the account with this id. Raises ProxyError.
Fetch = Callable[[str, str], bytes]


class ResponseEncoder:
    """The encoder of one response. `response_id` is known from the start."""

    def __init__(
        self,
        request: ResponseRequest,
        on_end: Callable[[Response], None] | None = None,
        *,
        frame: Frame = named_frame,
        form: Callable[[Response], Response] | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        """`on_end` gets the final response once, before its last event leaves; its ProxyError fails the response.

        `frame` makes bytes of an event; only events of the usual frame are followed by `[DONE]`. `form` is
        that of a whole answer where it is no response. `fetch` is needed for pictures as items.
        """
        self.response_id = new_id("resp")
        self._request = request
        self._on_end = on_end
        self._frame = frame
        self._done = DONE if frame is named_frame else b""
        self._form = form
        self._identity: dict[str, Any] = {
            "id": self.response_id,
            "created_at": int(time.time()),
            "model": request.chat.model or "",
        }
        self._fetch = fetch if request.gives_pictures else None
        self._account_id = ""
        self._output: Output | SummaryOutput = _output(request, self._read)
        self._number = 0
        self._has_begun = False
        self._is_queued = False

    @property
    def keep_alive(self) -> bytes:
        """A sign of life: the response is in progress. Comments would not do, because Codex does not count them."""
        if not self._has_begun:
            return self._begin()
        return self._frames([{"type": "response.in_progress", "response": self.response("in_progress")}])

    def begin(self, answer: KeptAnswer) -> bytes:
        """Return the first two events, b"" if a sign of life has sent them."""
        self._note(answer)
        return b"" if self._has_begun else self._begin()

    def event(self, event: Event) -> bytes:
        """Return the events of an event of the answer."""
        if isinstance(event, Finish):
            return self._frames(self._output.close(_item_status(event)))
        return self._frames(self._output.take(event))

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return b"": the counts stand in the last event."""
        return b""

    def end(self, answer: KeptAnswer) -> bytes:
        """Return the last event, with the whole response."""
        response = self._final(answer)
        try:
            self._tell(response)
        except ProxyError as error:
            return self._failed(error)
        return self._frames([{"type": f"response.{response['status']}", "response": response}]) + self._done

    def failure(self, error: ProxyError) -> bytes:
        """Return the events of a failure: for libraries one that they raise, for Codex the failed response."""
        begin = b"" if self._has_begun else self._begin()
        with suppress(ProxyError):  # the client learns of the first failure
            self._tell(self.response("failed", error=failed_error(error)))
        return begin + self._failed(error)

    def whole(self, answer: KeptAnswer) -> Response:
        """Return the response of a complete answer. Raises what `on_end` raises."""
        self._note(answer)
        for event in answer.run.answer.events():
            self._output.take(event)
        self._output.close(_item_status(answer.run.answer.finish))
        response = self._final(answer)
        self._tell(response)
        return self._form(response) if self._form else response

    def response(self, status: str, **more: Any) -> Response:
        """Return the response as it is now; `more` are fields that are known."""
        return response_object(self._identity, self._request.echo, status, self._output.items, **more)

    def queued(self) -> bytes:
        """Return the first two events of a response that has to wait; the one that it is in progress comes later."""
        self._is_queued = True
        response = self.response("queued")
        return self._frames({"type": kind, "response": response} for kind in ("response.created", "response.queued"))

    def without_answer(self) -> bytes:
        """Return all events of a response for which the model has nothing to do."""
        begin = b"" if self._has_begun else self._begin()
        usage = usage_object(Usage(0, 0))
        response = self.response("completed", completed_at=int(time.time()), usage=usage)
        self._tell(response)
        return begin + self._frames([{"type": "response.completed", "response": response}]) + self._done

    def _begin(self) -> bytes:
        self._has_begun = True
        response = self.response("in_progress")
        kinds = ("response.in_progress",) if self._is_queued else ("response.created", "response.in_progress")
        begin = self._frames({"type": kind, "response": response} for kind in kinds)
        if self._fetch and self._request.chat.work and isinstance(self._output, Output):
            begin += self._frames(self._output.await_picture())
        return begin

    def _note(self, answer: KeptAnswer) -> None:
        self._identity["model"] = answer.run.model
        self._account_id = answer.run.account_id

    def _read(self, image: Image) -> bytes | None:
        """Return the file of a picture; None if it cannot be had, since the client then still gets its address."""
        if self._fetch is None:
            return None
        try:
            return self._fetch(image.url, self._account_id)
        except ProxyError as error:
            journal.note(journal.PicturesMissing(1, error.code, error.message))
            return None

    def _final(self, answer: KeptAnswer) -> Response:
        is_cut = answer.run.answer.finish_reason == "length"
        known: dict[str, Any] = {"usage": usage_object(answer.run.answer.counts(answer.run.chat))}
        if is_cut:
            return self.response("incomplete", incomplete_details={"reason": "max_output_tokens"}, **known)
        return self.response("completed", completed_at=int(time.time()), **known)

    def _failed(self, error: ProxyError) -> bytes:
        response = self.response("failed", error=failed_error(error))
        return self._frames([error_event(error), {"type": "response.failed", "response": response}])

    def _tell(self, response: Response) -> None:
        call, self._on_end = self._on_end, None
        if call:
            call(response)

    def _frames(self, events: Iterable[Mapping[str, Any]]) -> bytes:
        return b"".join(self._frame({**event, "sequence_number": self._next_number()}) for event in events)

    def _next_number(self) -> int:
        self._number += 1
        return self._number - 1


def _output(request: ResponseRequest, read_picture: ReadPicture) -> Output | SummaryOutput:
    if request.wants_summary:
        return SummaryOutput()
    include = request.include
    return Output(
        request.chat.tools,
        seals_thoughts=REASONING in include,
        names_sources=SOURCES in include,
        read_picture=read_picture,
    )


def _item_status(finish: Finish | None) -> str:
    return "incomplete" if finish and finish.reason == "length" else "completed"
