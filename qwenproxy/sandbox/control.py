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
    """Return the clock, accounts with their tokens, refreshes, what is being generated, chats, faults, switches."""
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
    recorded = current_state().journal.requests
    return json_response([asdict(one) for one in recorded if path in (None, one.path)])


@bp.post("/faults")
async def faults() -> Response:
    """Order a fault, or a list of them, by the names of Fault's fields."""
    body = await request.get_json(force=True)
    wanted = body if isinstance(body, list) else [body]
    try:
        ordered = [_fault(one) for one in wanted]
    except ValueError as error:
        return _refused(str(error))
    for fault in ordered:
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
    site.now()  # what went by until now did so at the speed of until now
    for name, value in body.items():
        setattr(site.switches, name, value)
    return _accepted()


@bp.post("/advance")
async def advance() -> Response:
    """Let `{"seconds": ...}` of the site's time go by at once."""
    current_state().clock.advance((await request.get_json(force=True))["seconds"])
    return _accepted()


@bp.post("/clear")
async def clear() -> Response:
    """Forget requests, refreshes, faults and captchas."""
    current_state().clear()
    return _accepted()


@bp.post("/accounts/<account_id>/<action>")
async def change_account(account_id: str, action: str) -> Response:
    """Revoke, expire or renew an account's tokens or sign it out, for the newest token; or give an entrance."""
    site = current_state()
    account = _account(site, account_id)
    if account is None or action not in ("revoke", "expire", "renew", "sign_out", "entrance"):
        return _refused("no such account or action")
    if action == "entrance":
        return json_response({"url": site.entrance(account)})
    getattr(account, action)()
    return json_response({"token": account.token})


def _account(site: SiteState, account_id: str) -> Any:
    return next((account for account in site.accounts.all if account.id == account_id), None)


def _fault(wanted: Any) -> Fault:
    if not isinstance(wanted, dict) or "kind" not in wanted or set(wanted) - _FAULT_FIELDS:
        raise ValueError(f"a fault has a kind and may have {', '.join(sorted(_FAULT_FIELDS))}")
    return Fault(**wanted)


def _accepted() -> Response:
    return json_response({"ok": True})


def _refused(reason: str) -> Response:
    return json_response({"ok": False, "error": reason}, 400)
