"""Fixtures of the middle of the product, and the check that a test leaves nothing running."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from app_server import served
from clocks import FakeClock
from dashboard import Dashboard, dashboard_of
from fake_site import FakeResponse, FakeSite
from fake_tabs import FakeOpener
from film_studio import Studio
from flask.testing import FlaskClient
from hypothesis import settings
from kept_chats import KeptChats
from makers import MakeClient, MakeConversations, MakePool, MakeRelay
from shared_routes import share_routes
from simple_websocket import Client
from tree_site import TreeSite

from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.registry import Registry
from qwenproxy.api import answering
from qwenproxy.app import create_app
from qwenproxy.browser.response import TabResponse
from qwenproxy.chat import waiting
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.disk.state import State
from qwenproxy.history.client_chats import ClientChats
from qwenproxy.history.conversations import Conversations
from qwenproxy.history.site_index import SiteIndex
from qwenproxy.history.store import HistoryStore
from qwenproxy.media import fetching
from qwenproxy.observe import journal
from qwenproxy.relay import deletions
from qwenproxy.relay.attempts import Attempts, go_on
from qwenproxy.relay.questions import Relay, RelaySettings
from qwenproxy.sandbox.media.filming import film

# The same examples in every run, and none that fails because the machine is busy.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

share_routes()
gc.disable()  # until the tests are collected: nearly all that is made meanwhile stays

SOCKET_WAIT = 20.0  # seconds; only a failing test waits as long
OWNED_THREADS = ("tab-", "page-", "try-", "pool-janitor", "models", "answer", "background", "film-")

T = TypeVar("T")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--grid", action="store_true", help="also run the long tests with a real Selenium Grid")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the long tests with a real Selenium Grid unless they are asked for."""
    if not config.getoption("--grid"):
        for item in items:
            if item.get_closest_marker("grid"):
                item.add_marker(pytest.mark.skip(reason="takes minutes and a real Selenium Grid: scripts/test-grid"))


def pytest_collection_finish() -> None:
    """Spare the garbage collector all that is there with the tests themselves."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def no_loss_of_power(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in this process wait for the disk: only a loss of power would show that it did not."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(autouse=True)
def nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a lease, a page fetch, a thread of a tab or a pool, or a subscriber of the journal."""
    pools = _made(AccountPool, monkeypatch)
    responses = _made(TabResponse, monkeypatch)
    fakes = _made(FakeResponse, monkeypatch)
    before, subscribers = set(threading.enumerate()), set(journal.log.handlers)
    yield
    threads = [one for one in set(threading.enumerate()) - before if one.name.startswith(OWNED_THREADS)]
    for thread in threads:
        thread.join(5)
    # Only now: the threads close what they read.
    leases = [pool for pool in pools if pool.running()]
    fetches: list[object] = [one for one in responses if not one._closed and not one._ended]
    fetches += [one for one in fakes if not one.closed]
    alive = [thread.name for thread in threads if thread.is_alive()]
    listening = [one for one in set(journal.log.handlers) - subscribers if isinstance(one, journal.Subscription)]
    assert not leases and not fetches and not alive and not listening, "the test left something running"


def _made(kind: type[T], monkeypatch: pytest.MonkeyPatch) -> list[T]:
    """Return a list that every object of this class joins when it is made."""
    made: list[T] = []
    init = cast(Any, kind).__init__

    def remember(self: T, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        made.append(self)

    monkeypatch.setattr(kind, "__init__", remember)
    return made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path, clock: FakeClock) -> Registry:
    return Registry.open(SessionFolder(tmp_path / "session"), clock)


@pytest.fixture
def site() -> FakeSite:
    return FakeSite()


@pytest.fixture
def opener(site: FakeSite) -> FakeOpener:
    return FakeOpener(site)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have clients told of silence at once."""
    monkeypatch.setattr(answering, "KEEP_ALIVE_AFTER", 0.01)
    monkeypatch.setattr(answering, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.01)


@pytest.fixture
def browser(opener: FakeOpener, no_patience: None) -> Iterator[threading.Event]:
    """The browser of account a, which opens when the event is set; until then clients are told of silence at once."""
    gate = opener.open_gates["a"] = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def make_pool(registry: Registry, opener: FakeOpener, clock: FakeClock) -> Iterator[MakePool]:
    """Return a maker of pools over `count` accounts named a, b, c ...; limits as keywords."""
    pools: list[AccountPool] = []

    def make(count: int, **limits: Any) -> AccountPool:
        for number in range(count):
            registry.add(f"token-{number}", chr(ord("a") + number))
        limits.setdefault("idle_browser", 0)
        pools.append(AccountPool(registry, cast(Any, opener), PoolLimits(**limits), clock=clock))
        pools[-1].start()
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def make_relay(make_pool: MakePool, site: FakeSite, pauses: list[float]) -> MakeRelay:
    """Return a maker of relays over fresh accounts; settings of the relay in `settings`, of the pool as keywords."""

    def make(
        count: int = 1,
        settings: RelaySettings | None = None,
        on_exhausted: Callable[[], None] = go_on,
        **limits: Any,
    ) -> Relay:
        settings = replace(settings or RelaySettings(), clock=site.clock)
        return Relay(Attempts(make_pool(count, **limits), pauses.append, on_exhausted), settings)

    return make


@pytest.fixture
def pauses() -> list[float]:
    """The relay's pauses, in seconds: noted in place of being made."""
    return []


