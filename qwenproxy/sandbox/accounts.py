"""The people who have a login at the sandbox, and the tokens that prove it (protocol section 1.3).

Tokens are real three-part JWTs and hold all that is needed to check them, as at the site. Key and ids are the same at
every start, so that a token survives a restart of the sandbox; nothing here is worth protecting.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Sequence

from qwenproxy.sandbox.envelope import unauthorized

TOKEN_LIFETIME_S = 30 * 86400
_SIGNING_KEY = b"the sandbox signs, nobody is fooled"
_FIRST_PASSWORD_CHANGE = 1767225600
_NAMESPACE = uuid.UUID("5a0db0c5-7a5e-4d0e-9d8e-0d5a1b0c0000")


class SandboxAccount:
    """A person with a login: `id` (sandbox1, sandbox2, ...) names it in tests, `user_id` in the site's answers."""

    def __init__(self, number: int) -> None:
        self.id = f"sandbox{number}"
        self.email = f"person{number}@example.com"
        self.password = f"sandbox-{number}"
        self.user_id = str(uuid.uuid5(_NAMESPACE, self.id))
        self._lock = threading.Lock()
        self._password_change = _FIRST_PASSWORD_CHANGE
        self._newest_exp = 0
        self._dead_until_exp = 0
        self._token = self.renew()

    @property
    def token(self) -> str:
        """The newest token, which may have been revoked or expired since."""
        return self._token

    @property
    def expires_at(self) -> int:
        """When the newest token expires, in seconds since 1970."""
        return self._newest_exp

    @property
    def password_hash(self) -> str:
        """The password as the sign-in form sends it: SHA-256 in hex."""
        return hashlib.sha256(self.password.encode()).hexdigest()

    def renew(self, lifetime_s: float = TOKEN_LIFETIME_S) -> str:
        """Issue a token, as a login does. No two are alike."""
        with self._lock:
            exp = int(time.time() + lifetime_s)
            if exp <= self._newest_exp and lifetime_s == TOKEN_LIFETIME_S:
                exp = self._newest_exp + 1
            self._newest_exp = max(exp, self._newest_exp)
            self._token = _signed({"id": self.user_id, "last_password_change": self._password_change, "exp": exp})
            return self._token

    def revoke(self) -> None:
        """Make every token issued so far invalid, as a change of the password does."""
        with self._lock:
            self._password_change += 1

    def expire(self) -> None:
        """Make every token issued so far answer "Token has expired"."""
        with self._lock:
            self._dead_until_exp = self._newest_exp

    def check(self, claims: dict[str, object]) -> None:
        """Raise SiteError unless these claims are still good."""
        exp = claims.get("exp")
        with self._lock:
            if claims.get("last_password_change") != self._password_change:
                raise unauthorized()
            if not isinstance(exp, int) or exp <= max(time.time(), self._dead_until_exp):
                raise unauthorized("Token has expired")


class Accounts:
    """All accounts of a sandbox."""

    def __init__(self, count: int) -> None:
        self.all: Sequence[SandboxAccount] = tuple(SandboxAccount(number + 1) for number in range(count))
        self._by_user_id = {account.user_id: account for account in self.all}

    def owner(self, token: str) -> SandboxAccount | None:
        """Return whose token this is, good or not; None for a forged one."""
        user_id = _claims(token).get("id")
        return self._by_user_id.get(user_id) if isinstance(user_id, str) else None

    def login(self, token: str) -> SandboxAccount:
        """Return the account this token logs in. Raises SiteError (401)."""
        account = self.owner(token)
        if account is None:
            raise unauthorized()
        account.check(_claims(token))
        return account

    def sign_in(self, email: object, password: object) -> SandboxAccount | None:
        """Return the account of that address if the password (plain or hashed) is right; it gets a new token."""
        for account in self.all:
            if account.email == email and password in (account.password, account.password_hash):
                account.renew()
                return account
        return None


def _signed(claims: dict[str, object]) -> str:
    head = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    body = _encoded(json.dumps(claims, separators=(",", ":")).encode())
    return f"{head}.{body}.{_signature(f'{head}.{body}')}"


def _claims(token: str) -> dict[str, object]:
    """Return what a token says, nothing if it is not signed here."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(signed).encode(), signature.encode("utf-8", "replace")):
        return {}
    body = signed.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims if isinstance(claims, dict) else {}


def _signature(signed: str) -> str:
    return _encoded(hmac.new(_SIGNING_KEY, signed.encode("utf-8", "replace"), hashlib.sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
