"""The address of a Selenium Grid, with user and password apart, so that neither gets into an address that is shown.

Used by grid_hub.py and by the command line. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

OLDER_PATH = "/wd/hub"  # what Selenium 3 had after the port; Grid 4 answers at the root


@dataclass(frozen=True, slots=True)
class GridAddress:
    """Where a hub is: `url` has neither user nor password, and no trailing slash."""

    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> GridAddress:
        """Read `http(s)://[user:password@]host[:port]`; what an address may not have in itself is percent-encoded."""
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
        path = parts.path.rstrip("/").removesuffix(OLDER_PATH)
        return cls(f"{parts.scheme}://{host}{path}", unquote(parts.username or ""), unquote(parts.password or ""))

    @property
    def is_safe(self) -> bool:
        """Whether nobody on the way can read what goes there: it is this machine, or TLS."""
        return self.url.startswith("https:") or self.is_local

    @property
    def is_local(self) -> bool:
        """Whether the hub is on this machine."""
        host = urlsplit(self.url).hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")

    def __str__(self) -> str:
        """Return the address as people may see it."""
        return self.url
