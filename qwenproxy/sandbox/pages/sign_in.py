"""The sign-in host: the form, the refresh of a login, and the way in without a password (protocol 1.7).

Scripts cannot read the refresh cookie, so only a browser that signed in here has it. Browsers send it to the chat as
well, because cookies know no ports; the real one covers both hosts, too. The chat's page calls here across origins.
"""

from __future__ import annotations

from dataclasses import asdict

from quart import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as PlainResponse

from qwenproxy.sandbox.accounts.logins import REFRESH_COOKIE, Outcome
from qwenproxy.sandbox.envelope import SiteError, bad_request, html_response, success, unauthorized
from qwenproxy.sandbox.journal import Refresh
from qwenproxy.sandbox.pages.assets import sign_in_page
from qwenproxy.sandbox.pages.cookies import set_page_cookies
from qwenproxy.sandbox.state import SiteState, current_state

bp = Blueprint("sign_in", __name__)
PAGE_MARK = "x-sandbox-page"
_REFRESH_NEEDS = ("version", "source", "timezone", "x-request-id", "x-request-origin")


@bp.get("/signin")
async def form() -> Response | PlainResponse:
    """Serve the form; redirect a browser to the chat if its login can be renewed, which the chat's page does."""
    state = current_state()
    # a page that was just refused would only come back
    if state.logins.is_good(_refresh_token()) and "refused" not in request.args:
        return redirect(f"{state.chat_origin}/")
    response = sign_in_page(state)
    set_page_cookies(state, response)
    return response


@bp.post("/api/v2/auths/signin")
async def sign_in() -> Response:
    """Log in by address and password."""
    state = current_state()
    body = g.body if isinstance(g.body, dict) else {}
    account = state.accounts.with_password(body.get("email"), body.get("password"))
    if account is None:
        raise SiteError(400, "Bad_Request", "The email or password provided is incorrect.")
    tokens = state.logins.begin(account)
    response = success({"access_token": tokens.access_token, "expires_at": tokens.expires_at})
    _set_refresh_cookie(state, response, tokens.refresh_token)
    return response


@bp.get("/api/v2/auths/refresh")
async def refresh() -> Response:
    """Renew the login that the cookie belongs to."""
    state = current_state()
    if not all(request.headers.get(name) for name in _REFRESH_NEEDS):
        _record(state, "refused")
        raise bad_request()
    outcome, tokens = state.logins.renew(_refresh_token())
    _record(state, outcome)
    if tokens is None:
        raise unauthorized()
    response = success(asdict(tokens))
    _set_refresh_cookie(state, response, tokens.refresh_token)
    return response


@bp.post("/api/v2/auths/signout")
async def sign_out() -> Response:
    """End the login that the cookie belongs to."""
    current_state().logins.end(_refresh_token())
    response = success({"status": True})
    response.delete_cookie(REFRESH_COOKIE, secure=True, httponly=True, samesite="Lax")
    return response


@bp.get("/__sandbox/enter/<ticket>")
async def enter(ticket: str) -> Response | PlainResponse:
    """Log in the browser that opens this link, once. The real site has no such link."""
    state = current_state()
    tokens = state.logins.redeem(ticket)
    if tokens is None:
        return html_response("This link was used before, or is none of this sandbox.", 404)
    response = redirect(f"{state.chat_origin}/#signed-in")
    _set_refresh_cookie(state, response, tokens.refresh_token)
    return response


async def let_the_chat_in(response: Response) -> Response:
    """Let the chat's page call and read across origins, and no other."""
    state = current_state()
    response.headers["vary"] = "origin"
    if request.headers.get("origin") == state.chat_origin:
        response.headers["access-control-allow-origin"] = state.chat_origin
        response.headers["access-control-allow-credentials"] = "true"
        response.headers["access-control-expose-headers"] = "x-actual-status-code"
        if request.method == "OPTIONS":
            response.headers["access-control-allow-methods"] = "GET, POST"
            names = (*_REFRESH_NEEDS, PAGE_MARK, "content-type", "authorization", "bx-v", "bx-ua", "bx-umidtoken")
            response.headers["access-control-allow-headers"] = ", ".join(names)
    return response


def _refresh_token() -> str:
    return request.cookies.get(REFRESH_COOKIE, "")


def _set_refresh_cookie(state: SiteState, response: Response | PlainResponse, token: str) -> None:
    end = state.now() + state.switches.refresh_life_s
    response.set_cookie(REFRESH_COOKIE, token, expires=end, secure=True, httponly=True, samesite="Lax")


def _record(state: SiteState, outcome: Outcome) -> None:
    account = state.logins.owner(_refresh_token())
    headers = request.headers
    state.journal.record_refresh(
        Refresh(
            account_id=account.id if account else None,
            when=state.now(),
            outcome=outcome,
            from_page=headers.get("origin") == state.chat_origin and headers.get("sec-fetch-mode") == "cors",
            by_page_script=headers.get(PAGE_MARK) == state.page_mark,
        )
    )
