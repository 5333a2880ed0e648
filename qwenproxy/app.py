"""The Flask application: settings in, the parts of the product behind routes, no browser opened.

Built inside the server's worker process, because the browsers that the relay opens live there.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from flask import Flask, Response, g, request

from qwenproxy import api
from qwenproxy.api.auth import register_auth
from qwenproxy.api.cors import register_cors
from qwenproxy.api.responses.stored.background import BACKGROUND, Background
from qwenproxy.api.sockets import register_sockets
from qwenproxy.api.wiring import CONVERSATIONS, FILING, PROXIES, RELAY, STORED
from qwenproxy.assembly import assemble
from qwenproxy.config import Config
from qwenproxy.observe import journal
from qwenproxy.observe.logs import forget_request, request_id
from qwenproxy.relay.attempts import go_on
from qwenproxy.relay.questions import Relay

SOCKET_SHARE = 4  # a WebSocket may hold at most one of so many request threads


def create_app(config: Config, relay: Relay | None = None, on_exhausted: Callable[[], None] = go_on) -> Flask:
    """Return the application; `relay` None builds the real one, which calls `on_exhausted` when no login is left.

    Raises SetupError.
    """
    app = Flask("qwenproxy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = config.max_body
    parts = assemble(config, relay, on_exhausted)
    app.extensions[RELAY] = parts.relay
    app.extensions[FILING] = parts.filing
    app.extensions[CONVERSATIONS] = parts.conversations
    app.extensions[STORED] = parts.stored
    app.extensions[PROXIES] = parts.proxies
    app.extensions[BACKGROUND] = Background()
    _log_requests(app)
    register_cors(app, config.cors_origins)
    register_auth(app, parts.door, loopback_only=config.is_loopback)
    register_sockets(app, max(1, config.threads // SOCKET_SHARE))
    api.register(app, config.ollama_port)
    return app


def _log_requests(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.started_at = time.monotonic()
        request_id.set(secrets.token_hex(4))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["x-request-id"] = request_id.get()
        seconds = time.monotonic() - g.started_at
        journal.note(journal.RequestEnded(request.method, request.path[:120], response.status_code, seconds))
        # Not earlier, because a streamed answer still logs while the server reads it.
        response.call_on_close(forget_request)
        return response
