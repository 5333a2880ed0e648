"""A Chrome on the sandbox's pages without the proxy, and the means to ask its page things."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

from qwenproxy.sandbox import Sandbox, Switches

FETCH = """
const [path, body, done] = arguments;
const headers = {"content-type": "application/json", version: "0.3.12", "x-request-id": "r"};
fetch(path, body ? {method: "POST", headers, body: JSON.stringify(body)} : {headers})
  .then(async answer => done([answer.headers.get("x-actual-status-code"), await answer.text()]))
  .catch(error => done(["", String(error)]));
"""


def browser_fixtures(accounts: int, **switches: Any) -> tuple[Any, Any]:
    """Return the fixtures `running` and `chrome` of a module: one sandbox, and a Chrome that trusts its key."""

    @pytest.fixture(scope="module")
    def running() -> Iterator[Sandbox]:
        with Sandbox(accounts, switches=Switches(interval_ms=1, **switches)) as site:
            yield site

    @pytest.fixture(scope="module")
    def chrome(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
        profile = tmp_path_factory.mktemp("profile")
        for argument in ("--headless=new", "--no-sandbox", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.add_argument(f"--ignore-certificate-errors-spki-list={running.spki}")
        driver = shutil.which("chromedriver")
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver) if driver else None)
        browser.set_script_timeout(15)
        yield browser
        browser.quit()

    return running, chrome


def until(browser: webdriver.Chrome, condition: Callable[[], Any]) -> Any:
    """Wait until `condition` is true, and return its value."""
    return WebDriverWait(browser, 15, 0.02).until(lambda _: condition())


def stored_token(browser: webdriver.Chrome) -> str | None:
    """Return the token in the page's localStorage."""
    token: str | None = browser.execute_script("return localStorage.getItem('token')")
    return token


def token_cookie(browser: webdriver.Chrome) -> str | None:
    """Return the token in the page's cookie."""
    cookie = browser.get_cookie("token")
    return str(cookie["value"]) if cookie else None


def call(browser: webdriver.Chrome, path: str, body: Any = None) -> tuple[str, str]:
    """Call the site as a foreign script in its page does; return the status in the header, and the text."""
    status, text = browser.execute_async_script(FETCH, path, body)
    return status, text
