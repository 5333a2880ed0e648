"""Logging for the whole product: one line per event on stderr, each with the request it belongs to.

Callers log ids, counts and their own words only: never a token, key, cookie or message text.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar

NO_REQUEST = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)


def forget_request() -> None:
    """End the request of this thread, so that its later log lines belong to none."""
    request_id.set(NO_REQUEST)


class _RequestFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request = request_id.get()
        return True


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        # A path may hold a line break, with which a client could forge a line.
        return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def configure(level: str) -> None:
    """Send the package's log lines to stderr from `level` (debug, info, warning, error) up. Idempotent."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_RequestFilter())
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s request=%(request)s %(message)s"))
    handler.setLevel(level.upper())
    package = logging.getLogger("qwenproxy")
    package.handlers = [handler]
    package.setLevel(level.upper())
    package.propagate = False
