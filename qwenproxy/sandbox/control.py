"""The sandbox's own routes under /__sandbox/, for tests and benchmarks that run in another process."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from quart import Blueprint, Response, request

from qwenproxy.sandbox.envelope import json_response
from qwenproxy.sandbox.faults.fault import Fault
from qwenproxy.sandbox.state import SiteState, current_state
from qwenproxy.sandbox.switches import Switches

bp = Blueprint("control", __name__, url_prefix="/__sandbox")
_FAULT_FIELDS = frozenset(field.name for field in fields(Fault))
_SWITCHES = frozenset(field.name for field in fields(Switches))


@bp.get("/state")
async def state() -> Response:
    """Return the clock, accounts with their tokens, refreshes, running answers, chats, faults and switches."""
    site = current_state()
    return json_response(
        {
            "accounts": [
                {"id": a.id, "email": a.email, "password": a.password, "token": a.token, "user_id": a.user_id}
                for a in site.accounts.all
            ],
            "clock": site.now(),
            "refreshes": [asdict(refresh) for refresh in site.journal.refreshes],
            "running": [asdict(running) for running in site.generations.running()],
            "chats": site.chats.ids(),
            "faults": [asdict(fault) for fault in site.faults.pending()],
            "blocked": sorted(site.blocked),
            "switches": asdict(site.switches),
        }
    )


@bp.get("/requests")
async def requests() -> Response:
    """Return the recorded requests; `?path=` narrows them to one path."""
    path = request.args.get("path")
    all_requests = current_state().journal.requests
    return json_response([asdict(one) for one in all_requests if path in (None, one.path)])


@bp.post("/faults")
async def faults() -> Response:
    """Order a fault, or a list of them, by the names of Fault's fields."""
    body = await request.get_json(force=True)
    entries = body if isinstance(body, list) else [body]
    try:
        new_faults = [_fault(entry) for entry in entries]
    except ValueError as error:
        return _refused(str(error))
    for fault in new_faults:
        current_state().faults.add(fault)
    return _accepted()


@bp.post("/switches")
async def switches() -> Response:
    """Change switches by name."""
    body = await request.get_json(force=True)
    unknown = set(body) - _SWITCHES
    if unknown:
        return _refused(f"no switch {', '.join(sorted(unknown))}")
    site = current_state()
    site.now()  # settle the clock first, so that the time until now counts at the old speed
    for name, value in body.items():
        setattr(site.switches, name, value)
    return _accepted()


@bp.post("/advance")
async def advance() -> Response:
    """Move the site's clock ahead by `{"seconds": ...}`."""
    current_state().clock.advance((await request.get_json(force=True))["seconds"])
    return _accepted()


@bp.post("/clear")
async def clear() -> Response:
    """Forget requests, refreshes, faults and captchas."""
    current_state().clear()
    return _accepted()


@bp.post("/accounts/<account_id>/<action>")
async def change_account(account_id: str, action: str) -> Response:
    """Revoke, expire, renew or sign out an account and return its newest token; or return an entrance."""
    site = current_state()
    account = _account(site, account_id)
    if account is None or action not in ("revoke", "expire", "renew", "sign_out", "entrance"):
        return _refused("no such account or action")
    if action == "entrance":
        return json_response({"url": site.entrance(account)})
    getattr(account, action)()
    return json_response({"token": account.token})


def _account(site: SiteState, account_id: str) -> Any:
    return next((account for account in site.accounts.everybody if account.id == account_id), None)


def _fault(entry: Any) -> Fault:
    if not isinstance(entry, dict) or "kind" not in entry or set(entry) - _FAULT_FIELDS:
        raise ValueError(f"a fault has a kind and may have {', '.join(sorted(_FAULT_FIELDS))}")
    return Fault(**entry)


def _accepted() -> Response:
    return json_response({"ok": True})


def _refused(reason: str) -> Response:
    return json_response({"ok": False, "error": reason}, 400)
