"""What every request passes before its route: it is recorded, may be hit by a fault, and must look like the page's own.

Sources: protocol 1.6, 1.7, 6.3, 9.1 and 9.2. Leaves in quart.g: `body` (parsed JSON), `login`
(the account, or why there is none) and `fault` (one that spoils the stream, for the completions route).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from quart import Response, g, request

from qwenproxy.sandbox.accounts.account import SandboxAccount, same_login
from qwenproxy.sandbox.accounts.logins import REFRESH_COOKIE
from qwenproxy.sandbox.envelope import SiteError, bad_request, unauthorized
from qwenproxy.sandbox.faults import answers as fault_answers
from qwenproxy.sandbox.faults.fault import COMPLETIONS
from qwenproxy.sandbox.journal import Recorded
from qwenproxy.sandbox.pages.cookies import passes_firewall
from qwenproxy.sandbox.state import SiteState, current_state

CONTROL = "/__sandbox/"
_NEEDS_BOT_HEADERS = frozenset(
    {COMPLETIONS, "/api/v2/chats/new", "/api/v2/files/getstsToken", "/api/v1/files/getstsToken", "/api/v2/files/parse"}
)
_BOT_HEADERS = ("bx-ua", "bx-umidtoken", "bx-v")
_OLDEST_VERSION = (0, 2, 0)


async def admit() -> Response | None:
    """Record a request to the chat; return the answer if something stops it."""
    return await _admit(_identify)


async def admit_to_sign_in() -> Response | None:
    """Record a request to the sign-in host; return the answer if something stops it."""
    if request.method == "OPTIONS":  # a preflight is no call
        return None
    return await _admit(_identify_refresh)


async def _admit(identify: Callable[[SiteState], SandboxAccount | None]) -> Response | None:
    # read it even if no route needs it: hypercorn breaks the connection over data that comes after the answer
    g.body = _json_of(await request.get_data())
    if request.path.startswith(CONTROL):
        return None
    state = current_state()
    account = identify(state)
    account_id = account.id if account else None
    _record(state, account_id)
    g.fault = state.faults.take(request.path, account_id)
    if g.fault is not None and not (g.fault.in_stream and request.path == COMPLETIONS):
        answer = await fault_answers.answer(g.fault, account_id)
        g.fault = None
        if answer is not None:
            return answer
    if request.path in _NEEDS_BOT_HEADERS and request.method == "POST":
        return _refuse_unlike_page(state, account_id)
    return None


def _json_of(data: bytes | str) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None


def _identify(state: SiteState) -> SandboxAccount | None:
    """Return the account that asks, and note whether its login is good. A header outweighs the cookie."""
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    bearer = bearer if kind.lower() == "bearer" else ""
    cookie = request.cookies.get("token", "")
    g.login = None
    if not (bearer or cookie):
        return None
    try:
        if bearer and cookie and not same_login(bearer, cookie):
            raise unauthorized()
        g.login = state.accounts.login(bearer or cookie)
    except SiteError as error:
        g.login = error
    return state.accounts.owner(bearer or cookie)


def _identify_refresh(state: SiteState) -> SandboxAccount | None:
    """Return the account whose browser asks the sign-in host."""
    g.login = None
    return state.logins.owner(request.cookies.get(REFRESH_COOKIE, ""))


def _record(state: SiteState, account_id: str | None) -> None:
    state.journal.record(
        Recorded(
            method=request.method,
            path=request.path,
            query=dict(request.args),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=g.body,
            account_id=account_id,
            when=time.time(),
        )
    )


def _refuse_unlike_page(state: SiteState, account_id: str | None) -> Response | None:
    """Return the refusal of a call that the page itself would make differently."""
    switches, headers = state.switches, request.headers
    completion = request.path == COMPLETIONS
    if completion and switches.require_request_id and not headers.get("x-request-id"):
        return fault_answers.waf({})
    if account_id in state.blocked:
        return fault_answers.captcha(state, account_id)
    if switches.require_bx and not all(headers.get(name) for name in _BOT_HEADERS):
        if switches.bx_answer == "empty":
            return Response(b"", content_type="text/event-stream; charset=utf-8")
        return fault_answers.captcha(state, account_id)
    if completion and switches.require_cookies and not passes_firewall(state):
        raise bad_request()
    if completion and switches.require_version and not _is_recent(headers.get("version", "")):
        raise bad_request()
    return None


def _is_recent(version: str) -> bool:
    parts = version.split(".")
    return all(part.isdigit() for part in parts) and tuple(map(int, parts)) >= _OLDEST_VERSION
