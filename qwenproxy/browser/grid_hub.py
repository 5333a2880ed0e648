"""The hub of a Selenium Grid as an HTTP server: asked for its state, told to end sessions; and why it did not answer.

Used by grid.py, which opens browsers there, and by status page and doctor. Needs no driver session. Its calls are
short and bounded, so that a hub that hangs holds nobody up.
"""

from __future__ import annotations

import base64
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import certifi
import orjson
import urllib3
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError, MaxRetryError, ProtocolError, SSLError

from qwenproxy.browser.devtools_address import DevToolsAddress
from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_status import QUERY, GridReport, Node, nodes_of, report_of
from qwenproxy.errors import GridError, GridFull
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

ASK_TIMEOUT = urllib3.Timeout(connect=2.0, read=8.0)  # seconds for one small question to the hub
# Seconds to end a session that failed: its node may hang, and the next browser of its account waits meanwhile.
END_TIMEOUT = urllib3.Timeout(connect=2.0, read=3.0)
TRY_AGAIN = 5.0  # seconds after which a client may ask again when the Grid could not help
UNKNOWN_AUTHORITY = (18, 19, 20, 21)  # OpenSSL's codes for a chain that ends with nobody whom we know
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)

Answer = TypeVar("Answer")


class GridHub:
    """One hub. Every method may run on any thread."""

    def __init__(self, address: GridAddress) -> None:
        """`address` is the hub's; a certificate is checked against the system's authorities and SSL_CERT_FILE."""
        self.address = address
        self._trust = _trust() if address.url.startswith("https:") else None
        self._pool = urllib3.PoolManager(headers=_credentials(address), retries=False, ssl_context=self._trust)

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes that the hub knows. Raises GridError."""
        return self._read(nodes_of, self._ask("GET", "/status"))

    def report(self) -> GridReport:
        """Return nodes, slots and sessions for people. Raises GridError."""
        return self._read(report_of, self._ask("POST", "/graphql", {"query": QUERY}))

    def end_session(self, session_id: str | None, *, politely: bool = True) -> None:
        """End a session and its browser; wait longer for one that is well, `politely`.

        Never raises, because the Grid ends forgotten sessions itself.
        """
        wait = ASK_TIMEOUT if politely else END_TIMEOUT
        try:
            self._pool.request("DELETE", f"{self.address.url}/session/{session_id}", timeout=wait)
        except HTTPError as error:
            log.warning("a browser on the Grid was not ended (%s): its time limit will", type(error).__name__)

    def devtools_of(self, driver: WebDriver) -> DevToolsAddress | None:
        """Return where the DevTools of a session's browser are, through the hub; None where the Grid has none."""
        if not driver.capabilities.get("se:cdp"):
            return None
        # The hub names itself as it is called on its own network: we reach it where we reach the rest of it.
        url = f"ws{self.address.url.removeprefix('http')}/session/{driver.session_id}/se/cdp"
        headers = tuple(f"{name}: {value}" for name, value in _credentials(self.address).items())
        return DevToolsAddress(lambda: url, headers, self._trust)

    def client_config(self, answer_wait: float) -> ClientConfig:
        """Return how Selenium reaches the hub; a command may take `answer_wait` seconds."""
        settings = {"init_args_for_pool_manager": {"ssl_context": self._trust}} if self._trust else None
        return ClientConfig(
            self.address.url,
            timeout=answer_wait,  # type: ignore[arg-type]  # urllib3 takes parts of seconds, too
            username=self.address.user or None,
            password=self.address.password or None,
            proxy=Proxy(raw={"proxyType": ProxyType.DIRECT}),
            init_args_for_pool_manager=settings,
        )

    def failure(self, error: Exception) -> GridError:
        """Return the error for a call to the hub that failed so."""
        cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        if isinstance(cause, ssl.SSLError | SSLError):
            return self._tls_failure(cause)
        if isinstance(cause, ProtocolError):
            return self.error("grid_hangs_up_tls" if self._trust else "grid_hangs_up")
        return self.error("grid_silent", reason=type(cause).__name__)

    def _tls_failure(self, error: Exception) -> GridError:
        causes = [error, error.__cause__, *error.args]
        refused = next((one for one in causes if isinstance(one, ssl.SSLCertVerificationError)), None)
        if refused is None:
            words = next((one.reason for one in causes if isinstance(one, ssl.SSLError) and one.reason), "TLS")
            return self.error("grid_no_tls", reason=words)
        key = "grid_untrusted" if refused.verify_code in UNKNOWN_AUTHORITY else "grid_certificate"
        return self.error(key, reason=refused.verify_message)

    def refused(self) -> GridError:
        """Return the error for a hub that wants another user or password."""
        return self.error("grid_refused")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data, headers = None, dict(self._pool.headers)
        if body is not None:
            data, headers = orjson.dumps(body), {**headers, "Content-Type": "application/json"}
        try:
            url = self.address.url + path
            answer = self._pool.request(method, url, body=data, headers=headers, timeout=ASK_TIMEOUT)
        except (HTTPError, OSError) as error:
            raise self.failure(error) from error
        if answer.status in (401, 403):
            raise self.refused()
        return self._read(orjson.loads, answer.data)

    def _read(self, reader: Callable[[Any], Answer], answer: Any) -> Answer:
        try:
            return reader(answer)
        except UNREADABLE as error:
            raise self.error("grid_unlike") from error

    def full(self, slots: int) -> GridFull:
        """Return the error for a Grid all of whose slots are taken."""
        return GridFull(Phrase("grid_full", hub=str(self.address), slots=slots), retry_after=TRY_AGAIN)

    def error(self, key: str, **values: object) -> GridError:
        """Return the error whose text has this key and these values; the hub's address is among them."""
        return GridError(Phrase(key, hub=str(self.address), **values), retry_after=TRY_AGAIN)


def _credentials(address: GridAddress) -> Mapping[str, str]:
    if not address.user:
        return {}
    words = f"{address.user}:{address.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(words).decode()}"}


def _trust() -> ssl.SSLContext:
    """Return what we trust: the system's authorities, or those in SSL_CERT_FILE, and Mozilla's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
