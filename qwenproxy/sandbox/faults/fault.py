"""The faults a test can order, and the book that decides which call gets one.

A fault either answers a call in place of the site (answers.py), spoils the stream of an answer (streams.py; what is
odd there and no fault is in oddities.py), or hits the pages. Those modules know what each kind looks like; this one
knows only which call gets it.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COMPLETIONS = "/api/v2/chat/completions"

# kind -> its options; protocol 5.5, 6.1 to 6.4 and 13
KINDS: Mapping[str, frozenset[str]] = {
    # answers
    "rate_limited": frozenset({"num", "place", "in_stream", "flat", "real_429", "after", "details"}),
    "disguised_401": frozenset(),
    "parallel_limited": frozenset(),
    "quota_limit": frozenset({"code"}),
    "unauthorized": frozenset(),
    "unauthorized_http": frozenset(),
    "forbidden": frozenset(),
    "forbidden_http": frozenset(),
    "token_expired": frozenset({"after"}),
    "not_found": frozenset(),
    "bad_request": frozenset({"details"}),
    "validation_error": frozenset({"field"}),
    "chat_busy": frozenset(),
    "bad_parent": frozenset(),
    "unknown_chat": frozenset({"code"}),
    "unknown_model": frozenset(),
    "internal_error": frozenset(),
    "moderation": frozenset(),
    "http_500": frozenset(),
    "http_502": frozenset(),
    "http_503": frozenset(),
    "http_504": frozenset(),
    "captcha": frozenset({"action", "form", "type", "endless"}),
    "captcha_sticky": frozenset({"action", "form", "type", "endless"}),
    "waf": frozenset({"status"}),
    "empty_body": frozenset(),
    # pages
    "waf_page": frozenset({"status"}),
    # streams
    "internal_error_frame": frozenset({"after"}),
    "internal_error_string": frozenset({"after"}),
    "status_error": frozenset({"after"}),
    "moderation_mid_answer": frozenset({"after"}),
    "empty_after_created": frozenset(),
    "cut_before_end": frozenset({"after"}),
    "cut_mid_utf8": frozenset({"after"}),
    "cut_mid_frame": frozenset({"after"}),
    "split_utf8": frozenset(),
    "split_data_prefix": frozenset(),
    "coalesce": frozenset({"group"}),
    "byte_by_byte": frozenset({"interval_ms"}),
    "drip": frozenset({"size", "interval_ms"}),
    # what the site does besides, none of it a fault: protocol 5.2, 5.6, 5.7 and 8.1
    "segments": frozenset({"every", "pause_s", "cut_after"}),
    "function_channel": frozenset({"after", "name", "pause_s"}),
    "two_answers": frozenset({"thinking"}),
    "image_tool": frozenset({"after", "image", "form"}),
    "done_flag": frozenset({"seconds"}),
    "held_open": frozenset({"seconds"}),
    # either: before the head, or with `after` in the stream, as token_expired
    "stall": frozenset({"seconds", "keepalives", "every_s", "after"}),
    "reset": frozenset({"scope", "after"}),
}
_STREAM_KINDS = frozenset(
    {"internal_error_frame", "internal_error_string", "status_error", "moderation_mid_answer"}
    | {"empty_after_created", "cut_before_end", "cut_mid_utf8", "cut_mid_frame", "split_utf8", "split_data_prefix"}
    | {"coalesce", "byte_by_byte", "drip"}
    | {"segments", "function_channel", "two_answers", "image_tool", "done_flag", "held_open"}
)
# options that are numbers -> the least that they may be
_LEAST = {
    **dict.fromkeys(("num", "after", "seconds", "pause_s", "cut_after", "interval_ms", "every_s"), 0),
    **dict.fromkeys(("every", "group", "size"), 1),
    "status": 200,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `account` None hits every account.

    Of the calls that match account and path, the `nth` (counted from 1; None: the first) and those after it are hit,
    `times` in all (None: without end). A `path` ending in "*" matches every path that begins so. `waf_page` hits page
    loads whatever the path. Raises ValueError for an unknown kind or option.
    """

    kind: str
    account: str | None = None
    nth: int | None = None
    times: int | None = 1
    path: str = COMPLETIONS
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}; there are {', '.join(KINDS)}")
        unknown = set(self.options) - KINDS[self.kind]
        if unknown:
            known = ", ".join(sorted(KINDS[self.kind])) or "none"
            raise ValueError(f"{self.kind} knows no option {', '.join(sorted(unknown))}; it knows {known}")

    @property
    def in_stream(self) -> bool:
        """Whether the fault spoils the stream, so that the call is accepted first."""
        if self.kind in ("stall", "reset", "token_expired"):
            return "after" in self.options
        return self.kind in _STREAM_KINDS or bool(self.options.get("in_stream") or self.options.get("flat"))

    def hits(self, path: str, account_id: str | None) -> bool:
        """Tell whether a call to `path` by this account counts."""
        if self.account not in (None, account_id):
            return False
        if self.kind == "waf_page":
            return is_page(path)
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path


class FaultBook:
    """The ordered faults and how often each struck. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []

    def add(self, fault: Fault) -> None:
        """Order a fault."""
        with self._lock:
            self._entries.append(_Entry(fault))

    def clear(self) -> None:
        """Drop all faults."""
        with self._lock:
            self._entries.clear()

    def pending(self) -> list[Fault]:
        """Return the faults that may still strike."""
        with self._lock:
            return [entry.fault for entry in self._entries if not entry.is_spent]

    def take(self, path: str, account_id: str | None) -> Fault | None:
        """Count a call; return the fault it gets, the oldest of those that are due."""
        hit: Fault | None = None
        with self._lock:
            for entry in self._entries:
                if entry.fault.hits(path, account_id):
                    entry.calls += 1
                    if hit is None and entry.is_due:
                        entry.strikes += 1
                        hit = entry.fault
        return hit


@dataclass(slots=True)
class _Entry:
    fault: Fault
    calls: int = 0
    strikes: int = 0

    @property
    def is_spent(self) -> bool:
        return self.fault.times is not None and self.strikes >= self.fault.times

    @property
    def is_due(self) -> bool:
        return not self.is_spent and self.calls >= (self.fault.nth or 1)


def is_page(path: str) -> bool:
    """Tell whether this is the address of a page, not of an API call or an asset."""
    return path in ("/", "/auth", "/signin") or path.startswith("/c/")


def parse_fault(text: str) -> Fault:
    """Read `KIND key=value ...` from a prompt; values with spaces stand in quotes. Raises ValueError."""
    kind, *pairs = shlex.split(text) or [""]
    options = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        options[key] = _value(value)
        least = _LEAST.get(key)
        if least is not None and (isinstance(options[key], bool | str) or options[key] < least):
            raise ValueError(f"{key} takes a number from {least} on, not {value!r}")
    return Fault(kind, options=options)


def _value(text: str) -> Any:
    if text in ("true", "false", ""):
        return text != "false"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
