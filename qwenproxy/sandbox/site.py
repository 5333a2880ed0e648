"""The sandbox as tests and the command line hold it: one object that starts, closes, and shows its state."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from qwenproxy.sandbox.accounts.account import SandboxAccount
from qwenproxy.sandbox.accounts.settings import UserSettings
from qwenproxy.sandbox.app import Front, create_app, create_sign_in_app
from qwenproxy.sandbox.chats.generations import Running
from qwenproxy.sandbox.faults.fault import Fault
from qwenproxy.sandbox.files.file import StoredFile
from qwenproxy.sandbox.files.object_store import create_store
from qwenproxy.sandbox.journal import Recorded, Refresh
from qwenproxy.sandbox.model.brain import Brain
from qwenproxy.sandbox.model.cards import ModelCard
from qwenproxy.sandbox.pages.cookies import FIREWALL, firewall_value
from qwenproxy.sandbox.server import Ports, Server
from qwenproxy.sandbox.state import SiteState
from qwenproxy.sandbox.switches import Switches
from qwenproxy.sandbox.tls import new_identity

T = TypeVar("T")


class Sandbox:
    """A stand-in of the site on loopback, served while the context is open.

    `spki` is the base64 SHA-256 of its public key, `certificate` its certificate (PEM) for clients other than Chrome.
    A `brain` answers in the place of the stand-in's model.
    """

    def __init__(
        self, accounts: int = 1, *, port: int = 0, switches: Switches | None = None, brain: Brain | None = None
    ) -> None:
        identity = new_identity()
        self.spki = identity.spki
        self.certificate = identity.certificate.decode()
        self._identity = identity
        self._ports = Ports(chat=port)
        self._state = SiteState.new(accounts, switches or Switches())
        self._state.brain = brain
        self._server: Server | None = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to serve. Raises OSError if the port is taken."""
        self._server = Server(self._new_front, self._identity, self.now, self._ports)
        ports = self._ports = self._server.ports
        self._state.chat_port, self._state.sign_in_port = ports.chat, ports.sign_in
        self._state.files.origin = self._state.gallery.origin = f"http://localhost:{ports.store}"
        self._server.start()

    def close(self) -> None:
        """Stop serving; every connection breaks. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def restart(self, downtime: float = 0.0) -> None:
        """Close, and start again after `downtime` seconds, on the same ports and with the same state."""
        self.close()
        time.sleep(downtime)
        self.start()

    def run_forever(self, announce: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGINT or SIGTERM; for the main thread of a process of its own.

        `announce` tells others that the site serves: a signal from then on is a polite end.
        """
        # both signals end the wait the same way; setting an event in a handler could deadlock
        old_handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            if self._server is None:
                self.start()
            with contextlib.suppress(KeyboardInterrupt):
                announce()
                threading.Event().wait()
        finally:
            signal.signal(signal.SIGTERM, old_handler)
            self.close()

    @property
    def port(self) -> int:
        """The port the chat listens on."""
        return self._ports.chat

    @property
    def base_url(self) -> str:
        """The chat's origin, without a slash at the end."""
        return self._state.chat_origin

    @property
    def sign_in_url(self) -> str:
        """The sign-in host's origin, without a slash at the end."""
        return self._state.sign_in_origin

    @property
    def accounts(self) -> Sequence[SandboxAccount]:
        """The people who have a login."""
        return self._state.accounts.all

    @property
    def switches(self) -> Switches:
        """What it demands and how it behaves; change the attributes at will."""
        self.now()  # settle the clock first, so that the time until now counts at the old speed
        return self._state.switches

    @property
    def models(self) -> list[ModelCard]:
        """The models it offers; change the list at will."""
        return self._state.models

    @property
    def user_settings(self) -> UserSettings:
        """What people set for their accounts, and what the site remembers of them; change it at will."""
        return self._state.settings

    @property
    def store_origin(self) -> str:
        """The object store's origin."""
        return self._state.files.origin

    @property
    def files(self) -> list[StoredFile]:
        """The files that upload credentials were issued for, oldest first."""
        return self._state.files.all()

    @property
    def requests(self) -> list[Recorded]:
        """The requests since the start or the last clear(), oldest first."""
        return self._state.journal.requests

    @property
    def refreshes(self) -> list[Refresh]:
        """The uses of refresh tokens since the start or the last clear(), oldest first."""
        return self._state.journal.refreshes

    @property
    def peers(self) -> frozenset[int]:
        """The ports of those who asked any of its hosts since the start or the last clear(): browsers, or proxies."""
        return self._state.journal.peers

    def now(self) -> float:
        """Return the site's time in seconds since 1970; everything ages by it."""
        return self._state.now()

    def advance(self, seconds: float) -> None:
        """Move the site's clock ahead."""
        self._state.clock.advance(seconds)

    def entrance(self, account: SandboxAccount) -> str:
        """Return a new link that logs in the first browser that opens it, without a password."""
        return self._state.entrance(account)

    def clear(self) -> None:
        """Forget requests, refreshes, faults and captchas; accounts, logins, chats, files and switches stay."""
        self._state.clear()

    def add_fault(self, fault: Fault) -> None:
        """Order a fault."""
        self._state.faults.add(fault)

    def page_headers(self, account: SandboxAccount) -> dict[str, str]:
        """Return headers that make a client outside a browser look like this account's page.

        For tests and for benchmarks of the sandbox alone; each call gives a new request id.
        """
        return {
            "cookie": f"token={account.token}; {FIREWALL}={firewall_value(self.now())}",
            "source": "web",
            "version": self.switches.page_version,
            "x-request-id": str(uuid.uuid4()),
            "bx-v": "2.5.36",
            "bx-ua": f"231!{uuid.uuid4().hex}",
            "bx-umidtoken": "T2gA0",
        }

    def chat_ids(self, account_id: str | None = None) -> list[str]:
        """Return the ids of the account's chats (None: of all), oldest first."""
        return self._state.chats.ids(account_id)

    def running_generations(self) -> list[Running]:
        """Return the answers under way, oldest first."""
        return self._state.generations.running()

    def wait_for(self, predicate: Callable[[Sandbox], T], wait: float = 10.0) -> T:
        """Return the value of predicate(self) as soon as it is true.

        Checks after every request and every end of an answer. Raises TimeoutError after `wait` seconds.
        """
        return self._state.journal.wait_for(lambda: predicate(self), wait)

    def wait_idle(self, wait: float = 10.0) -> None:
        """Wait until no answer is under way. Raises TimeoutError."""
        self.wait_for(lambda site: not site.running_generations(), wait)

    def _new_front(self) -> Front:
        others = {
            self._ports.sign_in: create_sign_in_app(self._state),
            self._ports.store: create_store(self._state),
        }
        return Front(create_app(self._state), others, self._state.journal.record_peer)
