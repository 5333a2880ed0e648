"""Settings, memories, hosted servers and the quota of an account (protocol 10.2 and 11.1)."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, g, request

from qwenproxy.sandbox.accounts.settings import HOSTED_SERVERS
from qwenproxy.sandbox.envelope import SiteError, success, unauthorized
from qwenproxy.sandbox.state import current_state, logged_in

bp = Blueprint("settings", __name__)


@bp.get("/api/v2/users/user/settings")
async def settings() -> Response:
    """Return the account's settings."""
    return success(current_state().settings.of(logged_in().id))


@bp.post("/api/v2/users/user/settings/update")
async def update_settings() -> Response:
    """Merge the posted part into the account's settings."""
    state, account = current_state(), logged_in()
    state.settings.update(account.id, _json_body())
    return success(state.settings.of(account.id))


@bp.post("/api/v2/memories/delete")
async def delete_memories() -> Response:
    """Forget everything that is remembered of the account's person."""
    state, account = current_state(), logged_in()
    if _json_body().get("forget_all") is not True:
        raise SiteError(400, "RequestValidationError", "Field 'forget_all': Field required")
    state.settings.memories(account.id).clear()
    return success({"status": True})


@bp.get("/api/v2/mcp/list")
async def hosted_servers() -> Response:
    """List the servers that the site hosts. Only a cookie opens this list."""
    account = logged_in()
    if request.headers.get("authorization"):
        raise unauthorized()
    chosen = current_state().settings.of(account.id)["mcp"]
    enabled = chosen if isinstance(chosen, dict) else {}
    return success([{"id": name, "name": name, "enabled": enabled.get(name) is True} for name in HOSTED_SERVERS])


@bp.post("/api/v2/users/user/entitlement_quota")
async def quota() -> Response:
    """Return what is left of the features that the body names; -1 is without limit."""
    account, state = logged_in(), current_state()
    features = _json_body().get("features")
    if not isinstance(features, list) or not all(isinstance(one, str) for one in features):
        raise SiteError(400, "RequestValidationError", "Field 'features': Field required")
    models = {card.id for card in state.models}
    answer: dict[str, Any] = {"user_tier": "free"}
    for name in features:
        if name not in models and name != "model":
            answer[name] = _left(state.quotas.left(account.id, name, state.now()))
    if "model" in features:
        answer["model"] = {name: _left(-1) for name in features if name in models}
    return success(answer)


def _left(times: int) -> dict[str, Any]:
    return {"times_left": times, "time_unit": "day", "time_amount": 1}


def _json_body() -> dict[str, Any]:
    """Return the body. Raises SiteError unless it is a JSON object that is called JSON."""
    if request.mimetype != "application/json" or not isinstance(g.body, dict):
        raise SiteError(400, "RequestValidationError", "Field 'body': Input should be a valid dictionary")
    return g.body
