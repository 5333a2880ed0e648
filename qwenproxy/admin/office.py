"""What the dashboard's routes stand on, and how they reach it. The app hands it in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from flask import current_app, request

from qwenproxy.access.tickets import Tickets

if TYPE_CHECKING:
    from qwenproxy.access.admin import AdminKeys
    from qwenproxy.access.keys import KeyFile
    from qwenproxy.accounts.opening import TabOpener
    from qwenproxy.accounts.proxies import Proxies
    from qwenproxy.logins.page_logins import PageLogins
    from qwenproxy.observe.hour import Hour
    from qwenproxy.observe.inspector import Inspector
    from qwenproxy.observe.metrics import Metrics
    from qwenproxy.relay.questions import Relay

OFFICE = "qwenproxy.office"
VIEWERS = 8  # pages that watch at once; each holds a request thread


@dataclass(frozen=True, slots=True)
class Office:
    """The parts of the dashboard.

    `settings` returns name, value, origin and meaning of each setting in a language, without secrets. `windows` are the
    logins that it shows, `tickets` let a person look at one. `opener` makes what opens an account's page for a check;
    it raises SetupError if there is no browser. `clock` gives seconds since 1970.
    """

    relay: Relay
    admin_keys: AdminKeys
    client_keys: KeyFile
    inspector: Inspector
    metrics: Metrics
    hour: Hour
    settings: Callable[[str], Sequence[tuple[str, str, str, str]]]
    proxies: Proxies
    windows: PageLogins
    opener: Callable[[], TabOpener]
    lang: str
    clock: Callable[[], float]
    tickets: Tickets = field(default_factory=Tickets)
    viewers: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(VIEWERS))

    def start(self) -> None:
        """Watch the journal."""
        self.inspector.start()
        self.metrics.start()
        self.hour.start()

    def close(self) -> None:
        """End the windows that are open, and watch the journal no more. Idempotent."""
        self.windows.close()
        self.inspector.close()
        self.metrics.close()
        self.hour.close()


def office() -> Office:
    """Return the parts of the app that serves this request."""
    return cast(Office, current_app.extensions[OFFICE])


def wanted_language() -> str:
    """Return the language that the current request names, else the server's."""
    return request.args.get("lang") or office().lang
