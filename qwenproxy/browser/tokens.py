"""What a login token says of itself: a JWT, read without checking its signature (protocol 1.3).

Stands below accounts and browser, which both ask. Pure; never logs.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any


def token_user(token: str) -> str | None:
    """Return whose login a JWT says it is (the site's user id); None where it does not tell."""
    user_id = (token_claims(token) or {}).get("id")
    return user_id if isinstance(user_id, str) and user_id else None


def token_expiry(token: str) -> float | None:
    """Return the `exp` of a JWT (s since 1970); None for anything else."""
    return _moment(token_claims(token), "exp")


def is_fresher(token: str, other: str) -> bool:
    """Tell whether a token replaces another one of the same user: issued after a later password change, or later."""
    if not token_user(token) or token_user(token) != token_user(other):
        return False
    return _rank(token) > _rank(other)


def token_claims(token: str) -> dict[str, Any] | None:
    """Return what a JWT says; None for a text that is none."""
    parts = token.strip().split(".")
    if len(parts) != 3 or not all(parts):
        return None
    try:
        payload = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _rank(token: str) -> tuple[float, float]:
    claims = token_claims(token)
    return _moment(claims, "last_password_change") or 0.0, _moment(claims, "exp") or math.inf


def _moment(claims: dict[str, Any] | None, name: str) -> float | None:
    value = (claims or {}).get(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf:
        return float(value)
    return None
