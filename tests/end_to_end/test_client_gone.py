"""A client that hangs up: its answer stops in the page, and its account is free for the next one.

The shared server's patience with a silent site is the default, minutes longer than any of these tests waits.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from asking import ask
from leaving import (
    FLOWING,
    NOTICED_WITHIN,
    SILENT,
    SILENT_FROM_THE_START,
    STREAMS,
    asked_and_unread,
    hang_up_in_mid_stream,
    leave_stream,
)
from odd_server import odd_command
from proxy_process import ACCOUNT_CONCURRENCY, Proxy

from qwenproxy.sandbox import Recorded, Sandbox
from qwenproxy.sandbox.faults.fault import COMPLETIONS as QUESTIONS

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("question", [FLOWING, SILENT])
def test_streamed_answer_stops(proxy: Proxy, site: Sandbox, question: str) -> None:
    hang_up_in_mid_stream(proxy, question)
    site.wait_idle(NOTICED_WITHIN)


@pytest.mark.parametrize("api", STREAMS)
def test_every_apis_stream_stops(proxy: Proxy, site: Sandbox, api: str) -> None:
    for question in (FLOWING, SILENT):
        leave_stream(proxy, api, question)
    site.wait_idle(NOTICED_WITHIN)


@pytest.mark.parametrize("question", [FLOWING, SILENT])
def test_plain_answer_stops(proxy: Proxy, site: Sandbox, question: str) -> None:
    with asked_and_unread(proxy, question, stream=False):
        site.wait_for(lambda site: site.running_generations())
    site.wait_idle(NOTICED_WITHIN)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("signs_of_life", [0, 1], ids=["at once", "later"])
def test_answer_stops_while_a_call_is_written(proxy: Proxy, site: Sandbox, stream: bool, signs_of_life: int) -> None:
    site.switches.interval_ms = 100
    call = f'{{{{tool write {{"text":"{"x" * 40_000}"}}}}}}'
    tools = [{"type": "function", "function": {"name": "write", "parameters": {"type": "object"}}}]
    with asked_and_unread(proxy, call, stream=stream, tools=tools) as connection:
        site.wait_for(lambda site: site.running_generations())
        while stream and signs_of_life and b": keep-alive" not in connection.recv(1 << 16):
            pass
    site.wait_idle(NOTICED_WITHIN)


def test_the_site_is_told_to_stop(proxy: Proxy, site: Sandbox) -> None:
    hang_up_in_mid_stream(proxy, FLOWING)
    [completion] = [request for request in site.requests if request.path == QUESTIONS]
    site.wait_for(lambda site: any(is_stop(request, completion.body["chat_id"]) for request in site.requests), 15)
    site.wait_idle(NOTICED_WITHIN)


def is_stop(request: Recorded, chat_id: str) -> bool:
    return request.path.endswith("/completions/stop") and request.body["chat_id"] == chat_id


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("question", [FLOWING, SILENT, SILENT_FROM_THE_START])
def test_the_account_is_free_for_the_next_client(
    proxy: Proxy, site: Sandbox, only_account: str, question: str, stream: bool
) -> None:
    with ExitStack() as clients:
        for _ in range(ACCOUNT_CONCURRENCY):
            clients.enter_context(asked_and_unread(proxy, question, stream=stream))
        site.wait_for(lambda site: asked(site) == ACCOUNT_CONCURRENCY, 30)
    assert ask(proxy.url, "{{say It is my turn.}}").text == "It is my turn."
    site.wait_idle(NOTICED_WITHIN)


def asked(site: Sandbox) -> int:
    return sum(request.path == QUESTIONS for request in site.requests)


def test_a_client_that_stays_and_takes_nothing_is_given_up(new_proxy: Callable[..., Proxy], site: Sandbox) -> None:
    proxy = new_proxy(account_concurrency=1)
    proxy.command = odd_command(proxy.session_dir)
    proxy.start()
    with asked_and_unread(proxy, "{{long bytes=20000000}}", stream=True):
        site.wait_for(lambda site: site.running_generations(), 30)
        assert ask(proxy.url, "{{say It is my turn.}}").text == "It is my turn."


def test_who_reads_slowly_keeps_no_account_busy(proxy: Proxy, site: Sandbox, only_account: str) -> None:
    with ExitStack() as stack:
        for _ in range(2 * ACCOUNT_CONCURRENCY):
            stack.enter_context(asked_and_unread(proxy, "{{long bytes=3000000}}", stream=True))
        # the second half is asked only once accounts are given back for the first
        site.wait_for(lambda site: sum(one.path == QUESTIONS for one in site.requests) == 2 * ACCOUNT_CONCURRENCY, 30)
        assert ask(proxy.url, "{{say My turn.}}", stream=True).text == "My turn."
    site.wait_idle(NOTICED_WITHIN)


def test_a_slow_reader_does_not_hold_up_others(proxy: Proxy, site: Sandbox, only_account: str) -> None:
    with asked_and_unread(proxy, "{{long bytes=20000000}}", stream=True):
        site.wait_for(lambda site: site.running_generations())
        for _ in range(3):
            assert ask(proxy.url, "{{say Still here.}}", stream=True).text == "Still here."
    site.wait_idle(NOTICED_WITHIN)
