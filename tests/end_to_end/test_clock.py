"""A clock that jumps while the server runs: no wait depends on it, and what is told by it comes true at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from asking import ask, streaming
from odd_server import odd_command, shift_clock
from proxy_process import Proxy

from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser

DAY = 86400


def status(proxy: Proxy) -> dict[str, str]:
    """Return what the server says of its accounts."""
    accounts = httpx.get(f"{proxy.url}/api/status").json()["accounts"]
    return {account["id"]: account["status"] for account in accounts}


def test_jumps(new_proxy: Callable[..., Proxy], site: Sandbox) -> None:
    proxy = new_proxy(on_no_accounts="wait", stall_timeout=30, queue_wait=20)
    proxy.command = odd_command(proxy.session_dir)
    first, second = site.accounts[:2]
    proxy.registry.add(second.token, second.id)
    proxy.registry.rest(second.id, time.time() + DAY / 2)
    proxy.start()
    with streaming(proxy.url, "{{stream chunks=80 interval_ms=50}}") as answer:
        answer.until_text()
        for shift in (DAY, -DAY, 0):
            shift_clock(proxy.session_dir, shift)
            during = ask(proxy.url, "{{say Meanwhile.}}", stream=True)
            assert (during.text, during.done) == ("Meanwhile.", True)
            assert status(proxy) == {first.id: "OK", second.id: "OK" if shift > 0 else "WAIT"}
        reply = answer.rest()
    assert reply.text.split()[-1].startswith("chunk-079")
    assert reply.done

    # a limit of two hours, a day of wrong time, and the right time again
    site.add_fault(Fault("rate_limited", account=first.id, times=None, options={"num": 2}))
    shift_clock(proxy.session_dir, -DAY)
    refused = ask(proxy.url, "{{say never}}")
    assert (refused.status, refused.error["code"]) == (429, "rate_limited")
    site.clear()
    shift_clock(proxy.session_dir, 0)
    assert ask(proxy.url, "{{say That was long ago.}}").text == "That was long ago."
