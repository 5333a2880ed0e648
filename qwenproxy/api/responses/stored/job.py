"""One response that is made in the background: from the queue to its end, which is written down exactly once.

A worker of background.py runs it; a client may cancel it, and the end of the server interrupts it, at any time.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from qwenproxy.api.answering import as_proxy_error, stream
from qwenproxy.api.responses.encoder import ResponseEncoder
from qwenproxy.api.responses.stored.continuing import Asked, Response
from qwenproxy.api.responses.stored.events import Events
from qwenproxy.api.sse import named_frame
from qwenproxy.errors import ClientGone, QueueTimeout, StorageError
from qwenproxy.history.conversations import Alone, Conversations
from qwenproxy.history.kept_answer import KeptAnswer
from qwenproxy.history.stored.responses import INTERRUPTED
from qwenproxy.observe import journal

log = logging.getLogger(__name__)

PATIENCE = 3600.0  # seconds that a response waits for a free account
PAUSE = 1.0  # seconds between two tries to get one, beside the wait in the queue


class Job:
    """A response in the making. `events` are those of its stream."""

    def __init__(self, asked: Asked, conversations: Conversations, waiting: ExitStack) -> None:
        """`waiting` holds its conversation until it has ended."""
        self.client = asked.asker.client
        self.events = Events()
        self._asked = asked
        self._conversations = conversations
        self._waiting = waiting
        self._encoder = ResponseEncoder(asked.request, self._settle, fetch=asked.asker.fetch)
        self.id = self._encoder.response_id
        self._deciding = threading.Lock()
        self._has_begun = False
        self._is_settled = False
        self._unwanted = threading.Event()

    def prepare(self) -> None:
        """Write down that the response waits. Raises StorageError."""
        self._asked.asker.stored.responses.begin(self._asked.new_response(self.response("queued")))
        self.events.add(self._encoder.queued())

    def response(self, status: str, **more: Any) -> Response:
        """Return the response as it is now."""
        return self._encoder.response(status, **more)

    def run(self) -> None:
        """Make the response, unless it has ended before its turn."""
        with self._deciding:
            self._has_begun = not self._is_settled
        if not self._has_begun:
            self.release()
            return
        try:
            self._note_begin()
            self._make()
        except Exception as error:
            failure = as_proxy_error(error)
            journal.note(journal.NoAnswer(failure.code, failure.message))
            self.events.add(self._encoder.failure(failure))
        finally:
            self._end()

    def release(self) -> None:
        """Give up a job that does not run. Idempotent."""
        self._waiting.close()

    def cancel(self) -> None:
        """End the response because its client wants that. Idempotent. Raises StorageError."""
        self._break_off("cancelled")

    def interrupt(self) -> None:
        """End the response because the server ends. Idempotent."""
        try:
            self._break_off("failed", error=INTERRUPTED)
        except StorageError as error:
            log.warning("response %s: what became of it is not kept: %s", self.id, error.message)

    def _make(self) -> None:
        try:
            with self._answer() as answer:
                for piece in stream(answer, self._encoder, self._unwanted.is_set):
                    self.events.add(piece)
        except ClientGone:
            log.info("response %s ended before its answer began", self.id)

    def _answer(self) -> KeptAnswer:
        """Begin the answer; wait for a free account much longer than a client in the foreground does."""
        chat = replace(self._asked.request.chat, client=self.client)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._conversations.answer(Alone(), chat, self._unwanted.is_set)
            except QueueTimeout:
                if time.monotonic() > deadline or self._unwanted.wait(PAUSE):
                    raise

    def _note_begin(self) -> None:
        with self._deciding:
            if not self._is_settled:
                self._write(self.response("in_progress"))

    def _settle(self, response: Response) -> None:
        """Write down how the response ended, unless it was broken off. Raises StorageError."""
        with self._deciding:
            if not self._is_settled:
                self._is_settled = True
                self._write(response)

    def _break_off(self, status: str, **more: Any) -> None:
        response = self.response(status, **more)
        with self._deciding:
            if self._is_settled:
                return
            self._is_settled = True
            self._unwanted.set()
            try:
                self._write(response)
            finally:
                # The worker may still bring events; they are over once this one stands behind them.
                last = {"type": "response.failed", "response": response}
                self.events.end_with(lambda number: named_frame({**last, "sequence_number": number}))
        if not self._has_begun:
            self._end()

    def _write(self, response: Response) -> None:
        self._asked.asker.stored.responses.note(self._asked.new_response(response))

    def _end(self) -> None:
        self.events.end()
        try:
            self._asked.asker.stored.responses.keep_events(self.id, self.client, self.events.packed())
        except StorageError as error:
            log.warning("response %s: its stream is not kept: %s", self.id, error.message)
        finally:
            self._waiting.close()
