"""The stand-in's page over the hours, in a real browser: when it renews a login, and where it goes without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_browser import browser_fixtures, call, stored_token, token_cookie, until
from sandbox_caller import payload
from selenium import webdriver
from selenium.webdriver.common.by import By

from qwenproxy.sandbox import Fault, Refresh, Sandbox, SandboxAccount, Switches

pytestmark = pytest.mark.browser

REFRESH = "/api/v2/auths/refresh"
PROFILE = "/api/v1/auths/"
HOUR = 3600.0


running, chrome = browser_fixtures(accounts=2, sdk_delay_ms=20)


@pytest.fixture
def site(running: Sandbox) -> Iterator[Sandbox]:
    running.clear()
    yield running
    running.clear()
    running.switches.clock_ahead_s = 0.0
    running.switches.token_life_s = Switches().token_life_s


@pytest.fixture
def account(site: Sandbox) -> SandboxAccount:
    return site.accounts[0]


@pytest.fixture
def browser(site: Sandbox, chrome: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """A browser that was never here."""
    yield chrome
    first, *others = chrome.window_handles
    for other in others:
        chrome.switch_to.window(other)
        chrome.close()
    chrome.switch_to.window(first)
    chrome.get("about:blank")
    chrome.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chrome.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": site.base_url, "storageTypes": "all"})


@pytest.fixture
def page(site: Sandbox, account: SandboxAccount, browser: webdriver.Chrome) -> webdriver.Chrome:
    """The chat's page in a browser that is logged in."""
    browser.get(site.entrance(account))
    until(browser, lambda: stored_token(browser) == account.token and booted(browser))
    site.clear()
    return browser


def booted(browser: webdriver.Chrome) -> bool:
    return not browser.find_elements(By.CSS_SELECTOR, ".login-container")


def uses(site: Sandbox) -> list[tuple[str, bool]]:
    """How the refresh tokens were used, and whether the page's own script did it."""
    return [(one.outcome, by_the_page(one)) for one in site.refreshes]


def by_the_page(refresh: Refresh) -> bool:
    return refresh.from_page and refresh.by_page_script


def test_an_entrance_logs_in_and_the_page_fetches_its_token(
    site: Sandbox, account: SandboxAccount, browser: webdriver.Chrome
) -> None:
    browser.get(site.entrance(account))
    until(browser, lambda: stored_token(browser) == account.token)
    assert browser.current_url == f"{site.base_url}/"
    assert token_cookie(browser) == account.token
    refresh = browser.get_cookie("refresh_token")
    assert refresh and refresh["httpOnly"]
    assert "refresh_token" not in browser.execute_script("return document.cookie")
    until(browser, lambda: booted(browser))
    assert call(browser, PROFILE)[0] == "200"
    assert uses(site) == [("ok", True)]


def test_somebody_who_signs_in_anew_does_not_stay_who_they_were(site: Sandbox, page: webdriver.Chrome) -> None:
    other = site.accounts[1]
    page.get(site.entrance(other))
    until(page, lambda: stored_token(page) == other.token)
    assert token_cookie(page) == other.token


def test_a_page_load_renews_an_expired_token_and_nothing_else_does(site: Sandbox, page: webdriver.Chrome) -> None:
    old = stored_token(page)
    site.advance(HOUR)
    status, text = call(page, PROFILE)
    assert (status, "Token has expired" in text) == ("401", True)
    assert call(page, "/api/v2/chats/new", {})[0] == "401"
    assert (uses(site), stored_token(page)) == ([], old), "foreign scripts alone: nothing renews the token"
    page.refresh()
    until(page, lambda: stored_token(page) != old)
    assert call(page, PROFILE)[0] == "200"
    assert uses(site) == [("ok", True)]


@pytest.mark.parametrize(("seconds_left", "is_renewed"), [(170, True), (300, False)], ids=["170 s left", "300 s left"])
def test_a_page_load_renews_a_token_that_ends_soon(
    site: Sandbox, page: webdriver.Chrome, seconds_left: float, is_renewed: bool
) -> None:
    site.advance(900 - seconds_left)
    page.refresh()
    site.wait_for(lambda site: any(one.path == PROFILE for one in site.requests))
    assert uses(site) == ([("ok", True)] if is_renewed else [])


