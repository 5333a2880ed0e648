"""An account moves from one node of a real Selenium Grid to another: with its login and its device, in under a second.

Only runs with scripts/test-grid.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from logins import config_for, enter
from real_grid import assert_empty, node_of, real_grid

from local_grid.servers import LocalGrid, Wishes
from qwenproxy.accounts.registry import Registry
from qwenproxy.assembly import opener_for
from qwenproxy.browser.grid import GridBrowser, GridLauncher
from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.sandbox import Sandbox

pytestmark = [pytest.mark.browser, pytest.mark.grid, pytest.mark.timeout(300)]

MOVES = 5
MOST = 1.0  # seconds from the new browser to the account's page in it
DEVICE_IDS = ("cna", "lswusea")


@pytest.fixture
def site() -> Iterator[Sandbox]:
    """A stand-in of this test's own, whose logins are counted."""
    with Sandbox(accounts=1) as site:
        yield site


class Places:
    """Keeps one of two nodes taken, each of which has one slot, so that the next browser opens on the other."""

    def __init__(self, grid: LocalGrid, folder: Path) -> None:
        self._grid = grid
        self._folder = folder
        self._launcher = GridLauncher(GridHub(GridAddress.parse(grid.url)))
        self._browser: GridBrowser | None = None
        self._count = 0

    def take(self, number: int) -> None:
        """Take the place on this node, once both are free, and wait until the other one is."""
        self._await_free(2)
        name, browser = self._open()
        if node_of(self._grid, name) != number:
            _, second = self._open()
            browser.close()
            browser = second
        self._browser = browser
        self._await_free(1)

    def leave(self) -> None:
        """Free the place that is taken."""
        if self._browser:
            self._browser.close()
        self._browser = None

    def _await_free(self, count: int) -> None:
        self._grid.await_that(lambda: sum(node.free for node in self._grid.ask()) == count)

    def _open(self) -> tuple[str, GridBrowser]:
        self._count += 1
        name = f"other{self._count}"
        return name, self._launcher.launch(AccountFolder(self._folder / name))


def device(folder: AccountFolder) -> dict[str, str]:
    """Return the ids of the device in the kept login, from cookies and storage."""
    state = json.loads(folder.login.read_text())
    [storage] = state["origins"]
    pairs: list[dict[str, Any]] = [*state["cookies"], *storage["localStorage"]]
    return {one["name"]: one["value"] for one in pairs if one["name"] in DEVICE_IDS}


def test_an_account_moves_to_another_node_with_its_login_in_under_a_second(
    site: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_dir = tmp_path / "session"
    enter(site, session_dir)
    started: list[float] = []  # when a browser was there
    launch = GridLauncher.launch

    def timed(launcher: GridLauncher, folder: AccountFolder) -> GridBrowser:
        browser = launch(launcher, folder)
        started.append(time.monotonic())
        return browser

    with real_grid(Wishes(nodes=2, slots=1)) as grid:
        config = config_for(site, session_dir, grid_url=grid.url)
        registry = Registry.open(SessionFolder(session_dir))
        [account] = registry.all()
        folder = registry.folder(account.id)
        opener, places = opener_for(config, registry), Places(grid, tmp_path / "others")
        before, moves, whole = device(folder), [], []
        assert set(before) == set(DEVICE_IDS)
        for move in range(MOVES + 1):
            places.take(move % 2)
            with monkeypatch.context() as patch:
                patch.setattr(GridLauncher, "launch", timed)
                begun = time.monotonic()
                page = opener(account)
                ended = time.monotonic()
            moves.append(ended - started[-1])
            whole.append(ended - begun)
            assert node_of(grid, account.id) == 1 - move % 2
            page.close()
            places.leave()
            assert device(folder) == before
        assert_empty(grid)
    print("seconds of each move:", " ".join(f"{each:.2f}" for each in moves))
    print("with the start of the browser:", " ".join(f"{each:.2f}" for each in whole))
    assert statistics.median(moves[1:]) < MOST
    assert registry.get(account.id) == account, "it had to log in anew"
