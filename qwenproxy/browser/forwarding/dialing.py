"""Open a connection through a proxy, and say in our own words why that fails.

Used by forwarder.py. SOCKS5 is python-socks'; the CONNECT of HTTP proxies is ours, because there the answer may come in
pieces, over TLS, and with a user in any script.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.sync import Proxy

from qwenproxy.browser.forwarding.heads import BadHead, parse_status, read_head
from qwenproxy.browser.forwarding.streams import PlainStream, SecureStream, Stream
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.texts import Phrase

DIAL_WAIT = 20.0  # seconds for the proxy to answer, at each step
SOCKS_NOT_ALLOWED = 2  # by the proxy's rules (RFC 1928)
KEEP_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))  # to notice a proxy that vanished


class ProxyFailure(Exception):
    """A connection through the proxy did not come about. `of_proxy`: for any address, until somebody mends it.

    `is_refusal`: the proxy will not lead there, whether or not anything is there.
    """

    def __init__(self, key: str, *, of_proxy: bool, **values: object) -> None:
        """`key` and `values` make a text for people; they have no password."""
        self.phrase = Phrase(key, **values)
        super().__init__(str(self.phrase))
        self.of_proxy = of_proxy
        self.is_refusal = False


@dataclass(frozen=True)
class Dialer:
    """Opens connections through one proxy; `dial_wait` is in seconds, for each step."""

    proxy: ProxyAddress
    dial_wait: float = DIAL_WAIT

    def connect(self, host: str, port: int) -> Stream:
        """Return a connection to `host`, whose name the proxy looks up. Raises ProxyFailure."""
        if self.proxy.scheme == "socks5":
            return self._settled(self._through_socks(host, port))
        stream, plain = self._to_proxy()
        with self._closed_on_failure(plain):
            self._ask_for_tunnel(stream, host, port)
        plain.settimeout(None)
        return stream

    def reach(self) -> Stream:
        """Return a connection to an HTTP proxy itself. Raises ProxyFailure."""
        stream, plain = self._to_proxy()
        plain.settimeout(None)
        return stream

    @property
    def takes_requests(self) -> bool:
        """Whether the proxy itself asks for documents over plain HTTP."""
        return self.proxy.scheme != "socks5"

    @cached_property
    def authorization(self) -> str:
        """The header's value that HTTP proxies want, "" without a user."""
        login = f"{self.proxy.user}:{self.proxy.password}".encode()
        return f"Basic {base64.b64encode(login).decode()}" if self.proxy.user else ""

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def refused_login(self) -> ProxyFailure:
        """Return the failure of a proxy that does not take user and password, or misses them."""
        return self._failure("proxy_refuses_login" if self.proxy.user else "proxy_wants_login")

    def _through_socks(self, host: str, port: int) -> socket.socket:
        proxy = self.proxy
        login = (proxy.user or None, proxy.password or None)
        try:
            through = Proxy(ProxyType.SOCKS5, proxy.host, proxy.port, *login, rdns=True)
            return through.connect(host, port, self.dial_wait)
        except ProxyConnectionError as error:
            raise self._unreachable(error.__cause__ or error) from error
        except ProxyTimeoutError as error:
            raise self._silent() from error
        except ProxyError as error:
            text = str(error)
            if error.error_code is not None:
                raise self._no_way(host, text, error.error_code == SOCKS_NOT_ALLOWED) from error
            if "uthentication" in text:
                raise self.refused_login() from error
            raise self._strange(text) from error
        except OSError as error:
            raise self._strange(_reason(error)) from error
        except ValueError as error:  # a name that has no form in SOCKS5
            raise self._no_way(host, type(error).__name__) from error

    def _to_proxy(self) -> tuple[Stream, socket.socket]:
        """Return the connection to an HTTP proxy, and the socket below it, whose waits are limited."""
        proxy = self.proxy
        try:
            plain = self._settled_socket(socket.create_connection((proxy.host, proxy.port), self.dial_wait))
        except (OSError, UnicodeError) as error:
            raise self._unreachable(error) from error
        if proxy.scheme == "http":
            return PlainStream(plain), plain
        with self._closed_on_failure(plain):
            wrap = self._trust.wrap_bio
            secure = SecureStream(plain, lambda into, out: wrap(into, out, server_hostname=proxy.host))
            try:
                secure.shake_hands()
            except ssl.SSLCertVerificationError as error:
                raise self._failure("proxy_untrusted", reason=error.verify_message) from error
            except TimeoutError:
                raise
            except OSError as error:
                raise self._failure("proxy_no_tls", reason=_reason(error)) from error
        return secure, plain

    def _ask_for_tunnel(self, stream: Stream, host: str, port: int) -> None:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        login = f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""
        stream.send(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{login}\r\n".encode("latin-1"))
        head, early = read_head(stream.receive)
        status = parse_status(head)
        if status == 407:
            raise self.refused_login()
        if not 200 <= status < 300:
            raise self._no_way(host, f"HTTP {status}", 400 <= status < 500)
        stream.unread(early)

    @contextlib.contextmanager
    def _closed_on_failure(self, plain: socket.socket) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            plain.close()
            raise self._silent() from error
        except (OSError, BadHead) as error:
            plain.close()
            raise self._strange(_reason(error)) from error
        except BaseException:
            plain.close()
            raise

    def _settled(self, plain: socket.socket) -> Stream:
        self._settled_socket(plain).settimeout(None)
        return PlainStream(plain)

    def _settled_socket(self, plain: socket.socket) -> socket.socket:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEP_ALIVE:
            if hasattr(socket, name):
                plain.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        return plain

    def _unreachable(self, error: BaseException) -> ProxyFailure:
        return self._failure("proxy_unreachable", reason=_reason(error))

    def _strange(self, reason: str) -> ProxyFailure:
        return self._failure("proxy_strange", scheme=self.proxy.scheme, reason=reason)

    def _no_way(self, host: str, reason: str, is_refusal: bool = False) -> ProxyFailure:
        failure = ProxyFailure("proxy_no_way", of_proxy=False, proxy=self.proxy.public, host=host, reason=reason)
        failure.is_refusal = is_refusal
        return failure

    def _silent(self) -> ProxyFailure:
        key = "proxy_silent_tls" if self.proxy.scheme == "https" else "proxy_silent"
        return self._failure(key, seconds=f"{self.dial_wait:.0f}")

    def _failure(self, key: str, **values: object) -> ProxyFailure:
        return ProxyFailure(key, of_proxy=True, proxy=self.proxy.public, **values)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
