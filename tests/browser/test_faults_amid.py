"""Every way an answer can break off: what came is passed on, and never passed off as complete.

Source: contract sections 4.3 and 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import test_faults_before
import test_transport
from asking import Reply, ask, asked_of, together
from proxy_process import Proxy

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Fault, Sandbox
from qwenproxy.sandbox.faults import KINDS, parse_fault

pytestmark = pytest.mark.browser

WORDS = "one two three four five six seven eight nine ten"
QUESTION = f"{{{{say {WORDS}}}}}"
STALL_TIMEOUT = 6
CUT = (
    ("cut_before_end after=2", 502, "upstream_error"),
    ("cut_mid_utf8 after=2", 502, "upstream_error"),
    ("cut_mid_frame after=2", 502, "upstream_error"),
    ("token_expired after=2", 503, "no_accounts"),
    ("internal_error_frame after=2", 502, "upstream_error"),
    ("internal_error_string after=2", 502, "upstream_error"),
    ("status_error after=2", 502, "upstream_error"),
    ("moderation_mid_answer after=2", 400, "content_filter"),
    ("rate_limited after=2 in_stream=true num=6", 429, "rate_limited"),
    ("reset after=2", 502, "upstream_error"),
    ("reset after=2 scope=stream", 502, "upstream_error"),
)


def assert_broke_off(reply: Reply, code: str) -> None:
    assert reply.status == 200
    assert reply.text
    assert "one two three four ".startswith(reply.text)
    assert reply.error["code"] == code
    assert not reply.done, "a broken answer ended like a complete one"
    finished = [choice["finish_reason"] for frame in reply.frames for choice in frame.get("choices", ())]
    assert set(finished) == {None}


@pytest.mark.parametrize(("fault", "status", "code"), CUT)
def test_broken_answer(proxy: Proxy, site: Sandbox, registry: Registry, fault: str, status: int, code: str) -> None:
    site.add_fault(replace(parse_fault(fault), times=None))
    site.switches.interval_ms = 300  # a broken connection takes along what arrived last
    streamed, plain = together(
        lambda: ask(proxy.url, QUESTION, stream=True),
        lambda: ask(proxy.url, QUESTION),
    )
    assert_broke_off(streamed, code)
    if not fault.startswith("reset"):
        assert streamed.text == "one two three four "
    assert (plain.status, plain.error["code"]) == (status, code)
    assert "one two" not in plain.error["message"]
    site.clear()
    site.switches.interval_ms = 5
    for account in registry.all():
        registry.mark_ok(account.id)
    assert ask(proxy.url, QUESTION).text == WORDS


def test_a_limit_in_mid_answer_makes_the_account_rest(proxy: Proxy, site: Sandbox, registry: Registry) -> None:
    site.add_fault(Fault("rate_limited", options={"after": 2, "in_stream": True, "num": 6}))
    assert_broke_off(ask(proxy.url, QUESTION, stream=True), "rate_limited")
    resting = [account for account in registry.all() if account.status(time.time()) == "WAIT"]
    assert [account.id for account in resting] == [asked_of(site)[-1].account_id]
    assert 5.9 * 3600 < resting[0].reset_at - time.time() <= 6 * 3600


def test_a_silent_site_is_given_up_but_not_a_slow_one(new_proxy: Callable[..., Proxy]) -> None:
    proxy = new_proxy(stall_timeout=STALL_TIMEOUT, account_concurrency=5)
    proxy.start()
    silent = "{{fault stall seconds=600}}{{say never}}"
    silent_amid = f"{QUESTION}{{{{fault stall after=2 seconds=600}}}}"
    slow = f"{QUESTION}{{{{fault stall after=2 seconds=12 keepalives=true every_s=2}}}}"
    plain, streamed, plain_amid, streamed_amid, waited_for = together(
        lambda: ask(proxy.url, silent),
        lambda: ask(proxy.url, silent, stream=True),
        lambda: ask(proxy.url, silent_amid),
        lambda: ask(proxy.url, silent_amid, stream=True),
        lambda: ask(proxy.url, slow, stream=True),
    )
    for reply in (plain, streamed, plain_amid):
        assert (reply.status, reply.error["code"]) == (504, "upstream_timeout")
    assert_broke_off(streamed_amid, "upstream_timeout")
    assert waited_for.text == WORDS
    assert waited_for.done
    assert "\n: keep-alive\n\n" in waited_for.body


def test_every_kind_of_fault_has_its_test() -> None:
    ordered = [case.fault for case in (*test_faults_before.MOVES_ON, *test_faults_before.FINAL)]
    ordered += [fault for fault, *_ in CUT] + list(test_transport.HARMLESS) + ["byte_by_byte", "waf_page"]
    assert {parse_fault(text).kind for text in ordered} == set(KINDS)
