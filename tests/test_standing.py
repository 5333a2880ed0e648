"""Why no account can serve, and which command is told to be the quickest way out."""

from __future__ import annotations

import pytest

from qwenproxy.accounts.registry import Registry
from qwenproxy.accounts.standing import why_unavailable
from qwenproxy.errors import AccountsResting, NoAccounts, VerificationRequired

NOW = 1_800_000_000.0


@pytest.fixture
def registry(tmp_path):
    """Return an empty registry."""
    return Registry(tmp_path)


def _add(registry, account_id, state):
    registry.add(f"eyJh.{account_id}.c2ln", account_id)
    if state == "limited":
        registry.rest(account_id, NOW + 3600)
    elif state == "verify":
        registry.rest(account_id, NOW + 600, reason="verification")
    elif state == "invalid":
        registry.mark_invalid(account_id)


@pytest.mark.parametrize(
    ("states", "kind", "command"),
    [
        ((), NoAccounts, "qwenproxy account add"),
        (("invalid", "invalid"), NoAccounts, "qwenproxy account relogin"),
        (("verify", "verify"), VerificationRequired, "qwenproxy account relogin acc0"),
        (("invalid", "verify"), VerificationRequired, "qwenproxy account relogin acc1"),
        (("limited", "invalid"), AccountsResting, "qwenproxy account add"),
        (("limited", "verify"), AccountsResting, "qwenproxy account relogin acc1"),
    ],
)
def test_the_quickest_way_out_is_named(registry, states, kind, command):
    for number, state in enumerate(states):
        _add(registry, f"acc{number}", state)
    error = why_unavailable(registry.all(), NOW)
    assert type(error) is kind
    assert error.message.rstrip(".").endswith(command)


def test_the_first_account_that_returns_sets_the_wait(registry):
    _add(registry, "limited", "limited")
    _add(registry, "verify", "verify")
    assert why_unavailable(registry.all(), NOW).retry_after == 600


def test_one_usable_account_is_enough(registry):
    _add(registry, "limited", "limited")
    _add(registry, "well", "ok")
    assert why_unavailable(registry.all(), NOW) is None
