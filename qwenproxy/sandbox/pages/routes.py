"""The chat's pages: composer, captcha, and the sign-in form where that is not another host's.

Source: protocol 1.1, 1.2, 6.3 and 6.4.
"""

from __future__ import annotations

import secrets

from quart import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as PlainResponse

from qwenproxy.sandbox.envelope import SiteError, html_response
from qwenproxy.sandbox.pages.assets import asset, page, sign_in_page
from qwenproxy.sandbox.pages.cookies import set_page_cookies
from qwenproxy.sandbox.state import current_state, logged_in

bp = Blueprint("pages", __name__)
_PASS_LIFE_S = 1800
_LOGIN = '<div class="login-container"><a href="/auth?action=signin">Log in</a></div>'


@bp.get("/")
@bp.get("/c/<chat_id>")
async def composer(chat_id: str = "") -> Response:
    """Serve the page people write in; without a login it also links to the sign-in form."""
    state = current_state()
    response = page(state, "page.html", "" if _is_logged_in() else _LOGIN)
    set_page_cookies(state, response)
    return response


@bp.get("/auth")
async def sign_in_form() -> Response | PlainResponse:
    """Serve the sign-in form, or redirect to the sign-in host; a logged-in browser goes to the composer."""
    state = current_state()
    if _is_logged_in():
        return redirect("/")
    if state.switches.sign_in_host:
        return redirect(f"{state.sign_in_origin}/signin?{request.query_string.decode()}")
    response = sign_in_page(state)
    set_page_cookies(state, response)
    return response


@bp.get("/_____tmd_____/punish")
@bp.get("/<path:blocked>/_____tmd_____/punish")
async def puzzle(blocked: str = "") -> Response:
    """Serve the captcha of protocol 6.3."""
    return html_response(asset("punish.html"))


@bp.post("/_____tmd_____/punish")
@bp.post("/<path:blocked>/_____tmd_____/punish")
async def solve(blocked: str = "") -> Response:
    """Accept the captcha as solved: unblock its account and set the cookie that proves it."""
    state = current_state()
    secret = request.args.get("x5secdata", "").partition("__bx__")[0]
    account_id = state.puzzles.pop(secret, None)
    if account_id is None:
        return html_response("no such captcha", 400)
    with state.journal.changed:
        state.blocked.discard(account_id)
        state.journal.changed.notify_all()
    response = html_response("passed")
    end = state.now() + _PASS_LIFE_S
    response.set_cookie("x5sec", secrets.token_hex(24), expires=end, secure=True, samesite="Lax")
    return response


def waf_page() -> str:
    """Return the firewall's interstitial page (protocol 6.4)."""
    return asset("waf.html")


def _is_logged_in() -> bool:
    try:
        logged_in()
    except SiteError:
        return False
    return True
