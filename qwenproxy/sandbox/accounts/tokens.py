"""Signed values that carry all that is needed to check them, in the form of the site's tokens (protocol 1.3).

The key is the same at every start, so that a token survives a restart of the sandbox; nothing here is worth protecting.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Literal

Purpose = Literal["access", "refresh", "page"]
_KEY = "the sandbox signs, nobody is fooled"


def write_token(purpose: Purpose, claims: Mapping[str, Any]) -> str:
    """Return a three-part JWT with these claims. Read for another purpose, it counts as forged."""
    head = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    body = _encoded(json.dumps(claims, separators=(",", ":")).encode())
    return f"{head}.{body}.{_signature(purpose, f'{head}.{body}')}"


def read_token(purpose: Purpose, token: str) -> dict[str, Any]:
    """Return the claims of a token; none if it was not signed here for this purpose."""
    signed_part, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(purpose, signed_part).encode(), signature.encode("utf-8", "replace")):
        return {}
    body = signed_part.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims if isinstance(claims, dict) else {}


def _signature(purpose: Purpose, signed_part: str) -> str:
    key = f"{_KEY}: {purpose}".encode()
    return _encoded(hmac.new(key, signed_part.encode("utf-8", "replace"), hashlib.sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