def test_tabs_share_what_one_of_them_renewed(site: Sandbox, account: SandboxAccount, page: webdriver.Chrome) -> None:
    old = stored_token(page)
    site.advance(HOUR)
    page.execute_script("open('/'); open('/c/new-chat');")
    until(page, lambda: len(page.window_handles) == 3)
    tokens = set()
    for handle in page.window_handles[1:]:
        page.switch_to.window(handle)
        until(page, lambda: stored_token(page) not in (None, old) and booted(page))
        tokens.add(stored_token(page))
        assert call(page, PROFILE)[0] == "200"
    assert tokens == {account.token}
    assert uses(site) == [("ok", True)], "two tabs at once must not use one refresh token twice"


def test_a_tab_is_as_old_as_its_firewall_cookie(site: Sandbox, account: SandboxAccount, page: webdriver.Chrome) -> None:
    def answer_of_question() -> str:
        until(page, lambda: page.execute_script("return !!window.__baxia__"))
        call(page, "/api/v2/chats/new", {})
        chat = site.chat_ids()[-1]
        return call(page, f"/api/v2/chat/completions?chat_id={chat}", payload(chat, "{{say fine}}"))[1]

    site.switches.token_life_s = 2 * HOUR
    old = stored_token(page)
    account.expire()
    page.refresh()
    until(page, lambda: stored_token(page) not in (None, old))
    assert "fine" in answer_of_question()
    site.advance(1801)
    assert "Bad_Request" in answer_of_question()
    page.refresh()
    assert "fine" in answer_of_question()


def test_without_a_refresh_the_page_ends_at_the_sign_in_host(
    site: Sandbox, account: SandboxAccount, page: webdriver.Chrome
) -> None:
    account.sign_out()
    site.advance(800)
    page.refresh()
    site.wait_for(lambda site: any(one.path == PROFILE for one in site.requests))
    until(page, lambda: booted(page))
    assert page.current_url == f"{site.base_url}/", "a token that is still good keeps the page"
    assert call(page, PROFILE)[0] == "200"
    site.advance(200)
    page.refresh()
    until(page, lambda: page.current_url.startswith(f"{site.sign_in_url}/signin"))
    assert page.find_elements(By.CSS_SELECTOR, "input[type=password]")
    assert uses(site) == [("refused", True), ("refused", True)]
    page.get(f"{site.base_url}/")
    assert page.current_url == f"{site.base_url}/"
    assert stored_token(page) is None


def test_a_token_that_the_site_refuses_ends_there_too(
    site: Sandbox, account: SandboxAccount, page: webdriver.Chrome
) -> None:
    account.revoke()
    page.refresh()
    until(page, lambda: page.current_url.startswith(f"{site.sign_in_url}/signin"))
    assert uses(site) == [("refused", True)]


def test_a_token_refused_before_its_time_is_renewed(
    site: Sandbox, account: SandboxAccount, page: webdriver.Chrome
) -> None:
    account.expire()
    page.refresh()
    until(page, lambda: stored_token(page) == account.token and call(page, PROFILE)[0] == "200")
    assert uses(site) == [("ok", True)]


def test_a_refresh_that_fails_is_no_refusal(site: Sandbox, page: webdriver.Chrome) -> None:
    old = stored_token(page)
    site.advance(HOUR)
    site.add_fault(Fault("http_502", path=REFRESH, times=2))
    page.refresh()
    site.wait_for(lambda site: sum(one.path == REFRESH for one in site.requests) == 2)
    assert page.current_url == f"{site.base_url}/"
    assert stored_token(page) == old
    page.refresh()
    until(page, lambda: stored_token(page) != old)


def test_a_visitor_gets_the_composer_with_the_way_to_sign_in(site: Sandbox, browser: webdriver.Chrome) -> None:
    browser.get(f"{site.base_url}/")
    site.wait_for(lambda site: any(one.path == "/api/v2/users/status" for one in site.requests))
    assert browser.current_url == f"{site.base_url}/"
    browser.find_element(By.CSS_SELECTOR, ".login-container a").click()
    until(browser, lambda: browser.current_url == f"{site.sign_in_url}/signin?action=signin")
