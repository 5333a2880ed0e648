"""Read the claims of a login token: a JWT, without a check of its signature (protocol 1.3).

Used by accounts and browser. Pure; never logs.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any


def token_user(token: str) -> str | None:
    """Return the site's user id in a JWT, None if it has none."""
    user_id = (token_claims(token) or {}).get("id")
    return user_id if isinstance(user_id, str) and user_id else None


def token_expiry(token: str) -> float | None:
    """Return the `exp` of a JWT (s since 1970); None for anything else."""
    return _moment(token_claims(token), "exp")


def is_fresher(token: str, other: str) -> bool:
    """Return True if a token of the same user is newer: after a later password change, or with a later end."""
    if not token_user(token) or token_user(token) != token_user(other):
        return False
    return _rank(token) > _rank(other)


def token_claims(token: str) -> dict[str, Any] | None:
    """Return the claims of a JWT, None for any other text."""
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
