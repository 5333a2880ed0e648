"""The Flask application: settings in, the parts of the product behind routes, no browser opened.

Built inside the server's worker process, because the browsers that the relay opens live there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from flask import Flask

from qwenproxy import admin, api
from qwenproxy.access.admin import AdminKeys
from qwenproxy.accounts.pool import AccountPool
from qwenproxy.api.auth import register_auth
from qwenproxy.api.cors import register_cors
from qwenproxy.api.request_log import register_request_log
from qwenproxy.api.responses.stored.background import BACKGROUND, Background
from qwenproxy.api.sockets import register_sockets
from qwenproxy.api.wiring import CONVERSATIONS, FILING, FILMS, HEARING, PICTURES, PROXIES, RELAY, SPEECH, STORED
from qwenproxy.assembly import Assembly, assemble, login_window, opener_for, unseen_screen
from qwenproxy.config import Config
from qwenproxy.logins.at_page import Place
from qwenproxy.logins.page_logins import PageLogins
from qwenproxy.observe.hour import Hour
from qwenproxy.observe.inspector import Inspector
from qwenproxy.observe.metrics import Metrics, Moment
from qwenproxy.relay.attempts import go_on
from qwenproxy.relay.questions import Relay

PAGES = "/ui"  # where the dashboard's files are
OWN_PATHS = ("/admin/", PAGES)  # the dashboard does not show its own requests
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
    app.extensions[PICTURES] = parts.pictures
    app.extensions[FILMS] = parts.films
    app.extensions[SPEECH] = parts.speech
    app.extensions[HEARING] = parts.hearing
    app.extensions[PROXIES] = parts.proxies
    app.extensions[BACKGROUND] = Background()
    register_request_log(app, PAGES)
    register_cors(app, config.cors_origins)
    register_auth(app, parts.door, parts.admin_keys, loopback_only=config.is_loopback)
    register_sockets(app, max(1, config.threads // SOCKET_SHARE))
    api.register(app, config.ollama_port)
    if parts.admin_keys:
        admin.register(app, _office(config, parts, parts.admin_keys))
    return app


def _login_place(config: Config, pool: AccountPool) -> Place:
    """Return where people log in whose window the dashboard shows: in browsers that no screen shows."""
    open_window = partial(login_window, config, screen=unseen_screen(config))
    return Place(pool.registry, open_window, pool.reserve, config.lang)


def _office(config: Config, parts: Assembly, admin_keys: AdminKeys) -> admin.Office:
    pool = parts.relay.pool

    def moment() -> Moment:
        statuses: Counter[str] = Counter(account.status(time.time()) for account in pool.registry.all())
        answers, waiting = pool.load()
        return Moment(sum(answers.values()), waiting, len(pool.open_browsers()), statuses)

    return admin.Office(
        relay=parts.relay,
        admin_keys=admin_keys,
        client_keys=parts.client_keys,
        inspector=Inspector(time.time, skip=OWN_PATHS),
        metrics=Metrics(moment),
        hour=Hour(time.time),
        clock=time.time,
        settings=config.rows,
        proxies=parts.proxies,
        windows=PageLogins(partial(_login_place, config, pool)),
        opener=partial(opener_for, config, pool.registry),
        lang=config.lang,
    )
