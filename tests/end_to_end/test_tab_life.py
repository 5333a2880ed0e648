"""What can happen to a tab, its browser and its login while the server runs, and how service goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psutil
import pytest
from asking import Reply, ask, asked_of, streaming, together
from devtools import devtools, evaluate, navigate_and_wait, reload_and_wait
from proxy_process import Proxy, eventually, runs
from session_files import account_of

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Sandbox, SandboxAccount

pytestmark = pytest.mark.browser

ENDLESS = "{{stream chunks=100000 interval_ms=20}}"


def reload_page(chrome: psutil.Process, driver: psutil.Process, site: Sandbox) -> None:
    reload_and_wait(chrome)


def leave_the_site(chrome: psutil.Process, driver: psutil.Process, site: Sandbox) -> None:
    navigate_and_wait(chrome, "about:blank")


def kill_renderer(chrome: psutil.Process, driver: psutil.Process, site: Sandbox) -> None:
    for process in chrome.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a zombie, too
            if "--type=renderer" in process.cmdline():
                process.kill()


def kill_chrome(chrome: psutil.Process, driver: psutil.Process, site: Sandbox) -> None:
    chrome.kill()


def kill_driver(chrome: psutil.Process, driver: psutil.Process, site: Sandbox) -> None:
    driver.kill()


def restart_site(chrome: psutil.Process, driver: psutil.Process, site: Sandbox) -> None:
    site.restart()


KEEPS_CHROME = (reload_page, restart_site)
DISTURBANCES = (*KEEPS_CHROME, leave_the_site, kill_renderer, kill_chrome, kill_driver)


def person_of(site: Sandbox, account_id: str) -> SandboxAccount:
    return next(account for account in site.accounts if account.id == account_id)


def assert_broke_off(reply: Reply) -> None:
    assert reply.text.startswith("chunk-")
    assert reply.error["code"] == "upstream_error"
    assert not reply.done


@pytest.mark.parametrize("disturb", DISTURBANCES)
def test_in_mid_answer_every_client_is_told_and_the_next_is_served(
    proxy: Proxy, site: Sandbox, registry: Registry, only_account: str, disturb: Callable[..., None]
) -> None:
    with ExitStack() as stack:
        answers = [stack.enter_context(streaming(proxy.url, ENDLESS)) for _ in range(2)]
        for answer in answers:
            answer.until_text()
        chrome, driver = proxy.browser(only_account)
        before = [chrome, driver, *chrome.children(recursive=True)]
        disturb(chrome, driver, site)
        for answer in answers:
            assert_broke_off(answer.rest())
    assert ask(proxy.url, "{{say Here again.}}").text == "Here again."
    assert account_of(registry, only_account).status(time.time()) == "OK"
    site.wait_idle(15)
    if disturb in KEEPS_CHROME:
        assert proxy.browser(only_account) == (chrome, driver)
    else:
        assert eventually(lambda: not any(map(runs, before))), "processes of the lost browser are left"


@pytest.mark.parametrize("disturb", [reload_page, kill_chrome, kill_driver])
def test_who_gets_whole_answers_does_not_notice(
    proxy: Proxy, site: Sandbox, only_account: str, disturb: Callable[..., None]
) -> None:
    question = "{{stream chunks=40 interval_ms=50}}"

    def disturb_in_mid_answer() -> None:
        site.wait_for(lambda site: len(site.running_generations()) == 2)
        disturb(*proxy.browser(only_account), site)

    ask(proxy.url, "{{say ready}}")
    with ThreadPoolExecutor(1) as disturber:
        disturbed = disturber.submit(disturb_in_mid_answer)
        replies = together(*[lambda: ask(proxy.url, question)] * 2)
        disturbed.result()
    assert [reply.status for reply in replies] == [200, 200]
    assert {reply.text.count("chunk-") for reply in replies} == {40}


@pytest.mark.parametrize("disturb", DISTURBANCES)
def test_while_idle_nobody_notices(
    proxy: Proxy, site: Sandbox, only_account: str, disturb: Callable[..., None]
) -> None:
    ask(proxy.url, "{{say ready}}")
    disturb(*proxy.browser(only_account), site)
    assert ask(proxy.url, "{{say Nothing happened.}}", stream=True).text == "Nothing happened."


def test_a_site_that_is_down_is_told_and_comes_back(
    proxy: Proxy, site: Sandbox, registry: Registry, only_account: str
) -> None:
    ask(proxy.url, "{{say ready}}")
    site.close()
    try:
        refused = ask(proxy.url, "{{say never}}")
    finally:
        site.start()
    assert (refused.status, refused.error["code"]) == (502, "upstream_error")
    assert account_of(registry, only_account).status(time.time()) == "OK"
    assert ask(proxy.url, "{{say Back again.}}").text == "Back again."


def test_a_token_the_page_renews_is_written_back(
    proxy: Proxy, site: Sandbox, registry: Registry, only_account: str
) -> None:
    ask(proxy.url, "{{say ready}}")
    browser = proxy.browser(only_account)
    login = person_of(site, only_account)
    before = login.token
    site.switches.renew_tokens = True
    devtools(browser[0], "Page.reload")
    site.wait_for(lambda site: login.token != before, 30)
    site.switches.renew_tokens = False
    token = login.token
    assert eventually(lambda: evaluate(browser[0], "localStorage.token") == token)
    ask(proxy.url, "{{say one}}")
    assert eventually(lambda: account_of(registry, only_account).token == token)
    assert registry.folder(only_account).token.read_text() == token
    assert ask(proxy.url, "{{say two}}").text == "two"
    assert proxy.browser(only_account) == browser, "a renewed token is no reason for a new browser"


def test_a_fresh_profile_is_logged_in_before_its_first_call(proxy: Proxy, site: Sandbox, registry: Registry) -> None:
    for account in registry.all():
        registry.rest(account.id, until=4e9)
    newcomer = site.accounts[-1]
    registry.add(newcomer.token, newcomer.id)
    try:
        assert ask(proxy.url, "{{say Hello.}}").text == "Hello."
        first, *others = asked_of(site)
        assert {request.account_id for request in (first, *others)} == {newcomer.id}
        assert first.path == "/"
        assert f"token={newcomer.token}" in first.headers["cookie"]
        chrome, _ = proxy.browser(newcomer.id)
        assert evaluate(chrome, "localStorage.token") == newcomer.token
    finally:
        registry.mark_invalid(newcomer.id)
        registry.renew(site.accounts[0].id, site.accounts[0].token)
        ask(proxy.url, "{{say bye}}")
        assert eventually(lambda: not registry.folder(newcomer.id).browser_note.exists())
        registry.remove(newcomer.id)


def test_a_login_that_chrome_had_no_time_to_write_down_is_not_lost(new_proxy: Callable[..., Proxy]) -> None:
    proxy = new_proxy()
    proxy.start()
    for _ in range(2):
        assert ask(proxy.url, "{{say hello}}").text == "hello"
        chrome, _driver = proxy.browser("sandbox1")
        chrome.kill()  # seconds after its first start: neither cookies nor localStorage are on disk yet
    assert ask(proxy.url, "{{say hello}}").text == "hello"
    assert [account.invalid for account in Registry.open(SessionFolder(proxy.session_dir)).all()] == [False]


def test_a_login_that_ends_and_a_new_one(proxy: Proxy, site: Sandbox, registry: Registry, only_account: str) -> None:
    login = person_of(site, only_account)
    ask(proxy.url, "{{say ready}}")
    with streaming(proxy.url, "{{stream chunks=40 interval_ms=20}}") as answer:
        answer.until_text()
        login.revoke()
        reply = answer.rest()
    assert reply.text.split()[-1].startswith("chunk-039"), "an answer under way outlives its login"
    assert reply.done
    ended = ask(proxy.url, "{{say never}}")
    assert account_of(registry, only_account).status(time.time()) == "INVALID"
    assert ended.status in (429, 503), ended.body
    site.clear()
    registry.renew(only_account, login.renew())
    assert ask(proxy.url, "{{say Welcome back.}}").text == "Welcome back."
    pages = [request for request in site.requests if request.path == "/"]
    assert f"token={login.token}" in pages[0].headers["cookie"]
