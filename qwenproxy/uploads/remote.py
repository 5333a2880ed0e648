"""Fetch a file by the URL that a client names, from the open internet only (contract 6).

At every hop we connect to the very address that we checked, because a name may resolve differently a moment later.
Hence http.client on our own socket: no library resolves the name again, follows a redirect or uses a proxy.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote, urljoin, urlsplit

import certifi

from qwenproxy.errors import RequestError, TooLarge
from qwenproxy.uploads.addresses import IPAddress, Target, is_public, parse_target

MAX_REDIRECTS = 3
RESOLVE_TIMEOUT = 5.0  # seconds
CONNECT_TIMEOUT = 5.0  # seconds
TOTAL_TIMEOUT = 20.0  # seconds for all hops and the whole content
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {"User-Agent": "Mozilla/5.0 (qwenproxy)", "Accept": "*/*", "Accept-Encoding": "identity"}


class Unreachable(Exception):
    """The fetch failed, though the address is allowed; the text says why."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A fetched file. `name` is the last part of the URL's path, `content_type` the server's header."""

    data: bytes
    name: str
    content_type: str


def resolve(host: str, port: int, resolve_timeout: float = RESOLVE_TIMEOUT) -> list[str]:
    """Return a host's addresses; `resolve_timeout` is in seconds. Raises OSError."""
    outcome: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            outcome.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except OSError as error:
            outcome.put(error)

    # Look up in a thread: the system's own timeout is fixed, and half a minute long without a network.
    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        answer = outcome.get(timeout=resolve_timeout)
    except queue.Empty:
        raise TimeoutError("no answer about this name") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


class RemoteFetcher:
    """Fetches files within limits."""

    def __init__(
        self,
        *,
        resolver: Callable[[str, int], Iterable[str]] = resolve,
        allowed: Callable[[IPAddress], bool] = is_public,
        total_timeout: float = TOTAL_TIMEOUT,
    ) -> None:
        """`allowed` decides about each resolved address; `total_timeout` is in seconds."""
        self._resolver = resolver
        self._allowed = allowed
        self._total_timeout = total_timeout

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=certifi.where())

    def fetch(self, url: str, max_bytes: int) -> RemoteFile:
        """Return the file behind a URL.

        Raises RequestError (forbidden address, too many redirects), TooLarge, Unreachable.
        """
        deadline = time.monotonic() + self._total_timeout
        for _ in range(MAX_REDIRECTS + 1):
            target = parse_target(url)
            addresses = self._addresses(target)
            with self._answer(target, addresses, deadline) as answer:
                location = answer.getheader("Location")
                if answer.status in _REDIRECTS and location:
                    url = urljoin(url, location)
                    continue
                if answer.status != 200:
                    raise Unreachable(f"status {answer.status}")
                name = unquote(urlsplit(url).path).rpartition("/")[2]
                return RemoteFile(_content(answer, max_bytes), name, answer.getheader("Content-Type", ""))
        raise RequestError(f"The URL of an image or file redirects more than {MAX_REDIRECTS} times.", param="messages")

    def _addresses(self, target: Target) -> list[str]:
        """Return the addresses to connect to. Raises RequestError if any of them is not public, Unreachable."""
        if f".{target.host}".endswith(".localhost"):
            raise _not_public()  # resolvers differ: some do not know these names
        try:
            addresses = [address.partition("%")[0] for address in self._resolver(target.host, target.port)]
        except OSError as error:
            raise Unreachable("the name does not resolve") from error
        if not addresses:
            raise Unreachable("the name does not resolve")
        if not all(self._allowed(ipaddress.ip_address(address)) for address in addresses):
            raise _not_public()
        return addresses

    @contextlib.contextmanager
    def _answer(self, target: Target, addresses: list[str], deadline: float) -> Iterator[http.client.HTTPResponse]:
        """Ask for the target; cut the connection at the deadline, in any state."""
        watch = _Watch(deadline)
        connection = http.client.HTTPConnection(target.host, target.port)
        try:
            connection.sock = self._connect(target, addresses, watch)
            connection.request("GET", target.path, headers={"Host": target.host_header, **_HEADERS})
            with connection.getresponse() as answer:
                yield answer
            if watch.cut:
                raise Unreachable("too slow")  # without a length a cut looks like the end
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(type(error).__name__) from error
        finally:
            watch.end()
            connection.close()

    def _connect(self, target: Target, addresses: list[str], watch: _Watch) -> socket.socket:
        failure: OSError = OSError("no address")
        for address in addresses:
            try:
                plain = socket.create_connection((address, target.port), min(CONNECT_TIMEOUT, watch.left()))
            except OSError as error:
                failure = error
                continue
            watch.over(plain)
            if target.scheme == "http":
                return plain
            secure = self._trust.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)
            watch.over(secure)
            secure.do_handshake()
            return secure
        raise failure


class _Watch:
    """Cuts a connection at a deadline, because timeouts of single reads never end one that drips."""

    def __init__(self, deadline: float) -> None:
        self.cut = False
        self._deadline = deadline
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(self.left(), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def left(self) -> float:
        """Return the seconds until the deadline, at least 0.01."""
        return max(0.01, self._deadline - time.monotonic())

    def over(self, connection: socket.socket) -> None:
        """Watch this socket from now on."""
        self._socket = connection

    def end(self) -> None:
        """Stop watching, and close the socket."""
        self._timer.cancel()
        if self._socket is not None:
            self._socket.close()

    def _cut(self) -> None:
        self.cut = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Shut down the plain socket: TLS would wait for the other side.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _not_public() -> RequestError:
    return RequestError(
        "The URL of an image or file leads to an address that is not public. Upload the file instead.",
        param="messages",
    )


def _content(answer: http.client.HTTPResponse, max_bytes: int) -> bytes:
    """Read the whole body. Raises TooLarge, Unreachable for one that is cut short."""
    content = bytearray()
    too_large = TooLarge(f"The file at the URL is larger than {max_bytes} bytes.", param="messages")
    if (answer.length or 0) > max_bytes:
        raise too_large
    while chunk := answer.read1(1 << 16):
        content += chunk
        if len(content) > max_bytes:
            raise too_large
    if answer.length:
        raise Unreachable("cut short")
    return bytes(content)
