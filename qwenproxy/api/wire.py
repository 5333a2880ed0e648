"""What a wire API is to the rest of this room: routes, the form of its errors, and an encoder for its answers.

A new one is a folder with these three, its name in `api/__init__.py`, and its part of the OpenAPI document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Blueprint

from qwenproxy.chat import Event
from qwenproxy.errors import ProxyError
from qwenproxy.history.kept_answer import KeptAnswer


class Encoder(Protocol):
    """One answer in the form of one wire API. Made for each request; `begin` comes first in a stream.

    Every piece it returns leaves in one write; b"" is not sent. `keep_alive` bridges silence, also before `begin`.
    """

    @property
    def keep_alive(self) -> bytes:
        """A sign of life."""

    def begin(self, answer: KeptAnswer) -> bytes:
        """Return what opens the stream of an answer."""

    def event(self, event: Event) -> bytes:
        """Return an event of the answer, b"" for one that this API has no form for."""

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return the counts of a complete answer, b"" where they have no piece of their own or are not wanted."""

    def end(self, answer: KeptAnswer) -> bytes:
        """Return what closes the stream of a complete answer."""

    def failure(self, error: ProxyError) -> bytes:
        """Return what ends a stream that failed. Nothing follows."""

    def whole(self, answer: KeptAnswer) -> dict[str, Any]:
        """Return a complete answer for a client that does not stream."""


@dataclass(frozen=True, slots=True)
class WireApi:
    """A wire API. `error` gives the JSON of an error in its form.

    `addresses` matches the beginning of the paths whose errors have that form although no route is there; `roots` may
    be asked for without `/v1`; `unoffered` gives the word for what a path is about if the product offers nothing of it.
    """

    routes: tuple[Blueprint, ...]
    error: Callable[[ProxyError], dict[str, Any]]
    addresses: re.Pattern[str]
    roots: tuple[str, ...] = ()
    unoffered: Callable[[str], str | None] = lambda path: None
