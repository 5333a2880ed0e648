"""A real Selenium Grid on this machine for tests, where Java and the Grid's jar are there, and what is on its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from proxy_process import eventually

from local_grid.programs import find_programs, missing
from local_grid.servers import LocalGrid, Wishes
from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.grid_status import GridReport


@contextmanager
def real_grid(wishes: Wishes) -> Iterator[LocalGrid]:
    """Run a Grid; skip the test with a word where the machine lacks what it needs."""
    if what := missing():
        pytest.skip(f"no Selenium Grid here (scripts/grid installs it): {what}")
    with LocalGrid(find_programs(), wishes) as grid:
        yield grid


def report(grid: LocalGrid) -> GridReport:
    """Return what the hub says of its nodes and sessions."""
    return GridHub(GridAddress.parse(grid.url)).report()


def node_of(grid: LocalGrid, account_id: str) -> int:
    """Return the number of the node on which an account's browser is."""
    uris = [node.uri for node in report(grid).nodes if account_id in node.accounts]
    return grid.node_of(uris[0].rpartition(":")[2])


def chrome_on(grid: LocalGrid, number: int) -> psutil.Process:
    """Return a Chrome on a node, without its children."""
    node = grid.nodes[number]
    assert node
    processes = psutil.Process(node.pid).children(recursive=True)
    return next(one for one in processes if "chrom" in one.name() and is_main(one))


def is_main(process: psutil.Process) -> bool:
    """Tell whether this is the Chrome that was started, and neither a driver nor one of Chrome's own children."""
    words = process.cmdline()
    return "driver" not in process.name() and not any(word.startswith("--type=") for word in words)


def assert_empty(grid: LocalGrid, wait: float = 10.0) -> None:
    """No session may be left on the hub, no browser on its nodes."""
    assert eventually(lambda: report(grid).sessions == 0, wait), report(grid)
    assert eventually(lambda: not grid.browsers(), 10.0), grid.browsers()
