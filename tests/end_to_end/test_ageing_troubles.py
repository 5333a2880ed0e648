"""What can go wrong while a login is renewed: slow pages, failures in passing, kills. No good login is lost by it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest
from asking import ask, request_body
from logins import enter
from proxy_process import Proxy, eventually, worker

from qwenproxy.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.browser

TOKEN_LIFE = Switches().token_life_s
REFRESH = "/api/v2/auths/refresh"


@pytest.fixture(scope="module")
def ageing_site() -> Iterator[Sandbox]:
    """A stand-in of these tests' own, which ages as the site does; use `site`."""
    with Sandbox(accounts=1) as site:
        yield site


@pytest.fixture(scope="module")
def server(ageing_site: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A server with one account whose login lasts, from one test to the next; use `proxy`."""
    proxy = Proxy(ageing_site, tmp_path_factory.mktemp("ageing") / "session")
    enter(ageing_site, proxy.session_dir)
    with proxy:
        yield proxy


@pytest.fixture
def site(ageing_site: Sandbox) -> Iterator[Sandbox]:
    """The stand-in without faults and recorded requests; its clock goes on from test to test."""
    ageing_site.clear()
    yield ageing_site
    ageing_site.clear()
    ageing_site.wait_idle(30)


@pytest.fixture
def proxy(server: Proxy, site: Sandbox) -> Proxy:
    """The server with an answer behind it, and a log that begins there."""
    assert ask(server.url, "{{say ready}}").text == "ready"
    server.forget_log()
    return server


def assert_well(proxy: Proxy, site: Sandbox) -> None:
    """Check that the account answers, now and after its present token has run out, and that no renewal was doubled."""
    for seconds in (0, TOKEN_LIFE + 1):
        site.advance(seconds)
        reply = ask(proxy.url, "{{say fine}}")
        assert reply.status == 200, f"{reply.body}\n{proxy.log()}"
    assert "INVALID" not in proxy.log()
    assert {one.outcome for one in site.refreshes} <= {"ok"}
    [account] = proxy.registry.all()
    assert account.reset_at is None and not account.invalid


def test_a_page_that_loads_slowly(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(Fault("stall", path="/", options={"seconds": 6}))
    site.advance(TOKEN_LIFE + 1)
    assert_well(proxy, site)


def test_a_page_that_comes_as_an_error_of_the_gateway(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(Fault("http_502", path="/", times=2))
    site.advance(TOKEN_LIFE + 1)
    assert_well(proxy, site)
    assert "VERIFY" not in proxy.log()


def test_a_token_refused_before_its_time_and_a_slow_renewal(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(Fault("stall", path=REFRESH, times=None, options={"seconds": 1.5}))
    site.accounts[0].expire()
    assert_well(proxy, site)


def test_a_renewal_that_fails_in_passing(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(Fault("http_503", path=REFRESH, times=None))
    site.advance(TOKEN_LIFE + 1)
    refused = ask(proxy.url, "{{say never}}")
    assert (refused.status, refused.error["code"]) == (502, "upstream_error")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    [account] = proxy.registry.all()
    assert (account.reason, account.invalid) == ("renewal", False)
    site.clear()
    proxy.registry.mark_ok(account.id)  # as the minute that it rests does
    assert_well(proxy, site)


def kill_chrome(proxy: Proxy) -> None:
    for process in proxy.browser("sandbox1"):
        process.kill()


def kill_server(proxy: Proxy) -> None:
    for process in (worker(proxy), psutil.Process(proxy.pid)):
        process.kill()
    proxy.wait()
    proxy.start()


@pytest.mark.parametrize("kill", [kill_chrome, kill_server])
def test_a_kill_right_after_a_renewal(proxy: Proxy, site: Sandbox, kill: Callable[[Proxy], None]) -> None:
    site.advance(TOKEN_LIFE + 1)
    assert ask(proxy.url, "{{say fine}}").text == "fine"
    assert eventually(lambda: "token renewed by the site" in proxy.log())
    kill(proxy)
    assert_well(proxy, site)


def test_a_client_that_leaves_while_the_page_loads_is_noticed(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(Fault("stall", path="/", options={"seconds": 8}))
    site.advance(TOKEN_LIFE + 1)
    with contextlib.suppress(httpx.TimeoutException):
        httpx.post(f"{proxy.url}/v1/chat/completions", json=request_body("{{say never}}"), timeout=2)
    assert eventually(lambda: " 499 " in proxy.log(), 6), "it is noticed before the page has loaded"
    assert_well(proxy, site)


def test_a_stop_right_after_a_renewal(proxy: Proxy, site: Sandbox) -> None:
    site.advance(TOKEN_LIFE + 1)
    assert ask(proxy.url, "{{say fine}}").text == "fine"
    assert proxy.end(signal.SIGTERM) == 0
    proxy.start()
    assert_well(proxy, site)
