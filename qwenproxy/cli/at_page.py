"""A login on the dashboard's page, waited for at the terminal: where no window can open on this machine.

The running server shows the page; where none runs, this process serves it for the time of the login. Stands beside
login.py, which does the same with a window.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args
from urllib.parse import quote, urlsplit

import requests

from qwenproxy.access.admin import AdminKeys
from qwenproxy.accounts.account import Account
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.cli.console import Console, is_interactive
from qwenproxy.cli.own_server import own_session
from qwenproxy.cli.session import server_of
from qwenproxy.disk.claim import claimed_session
from qwenproxy.errors import SetupError
from qwenproxy.logins.window import LoginFailed, Outcome, Person, Step
from qwenproxy.server.for_login import login_server
from qwenproxy.texts import Phrase

ANSWER_WAIT = 30.0  # seconds for one answer of the server
LOOK_EVERY = 0.7  # seconds between two looks at the login
NOT_THERE = (401, 404)  # a server of an older version, or one without a dashboard


@dataclass(frozen=True, slots=True)
class PageWish:
    """What the person wants: a new login for `account`, or with None another account, with this id and this proxy."""

    account: Account | None = None
    new_id: str | None = None
    proxy: ProxyAddress | None = field(default=None, repr=False)
    login_wait: float = 600.0


def log_in_at_page(console: Console, wish: PageWish, make_person: Callable[[str], Person]) -> str:
    """Let the person log in on the dashboard's page; return the account's id.

    `make_person` gets what the person has to know first. Raises LoginFailed, as no_display where there is no
    dashboard, SetupError, KeyboardInterrupt.
    """
    if not console.config.admin:
        raise LoginFailed("no_display")
    with _served(console) as url:
        server = _Server(url, AdminKeys.open(console.session.admin_key).first())
        window = server.ask("POST", *_begun(wish))
        address = f"/admin/api/windows/{window['id']}"
        person = make_person(_explanation(console, url, server.key, window["id"]))
        try:
            return _follow(server, address, person)
        except BaseException:
            with contextlib.suppress(SetupError):
                server.ask("DELETE", address)
            raise


@contextlib.contextmanager
def _served(console: Console) -> Iterator[str]:
    """Give the address of the server of this session folder, for the time of the login if none runs."""
    running = server_of(console.session)
    if running is not None and running.pid != os.getpid():
        if not running.url:
            raise SetupError(console.say("page_login_starting"))
        yield running.url
        return
    with contextlib.ExitStack() as stack:
        if running is None:  # else it is this process that has the folder, with its menu
            stack.enter_context(claimed_session(console.session))
        yield stack.enter_context(login_server(console.config))


def _begun(wish: PageWish) -> tuple[str, dict[str, Any]]:
    """Return where to ask for the window, and with what."""
    if wish.account is not None:
        return f"/admin/api/accounts/{quote(wish.account.id, safe='')}/window", {"wait": wish.login_wait}
    details = {"id": wish.new_id, "proxy": wish.proxy.url if wish.proxy else None}
    return "/admin/api/windows", {**details, "wait": wish.login_wait}


def _explanation(console: Console, url: str, key: str, window_id: str) -> str:
    """Return where the page is; with the key in its address only for a person's eyes."""
    if is_interactive():
        link = console.say("page_login_open", url=f"{url}/ui/#key={key}&to=window/{window_id}")
    else:
        page = f"{url}/ui/#/window/{window_id}"
        link = console.say("page_login_key", url=page, path=console.session.admin_key)
    parts = urlsplit(url)
    tunnel = {"host": parts.hostname, "port": parts.port, "machine": socket.gethostname()}
    return f"{link}\n{console.say('page_login_tunnel', **tunnel)}"


def _follow(server: _Server, address: str, person: Person) -> str:
    """Show how the login stands until it ends; return the account's id."""
    while True:
        window = server.ask("GET", address)
        if window["state"] == "done":
            return str(window["account"])
        if window["state"] == "failed":
            raise _failure(window)
        step: Step = window["step"]
        person.show(step, window["remaining"])
        if person.pause(LOOK_EVERY):
            server.ask("POST", f"{address}/done")


def _failure(window: Mapping[str, Any]) -> BaseException:
    outcome = window["outcome"]
    if outcome == "cancelled":
        return KeyboardInterrupt()
    return LoginFailed(cast(Outcome, outcome)) if outcome in get_args(Outcome) else SetupError(window["message"])


class _Server:
    """The server that shows the page."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the server's answer. Raises SetupError, LoginFailed where it has no dashboard."""
        try:
            with own_session() as session:
                headers = {"Authorization": f"Bearer {self.key}"}
                answer = session.request(method, self.url + path, json=body, headers=headers, timeout=ANSWER_WAIT)
                content = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise SetupError(Phrase("page_login_no_answer", url=self.url, reason=type(error).__name__)) from error
        if answer.status_code in NOT_THERE and method == "POST":
            raise LoginFailed("no_display")
        if not answer.ok:
            raise SetupError(str(content.get("error") or answer.reason))
        return cast("dict[str, Any]", content)
