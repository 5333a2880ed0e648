"""What the fixtures that make parts of the product return, for the annotations of tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from flask.testing import FlaskClient

from qwenproxy.accounts.pool import AccountPool
from qwenproxy.history.conversations import Conversations
from qwenproxy.relay.attempts import go_on
from qwenproxy.relay.questions import Relay, RelaySettings

MakeConversations = Callable[[], Conversations]


class MakePool(Protocol):
    """Make a pool over `count` fresh accounts named a, b, c ...; fields of PoolLimits by name."""

    def __call__(self, count: int, **limits: float) -> AccountPool: ...


class MakeRelay(Protocol):
    """Make a relay over `count` fresh accounts; settings of the relay in `settings`, of the pool by name."""

    def __call__(
        self,
        count: int = 1,
        settings: RelaySettings | None = None,
        on_exhausted: Callable[[], None] = go_on,
        **limits: float,
    ) -> Relay: ...


class MakeClient(Protocol):
    """Make a client of a server: as MakeRelay, and settings of the server in `config`."""

    def __call__(
        self,
        count: int = 1,
        settings: RelaySettings | None = None,
        config: Mapping[str, object] | None = None,
        insecure: bool = False,
        **limits: float,
    ) -> FlaskClient: ...
