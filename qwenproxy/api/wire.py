"""The parts of a wire API: routes, the form of its errors, and an encoder for its answers.

A new wire API is a folder with these three, its name in `api/__init__.py`, and its part of the OpenAPI document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Blueprint

from qwenproxy.chat import Event
from qwenproxy.errors import ProxyError
from qwenproxy.history.kept_answer import KeptAnswer


class Encoder(Protocol):
    """Encodes one answer in the form of one wire API. Each request gets a new one; in a stream `begin` comes first.

    The server sends every piece in one write, and nothing for b"". `keep_alive` bridges silence, also before `begin`.
    """

    @property
    def keep_alive(self) -> bytes:
        """A sign of life."""

    def begin(self, answer: KeptAnswer) -> bytes:
        """Return the begin of a stream."""

    def event(self, event: Event) -> bytes:
        """Return an event of the answer, b"" for one without a form in this API."""

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return the counts of a complete answer, b"" if they have no own piece or the client does not want them."""

    def end(self, answer: KeptAnswer) -> bytes:
        """Return the end of the stream of a complete answer."""

    def failure(self, error: ProxyError) -> bytes | tuple[bytes, ...]:
        """Return the end of a stream that failed; of several pieces a client reads each alone."""

    def whole(self, answer: KeptAnswer) -> dict[str, Any]:
        """Return a complete answer for a client that does not stream."""


@dataclass(frozen=True, slots=True)
class WireApi:
    """A wire API. `error` returns the JSON of an error in its form.

    `addresses` matches the beginning of paths without a route whose errors have this form; `roots` are the addresses
    that also work without `/v1`; `unoffered` returns the topic of a path if the product offers nothing of it. `refusal`
    returns the error for a path whose route is missing or wants another method, None where that is all there is to say.
    `error_headers` returns headers of an error's answer; `claims` tells whether the client of the current request reads
    this API's form, whatever the address.
    """

    routes: tuple[Blueprint, ...]
    error: Callable[[ProxyError], dict[str, Any]]
    addresses: re.Pattern[str]
    roots: tuple[str, ...] = ()
    unoffered: Callable[[str], str | None] = lambda path: None
    error_headers: Callable[[], Mapping[str, str]] = dict
    claims: Callable[[], bool] = lambda: False
    refusal: Callable[[str], ProxyError | None] = lambda path: None
