"""The outgoing proxy of an account as a value: read from a person's text, shown without its password.

local.py and the uploads ask for an account's proxy; forwarding/ speaks with it. Opens no connection.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from qwenproxy.disk.folder import BrowserFolder
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase

DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080}
_SAME = {"socks5h": "socks5"}  # names are always looked up by the proxy
_LONGEST_SOCKS_WORD = 255  # bytes of a user or a password in SOCKS5 (RFC 1929)
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<login>[^/?#]*)@)?(?P<place>[^/?#@]+)/?")


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """A proxy; `scheme` is http, https or socks5. `host` is an IPv6 address without brackets, or ASCII."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> ProxyAddress:
        """Read `scheme://[user:password@]host[:port]`, user and password percent-encoded. Raises SetupError."""
        text = text.strip()
        match = _URL.fullmatch(text)
        if match is None or not text.isprintable():
            raise SetupError(Phrase("proxy_unreadable"))
        scheme = _SAME.get(match["scheme"].lower(), match["scheme"].lower())
        if scheme not in DEFAULT_PORTS:
            raise SetupError(Phrase("proxy_scheme", scheme=scheme))
        host, port = _place(match["place"])
        user, _, password = (match["login"] or "").partition(":")
        address = cls(scheme, host, port or DEFAULT_PORTS[scheme], _decoded(user), _decoded(password))
        address._check_login()
        return address

    @property
    def public(self) -> str:
        """The address without user and password."""
        return f"{self.scheme}://{self._place}"

    @property
    def url(self) -> str:
        """The whole address, for its file alone: it has the password."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return f"{self.scheme}://{login}{self._place}"

    def __str__(self) -> str:
        """Return the public form."""
        return self.public

    @property
    def _place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _check_login(self) -> None:
        if self.password and not self.user:
            raise SetupError(Phrase("proxy_password_alone"))
        if self.scheme != "socks5":
            if ":" in self.user:  # the form of HTTP ends the user there
                raise SetupError(Phrase("proxy_user_colon"))
            return
        words = (self.user, self.password) if self.user else ()
        if not all(word.isascii() and 1 <= len(word) <= _LONGEST_SOCKS_WORD for word in words):
            raise SetupError(Phrase("proxy_socks_login", most=_LONGEST_SOCKS_WORD))


def proxy_of(folder: BrowserFolder, default: ProxyAddress | None = None) -> ProxyAddress | None:
    """Return the account's own proxy, else `default`. Raises SetupError for a file that names none.

    A file that cannot be read must never send the account's traffic another way.
    """
    try:
        text = folder.proxy.read_text(encoding="utf-8")
    except FileNotFoundError:
        return default
    except (OSError, ValueError) as error:
        raise SetupError(Phrase("proxy_file_unreadable", id=folder.id, reason=type(error).__name__)) from error
    try:
        return ProxyAddress.parse(text)
    except SetupError as error:
        raise SetupError(Phrase("proxy_file_unreadable", id=folder.id, reason=error.phrase)) from None


def _place(text: str) -> tuple[str, int | None]:
    """Return host and port; None for no port. Raises SetupError."""
    match = re.fullmatch(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>.*))?", text)
    if match is None:
        raise SetupError(Phrase("proxy_unreadable"))
    host = _address_of_six(match["six"]) if match["six"] else _host(match["name"])
    port = match["port"] or ""
    if not re.fullmatch("[0-9]{0,9}", port):  # not shown: it may be a password
        raise SetupError(Phrase("proxy_unreadable"))
    if port and not 1 <= int(port) <= 65535:
        raise SetupError(Phrase("proxy_port", port=port))
    return host, int(port) if port else None


def _address_of_six(text: str) -> str:
    """Return an IPv6 address; the percent sign before its zone may be encoded (RFC 6874). Raises SetupError."""
    try:
        return str(ipaddress.IPv6Address(re.sub("%25(?=.)", "%", text, count=1)))
    except ValueError:
        raise SetupError(Phrase("proxy_host", host=text[:80])) from None


def _host(text: str) -> str:
    """Return a name as the network knows it, or an IPv4 address. Raises SetupError for what can be neither."""
    try:
        host = text.encode("idna").decode().lower()
        if re.search(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$", host):  # names do not end so, addresses do
            return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise SetupError(Phrase("proxy_host", host=text[:80])) from None
    if not all(re.fullmatch(r"\w([\w-]*\w)?", label) for label in host.removesuffix(".").split(".")):
        raise SetupError(Phrase("proxy_host", host=text[:80]))
    return host


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise SetupError(Phrase("proxy_percent"))
    try:
        word = unquote_to_bytes(text).decode()
    except ValueError:
        raise SetupError(Phrase("proxy_percent")) from None
    if any(character in word for character in "\r\n\0"):
        raise SetupError(Phrase("proxy_percent"))
    return word
