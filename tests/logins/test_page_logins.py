"""A login whose window the dashboard shows, with a scripted browser: who sees it, how it ends, what is left then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import login_window
import orjson
import pytest
from cli_runner import new_token
from clocks import FakeClock
from login_window import SIGN_IN, SOMEBODY, Script, View
from session_files import account_of

from qwenproxy.accounts.proxies import Proxies
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.browser.view.outbox import Outbox
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import QueueTimeout, SetupError
from qwenproxy.logins import at_page, watch
from qwenproxy.logins.at_page import IDLE, PageLogin, Place, Wish
from qwenproxy.logins.page_logins import MOST, PageLogins

WAIT = 20.0  # seconds
OLD = new_token(expires_at=3_000_000_000)


class FakeView:
    """A look at a tab that shows one note."""

    def __init__(self, address: object, handle: str) -> None:
        self.closed = False

    def start(self) -> None:
        pass

    def show_to(self, outbox: Outbox) -> None:
        outbox.note("page")

    def leave(self, outbox: Outbox) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.open(SessionFolder(tmp_path / "session"))


class Stage:
    """Where the logins of a test take place, and which accounts are set aside."""

    def __init__(self, registry: Registry, clock: FakeClock) -> None:
        self.registry = registry
        self.clock = clock
        self.script = Script(SIGN_IN)
        self.reserved: list[str] = []
        self.logins = PageLogins(self._place)

    def _place(self) -> Place:
        def open_window(login_wait: float) -> Any:
            return replace(login_window.login_window(self.clock), login_wait=login_wait)

        return Place(self.registry, open_window, self._reserve, clock=self.clock)

    @contextmanager
    def _reserve(self, account_id: str) -> Iterator[None]:
        self.reserved.append(f"+{account_id}")
        yield
        self.reserved.append(f"-{account_id}")

    def shows(self, view: View | Exception | None) -> None:
        """Let the browser show something else from now on."""
        self.script.driver.view = view


@pytest.fixture
def stage(registry: Registry, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = Stage(registry, clock)
    login_window.play(monkeypatch, clock, stage.script)
    monkeypatch.setattr(at_page, "View", FakeView)
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.01)
    launch: Callable[[Any, Any], Any] = LocalLauncher.launch

    def launch_with_devtools(launcher: Any, folder: Any) -> Any:
        browser = launch(launcher, folder)
        browser.tab = SimpleNamespace(**vars(browser.tab), handle="t", devtools=SimpleNamespace(is_local=True))
        return browser

    monkeypatch.setattr(LocalLauncher, "launch", launch_with_devtools)
    yield stage
    stage.logins.close()


def ended(login: PageLogin) -> at_page.Standing:
    """Return how a login stands once it has ended."""
    waits = threading.Event()
    for _ in range(int(WAIT / 0.01)):
        if login.standing.state != "running":
            return login.standing
        waits.wait(0.01)
    raise AssertionError(login.standing)


def notes_of(outbox: Outbox, until: Callable[[dict[str, Any]], bool]) -> list[str]:
    """Return the kinds of the notes that a viewer gets, until one fits."""
    kinds: list[str] = []
    while True:
        item = outbox.take(WAIT)
        assert isinstance(item, bytes), kinds
        note = orjson.loads(item)
        kinds.append(note["kind"])
        if until(note):
            return kinds


def test_a_new_account_comes_with_its_id_and_its_proxy(stage: Stage) -> None:
    proxy = ProxyAddress.parse("socks5://anna:pw@proxy.example:1080")
    login = stage.logins.begin(Wish(new_id="mine", proxy=proxy))
    assert stage.logins.get(login.id) is login and stage.logins.all() == (login,)
    stage.shows(View(new_token(), answer=SOMEBODY))
    standing = ended(login)
    assert (standing.state, standing.account_id, standing.is_new) == ("done", "mine", True)
    assert account_of(stage.registry, "mine").token == new_token()
    assert Proxies(stage.registry).own("mine") == proxy
    assert stage.logins.all() == () and stage.logins.get(login.id) is login


def test_an_account_is_set_aside_and_comes_back_and_its_person_says_when(stage: Stage) -> None:
    stage.registry.add(OLD, "mine")
    stage.shows(View(OLD, answer=SOMEBODY))
    login = stage.logins.begin(Wish(account_of(stage.registry, "mine")))
    assert stage.logins.begin(Wish(account_of(stage.registry, "mine"))) is login
    outbox = Outbox()
    with login.viewer(outbox) as is_free:
        assert is_free
        kinds = notes_of(outbox, lambda note: note.get("step") == "works")
        assert kinds.count("page") == 1
        assert stage.reserved == ["+mine"]
        login.confirm()
        notes_of(outbox, lambda note: note.get("state") == "done")
        assert outbox.take(WAIT) is None and outbox.is_closed
    assert ended(login).state == "done"
    assert stage.reserved == ["+mine", "-mine"]


def test_one_viewer_at_a_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_page, "PLACE_WAIT", 0.01)
    login = stage.logins.begin(Wish())
    with login.viewer(Outbox()) as first, login.viewer(Outbox()) as second:
        assert (first, second) == (True, False)
    with login.viewer(Outbox()) as third:
        assert third


def test_a_login_that_is_cancelled_leaves_nothing(stage: Stage) -> None:
    login = stage.logins.begin(Wish(new_id="mine"))
    login.cancel()
    assert (ended(login).state, ended(login).outcome) == ("failed", "cancelled")
    assert stage.registry.all() == () and not stage.registry.folder("mine").path.exists()


def test_a_window_closes_when_nobody_does_anything_any_more(stage: Stage, clock: FakeClock) -> None:
    login = stage.logins.begin(Wish(login_wait=1800))
    assert not login.present
    clock.now += IDLE + 1  # nobody has come to look yet
    with login.viewer(Outbox()):
        assert login.present
    clock.now += IDLE - 1
    login.note_input()
    clock.now += IDLE - 1
    assert login.standing.state == "running"
    clock.now += 2
    assert ended(login).outcome == "idle"


def test_a_login_has_its_time(stage: Stage, clock: FakeClock) -> None:
    login = stage.logins.begin(Wish(login_wait=60))
    outbox = Outbox()
    with login.viewer(outbox):
        notes_of(outbox, lambda note: note.get("step") == "waiting")
    clock.now += 61
    assert ended(login).outcome == "timeout"


def test_somebody_elses_login_is_told(stage: Stage) -> None:
    stage.registry.add(new_token("ben", 3_000_000_000), "his")
    login = stage.logins.begin(Wish())
    stage.shows(View(new_token("ben"), answer=SOMEBODY))
    standing = ended(login)
    assert standing.outcome == "error" and "relogin his" in standing.message


@pytest.mark.parametrize("new_id", ["MINE", "../x", ""], ids=["taken", "no folder", "empty"])
def test_an_id_that_cannot_be_opens_no_window(stage: Stage, new_id: str) -> None:
    stage.registry.add(OLD, "mine")
    with pytest.raises(SetupError):
        stage.logins.begin(Wish(new_id=new_id))
    assert stage.logins.all() == ()


def test_only_so_many_windows_are_open(stage: Stage) -> None:
    logins = [stage.logins.begin(Wish(new_id=f"n{number}")) for number in range(MOST)]
    with pytest.raises(QueueTimeout):
        stage.logins.begin(Wish())
    logins[0].close()
    assert stage.logins.begin(Wish())


def test_with_the_server_all_windows_end(stage: Stage) -> None:
    login = stage.logins.begin(Wish(new_id="mine"))
    stage.logins.close()
    stage.logins.close()
    assert login.standing.state == "failed" and stage.script.closed
    with pytest.raises(QueueTimeout):
        stage.logins.begin(Wish())
