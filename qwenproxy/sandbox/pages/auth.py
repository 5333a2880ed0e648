"""The chat's own older sign-in, the profile, and the calls a page makes at boot.

Source: protocol 1.1, 1.4 and 1.5.
"""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, g

from qwenproxy.sandbox.accounts.account import SandboxAccount
from qwenproxy.sandbox.envelope import (
    SiteError,
    failure,
    html_response,
    json_response,
    success,
    unauthorized,
)
from qwenproxy.sandbox.state import current_state, logged_in

bp = Blueprint("auth", __name__)


@bp.get("/api/v1/auths/")
async def profile() -> Response:
    """Return the profile of the account: the check of a login that costs no quota."""
    account = logged_in()
    token = account.renew() if current_state().switches.renew_tokens else ""
    return json_response(_record_of(account, token), headers={"x-actual-status-code": "200"})


@bp.get("/api/v1/auths")
async def profile_without_slash() -> Response:
    """Refuse everybody, as the site does when the slash is missing."""
    return failure(unauthorized())


@bp.post("/api/v1/auths/signin")
async def sign_in_v1() -> Response:
    """Log in the older way: the token stands in the body."""
    account = _sign_in()
    return _with_cookie(json_response(_record_of(account, account.token)), account)


@bp.post("/api/v2/auths/signin")
async def sign_in_v2() -> Response:
    """Log in the newer way: the token is only in the cookie."""
    account = _sign_in()
    return _with_cookie(success(_record_of(account)), account)


@bp.post("/api/v2/users/status")
async def beacon() -> Response:
    """Take the page's statistics."""
    return success(True)


@bp.get("/api/v2/configs/")
@bp.get("/api/v2/configs/setting-config")
@bp.get("/api/v2/folders/")
@bp.get("/api/v2/tts/config")
@bp.get("/api/v1/configs/banners")
async def boot_call() -> Response:
    """Answer a boot call whose content nobody reads."""
    return success({})


@bp.post("/api/chat/completions")
@bp.post("/api/v1/chats/new")
async def retired() -> Response:
    """Answer as the gateway does for the first version of the API."""
    return html_response("<html><body><h1>504 Gateway Time-out</h1><hr>alibaba-ga</body></html>", 504)


def _sign_in() -> SandboxAccount:
    state = current_state()
    if state.switches.sign_in_host:
        raise SiteError(404, "not found", "Not Found")
    body = g.body if isinstance(g.body, dict) else {}
    account = state.accounts.with_password(body.get("email"), body.get("password"))
    if account is None:
        raise SiteError(400, "Bad_Request", "The email or password provided is incorrect.")
    account.renew()
    return account


def _with_cookie(response: Response, account: SandboxAccount) -> Response:
    # readable by scripts: the page copies it into localStorage
    response.set_cookie("token", account.token, expires=account.expires_at, secure=True, samesite="Lax")
    return response


def _record_of(account: SandboxAccount, token: str = "") -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": account.user_id,
        "email": account.email,
        "name": account.id,
        "role": "user",
        "profile_image_url": "/favicon.ico",
    }
    if token:
        record.update(token=token, token_type="Bearer", expires_at=account.expires_at)
    record["permissions"] = {"chat": {"file_upload": True, "delete": True, "edit": True, "temporary": True}}
    return record
