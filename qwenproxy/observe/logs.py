"""Logging for the whole product: one line per event on stderr, each with the request it belongs to.

Callers log ids, counts and their own words only: never a token, key, cookie or message text.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import asdict, is_dataclass
from datetime import datetime, timezone
from typing import Any

import orjson

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


class _Json(logging.Formatter):
    """A line as an object, for programs that collect logs; an event of the journal brings its own fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "request": request_id.get(),
            "message": record.getMessage(),
        }
        if is_dataclass(record.msg) and not isinstance(record.msg, type):
            fields |= {"event": type(record.msg).__name__, "fields": asdict(record.msg)}
        return orjson.dumps(fields, default=str).decode()


FORMATS: dict[str, Callable[[], logging.Formatter]] = {
    "text": lambda: _OneLine("%(asctime)s %(levelname)s request=%(request)s %(message)s"),
    "json": _Json,
}


def configure(level: str, form: str = "text") -> None:
    """Send the package's log lines to stderr from `level` (debug, info, warning, error) up. Idempotent.

    `form` is text, for people, or json, one object a line, for programs.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_RequestFilter())
    handler.setFormatter(FORMATS[form]())
    handler.setLevel(level.upper())
    package = logging.getLogger("qwenproxy")
    package.handlers = [handler]
    package.setLevel(level.upper())
    package.propagate = False
