"""More answers at once than a hundred, through one tab over one HTTP/2 connection."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from asking import ask
from proxy_process import Proxy

pytestmark = pytest.mark.browser

STREAMS = 128
QUESTION = "{{stream chunks=20 interval_ms=50}}"


def test_all_of_them_arrive_whole(new_proxy: Callable[..., Proxy]) -> None:
    proxy = new_proxy(account_concurrency=STREAMS, threads=2 * STREAMS)
    proxy.start()
    with ThreadPoolExecutor(STREAMS) as clients:
        replies = list(clients.map(lambda _: ask(proxy.url, QUESTION, stream=True), range(STREAMS)))
    assert {reply.text for reply in replies} == {replies[0].text}
    assert replies[0].text.split() == [f"chunk-{number:03d}" for number in range(20)]
    assert all(reply.done for reply in replies)
