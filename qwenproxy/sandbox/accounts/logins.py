"""Logins from their beginning to their end, as the sign-in host keeps them (protocol 1.7).

A refresh token renews its login. The sources disagree on whether it may be used twice; here the second use ends the
login, unless a switch says otherwise. Used tokens are remembered in memory only.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

from qwenproxy.sandbox.accounts.account import Accounts, SandboxAccount
from qwenproxy.sandbox.accounts.tokens import read_token
from qwenproxy.sandbox.switches import Switches

REFRESH_COOKIE = "refresh_token"
Outcome = Literal["ok", "refused", "second_use"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a login that began or was renewed; `expires_at` is the access token's, in seconds since 1970."""

    access_token: str
    refresh_token: str
    expires_at: int


class Logins:
    """All logins of a sandbox that can be renewed, and the links that begin one without a password."""

    def __init__(self, accounts: Accounts, switches: Switches) -> None:
        self._accounts = accounts
        self._switches = switches
        self._used_tokens: set[str] = set()
        self._tickets: dict[str, SandboxAccount] = {}

    def begin(self, account: SandboxAccount) -> Tokens:
        """Begin a login of an account; its other logins go on."""
        login_id = secrets.token_hex(8)
        return _tokens(account, login_id, account.issue_refresh(login_id))

    def renew(self, refresh_token: str) -> tuple[Outcome, Tokens | None]:
        """Use a refresh token; return the outcome and, if that is ok, new tokens."""
        account, login_id = self._find(refresh_token)
        if account is None:
            return "refused", None
        if not self._switches.refresh_rotates:
            return "ok", _tokens(account, login_id, refresh_token)
        if refresh_token in self._used_tokens:
            account.end_login(login_id)
            return "second_use", None
        self._used_tokens.add(refresh_token)
        return "ok", _tokens(account, login_id, account.issue_refresh(login_id))

    def end(self, refresh_token: str) -> None:
        """Sign out: end the login that this refresh token belongs to, if it is good."""
        account, login_id = self._find(refresh_token)
        if account is not None:
            account.end_login(login_id)

    def owner(self, refresh_token: str) -> SandboxAccount | None:
        """Return the account of a refresh token, good or not; None for a forged one."""
        return self._accounts.of(read_token("refresh", refresh_token))

    def is_good(self, refresh_token: str) -> bool:
        """Tell whether renew() would accept this refresh token, without using it."""
        is_used = self._switches.refresh_rotates and refresh_token in self._used_tokens
        return self._find(refresh_token)[0] is not None and not is_used

    def new_ticket(self, account: SandboxAccount) -> str:
        """Return a word that begins one login of this account."""
        ticket = secrets.token_urlsafe(12)
        self._tickets[ticket] = account
        return ticket

    def redeem(self, ticket: str) -> Tokens | None:
        """Begin the login that a ticket is for; None if it was used before."""
        account = self._tickets.pop(ticket, None)
        return self.begin(account) if account else None

    def _find(self, refresh_token: str) -> tuple[SandboxAccount | None, str]:
        claims = read_token("refresh", refresh_token)
        account = self._accounts.of(claims)
        if account is None or not account.may_refresh(refresh_token, claims):
            return None, ""
        return account, claims["sid"]


def _tokens(account: SandboxAccount, login_id: str, refresh_token: str) -> Tokens:
    return Tokens(account.issue(login_id), refresh_token, account.expires_at)
