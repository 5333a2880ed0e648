"""Small calls through a page: how much is read of an answer that never ends, and what it means all the same."""

from __future__ import annotations

from typing import Any

import pytest
from clocks import FakeClock
from fake_site import FakeResponse
from replies import HTML, JSON, MODELS, Reply

from qwenproxy.browser.page import PageRequest
from qwenproxy.errors import (
    ClientGone,
    NetworkFailed,
    ProtocolChanged,
    ProxyError,
    RateLimited,
    SiteFailure,
    TabLost,
    UpstreamTimeout,
    VerificationRequired,
)
from qwenproxy.upstream.ask import CALL_BODY, Bounds, call, read_body

CAPTCHA = '{"ret":["FAIL_SYS_USER_VALIDATE","RGV587_ERROR::SM::x"],"data":{"url":"https://site.exam'
LIMIT = '{"success":false,"data":{"code":"RateLimited","details":"high demand"'


class OneReply:
    """A page that answers every call with the same reply."""

    origin = "https://site.example"

    def __init__(self, reply: Reply) -> None:
        self.response = FakeResponse(reply)

    def fetch(self, request: PageRequest) -> FakeResponse:
        return self.response

    def send(self, request: PageRequest) -> None:
        raise AssertionError("nothing is sent")


def ask(reply: Reply, **more: Any) -> str:
    """Make a call that gets `reply`; its response has to be closed then."""
    page = OneReply(reply)
    try:
        return call(page, PageRequest("GET", "/api/v2/models/"), **more)
    finally:
        assert page.response.closed


def test_an_answer_comes_whole() -> None:
    assert [ask(MODELS)] == list(MODELS.chunks)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply((CAPTCHA,), headers=JSON, endless=True), VerificationRequired),
        (Reply((CAPTCHA, NetworkFailed("reset")), headers=JSON), VerificationRequired),
        (Reply((CAPTCHA, *["x" * (1 << 20)] * 99), headers=JSON), VerificationRequired),
        (
            Reply(("<script>window.location.replace('/_____tmd_____/punish",), headers=HTML, endless=True),
            VerificationRequired,
        ),
        (Reply((LIMIT,), headers=JSON, endless=True), RateLimited),
        (Reply((LIMIT, TabLost("gone")), headers=JSON), RateLimited),
        (Reply((LIMIT,), 500, JSON, endless=True), RateLimited),
        (Reply(("oops",), 500, JSON, endless=True), SiteFailure),
        (Reply((), headers=JSON, endless=True), UpstreamTimeout),
        (Reply(('{"success":true,"data":[',), headers=JSON, endless=True), UpstreamTimeout),
        (Reply(('{"success":true,"data":[', NetworkFailed("reset")), headers=JSON), NetworkFailed),
        (Reply((NetworkFailed("reset"),), headers=JSON), NetworkFailed),
        (Reply(('{"success":true,"data":[', *["1," * (1 << 19)] * 99), headers=JSON), ProtocolChanged),
    ],
    ids=[
        "human check",
        "human check, then cut",
        "human check of great length",
        "human check in HTML",
        "limit",
        "limit, then no tab",
        "limit with status 500",
        "status 500",
        "silence",
        "success",
        "success, then cut",
        "cut at once",
        "success of great length",
    ],
)
def test_an_answer_that_never_ends_means_what_it_has_said(reply: Reply, error: type[ProxyError]) -> None:
    with pytest.raises(error):
        ask(reply)


def test_a_client_that_leaves_in_the_middle_of_it_is_noticed() -> None:
    looks = iter([False, False, True])
    with pytest.raises(ClientGone):
        ask(Reply(('{"success":true,',), headers=JSON, endless=True), client_gone=lambda: next(looks))


def test_a_body_that_drips_for_ever_is_bounded_in_time() -> None:
    clock = FakeClock(0)
    response = FakeResponse(Reply(tuple("a" * 10_000), pace=0.5), clock)
    body = read_body(response, Bounds(1000, 10.0), clock=clock)
    response.close()
    assert (body.text, type(body.trouble)) == ("a" * 20, UpstreamTimeout)


def test_a_human_check_is_known_long_before_the_bound() -> None:
    clock = FakeClock(0)
    response = FakeResponse(Reply((CAPTCHA, *"a" * 1000), pace=0.5), clock)
    assert read_body(response, CALL_BODY, clock=clock).trouble
    response.close()
    assert clock.now <= 2
