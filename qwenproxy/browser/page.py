"""The seam between the relay and a tab: one request in, one response out, as plain values.

The relay and its tests know only these types; the tab (real) and FakeTab (tests) implement them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A call for the page to make with its own fetch.

    `path` is relative to the site's origin and starts with "/". `body` is JSON text. The page adds what only it knows
    (protocol 9): cookies, anti-bot headers, `version`, `timezone`, and Authorization if needed.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers (names in lower case) of an answer."""

    status: int
    headers: Mapping[str, str]


class PageResponse(Protocol):
    """An answer on its way. The caller of `fetch` closes it; closing early aborts the fetch in the page."""

    def head(self, wait: float) -> Head | None:
        """Return status and headers, None if they do not come within `wait` seconds. Call it before `iter_text`.

        Raises NetworkFailed, TabLost.
        """

    def iter_text(self) -> Iterator[str]:
        """Yield decoded text as it arrives, and "" after each second of silence, until the end of the body.

        Raises NetworkFailed, TabLost.
        """

    def when_complete(self, call: Callable[[], None]) -> None:
        """Call `call`, from any thread, once the whole body has left the site; never if the answer breaks off.

        This may be long before `iter_text` has yielded all of it.
        """

    def close(self) -> None:
        """Abort the fetch if it still runs. Idempotent."""


class Page(Protocol):
    """Carries calls to the site as one logged-in account."""

    @property
    def origin(self) -> str:
        """Return the site's scheme and host, to complete its relative addresses."""

    def fetch(self, request: PageRequest) -> PageResponse:
        """Start a call; returns at once. Raises TabLost."""

    def send(self, request: PageRequest) -> None:
        """Start a call and ignore its answer. Never raises."""
