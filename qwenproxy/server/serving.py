"""What both servers share: make the application, warm it up, and stop if every account needs a new login.

Called by under_gunicorn.py in its worker and by under_waitress.py. Knows no HTTP server.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from qwenproxy.admin.office import OFFICE
from qwenproxy.api.responses.stored.background import BACKGROUND
from qwenproxy.api.sockets import SOCKETS
from qwenproxy.api.wiring import FILMS, RELAY
from qwenproxy.app import create_app
from qwenproxy.browser.guard import guard_browsers
from qwenproxy.browser.profile import end_leftovers
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import NoUsableAccount, StorageError
from qwenproxy.relay.attempts import go_on
from qwenproxy.relay.questions import Relay

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger(__name__)


def make_app(config: Config, end: Callable[[], None]) -> Flask:
    """End the browsers of a killed server and return the application.

    `end` ends the server; it runs when every account turns out INVALID, if the settings say so.
    Call it in the process that will own the browsers. Raises SetupError.
    """
    session = SessionFolder(config.session_dir)
    end_leftovers(session)
    guard_browsers(session)
    app = create_app(config, on_exhausted=end if config.on_no_accounts == "exit" else go_on)
    _watch_films(app)
    if office := app.extensions.get(OFFICE):
        office.start()
    return app


def _watch_films(app: Flask) -> None:
    """Watch the films that an earlier server ordered; a disk that fails keeps no server from starting."""
    try:
        app.extensions[FILMS].start()
    except StorageError as error:
        log.error("films of an earlier server are not watched: %s", error.message)


def relay_of(app: Flask) -> Relay:
    """Return the application's relay."""
    relay: Relay = app.extensions[RELAY]
    return relay


def stop_taking(app: Flask) -> None:
    """Let no WebSocket and no response in the background begin any more; what runs may end. Idempotent."""
    app.extensions[SOCKETS].stop()
    app.extensions[BACKGROUND].stop()


def finish(app: Flask, drain: Callable[[Relay], None]) -> None:
    """Let nothing begin any more, and give what runs a while to end."""
    stop_taking(app)
    drain(relay_of(app))


def close(app: Flask) -> None:
    """End what still runs, and close the browsers. Idempotent."""
    stop_taking(app)
    app.extensions[BACKGROUND].close()
    app.extensions[FILMS].close()
    relay_of(app).close()
    if office := app.extensions.get(OFFICE):
        office.close()


def begin(relay: Relay, warm_up: Callable[[Relay], None]) -> None:
    """Start to warm up beside the first requests."""
    threading.Thread(target=warm_up, args=(relay,), name="warm-up", daemon=True).start()


def note_no_accounts() -> int:
    """Log why the server stops without usable accounts; return its exit status."""
    log.error("every account needs a new login; stopping. Run: qwenproxy account relogin")
    return NoUsableAccount.exit_code
