"""The thread that closes what nobody needs, now and then and whenever it is woken. The pool says what that is.

Knows no accounts and no browsers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from qwenproxy.errors import ProxyError

log = logging.getLogger(__name__)

SWEEP_EVERY = 2.0  # seconds between two looks for browsers to close: the command line may be waiting for a profile


class Janitor:
    """Calls `sweep` from `start` to `close`."""

    def __init__(self, sweep: Callable[[], None]) -> None:
        self._sweep = sweep
        self._is_closed = False
        self._wake = threading.Event()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="pool-janitor", daemon=True).start()

    def wake(self) -> None:
        """Have it look at once."""
        self._wake.set()

    def close(self) -> None:
        """End. Idempotent."""
        self._is_closed = True
        self._wake.set()

    def _run(self) -> None:
        while not self._is_closed:
            self._wake.wait(SWEEP_EVERY)
            self._wake.clear()
            if self._is_closed:
                return  # the browsers that end now are no news
            try:
                self._sweep()
            except ProxyError as error:
                log.warning("idle browsers stay open: %s", error.message)
            except Exception as error:  # a bug, or a machine without threads: the next look may go well
                log.error("idle browsers stay open: unexpected %s", type(error).__name__)
