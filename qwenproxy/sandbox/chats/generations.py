"""The answers under way: at most one per chat, visible to tests, stoppable, and never left behind.

Lives on the server's event loop; only running() is for other threads.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from qwenproxy.sandbox.chats.chat import Chat, ChatMessage
from qwenproxy.sandbox.envelope import SiteError, bad_request
from qwenproxy.sandbox.journal import Journal


@dataclass(frozen=True, slots=True)
class Running:
    """An answer under way, as tests see it."""

    chat_id: str
    account_id: str
    response_id: str


class Generation:
    """One answer under way: it can rest until its next frame is due, be stopped, and ends exactly once."""

    def __init__(self, owner: Generations, chat: Chat, answer: ChatMessage, release_s: float) -> None:
        self.answer = answer
        self.running = Running(chat.id, chat.account_id, answer.id)
        self.stopped = False
        self._owner = owner
        self._chat = chat
        self._release_s = release_s
        self._ended = False
        self._rest: asyncio.Future[None] | None = None

    async def rest_until(self, due: float) -> None:
        """Wait until `due` on the event loop's clock, or until the answer is stopped; always lets others run."""
        loop = asyncio.get_running_loop()
        if self.stopped or due <= loop.time():
            await asyncio.sleep(0)
            return
        rest = self._rest = loop.create_future()
        timer = loop.call_at(due, _wake, rest)
        try:
            await rest
        finally:
            timer.cancel()

    def stop(self) -> None:
        """Make the answer end early."""
        self.stopped = True
        if self._rest is not None:
            _wake(self._rest)

    def end(self, *, lost: bool = False) -> None:
        """Free the chat; after a lost client it stays busy for a while, as at the site. Idempotent."""
        if self._ended:
            return
        self._ended = True
        self._chat.answering = False
        if lost:
            self._chat.busy_until = time.monotonic() + self._release_s
        self._owner.forget(self)


class Generations:
    """All answers under way."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._by_answer: dict[str, Generation] = {}

    def check(self, chat: Chat, parallel_limit: int | None) -> None:
        """Raise SiteError if the chat or its account may not have another answer under way."""
        if chat.busy:
            raise bad_request("The chat is in progress!")
        own_count = sum(running.account_id == chat.account_id for running in self.running())
        if parallel_limit is not None and own_count >= parallel_limit:
            raise SiteError(429, "ParallelLimited", "Too many answers are being generated at the same time.")

    def begin(self, chat: Chat, answer: ChatMessage, release_s: float) -> Generation:
        """Start an answer in a chat after check() passed."""
        generation = Generation(self, chat, answer, release_s)
        with self._journal.changed:
            chat.answering = True
            self._by_answer[answer.id] = generation
            self._journal.changed.notify_all()
        return generation

    def find(self, chat_id: object, response_id: object) -> Generation | None:
        """Return the answer under way in this chat; a response id narrows the search."""
        for generation in self._by_answer.values():
            running = generation.running
            if running.chat_id == chat_id and response_id in (None, "", running.response_id):
                return generation
        return None

    def forget(self, generation: Generation) -> None:
        """Drop an answer that ended."""
        with self._journal.changed:
            self._by_answer.pop(generation.answer.id, None)
            self._journal.changed.notify_all()

    def running(self) -> list[Running]:
        """Return what is being generated now, oldest first."""
        with self._journal.changed:
            return [generation.running for generation in self._by_answer.values()]


def _wake(rest: asyncio.Future[None]) -> None:
    if not rest.done():
        rest.set_result(None)
