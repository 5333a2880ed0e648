"""The people who have a login at the sandbox, and the tokens that prove it (protocol 1.3 and 1.7).

An account may be logged in several times, as in several browsers. Each login has an id, which its access tokens and
its refresh tokens carry, and ends by itself. How a login begins and is renewed stands in logins.py.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from qwenproxy.sandbox.accounts.tokens import read_token, write_token
from qwenproxy.sandbox.clock import Clock
from qwenproxy.sandbox.envelope import unauthorized
from qwenproxy.sandbox.switches import Switches

_FIRST_PASSWORD_CHANGE = 1767225600
_NAMESPACE = uuid.UUID("5a0db0c5-7a5e-4d0e-9d8e-0d5a1b0c0000")


class SandboxAccount:
    """A person with a login: `id` (sandbox1, sandbox2, ...) names it in tests, `user_id` in the site's answers."""

    def __init__(self, number: int, clock: Clock, switches: Switches) -> None:
        self.id = f"sandbox{number}"
        self.email = f"person{number}@example.com"
        self.password = f"sandbox-{number}"
        self.user_id = str(uuid.uuid5(_NAMESPACE, self.id))
        self._clock = clock
        self._switches = switches
        self._lock = threading.RLock()
        self._password_change = _FIRST_PASSWORD_CHANGE
        self._ended_logins: set[str] = set()
        self._access = _Valid()
        self._refresh = _Valid()
        self._old_ends: set[int] = set()
        self._expires_at = 0
        self._token = self.renew()

    @property
    def token(self) -> str:
        """The newest access token of all logins, which may have been revoked or expired since."""
        return self._token

    @property
    def expires_at(self) -> int:
        """When the newest token expires, in seconds since 1970 by the site's clock."""
        return self._expires_at

    @property
    def password_hash(self) -> str:
        """The password as the sign-in form sends it: SHA-256 in hex."""
        return hashlib.sha256(self.password.encode()).hexdigest()

    def renew(self, lifetime_s: float | None = None) -> str:
        """Begin a login that has no refresh token, and return its access token."""
        return self.issue(secrets.token_hex(8), lifetime_s)

    def issue(self, login_id: str, lifetime_s: float | None = None) -> str:
        """Return a new access token of a login, unlike all before. `lifetime_s` None: as long as the switches say."""
        with self._lock:
            own_host = self._switches.sign_in_host
            usual = self._switches.token_life_s if own_host else self._switches.old_token_life_s
            claims = self._claims(usual if lifetime_s is None else lifetime_s)
            if own_host:
                claims.update(sid=login_id, jti=secrets.token_hex(8))
            else:
                # this form has three claims only, so nothing but the end can differ
                while claims["exp"] in self._old_ends:
                    claims["exp"] += 1
                self._old_ends.add(claims["exp"])
            self._expires_at = claims["exp"]
            self._token = write_token("access", claims)
            self._access.add(self._token)
            return self._token

    def issue_refresh(self, login_id: str) -> str:
        """Return a new refresh token of a login."""
        with self._lock:
            claims = self._claims(self._switches.refresh_life_s)
            token = write_token("refresh", {**claims, "sid": login_id, "jti": secrets.token_hex(8)})
            self._refresh.add(token)
            return token

    def check(self, token: str, claims: Mapping[str, Any]) -> None:
        """Raise SiteError unless this access token is still good."""
        with self._lock:
            if self._has_ended(claims):
                raise unauthorized()
            if claims["exp"] <= self._clock.now() or token not in self._access:
                raise unauthorized("Token has expired")

    def may_refresh(self, token: str, claims: Mapping[str, Any]) -> bool:
        """Tell whether this refresh token is still good; whether it was used before is for Logins to know."""
        with self._lock:
            return not self._has_ended(claims) and claims["exp"] > self._clock.now() and token in self._refresh

    def end_login(self, login_id: str) -> None:
        """End one login: all its tokens are refused from now on."""
        with self._lock:
            self._ended_logins.add(login_id)

    def revoke(self) -> None:
        """End all logins, as a change of the password does."""
        with self._lock:
            self._password_change += 1

    def expire(self) -> None:
        """Make every access token issued so far answer "Token has expired"; refresh tokens stay good."""
        with self._lock:
            self._access.forget()

    def sign_out(self) -> None:
        """End every refresh token issued so far, as 30 days would; access tokens live on to their own end."""
        with self._lock:
            self._refresh.forget()

    def _claims(self, lifetime_s: float) -> dict[str, Any]:
        end = int(self._clock.now() + lifetime_s)
        return {"id": self.user_id, "last_password_change": self._password_change, "exp": end}

    def _has_ended(self, claims: Mapping[str, Any]) -> bool:
        return claims["last_password_change"] != self._password_change or claims.get("sid") in self._ended_logins


class Accounts:
    """All accounts of a sandbox; `spare` is one more, with which people rehearse to add an account."""

    def __init__(self, count: int, clock: Clock, switches: Switches) -> None:
        self.all: Sequence[SandboxAccount] = tuple(
            SandboxAccount(number + 1, clock, switches) for number in range(count)
        )
        self.spare = SandboxAccount(0, clock, switches)
        self.everybody = (*self.all, self.spare)
        self._by_user_id = {account.user_id: account for account in self.everybody}

    def of(self, claims: Mapping[str, Any]) -> SandboxAccount | None:
        """Return the account that these claims name; None for those of a forged token, which are empty."""
        return self._by_user_id.get(claims.get("id", ""))

    def owner(self, token: str) -> SandboxAccount | None:
        """Return the account of an access token, good or not; None for a forged one."""
        return self.of(read_token("access", token))

    def login(self, token: str) -> SandboxAccount:
        """Return the account of a good access token. Raises SiteError (401)."""
        claims = read_token("access", token)
        account = self.of(claims)
        if account is None:
            raise unauthorized()
        account.check(token, claims)
        return account

    def with_password(self, email: object, password: object) -> SandboxAccount | None:
        """Return the account with this address and password (plain or hashed), if there is one."""
        for account in self.everybody:
            if account.email == email and password in (account.password, account.password_hash):
                return account
        return None


def same_login(token: str, other: str) -> bool:
    """Tell whether two access tokens belong to one login; those of the chat's own sign-in carry only the account."""
    claims, other_claims = read_token("access", token), read_token("access", other)
    return [claims.get(name) for name in ("id", "sid")] == [other_claims.get(name) for name in ("id", "sid")]


class _Valid:
    """The signed tokens that count: all of them, or after forget() only those added since."""

    def __init__(self) -> None:
        self._later: set[str] | None = None

    def __contains__(self, token: str) -> bool:
        return self._later is None or token in self._later

    def add(self, token: str) -> None:
        if self._later is not None:
            self._later.add(token)

    def forget(self) -> None:
        self._later = set()
