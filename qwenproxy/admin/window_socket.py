"""GET /admin/api/window: the picture of a person's window over a WebSocket, and their input back (contract 11.6).

The door has let the admin in; a ticket, the first message, says which window, once. Two threads a viewer: the request's
own sends, so that a slow viewer holds up nobody else, the other one obeys. Logs nothing of what goes either way.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Any, NoReturn

import orjson
from flask import Blueprint, request
from simple_websocket import ConnectionClosed

from qwenproxy.admin.office import office
from qwenproxy.admin.windows import refuse_readable_way
from qwenproxy.api.auth import is_own_origin
from qwenproxy.api.sockets import NORMAL, POLICY_VIOLATION, TRY_AGAIN_LATER, Messages, socket_routes
from qwenproxy.browser.view.hands import Hands
from qwenproxy.browser.view.inputs import InputRefused
from qwenproxy.browser.view.outbox import Outbox, Picture
from qwenproxy.errors import ForbiddenHost, NotFound, ProxyError, RequestError
from qwenproxy.logins.at_page import PageLogin

log = logging.getLogger(__name__)

ADDRESS = "/admin/api/window"
TICKET_WAIT = 10.0  # seconds for the first message
LOOK_AGAIN = 1.0
QUIET = 0.3  # seconds without a word of the viewer, who answers each picture sooner
MOST_EVENTS = 200  # in one message


def blueprint() -> Blueprint:
    """Return the WebSocket route, and a plain HTTP route at its address that explains it."""
    routes = socket_routes("window", [ADDRESS], WindowTalk, _unavailable)
    routes.add_url_rule(ADDRESS, endpoint="explain", view_func=_explain)
    return routes


class WindowTalk:
    """One viewer of one window."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._office = office()
        self._refusal = _why_refused()
        self._outbox = Outbox()

    def serve(self) -> int:
        """Show the window until it closes or the viewer leaves; return the close code. Raises ConnectionClosed."""
        if self._refusal:
            self.send_error(self._refusal)
            return POLICY_VIOLATION
        login = self._window_of_ticket()
        if login is None:
            self.send_error(NotFound("This ticket is none of ours, was used, or is older than two minutes."))
            return POLICY_VIOLATION
        with login.viewer(self._outbox) as is_free:
            if not is_free:
                self.send_error(RequestError("Somebody else looks at this window now."))
                return TRY_AGAIN_LATER
            return self._show(login)

    def send_error(self, error: ProxyError) -> None:
        """Tell the viewer of an error. Raises ConnectionClosed."""
        self._messages.send(orjson.dumps({"kind": "error", "message": error.client_message}))

    def _window_of_ticket(self) -> PageLogin | None:
        ticket = _read(self._messages.receive(TICKET_WAIT)).get("ticket")
        window_id = self._office.tickets.redeem(ticket) if isinstance(ticket, str) else None
        return self._office.windows.get(window_id) if window_id else None

    def _show(self, login: PageLogin) -> int:
        reader = threading.Thread(target=self._obey, args=(login,), name="window-input", daemon=True)
        reader.start()
        try:
            while not self._messages.is_stopping:
                item = self._outbox.take(LOOK_AGAIN)
                if isinstance(item, Picture):
                    self._messages.send_bytes(item.to_bytes())
                elif item is not None:
                    self._messages.send(item)
                elif self._outbox.is_closed:
                    break
            return NORMAL
        finally:
            self._outbox.close()
            reader.join()

    def _obey(self, login: PageLogin) -> None:
        hands: Hands | None = None
        try:
            while not self._outbox.is_closed:
                text = self._messages.receive(QUIET)
                hands = hands or login.hands()
                if text is not None:
                    self._obey_all(login, hands, _read(text))
                elif hands:
                    hands.rest()
        except ConnectionClosed:
            pass
        except Exception as error:
            log.error("a person's window: unexpected %s", type(error).__name__)
        finally:
            self._outbox.close()
            if hands:
                hands.close()

    def _obey_all(self, login: PageLogin, hands: Hands | None, message: dict[str, Any]) -> None:
        events = message.get("events")
        for event in events[:MOST_EVENTS] if isinstance(events, list) else ():
            # What a viewer may not do is not done, and the next thing is.
            with contextlib.suppress(InputRefused, OSError):
                if hands and isinstance(event, dict) and hands.obey(event):
                    login.note_input()
        self._outbox.note("taken", n=message.get("n"))


def _read(text: str | bytes | None) -> dict[str, Any]:
    try:
        message = orjson.loads(text or b"{}")
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _why_refused() -> ProxyError | None:
    """Return why this viewer gets no window, whatever its ticket. A program's handshake has no origin."""
    origin = request.headers.get("Origin")
    if origin is not None and not is_own_origin(origin):
        return ForbiddenHost("A page of another site may not look at this window.")
    try:
        refuse_readable_way()
    except ForbiddenHost as error:
        return error
    return None


def _unavailable() -> ProxyError:
    return NotFound("This server has no WebSockets (waitress, used on Windows). Log in with: qwenproxy account add.")


def _explain() -> NoReturn:
    raise RequestError("This address speaks WebSocket (ws://…). The dashboard's page of a window uses it.")
