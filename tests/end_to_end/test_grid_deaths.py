"""Parts of a real Selenium Grid die, or the proxy does: only the answers under way end, and nothing is left behind.

Takes minutes, so it only runs with scripts/test-grid.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from asking import Reply, ask, streaming, together
from proxy_process import Proxy, eventually, family
from real_grid import assert_empty, chrome_on, is_main, node_of, real_grid, report

from local_grid.servers import LocalGrid, Wishes
from qwenproxy.accounts.slots import FULL_FOR
from qwenproxy.browser.grid import GridLauncher
from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.sandbox import Sandbox

pytestmark = [pytest.mark.browser, pytest.mark.grid, pytest.mark.timeout(300)]

SESSION_TIMEOUT = 20  # seconds; the least in which a page may load on a busy machine
RECOVERY = 15.0  # seconds until the next success, once a slot is free
HANG_RECOVERY = 25.0  # where a node hangs: 5 for its answer, 3 for the end of its session, 5 for a slot, and a start
LONG = "{{stream chunks=200 interval_ms=50}}"


@pytest.fixture
def grid() -> Iterator[LocalGrid]:
    # One slot each, because the hub may put two browsers that come at once on one node.
    with real_grid(Wishes(nodes=2, slots=1, session_timeout=SESSION_TIMEOUT, queue_wait=8)) as grid:
        yield grid


@pytest.fixture
def proxy(grid: LocalGrid, site: Sandbox, tmp_path: Path) -> Iterator[Proxy]:
    """A server over two accounts with browsers on the Grid, both open, on a node each."""
    proxy = Proxy(site, tmp_path / "session", grid_url=grid.url, account_concurrency=16, queue_wait=20)
    for account in site.accounts[:2]:
        proxy.registry.add(account.token, account.id)
    with proxy:
        assert eventually(lambda: ask(proxy.url, "{{say ready}}").status == 200 and is_spread(grid), 90.0), proxy.log()
        yield proxy


def is_spread(grid: LocalGrid) -> bool:
    """Tell whether each node has the browser of one account."""
    return sorted(node.accounts for node in report(grid).nodes) == [("sandbox1",), ("sandbox2",)]


def interrupted(proxy: Proxy, count: int, interrupt: Callable[[], None]) -> tuple[list[Reply], list[Reply], float]:
    """Have so many answers under way, interrupt, and read them all; meanwhile ask until there is a new answer.

    Return the answers that are whole, those that broke off, and the seconds until the new one.
    """
    with ExitStack() as stack:
        streams = [stack.enter_context(streaming(proxy.url, LONG)) for _ in range(count)]
        for stream in streams:
            stream.until_text()
        with ThreadPoolExecutor(count) as threads:
            interrupt()
            replies = [threads.submit(stream.rest) for stream in streams]
            seconds = seconds_to_success(proxy)
            ended = [reply.result() for reply in replies]
    whole = [reply for reply in ended if reply.done and reply.text.count("chunk-") == 200]
    broken = [reply for reply in ended if reply not in whole]
    for reply in broken:
        assert reply.text.startswith("chunk-") and not reply.done
        assert reply.error["code"] == "upstream_error"
    return whole, broken, seconds


def seconds_to_success(proxy: Proxy) -> float:
    """Ask until the proxy answers; return how long that took."""
    start = time.monotonic()
    assert eventually(lambda: ask(proxy.url, "{{say back}}").status == 200, 60.0)
    return time.monotonic() - start


def await_both(grid: LocalGrid, proxy: Proxy, wait: float) -> None:
    """Ask until both accounts have a browser again."""

    def both() -> bool:
        together(*[lambda: ask(proxy.url, "{{say back}}")] * 4)
        return {name for node in report(grid).nodes for name in node.accounts} == {"sandbox1", "sandbox2"}

    assert eventually(both, wait), report(grid)


def end_politely(grid: LocalGrid, proxy: Proxy) -> None:
    assert proxy.end() == 0
    assert_empty(grid)
    assert "unexpected" not in proxy.log()


def test_a_killed_chrome_ends_its_own_answers_alone(grid: LocalGrid, proxy: Proxy) -> None:
    whole, broken, seconds = interrupted(proxy, 8, lambda: chrome_on(grid, 0).kill())
    assert whole and broken and seconds < RECOVERY
    await_both(grid, proxy, RECOVERY)
    end_politely(grid, proxy)


def test_a_killed_node_under_16_streams_ends_its_own_answers_alone(grid: LocalGrid, proxy: Proxy) -> None:
    orphans: list[psutil.Process] = []
    whole, broken, seconds = interrupted(proxy, 16, lambda: orphans.extend(grid.kill_node(0)))
    print(f"whole {len(whole)}, broken {len(broken)}, next success after {seconds:.1f} s")
    assert whole and broken and seconds < RECOVERY
    assert orphans and any(one.is_running() for one in orphans), "the Grid has learnt to end them: say so in the docs"
    for orphan in orphans:  # a container ends with its node
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    grid.start_node(0)
    grid.await_nodes(2)
    await_both(grid, proxy, FULL_FOR + RECOVERY)  # until then the accounts take turns in the one slot
    end_politely(grid, proxy)


def test_a_node_that_hangs_is_given_up_in_seconds(grid: LocalGrid, proxy: Proxy) -> None:
    node = grid.nodes[node_of(grid, "sandbox1")]
    assert node
    whole, broken, seconds = interrupted(proxy, 4, lambda: node.send_signal(signal.SIGSTOP))
    node.send_signal(signal.SIGCONT)
    print(f"next success after {seconds:.1f} s")
    assert whole and broken and seconds < HANG_RECOVERY
    assert "ReadTimeoutError" in proxy.log()
    assert proxy.end() == 0
    assert_empty(grid, SESSION_TIMEOUT * 2.0)


def test_a_hub_that_starts_anew_ends_the_answers_and_is_used_again(grid: LocalGrid, proxy: Proxy) -> None:
    def restart() -> None:
        grid.kill_hub()
        grid.start_hub()

    whole, broken, _ = interrupted(proxy, 4, restart)
    assert not whole and len(broken) == 4
    refusal = [line for line in proxy.log().splitlines() if "does not answer" in line or "no node" in line]
    assert refusal, "nobody was told of the silent hub"
    grid.await_nodes(2)
    time.sleep(SESSION_TIMEOUT)  # the new hub does not know the old one's sessions: their slots are taken until then
    assert seconds_to_success(proxy) < RECOVERY + SESSION_TIMEOUT
    assert proxy.end() == 0
    assert_empty(grid, SESSION_TIMEOUT * 2.0)


@pytest.fixture
def patient_grid() -> Iterator[LocalGrid]:
    """A Grid that lets browsers be whom nobody uses meanwhile, however long a busy machine takes."""
    with real_grid(Wishes(nodes=2, slots=1, queue_wait=8)) as grid:
        yield grid


def test_a_grid_without_a_free_slot_says_so_and_is_used_once_one_is_free(
    patient_grid: LocalGrid, site: Sandbox, tmp_path: Path
) -> None:
    grid = patient_grid
    launcher = GridLauncher(GridHub(GridAddress.parse(grid.url)))
    others = [launcher.launch(AccountFolder(tmp_path / "others" / f"other{number}")) for number in range(2)]
    proxy = Proxy(site, tmp_path / "session", grid_url=grid.url)
    proxy.registry.add(site.accounts[0].token, site.accounts[0].id)
    with proxy:
        reply = ask(proxy.url, "{{say ready}}")
        assert (reply.status, reply.error["code"]) == (503, "browser_error")
        assert "All 2 slots" in reply.error["message"]
        assert int(reply.headers["retry-after"]) > 0
        assert [account["status"] for account in httpx.get(f"{proxy.url}/api/status").json()["accounts"]] == ["OK"]
        others.pop().close()
        assert seconds_to_success(proxy) < RECOVERY
        for other in others:
            other.close()
        end_politely(grid, proxy)


def test_a_killed_proxy_leaves_nothing_for_longer_than_the_grids_time_limit(grid: LocalGrid, proxy: Proxy) -> None:
    for process in family(proxy.session_dir):
        process.kill()
    proxy.close()
    assert report(grid).sessions == 2
    assert_empty(grid, SESSION_TIMEOUT * 3.0)


def test_an_idle_browser_outlives_the_grids_time_limit(grid: LocalGrid, proxy: Proxy) -> None:
    before = sorted(process.pid for process in grid.browsers() if is_main(process))
    time.sleep(SESSION_TIMEOUT * 1.5)  # nothing announces that a session was not ended
    assert sorted(process.pid for process in grid.browsers() if is_main(process)) == before
    assert ask(proxy.url, "{{say hello}}").text == "hello"
    end_politely(grid, proxy)


def test_three_accounts_share_two_slots(grid: LocalGrid, site: Sandbox, tmp_path: Path) -> None:
    proxy = Proxy(site, tmp_path / "session", grid_url=grid.url)
    for account in site.accounts[:3]:
        proxy.registry.add(account.token, account.id)
    with proxy:
        seconds = []
        for _ in range(24):
            start = time.monotonic()
            assert ask(proxy.url, "{{say hello}}").text == "hello"
            seconds.append(time.monotonic() - start)
        print("seconds for each request:", " ".join(f"{each:.1f}" for each in seconds))
        assert sum(each > 1.0 for each in seconds) <= 6, "most requests find a tab open"
        assert proxy.log().count("makes room") <= 4
        end_politely(grid, proxy)
