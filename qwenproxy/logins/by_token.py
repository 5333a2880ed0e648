"""A login as a token that its person brings: a new account, or a new login of a known one; no window opens.

Used by the command line and by the dashboard. Never shows or logs a token.
"""

from __future__ import annotations

import time

from qwenproxy.accounts.account import Account, check_token, refuse_other_user, refuse_taken_id
from qwenproxy.accounts.proxies import keep_proxy
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.browser.tokens import token_user
from qwenproxy.errors import SetupError
from qwenproxy.logins.removal import abandoned_on_failure
from qwenproxy.texts import Phrase


def add_by_token(
    registry: Registry, token: str, account_id: str | None = None, proxy: ProxyAddress | None = None
) -> str:
    """Register an account with this token and return its id. Raises UserKnown, SetupError.

    Its proxy is there before it counts as an account: a running server may open its browser at once.
    """
    new_token = _new_token(registry, token)
    if account_id is not None:
        refuse_taken_id(account_id, registry.all())
    if proxy is None:
        return registry.add(new_token, account_id)
    new_id = account_id or registry.new_id()
    with abandoned_on_failure(registry, new_id):
        keep_proxy(registry.folder(new_id), proxy)
        return registry.add(new_token, new_id)


def renew_by_token(registry: Registry, account: Account, token: str) -> bool:
    """Give an account this token; return False if the account has gone. Raises OtherUser, SetupError."""
    new_token = _new_token(registry, token)
    refuse_other_user(account, token_user(new_token), registry.all())
    return registry.renew(account.id, new_token)


def _new_token(registry: Registry, token: str) -> str:
    """Return the token, which no account has yet. Raises SetupError unless it is new and live."""
    new_token = check_token(token, time.time())
    for account in registry.all():
        if account.token == new_token:
            raise SetupError(Phrase("token_known", id=account.id))
    return new_token
