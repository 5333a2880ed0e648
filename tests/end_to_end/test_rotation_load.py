"""Three accounts under more clients than they may serve at once: evenly used, and one that refuses is not missed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from asking import ask
from proxy_process import Proxy
from session_files import account_of

from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.faults.fault import COMPLETIONS, parse_fault

pytestmark = pytest.mark.browser

CLIENTS = 8  # the three accounts serve six


@pytest.fixture
def three(new_proxy: Callable[..., Proxy], site: Sandbox) -> Iterator[Proxy]:
    proxy = new_proxy()
    for account in site.accounts[1:]:
        proxy.registry.add(account.token, account.id)
    assert len(proxy.registry.all()) == 3
    with proxy:
        yield proxy


def served(proxy: Proxy, site: Sandbox, requests: int) -> Counter[str]:
    """Send so many requests and return how often each account was asked; every one must succeed."""
    before = len(site.requests)

    def one(number: int) -> str:
        return ask(proxy.url, f"{{{{say Answer {number}.}}}}", stream=number % 2 == 0).text

    with ThreadPoolExecutor(CLIENTS) as clients:
        assert list(clients.map(one, range(requests))) == [f"Answer {number}." for number in range(requests)]
    return Counter(str(request.account_id) for request in site.requests[before:] if request.path == COMPLETIONS)


def test_all_three_serve_alike_and_one_that_refuses_is_not_missed(three: Proxy, site: Sandbox) -> None:
    before = len(site.requests)
    for _ in site.accounts:
        assert ask(three.url, "{{say Here.}}").text == "Here."
    opened = [request.account_id for request in site.requests[before:] if request.path == COMPLETIONS]
    assert len(set(opened)) == 3, "a browser that is coming up misses turns, so all are up before it is counted"
    counts = served(three, site, 150)
    assert all(abs(count - 50) <= 1 for count in counts.values()), counts

    refusing, *others = (account.id for account in site.accounts)
    site.add_fault(replace(parse_fault("rate_limited num=6"), times=None, account=refusing))
    counts = served(three, site, 60)
    assert counts[refusing] <= 2, "as many as may run at once can be refused before it rests"
    assert sum(counts[account_id] for account_id in others) == 60
    assert account_of(three.registry, refusing).status(time.time()) == "WAIT"
