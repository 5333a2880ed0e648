"""The works that the site made, each behind an address with a key (protocol 8.1).

A work is kept by its path; the object store's port serves it without any login.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from qwenproxy.sandbox.envelope import compact

_MAX_WORKS = 200  # a soak test must not fill the memory


@dataclass(frozen=True, slots=True)
class Work:
    """One made file. A `dead` one has an address that leads nowhere."""

    data: bytes
    content_type: str
    key: str
    dead: bool = False


class Gallery:
    """All works of a sandbox. `origin` is the address of the port that serves them, empty until that listens."""

    def __init__(self) -> None:
        self.origin = ""
        self._works: dict[str, Work] = {}

    def add(self, path: str, data: bytes, content_type: str, owner: Mapping[str, str], *, dead: bool = False) -> str:
        """Keep a work and return its address. `owner` are the claims of the key in it."""
        middle = base64.urlsafe_b64encode(compact(dict(owner)).encode()).decode().rstrip("=")
        key = f"eyJhbGciOiJIUzI1NiJ9.{middle}.{secrets.token_urlsafe(24)}"
        self._works[path] = Work(data, content_type, key, dead)
        while len(self._works) > _MAX_WORKS:
            del self._works[next(iter(self._works))]
        return f"{self.origin}/{quote(path)}?key={key}"

    def find(self, path: str) -> Work | None:
        """Return the work at this path."""
        return self._works.get(path)
