"""The Flask application: configuration in, routes and relay wired together, nothing started.

Built inside the server's worker process, because the browsers that the relay opens live there.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

from flask import Flask, Response, g, request

from qwenproxy import api
from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.registry import Registry
from qwenproxy.api.auth import register_auth
from qwenproxy.api.cors import register_cors
from qwenproxy.api.native.ws import register_ws
from qwenproxy.api.wiring import CONVERSATIONS, FILING, RELAY
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.chrome import ChromeSettings
from qwenproxy.browser.driver_copies import cache_folders
from qwenproxy.browser.kept_page import POLL
from qwenproxy.browser.site import Site
from qwenproxy.config import Config, cache_home
from qwenproxy.history.conversations import Conversations
from qwenproxy.history.store import HistoryStore
from qwenproxy.observe.logs import forget_request, request_id
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.filing import Filing
from qwenproxy.relay.questions import Relay, RelaySettings
from qwenproxy.uploads.uploader import Uploader

log = logging.getLogger(__name__)

SOCKET_SHARE = 4  # at most one of so many request threads may be held by a WebSocket


def create_app(config: Config, relay: Relay | None = None) -> Flask:
    """Return the application; `relay` None builds the real one. Raises SetupError."""
    app = Flask("qwenproxy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = config.max_body
    uploader = Uploader(config.session_dir, config.max_file_size)
    uploader.ledger.tidy()
    relay = relay or build_relay(config, uploader)
    history = HistoryStore(config.session_dir / "history", config.max_history_length)
    app.extensions[RELAY] = relay
    app.extensions[FILING] = Filing(relay, uploader)
    app.extensions[CONVERSATIONS] = Conversations(relay, history, config.max_history_length, config.queue_wait)
    _log_requests(app)
    register_cors(app, config.cors_origins)
    keys = KeyFile(config.session_dir / "Authorization.txt")
    register_auth(app, keys, loopback_only=config.is_loopback, key_required=not (config.is_loopback or config.insecure))
    api.register(app)
    register_ws(app, max(1, config.threads // SOCKET_SHARE))
    return app


def build_relay(
    config: Config,
    uploader: Uploader | None = None,
    *,
    clock: Callable[[], float] = time.time,
    poll: float = POLL,
) -> Relay:
    """Return a relay over the accounts in the session folder; without `uploader` it takes no images and files.

    `clock` gives seconds since 1970, for logins and rests; pages look at it every `poll` seconds.
    Raises SetupError where no browser is to be found.
    """
    registry = Registry(config.session_dir, clock)
    site = Site(config.base_url, config.site_version)
    opener = TabOpener(registry, site, chrome_settings(config), clock, poll)
    limits = PoolLimits(config.account_concurrency, config.queue_wait, config.max_browsers, config.idle_browser)
    settings = RelaySettings(config.default_model, config.unknown_model, config.stall_timeout)
    deletions = UpstreamDeletions(config.session_dir, registry, clock)
    pool = AccountPool(registry, deletions.watch(opener), limits, clock=clock)
    return Relay(pool, settings, deletions, uploader)


def chrome_settings(config: Config) -> ChromeSettings:
    """Return how this configuration starts browsers. Raises SetupError where none is to be found."""
    programs = Programs(
        str(config.chrome or ""),
        str(config.chromedriver or ""),
        undetected=config.driver == "undetected",
        caches=cache_folders(cache_home(), config.session_dir.absolute()),
    )
    programs.find()  # anew at each browser start; here what is missing is told at once
    return ChromeSettings(programs, config.headless, config.base_url_spki)


def _log_requests(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.begun = time.monotonic()
        request_id.set(secrets.token_hex(4))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["x-request-id"] = request_id.get()
        log.info(
            "%s %s %d %.3f s", request.method, request.path[:120], response.status_code, time.monotonic() - g.begun
        )
        # Not before: a streamed answer is made, and logs, while the server reads it.
        response.call_on_close(forget_request)
        return response
