"""The door: which key opens which scope.

The wire APIs ask it for every request. Two scopes: `client` for asking questions, `admin` for running the proxy.
Knows keys; knows neither HTTP nor routes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Literal, Protocol

from qwenproxy.errors import InvalidApiKey

Scope = Literal["client", "admin"]

log = logging.getLogger(__name__)

WRONG_KEY = (
    "Send a valid key: Authorization: Bearer <key> (or x-api-key: <key>). The keys are in Authorization.txt; "
    "on the proxy's machine, `qwenproxy keys list --show` shows them."
)
WRONG_ADMIN_KEY = (
    "Send the admin key: Authorization: Bearer <key>. It is in Admin.txt in the session folder; on the proxy's machine "
    "`qwenproxy dashboard` prints a link with it. Keys of clients do not open this address."
)
NO_KEY_LEFT = (
    "The proxy is open to other machines and has no API key left, so it refuses everybody. "
    "On its machine, `qwenproxy keys add` makes a key."
)
NO_ADMIN_KEY = "This address needs an admin key, and the proxy has none yet."


class Keys(Protocol):
    """The keys of one scope. Every member raises SetupError if they cannot be read."""

    @property
    def enabled(self) -> bool:
        """Whether there is any key."""

    def check(self, candidate: str) -> bool:
        """Tell whether a text is one of them."""


class Door:
    """Lets clients in by their keys. An admin key opens everything; a client's key, or none, opens no admin scope."""

    def __init__(self, client_keys: Keys, *, key_required: bool = False, admin_keys: Keys | None = None) -> None:
        """While there is no key at all, `key_required` keeps everybody out; without it every client comes in."""
        self._client_keys = client_keys
        self._admin_keys = admin_keys
        self._key_required = key_required
        self._has_warned = False

    def check(self, keys: Iterable[str], scope: Scope = "client") -> tuple[str, bool]:
        """Return the one of `keys` that opens the scope, "" where none is needed, and whether it is the admin's.

        Raises InvalidApiKey if none of them opens it, SetupError if the keys cannot be read.
        """
        candidates = tuple(keys)
        if key := self._opening(self._admin_keys, candidates):
            return key, True
        if scope == "admin":
            raise InvalidApiKey(WRONG_ADMIN_KEY if self._admin_keys else NO_ADMIN_KEY)
        if self._client_keys.enabled:
            self._has_warned = False
            if key := self._opening(self._client_keys, candidates):
                return key, False
            raise InvalidApiKey(WRONG_KEY)
        if self._key_required:
            self._warn_once()
            raise InvalidApiKey(NO_KEY_LEFT)
        return "", False

    def _warn_once(self) -> None:
        if not self._has_warned:
            log.warning("%s", NO_KEY_LEFT)
        self._has_warned = True

    @staticmethod
    def _opening(keys: Keys | None, candidates: tuple[str, ...]) -> str:
        return next((each for each in candidates if keys.check(each)), "") if keys is not None else ""
