"""Puts the sandbox's routes together into one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from weakref import WeakSet

from quart import Blueprint, Quart, Response, request

from qwenproxy.sandbox import control, gate
from qwenproxy.sandbox.chats import completions, project_routes
from qwenproxy.sandbox.chats import routes as chat_routes
from qwenproxy.sandbox.envelope import SiteError, failure, unknown_path
from qwenproxy.sandbox.faults import changes
from qwenproxy.sandbox.files import routes as file_routes
from qwenproxy.sandbox.media import routes as media_routes
from qwenproxy.sandbox.media import speaking
from qwenproxy.sandbox.model import routes as model_routes
from qwenproxy.sandbox.pages import assets, auth, sign_in
from qwenproxy.sandbox.pages import cookies as page_cookies
from qwenproxy.sandbox.pages import routes as page_routes
from qwenproxy.sandbox.pages import settings as settings_routes
from qwenproxy.sandbox.state import SiteState, current_state
from qwenproxy.sandbox.wire import Exchange

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


def create_app(state: SiteState) -> Quart:
    """Return the chat's routes over this state."""
    modules = (
        *(control, assets, page_routes, auth, settings_routes, model_routes),
        *(chat_routes, project_routes, completions, file_routes, media_routes, speaking),
    )
    app = _site("qwenproxy.sandbox", state, [module.bp for module in modules])
    app.before_request(gate.admit)
    app.after_request(_renew_cookie)
    app.after_request(_rename)
    return app


def create_sign_in_app(state: SiteState) -> Quart:
    """Return the sign-in host's routes over this state."""
    app = _site("qwenproxy.sandbox.sign_in", state, [assets.bp, sign_in.bp])
    app.before_request(gate.admit_to_sign_in)
    app.after_request(sign_in.let_the_chat_in)
    return app


def _site(name: str, state: SiteState, blueprints: list[Blueprint]) -> Quart:
    app = Quart(name, static_folder=None)
    app.extensions["sandbox"] = state
    app.config["MAX_CONTENT_LENGTH"] = 256 * 1024 * 1024
    app.register_error_handler(SiteError, failure)
    for status in (404, 405):
        app.register_error_handler(status, unknown_path)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app


async def _renew_cookie(response: Response) -> Response:
    state = current_state()
    if state.switches.cookies_renewed_on == "answers" and request.path.startswith("/api/"):
        page_cookies.set_firewall_cookie(state, response)
    return response


async def _rename(response: Response) -> Response:
    state = current_state()
    if state.switches.renamed and response.mimetype == "application/json":
        response.set_data(changes.renamed(await response.get_data(as_text=False), request.path, state.switches))
    return response


class Front:
    """The applications as the server calls them: knows every request under way, so that none outlives the server.

    `others` are those of the ports that are not the chat's: of the sign-in host and of the object store.
    """

    def __init__(self, app: Quart, others: Mapping[int, Quart], note_peer: Callable[[int], None]) -> None:
        """`note_peer` gets the port of each client."""
        self._app = app
        self._note_peer = note_peer
        self._others = others
        self._requests: set[asyncio.Task[Any]] = set()
        self._connections: WeakSet[asyncio.StreamWriter] = WeakSet()
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an answer under way ends with it, however it ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)  # type: ignore[arg-type]
            return
        if self._closing:
            return
        task = asyncio.current_task()
        assert task is not None
        self._requests.add(task)
        self._note_peer(scope["client"][1])
        exchange = Exchange(send)
        exchange.attach(scope)
        if exchange.wire.writer is not None:
            self._connections.add(exchange.wire.writer)
        app = self._others.get(scope["server"][1], self._app)
        # the captcha's address begins with two slashes; the routes have one
        scope["path"] = "/" + scope["path"].lstrip("/")
        try:
            await app(scope, receive, send)  # type: ignore[arg-type]
        finally:
            exchange.close()
            self._requests.discard(task)

    async def close(self) -> None:
        """End all requests under way, break the connections, and take no more."""
        self._closing = True
        # a polite close would wait half a minute for a client that does not answer
        for writer in self._connections:
            writer.transport.abort()
        requests = list(self._requests)
        for task in requests:
            task.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
