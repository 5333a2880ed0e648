"""The cookies that the firewall and the statistics of the site set (protocol 1.2).

`acw_tc` lives half an hour by the site's clock. The server reads its age from the cookie itself, because browsers drop
cookies by their own clock.
"""

from __future__ import annotations

import secrets

from quart import Response, request

from qwenproxy.sandbox.accounts.tokens import read_token, write_token
from qwenproxy.sandbox.state import SiteState

FIREWALL = "acw_tc"
_FIREWALL_LIFE_S = 1800
_YEAR_S = 365 * 86400
_DAY_S = 86400


def firewall_value(now: float) -> str:
    """Return the value of a firewall cookie that is issued now."""
    return write_token("page", {"iat": now, "jti": secrets.token_hex(4)})


def passes_firewall(state: SiteState) -> bool:
    """Tell whether the current request has a firewall cookie that is still good."""
    issued_at = read_token("page", request.cookies.get(FIREWALL, "")).get("iat")
    return issued_at is not None and bool(state.now() < issued_at + _FIREWALL_LIFE_S)


def set_firewall_cookie(state: SiteState, response: Response) -> None:
    """Renew the firewall's cookie for half an hour."""
    now = state.now()
    _set(response, FIREWALL, firewall_value(now), now + _FIREWALL_LIFE_S)


def set_page_cookies(state: SiteState, response: Response) -> None:
    """Set the cookies that come with every page."""
    set_firewall_cookie(state, response)
    if "cna" not in request.cookies:
        _set(response, "cna", secrets.token_hex(16), state.now() + _YEAR_S)
    response.set_cookie("x-ap", "eu-central-1", expires=state.now() + _DAY_S, secure=True, samesite="Lax")


def _set(response: Response, name: str, value: str, expires: float) -> None:
    response.set_cookie(name, value, expires=expires, secure=True, httponly=True, samesite="Lax")
