"""/admin/api/accounts: add an account by its token, give one another token or another proxy (contract 11).

What needs no window; windows.py has what does.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.accounts.account import Account
from qwenproxy.admin.office import office
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.errors import NotFound, RequestError
from qwenproxy.logins.by_token import add_by_token, renew_by_token

TEXT_LIMIT = 20_000  # characters of a token or an address


def blueprint() -> Blueprint:
    """Return the routes of these changes."""
    routes = Blueprint("admin-account-changes", __name__)
    routes.add_url_rule("/admin/api/accounts", view_func=add, methods=["POST"])
    routes.add_url_rule("/admin/api/accounts/<account_id>/token", view_func=give_token, methods=["PUT"])
    routes.add_url_rule("/admin/api/accounts/<account_id>/proxy", view_func=give_proxy, methods=["PUT"])
    return routes


def add() -> ResponseReturnValue:
    """Answer POST /admin/api/accounts: an account from the token of a login elsewhere."""
    body = json_body()
    token = text_in(body, "token")
    if not token:
        raise RequestError("token must be the token of a login on the site.", param="token")
    proxy = proxy_in(body)
    new_id = add_by_token(office().relay.pool.registry, token, text_in(body, "id") or None, proxy)
    return json_response({"id": new_id, "added": True}, 201)


def give_token(account_id: str) -> ResponseReturnValue:
    """Answer PUT /admin/api/accounts/ID/token: a new login of a known account."""
    account, token = account_of(account_id), text_in(json_body(), "token")
    if not token:
        raise RequestError("token must be the token of a login on the site.", param="token")
    if not renew_by_token(office().relay.pool.registry, account, token):
        raise _no_account(account_id)
    return json_response({"id": account.id, "renewed": True})


def give_proxy(account_id: str) -> ResponseReturnValue:
    """Answer PUT /admin/api/accounts/ID/proxy: another outgoing proxy, or none; its browser opens anew."""
    account = account_of(account_id)
    proxies = office().proxies
    proxies.change(account.id, proxy_in(json_body()))
    return json_response({"id": account.id, "proxy": proxies.shown(account.id)})


def account_of(account_id: str) -> Account:
    """Return the account with this id. Raises NotFound."""
    account = office().relay.pool.registry.get(account_id)
    if account is None:
        raise _no_account(account_id)
    return account


def text_in(body: dict[str, Any], name: str) -> str:
    """Return a text of the body, "" if there is none. Raises RequestError."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > TEXT_LIMIT:
        raise RequestError(f"{name} must be a text.", param=name)
    return value.strip()


def proxy_in(body: dict[str, Any]) -> ProxyAddress | None:
    """Return the proxy that the body names, None for none. Raises RequestError, SetupError for a bad address."""
    address = text_in(body, "proxy")
    return ProxyAddress.parse(address) if address else None


def _no_account(account_id: str) -> NotFound:
    return NotFound(f"There is no account {account_id[:80]}.")