@pytest.fixture
def make_conversations(make_relay: MakeRelay, tmp_path: Path) -> MakeConversations:
    """Return a maker of kept conversations over fresh accounts."""

    def make() -> Conversations:
        session = SessionFolder(tmp_path / "session")
        client_chats = ClientChats(SiteIndex(State(session.state)), 1000)
        return Conversations(make_relay(), HistoryStore.open(session.history, 100), 100, 10.0, client_chats)

    return make


@pytest.fixture
def tree() -> TreeSite:
    return TreeSite()


@pytest.fixture
def server(
    tmp_path: Path, registry: Registry, clock: FakeClock, tree: TreeSite, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeptChats]:
    """A whole server over a site that keeps its chats as trees."""
    monkeypatch.setattr(deletions, "PACE", 0)
    chats = KeptChats(tmp_path / "session", registry, clock, lambda seconds: None, tree)
    yield chats.start()
    chats.close()


@pytest.fixture
def chats(
    tmp_path: Path, registry: Registry, clock: FakeClock, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeptChats]:
    """A whole server whose chats are kept, over a scripted site."""
    monkeypatch.setattr(deletions, "PACE", 0)
    chats = KeptChats(tmp_path / "session", registry, clock, pauses.append)
    yield chats.start()
    chats.close()


@pytest.fixture
def studio(chats: KeptChats, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    studio = Studio(chats)

    def read(address: str, most_bytes: int, proxy: str) -> bytes:
        studio.fetched.append(address)
        return film("16:9")

    monkeypatch.setattr(fetching, "_read", read)
    yield studio


@pytest.fixture
def dashboard(chats: KeptChats) -> Iterator[Dashboard]:
    """The dashboard of a whole server whose chats are kept."""
    with dashboard_of(chats) as dashboard:
        yield dashboard


@pytest.fixture
def make_client(make_relay: MakeRelay, tmp_path: Path) -> MakeClient:
    """Return a maker of test clients; relay settings and pool limits as for make_relay, settings in `config`."""

    def make(
        count: int = 1,
        settings: RelaySettings | None = None,
        config: Mapping[str, object] | None = None,
        insecure: bool = False,
        **limits: Any,
    ) -> FlaskClient:
        relay = make_relay(count, settings, **limits)
        options = {"session_dir": str(tmp_path / "session"), **(config or {})}
        app = create_app(replace(Config.load(options, {}), insecure=insecure), relay)
        return app.test_client()

    return make


@pytest.fixture
def client(make_client: MakeClient) -> FlaskClient:
    return make_client()


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty session folder that commands of this process use, in English."""
    folder = tmp_path / "session"
    monkeypatch.setenv("QWENPROXY_SESSION_DIR", str(folder))
    monkeypatch.setenv("QWENPROXY_LANG", "en")
    return folder


@pytest.fixture
def serve(chats: KeptChats) -> Iterator[Callable[..., int]]:
    """Return what starts an HTTP server over the app as it is now, and returns its port."""
    with ExitStack() as servers:

        def start(**options: Any) -> int:
            chats.start(**options)
            return servers.enter_context(served(chats.app))

        yield start


@pytest.fixture
def connect(serve: Callable[..., int]) -> Iterator[Callable[..., Client]]:
    """Return what opens a socket at an address, to the first server or to the one at `port`."""
    opened: list[Client] = []
    ports: list[int] = []

    def open_socket(port: int | None = None, address: str = "/api/ws", **headers: Any) -> Client:
        if port is None:
            ports.append(ports[-1] if ports else serve())
            port = ports[-1]
        opened.append(Client.connect(f"ws://127.0.0.1:{port}{address}", headers=headers))
        return opened[-1]

    yield open_socket
    for each in opened:
        if each.connected:
            each.close()
        each.thread.join(SOCKET_WAIT)
