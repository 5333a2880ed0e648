"""The sandbox's pages in a real browser: sign-in, boot calls, patched fetch and XHR, captcha overlay."""

from __future__ import annotations

import pytest
from sandbox_browser import browser_fixtures, call, stored_token, token_cookie, until
from sandbox_caller import payload
from selenium import webdriver
from selenium.webdriver.common.by import By

from qwenproxy.sandbox import Fault, Sandbox, SandboxAccount

pytestmark = pytest.mark.browser

running, chrome = browser_fixtures(accounts=1, sdk_delay_ms=50)


@pytest.fixture
def site(running: Sandbox) -> Sandbox:
    return running


@pytest.fixture
def browser(chrome: webdriver.Chrome) -> webdriver.Chrome:
    return chrome


@pytest.fixture
def page(site: Sandbox, browser: webdriver.Chrome) -> webdriver.Chrome:
    """The composer, as the logged-in account sees it once its scripts have settled."""
    site.clear()
    browser.get(f"{site.base_url}/c/new-chat")
    token = site.accounts[0].token
    if stored_token(browser) != token:
        plant = "localStorage.token = arguments[0]; document.cookie = `token=${arguments[0]}; path=/; secure`;"
        browser.execute_script(plant, token)
        browser.refresh()
    until(browser, lambda: browser.execute_script("return !!window.__baxia__"))
    return browser


@pytest.mark.parametrize("own_host", [True, False], ids=["at the sign-in host", "at the chat"])
def test_sign_in_form(site: Sandbox, browser: webdriver.Chrome, own_host: bool) -> None:
    account = site.accounts[0]
    site.switches.sign_in_host = own_host
    _sign_in(site, browser, account)
    site.switches.sign_in_host = True


def _sign_in(site: Sandbox, browser: webdriver.Chrome, account: SandboxAccount) -> None:
    browser.get(f"{site.base_url}/")
    browser.execute_script("localStorage.clear()")
    browser.delete_all_cookies()
    browser.get(f"{site.base_url}/auth?action=signin")
    email, password = (browser.find_element(By.CSS_SELECTOR, f"input[type={kind}]") for kind in ("email", "password"))
    email.send_keys(account.email)
    password.send_keys("wrong")
    password.submit()
    problem = browser.find_element(By.ID, "problem")
    until(browser, lambda: "incorrect" in problem.text)
    password.clear()
    password.send_keys(account.password)
    password.submit()
    until(browser, lambda: browser.current_url == f"{site.base_url}/")
    until(browser, lambda: stored_token(browser) == account.token)
    assert token_cookie(browser) == account.token
    until(browser, lambda: not browser.find_elements(By.CSS_SELECTOR, ".login-container"))
    # and out again, for the tests that follow
    browser.execute_script("localStorage.clear()")
    browser.delete_all_cookies()


def test_page_without_login_says_so(site: Sandbox, browser: webdriver.Chrome) -> None:
    browser.get(f"{site.base_url}/")
    browser.execute_script("localStorage.clear()")
    browser.delete_all_cookies()
    browser.get(f"{site.base_url}/")
    assert browser.find_elements(By.CSS_SELECTOR, ".login-container")
    assert browser.find_elements(By.CSS_SELECTOR, "textarea.message-input-textarea")


def test_boot_calls(site: Sandbox, page: webdriver.Chrome) -> None:
    boot_paths = {"/api/v1/auths/", "/api/v2/models/", "/api/v2/chats/", "/api/v2/users/status", "/api/v2/mcp/list"}
    site.wait_for(lambda site: boot_paths <= {request.path for request in site.requests})
    beacon = next(request for request in site.requests if request.path == "/api/v2/users/status")
    assert beacon.body["typarms"]["cdn_version"] == "0.3.12"


def test_renewed_token_is_kept(site: Sandbox, page: webdriver.Chrome) -> None:
    old = site.accounts[0].token
    site.switches.renew_tokens = True
    try:
        page.refresh()
        until(page, lambda: stored_token(page) != old)
    finally:
        site.switches.renew_tokens = False
    assert token_cookie(page) == stored_token(page)


def test_patched_fetch_passes_the_gate(site: Sandbox, page: webdriver.Chrome) -> None:
    assert '"success":true' in call(page, "/api/v2/chats/new", {})[1]
    chat_id = site.chat_ids()[-1]
    body = payload(chat_id, "{{stream chunks=5 interval_ms=1}}")
    assert call(page, f"/api/v2/chat/completions?chat_id={chat_id}", body)[1].count("chunk-") == 5
    headers = site.requests[-1].headers
    assert headers["bx-ua"].startswith("231!")
    assert headers["bx-umidtoken"].startswith("T2gA")
    assert headers["sec-fetch-site"] == "same-origin"


def test_patched_xhr_passes_the_gate(page: webdriver.Chrome) -> None:
    script = """const done = arguments[0], request = new XMLHttpRequest();
        request.open("POST", "/api/v2/chats/new"); request.onload = () => done(request.responseText);
        request.setRequestHeader("content-type", "application/json"); request.send("{}");"""
    assert '"success":true' in page.execute_async_script(script)


def test_abort_in_the_page_ends_the_answer(site: Sandbox, page: webdriver.Chrome) -> None:
    call(page, "/api/v2/chats/new", {})
    chat_id = site.chat_ids()[-1]
    start = """window.control = new AbortController();
        const headers = {"content-type": "application/json", version: "0.3.12", "x-request-id": "r"};
        fetch(arguments[0], {method: "POST", headers, body: JSON.stringify(arguments[1]), signal: control.signal})
          .catch(() => undefined);"""
    body = payload(chat_id, "{{stream chunks=10000}}")
    page.execute_script(start, f"/api/v2/chat/completions?chat_id={chat_id}", body)
    site.wait_for(lambda site: site.running_generations())
    page.execute_script("control.abort()")
    site.wait_idle(5)


def test_captcha_overlay_is_shown_and_solved(site: Sandbox, page: webdriver.Chrome) -> None:
    site.add_fault(Fault("captcha_sticky", path="/api/v2/chats/new"))
    assert "RGV587_ERROR" in call(page, "/api/v2/chats/new", {})[1]
    [frame] = until(page, lambda: page.find_elements(By.ID, "baxia-dialog-content"))
    assert "_____tmd_____/punish" in frame.get_attribute("src")
    page.switch_to.frame(frame)
    [button] = until(page, lambda: page.find_elements(By.ID, "nc_1_n1z"))
    button.click()
    page.switch_to.default_content()
    until(page, lambda: not page.find_elements(By.CSS_SELECTOR, ".baxia-dialog"))
    assert page.get_cookie("x5sec")
    assert '"success":true' in call(page, "/api/v2/chats/new", {})[1]


def test_verification_page_has_the_title(site: Sandbox, browser: webdriver.Chrome) -> None:
    site.clear()
    site.add_fault(Fault("waf_page"))
    browser.get(f"{site.base_url}/")
    assert "Verification" in browser.title
    browser.get(f"{site.base_url}/")
    assert "Verification" not in browser.title
