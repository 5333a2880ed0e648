"""Work that goes on although the client it was begun for has left.

Stands below the pool and the browsers: opening a browser or loading a page takes seconds, and others may need it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

from qwenproxy.errors import ClientGone

LOOK_EVERY = 1.0  # seconds between two looks whether the client is still there

Result = TypeVar("Result")


def unless_gone(work: Callable[[], Result], client_gone: Callable[[], bool], name: str) -> Result:
    """Return what `work` returns, or raise what it raises; it runs in a thread of that name.

    Raises ClientGone as soon as the client has left; the work then goes on without it.
    """
    done = threading.Event()
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    # With what the log knows of the request.
    threading.Thread(target=contextvars.copy_context().run, args=(run,), name=name, daemon=True).start()
    while not done.wait(LOOK_EVERY):
        if client_gone():
            raise ClientGone("The client hung up.")
    if errors:
        raise errors[0]
    return results[0]
