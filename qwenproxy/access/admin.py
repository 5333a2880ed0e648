"""The admin key: Admin.txt, and what a web page gets in its place, a cookie and a token of the page's own.

The key opens everything. A browser sends the cookie by itself, also for a page of somebody else; so what changes
something needs the page's token besides, which only our own page can read. Knows no HTTP.
"""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from itsdangerous import BadSignature, Signer, TimestampSigner

from qwenproxy.access.keys import KeyFile

COOKIE_DAYS = 30
ADMIN = "admin"  # what stands for the client that has the admin key, whichever that is

TEMPLATE = """\
# The admin key: it opens the dashboard (/ui/), /admin/api, /metrics, and every other address.
# Whoever has it can use and remove the accounts. Give it to nobody; clients get keys of their own from
# "qwenproxy keys add". To change it, replace the line below; a browser then has to log in again.
#
"""


class AdminKeys:
    """The admin keys in one file; there is always one, unless a person has emptied the file."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file

    @classmethod
    def open(cls, path: Path) -> AdminKeys:
        """Return the keys of a file, which is made with a random key if there is none. Raises SetupError."""
        return cls(KeyFile.open(path, f"{TEMPLATE}{new_key()}\n"))

    @property
    def enabled(self) -> bool:
        """Whether there is a key. Raises SetupError."""
        return self._file.enabled

    def check(self, candidate: str) -> bool:
        """Tell whether a text is an admin key. Raises SetupError."""
        return self._file.check(candidate)

    def first(self) -> str:
        """Return the key for the link of the dashboard, "" for none. Raises SetupError."""
        return next(iter(self._file.keys()), "")

    def new_cookie(self) -> str:
        """Return the value of a new cookie. It holds as long as the key, and COOKIE_DAYS at most. Raises SetupError."""
        return self._signer().sign(secrets.token_urlsafe(16)).decode()

    def accepts_cookie(self, cookie: str) -> bool:
        """Tell whether a cookie is one of ours and still holds. Raises SetupError."""
        if not cookie or not self.enabled:
            return False
        try:
            self._signer().unsign(cookie, max_age=COOKIE_DAYS * 86400)
        except BadSignature:  # too old, too
            return False
        return True

    def page_token(self, cookie: str) -> str:
        """Return the token of the page that has this cookie. Raises SetupError."""
        return Signer(list(self._file.keys()), salt="qwenproxy page").get_signature(cookie).decode()

    def accepts_page(self, cookie: str, token: str) -> bool:
        """Tell whether a token is that of the page with this cookie. Raises SetupError."""
        expected = self.page_token(cookie).encode()
        return hmac.compare_digest(expected, token.encode("utf-8", "surrogatepass"))

    def _signer(self) -> TimestampSigner:
        return TimestampSigner(list(self._file.keys()), salt="qwenproxy cookie")


def new_key() -> str:
    """Return a new random admin key."""
    return f"qpa-{secrets.token_urlsafe(32)}"
