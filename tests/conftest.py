"""Fixtures of the middle of the product, and the check that a test leaves nothing running."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from fakes import FakeClock, FakeOpener, FakeResponse, FakeSite
from hypothesis import settings
from kept_chats import KeptChats

from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.registry import Registry
from qwenproxy.app import create_app
from qwenproxy.browser.response import TabResponse
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.history.conversations import Conversations
from qwenproxy.history.store import HistoryStore
from qwenproxy.relay import deletions
from qwenproxy.relay.questions import Relay, RelaySettings

# The same examples in every run, and none that fails because the machine is busy.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

OWNED_THREADS = ("tab-", "page-", "try-", "pool-janitor", "models", "answer")


@pytest.fixture(autouse=True)
def nothing_left_behind(monkeypatch):
    """Fail a test that leaves a lease, a page fetch or a thread of a tab or a pool alive."""
    made = {AccountPool: [], TabResponse: [], FakeResponse: []}
    for kind, instances in made.items():
        monkeypatch.setattr(kind, "__init__", _remembering(kind.__init__, instances))
    before = set(threading.enumerate())
    yield
    leases = [pool for pool in made[AccountPool] if pool.running()]
    fetches = [one for one in made[TabResponse] if not one._closed and not one._ended]
    fetches += [one for one in made[FakeResponse] if not one.closed]
    threads = [one for one in set(threading.enumerate()) - before if one.name.startswith(OWNED_THREADS)]
    for thread in threads:
        thread.join(5)
    threads = [thread.name for thread in threads if thread.is_alive()]
    assert not leases and not fetches and not threads, "the test left something running"


def _remembering(init, instances):
    def remember(self, *args, **kwargs):
        init(self, *args, **kwargs)
        instances.append(self)

    return remember


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def registry(tmp_path, clock):
    return Registry.open(SessionFolder(tmp_path / "session"), clock)


@pytest.fixture
def site():
    return FakeSite()


@pytest.fixture
def opener(site):
    return FakeOpener(site)


@pytest.fixture
def make_pool(registry, opener, clock):
    """Return a maker of pools over `count` accounts named a, b, c ...; limits as keywords."""
    pools = []

    def make(count: int, **limits) -> AccountPool:
        for number in range(count):
            registry.add(f"token-{number}", chr(ord("a") + number))
        limits.setdefault("idle_browser", 0)
        pools.append(AccountPool(registry, opener, PoolLimits(**limits), clock=clock))
        pools[-1].start()
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def make_relay(make_pool, site, pauses):
    """Return a maker of relays over fresh accounts; settings of the relay in `settings`, of the pool as keywords."""

    def make(count: int = 1, settings: RelaySettings | None = None, **limits) -> Relay:
        settings = replace(settings or RelaySettings(), clock=site.clock)
        return Relay(make_pool(count, **limits), settings, pause=pauses.append)

    return make


@pytest.fixture
def pauses() -> list[float]:
    """The relay's pauses, in seconds: noted in place of being made."""
    return []


@pytest.fixture
def make_conversations(make_relay, tmp_path):
    """Return a maker of kept conversations over fresh accounts."""

    def make() -> Conversations:
        return Conversations(make_relay(), HistoryStore.open(tmp_path / "session" / "history", 100), 100, 10.0)

    return make


@pytest.fixture
def chats(tmp_path, registry, clock, pauses, monkeypatch):
    """A whole server whose chats are kept, over a scripted site."""
    monkeypatch.setattr(deletions, "PACE", 0)
    chats = KeptChats(tmp_path / "session", registry, clock, pauses.append)
    yield chats.start()
    chats.close()


@pytest.fixture
def make_client(make_relay, tmp_path):
    """Return a maker of test clients; relay settings and pool limits as for make_relay, settings in `config`."""

    def make(count=1, settings=None, config=None, insecure=False, **limits):
        relay = make_relay(count, settings, **limits)
        options = {"session_dir": str(tmp_path / "session"), **(config or {})}
        app = create_app(replace(Config.load(options, {}), insecure=insecure), relay)
        return app.test_client()

    return make


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def session(tmp_path, monkeypatch):
    """Return an empty session folder that commands of this process use, in English."""
    folder = tmp_path / "session"
    monkeypatch.setenv("QWENPROXY_SESSION_DIR", str(folder))
    monkeypatch.setenv("QWENPROXY_LANG", "en")
    return folder
