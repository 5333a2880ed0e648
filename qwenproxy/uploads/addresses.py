"""Decide which addresses the proxy may connect to for a client: public ones only. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from qwenproxy.errors import RequestError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Listed here, because Python's versions differ in which addresses they call global.
_CLOSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Special purposes (with Teredo), documentation, 6to4. NAT64, mapped and all local addresses lie outside 2000::/3.
_CLOSED_V6 = tuple(
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a web address. `host` is in lower case and ASCII, `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """The Host header's value."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == default_port(self.scheme) else f"{host}:{self.port}"


def is_public(address: IPAddress) -> bool:
    """Tell whether an address belongs to the open internet and to nothing else."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _CLOSED_V6)


def parse_target(url: str) -> Target:
    """Return the parts of an http(s) URL. Raises RequestError for another scheme or an odd spelling of a host."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode().lower().rstrip(".")
    except ValueError:
        raise _unreadable() from None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _is_plain_host(host):
        raise _unreadable()
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._")
    return Target(parts.scheme, host, port or default_port(parts.scheme), f"{path}?{query}" if query else path)


def default_port(scheme: str) -> int:
    """Return the port of a scheme."""
    return 443 if scheme == "https" else 80


def _is_plain_host(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # 2130706433, 0x7f.1 and 0177.0.0.1 are addresses for some programs and a name for none.
        last = host.rpartition(".")[2]
        return bool(re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", host)) and not re.fullmatch(r"\d+|0x[0-9a-f]*", last)
    return "%" not in str(address)


def _unreadable() -> RequestError:
    return RequestError("The URL of an image or file must be a plain http, https or data: URL.", param="messages")
