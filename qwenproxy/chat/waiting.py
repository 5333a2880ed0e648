"""Work in a thread of its own, which goes on when its client leaves.

Opening a browser or loading a page takes seconds, and other clients may need it. Stands below the accounts and
the wire APIs; knows neither.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from qwenproxy.errors import ClientGone

LOOK_EVERY = 1.0  # seconds between two looks whether the client is still there

ClientGoneCheck = Callable[[], bool]
Result = TypeVar("Result")


def never_gone() -> bool:
    """Return False: for a caller that always waits."""
    return False


def check_client(client_gone: ClientGoneCheck, message: str = "The client hung up.") -> None:
    """Return if the client is still there. Raises ClientGone with `message`."""
    if client_gone():
        raise ClientGone(message)


class Closable(Protocol):
    """Something that can be closed."""

    def close(self) -> None:
        """End it. Idempotent."""


Life = TypeVar("Life", bound=Closable)


class Work(Generic[Result]):
    """Work in a thread of its own, which logs for the same request."""

    def __init__(self, work: Callable[[], Result], name: str) -> None:
        """Prepare it; `name` is the thread's."""
        self._work = work
        self._name = name
        self._end = threading.Event()
        self._result: Result
        self._error: BaseException | None = None

    def start(self) -> Work[Result]:
        """Begin it, and return it."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run,), name=self._name, daemon=True).start()
        return self

    def wait(self, seconds: float) -> bool:
        """Wait for its end, for `seconds` at most; return whether it ended."""
        return self._end.wait(seconds)

    def result(self) -> Result:
        """Return what it returned, or raise what it raised, once it has ended."""
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:
            self._error = error
        self._settle()

    def _settle(self) -> None:
        self._end.set()


class Coming(Work[Life]):
    """Something closable in the making; a caller that needs it no longer closes it, ready or not."""

    def __init__(self, work: Callable[[], Life], name: str) -> None:
        super().__init__(work, name)
        self._closing = threading.Lock()
        self._is_unwanted = False

    def close(self) -> None:
        """Close the result, now or as soon as it is there. Idempotent, from any thread."""
        with self._closing:
            was_unwanted, self._is_unwanted = self._is_unwanted, True
            has_ended = self._end.is_set()
        if has_ended and not was_unwanted and self._error is None:
            self._result.close()

    def _settle(self) -> None:
        # Under the lock, so that either this thread closes the result or the one that calls close.
        with self._closing:
            self._end.set()
            is_unwanted = self._is_unwanted
        if is_unwanted and self._error is None:
            self._result.close()


def unless_gone(work: Callable[[], Result], client_gone: ClientGoneCheck, name: str) -> Result:
    """Return what `work` returns, or raise what it raises; it runs in a thread of that name.

    Raises ClientGone as soon as the client has left; the work then goes on without it.
    """
    running = Work(work, name).start()
    while not running.wait(LOOK_EVERY):
        check_client(client_gone)
    return running.result()
