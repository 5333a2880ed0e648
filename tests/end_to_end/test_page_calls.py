"""Every call reaches the site from the logged-in page: with what only a page has, and nothing from anywhere else."""

from __future__ import annotations

import re
import uuid

import psutil
import pytest
from asking import ask, asked_of
from devtools import devtools, evaluate
from proxy_process import Proxy

from qwenproxy.sandbox import Recorded, Sandbox

pytestmark = pytest.mark.browser

CALLS = ["POST /api/v2/chats/new", "POST /api/v2/chat/completions"]


def calls_of(site: Sandbox) -> list[Recorded]:
    return [request for request in site.requests if f"{request.method} {request.path}" in CALLS]


@pytest.fixture
def chrome(proxy: Proxy, site: Sandbox, only_account: str) -> psutil.Process:
    """The Chrome of the only account that takes requests, open and quiet; nothing recorded yet."""
    assert ask(proxy.url, "{{say ready}}").text == "ready"
    chrome, _ = proxy.browser(only_account)
    site.clear()
    return chrome


def test_nothing_but_the_pages_own_calls_reaches_the_site(proxy: Proxy, site: Sandbox, chrome: psutil.Process) -> None:
    assert ask(proxy.url, "{{say one}}", stream=True).text == "one"
    assert ask(proxy.url, "{{say two}}").text == "two"
    assert [f"{request.method} {request.path}" for request in asked_of(site)] == CALLS * 2


def test_calls_carry_what_only_the_page_has(proxy: Proxy, site: Sandbox, chrome: psutil.Process) -> None:
    ask(proxy.url, "{{say one}}")
    user_agent = evaluate(chrome, "navigator.userAgent")
    assert "Chrome/" in user_agent
    for request in calls_of(site):
        headers = request.headers
        assert headers["bx-ua"].startswith("231!")
        assert headers["bx-umidtoken"] == evaluate(chrome, "localStorage.lswusea")
        assert headers["bx-v"] == "2.5.36"
        assert headers["user-agent"] == user_agent
        assert headers["sec-fetch-site"] == "same-origin"
        assert headers["sec-fetch-mode"] == "cors"
        assert headers["origin"] == site.base_url
        assert headers["referer"] == f"{site.base_url}/"
        assert {"token", "acw_tc", "cna", "ssxmod_itna"} <= set(re.findall(r"(\w+)=", headers["cookie"]))


def test_calls_carry_the_headers_a_client_adds_by_hand(proxy: Proxy, site: Sandbox, chrome: psutil.Process) -> None:
    ask(proxy.url, "{{say one}}")
    new_chat, completion = calls_of(site)
    for headers in (new_chat.headers, completion.headers):
        assert headers["content-type"] == "application/json"
        assert headers["source"] == "web"
        assert headers["version"] == site.switches.page_version
        assert re.fullmatch(r"\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4}", headers["timezone"])
        assert uuid.UUID(headers["x-request-id"]).version == 4
        assert "authorization" not in headers, "the cookie is the login"
    assert new_chat.headers["x-request-id"] != completion.headers["x-request-id"]
    assert completion.headers["x-accel-buffering"] == "no"
    assert completion.query["chat_id"] == completion.body["chat_id"]
    assert len(completion.body["messages"]) == 1


def test_page_load_and_its_own_calls_come_from_the_browser_alone(
    proxy: Proxy, site: Sandbox, chrome: psutil.Process
) -> None:
    devtools(chrome, "Page.reload")
    site.wait_for(lambda site: any(request.path == "/api/v2/users/status" for request in site.requests), 30)
    assert "/" in [request.path for request in site.requests]
    for request in site.requests:
        assert "Chrome/" in request.headers["user-agent"]
        assert "sec-fetch-mode" in request.headers, f"{request.path} was not asked by a browser"


@pytest.mark.parametrize("bx_answer", ["captcha", "empty"])
def test_a_site_that_insists_on_the_anti_bot_headers_answers(
    proxy: Proxy, site: Sandbox, chrome: psutil.Process, bx_answer: str
) -> None:
    site.switches.require_bx = True
    site.switches.bx_answer = bx_answer
    assert ask(proxy.url, "{{say one}}").text == "one"
    assert len(calls_of(site)) == len(CALLS), "a call was refused first"


def test_calls_wait_for_the_pages_script(proxy: Proxy, site: Sandbox, chrome: psutil.Process) -> None:
    site.switches.sdk_delay_ms = 1500
    devtools(chrome, "Page.reload")
    site.wait_for(lambda site: any(request.path == "/" for request in site.requests), 30)
    assert ask(proxy.url, "{{say patient}}").text == "patient"
    assert all(request.headers.get("bx-ua") for request in calls_of(site))


def test_authorization_only_where_the_cookie_is_gone(
    proxy: Proxy, site: Sandbox, chrome: psutil.Process, only_account: str
) -> None:
    devtools(chrome, "Network.deleteCookies", name="token", url=site.base_url)
    assert ask(proxy.url, "{{say one}}").text == "one"
    token = next(account.token for account in site.accounts if account.id == only_account)
    for request in calls_of(site):
        assert "token=" not in request.headers["cookie"]
        assert request.headers["authorization"] == f"Bearer {token}"
    evaluate(chrome, f'document.cookie = "token={token}; path=/; secure; samesite=lax"')
    site.clear()
    ask(proxy.url, "{{say two}}")
    assert all("authorization" not in request.headers for request in calls_of(site))


def test_a_question_nobody_can_send_reaches_nobody(proxy: Proxy, site: Sandbox, chrome: psutil.Process) -> None:
    assert ask(proxy.url, "hello", model=3).status == 400
    assert ask(proxy.url, []).status == 400
    assert asked_of(site) == []
