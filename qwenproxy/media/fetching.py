"""Read the file behind an address that the site gave for its own work (protocol 8.4).

Such addresses open without cookies, so Python reads them itself, by the account's way out, and keeps no connection.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from qwenproxy.browser.way_out import WayOut
from qwenproxy.errors import NetworkFailed, SiteFailure
from qwenproxy.uploads.object_store import through

CONNECT_TIMEOUT = 10.0  # seconds
SILENCE = 60.0  # seconds without a byte
_CHUNK = 1 << 16


class DeadAddress(SiteFailure):
    """The address leads to nothing, or to something else than the work."""


@dataclass(frozen=True, slots=True)
class WorkFetcher:
    """Reads works. `way_of` returns an account's way out; a site on this machine (`is_local`) may use plain HTTP."""

    way_of: Callable[[str], WayOut | None] = lambda account_id: None
    is_local: bool = False

    def fetch(self, address: str, account_id: str, most_bytes: int) -> bytes:
        """Return the bytes behind an address. Raises DeadAddress, NetworkFailed, SetupError (the proxy fails)."""
        self._check(address)
        way = self.way_of(account_id)
        if way is None:
            return _read(address, most_bytes, "")
        return way.carry(urlsplit(address).hostname or "", lambda proxy: _read(address, most_bytes, proxy))

    def _check(self, address: str) -> None:
        """Raise DeadAddress for an address that no work has: this machine's network is nothing for the site."""
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError:
            raise _dead("its address is invalid") from None
        if not self.is_local and (parts.scheme != "https" or _is_inner(host)):
            raise _dead("its address is not one of the open internet")


def _is_inner(host: str) -> bool:
    if not host or host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    with contextlib.suppress(ValueError):
        return not ipaddress.ip_address(host).is_global
    return "." not in host


def _read(address: str, most_bytes: int, proxy: str) -> bytes:
    try:
        with requests.get(
            address, stream=True, proxies=through(proxy), timeout=(CONNECT_TIMEOUT, SILENCE), allow_redirects=False
        ) as answer:
            if answer.status_code != 200:
                raise _dead(f"its address answers with status {answer.status_code}")
            data = bytearray()
            for chunk in answer.iter_content(_CHUNK):
                data += chunk
                if len(data) > most_bytes:
                    raise _dead(f"it is larger than {most_bytes} bytes")
            return bytes(data)
    except requests.RequestException as error:
        # Name only the kind of error, because its text quotes the address with its key.
        raise NetworkFailed(f"The site's files cannot be reached ({type(error).__name__}). Try again.") from None


def _dead(why: str) -> DeadAddress:
    return DeadAddress(f"The site made the file, but {why}. Try again in a moment.")
