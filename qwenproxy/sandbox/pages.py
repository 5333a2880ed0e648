"""The pages: composer, sign-in form, captcha, and the script that plays the site's own.

Source: protocol sections 1.1, 1.2, 6.3 and 6.4.
"""

from __future__ import annotations

import secrets
from importlib import resources

from quart import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as PlainResponse

from qwenproxy.sandbox.envelope import SiteError, html_response
from qwenproxy.sandbox.state import SiteState, current_state, logged_in

bp = Blueprint("pages", __name__)
_LOGIN = '<div class="login-container"><a href="/auth?action=signin">Log in</a></div>'


@bp.get("/")
@bp.get("/c/<chat_id>")
async def composer(chat_id: str = "") -> Response:
    """Serve the page people write in; without a login it also shows the way to the form."""
    state = current_state()
    return _with_cookies(_page(state, "page.html", "" if _is_logged_in() else _LOGIN))


@bp.get("/auth")
async def sign_in_form() -> Response | PlainResponse:
    """Serve the sign-in form; who is logged in is sent on."""
    if _is_logged_in():
        return redirect("/")
    return _with_cookies(_page(current_state(), "auth.html", ""))


@bp.get("/qwen-chat-fe/<version>/page.js")
async def page_script(version: str) -> Response:
    """Serve the script whose address tells the version."""
    return Response(_asset("page.js"), content_type="application/javascript; charset=utf-8")


@bp.get("/_____tmd_____/punish")
@bp.get("/<path:blocked>/_____tmd_____/punish")
async def puzzle(blocked: str = "") -> Response:
    """Serve the captcha of section 6.3."""
    return html_response(_asset("punish.html"))


@bp.post("/_____tmd_____/punish")
@bp.post("/<path:blocked>/_____tmd_____/punish")
async def solve(blocked: str = "") -> Response:
    """Take the captcha as solved: unblock its account and give the cookie that proves it."""
    state = current_state()
    secret = request.args.get("x5secdata", "").partition("__bx__")[0]
    account_id = state.puzzles.pop(secret, None)
    if account_id is None:
        return html_response("no such captcha", 400)
    with state.journal.changed:
        state.blocked.discard(account_id)
        state.journal.changed.notify_all()
    response = html_response("passed")
    response.set_cookie("x5sec", secrets.token_hex(24), max_age=1800, secure=True, samesite="Lax")
    return response


def waf_page() -> str:
    """Return the firewall's interstitial page (section 6.4)."""
    return _asset("waf.html")


def _page(state: SiteState, name: str, login: str) -> Response:
    switches = state.switches
    text = _asset(name).replace("@VERSION@", switches.page_version)
    return html_response(text.replace("@SDK_DELAY@", str(switches.sdk_delay_ms)).replace("@LOGIN@", login))


def _with_cookies(response: Response) -> Response:
    """Set the cookies the site's firewall and statistics set on every page."""
    for name, max_age in (("acw_tc", 1800), ("cna", 365 * 86400)):
        if name not in request.cookies or name == "acw_tc":
            response.set_cookie(
                name, secrets.token_hex(16), max_age=max_age, secure=True, httponly=True, samesite="Lax"
            )
    response.set_cookie("x-ap", "eu-central-1", max_age=86400, secure=True, samesite="Lax")
    return response


def _is_logged_in() -> bool:
    try:
        logged_in()
    except SiteError:
        return False
    return True


def _asset(name: str) -> str:
    return resources.files("qwenproxy.sandbox").joinpath(name).read_text(encoding="utf-8")
