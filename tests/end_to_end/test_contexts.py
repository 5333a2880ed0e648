"""Browser contexts of a real Chrome: what each has of its own, and that none holds another up."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from proxy_process import eventually
from selenium.webdriver.remote.webdriver import WebDriver

from qwenproxy.browser import blocked_tabs, shared
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.contexts import close_context, open_context
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.page_login import read_login
from qwenproxy.browser.shared import ContextBrowser, SharedLauncher
from qwenproxy.disk.folder import SessionFolder

pytestmark = pytest.mark.browser

UNKNOWN = "http://qwen.test/"  # no name server knows it: only a proxy leads there


class Anywhere(http.server.BaseHTTPRequestHandler):
    """Answers each request with its address, to whichever host it is, as a proxy would."""

    def do_GET(self) -> None:
        body = f"<title>{self.path}</title>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def shows(driver: WebDriver, url: str) -> bool:
    """Tell whether a tab shows what the small site answers for an address that it was asked for whole."""
    return driver.title == url


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The host and port of a small site that is a proxy, too."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Anywhere) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    return SessionFolder(tmp_path_factory.mktemp("session"))


@pytest.fixture(scope="module")
def pair(session: SessionFolder) -> Iterator[tuple[ContextBrowser, ContextBrowser]]:
    """Two accounts in one Chrome."""
    launcher = SharedLauncher(LocalLauncher(Programs()), 5)
    first, second = (launcher.launch(session.account(name)) for name in ("a", "b"))
    yield first, second
    first.close()
    second.close()


def cookie_names(tab: ChromeTab, address: str) -> list[str]:
    """Return the names of the cookies that the product reads in a tab."""
    login = read_login(tab, f"http://{address}")
    return [cookie["name"] for cookie in login.cookies] if login else []


def test_cookies_and_further_tabs_belong_to_one_context(
    pair: tuple[ContextBrowser, ContextBrowser], address: str, session: SessionFolder
) -> None:
    for browser, name in zip(pair, "ab", strict=True):
        browser.tab.driver.get(f"http://{address}/")
        browser.tab.cdp("Network.setCookie", name=name, value="1", url=f"http://{address}/", httpOnly=True)
        for item in ("who", "token"):
            browser.tab.driver.execute_script("localStorage.setItem(...arguments)", item, name)
        further = browser.open_tab()
        further.driver.get(f"http://{address}/")
        assert further.driver.execute_script("return [localStorage.who, document.visibilityState]") == [name, "visible"]
        assert cookie_names(further, address) == [name]
        further.close()
        assert cookie_names(browser.tab, address) == [name]
    [profile] = [folder.profile for folder in session.browser_folders() if folder.profile.exists()]
    assert profile == session.shared_browser(1).profile
    assert profile.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("obstacle", ["alert('Stop')", "for (;;);"], ids=["dialog", "endless loop"])
def test_a_blocked_tab_keeps_no_other_account_out(
    pair: tuple[ContextBrowser, ContextBrowser], session: SessionFolder, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    monkeypatch.setattr(blocked_tabs, "LATE", 0.5)
    monkeypatch.setattr(blocked_tabs, "ANSWER_WAIT", 0.5)
    first, second = pair
    blocked = first.open_tab()
    blocked.driver.execute_script(f"setTimeout(() => {{ {obstacle} }}, 0)")
    second.tab.renew_session()
    assert second.tab.driver.execute_script("return document.visibilityState") == "visible"
    blocked.close()


def test_a_context_has_its_own_proxy_for_this_machine_too(
    pair: tuple[ContextBrowser, ContextBrowser], address: str
) -> None:
    tab = pair[0].open_tab()
    context = open_context(tab.driver, f"http://{address}")
    for url in (UNKNOWN, "http://127.0.0.1:8089/"):
        tab.driver.get(url)
        assert eventually(partial(shows, tab.driver, url)), tab.driver.current_url
    close_context(tab.driver, context.id)
    assert eventually(lambda: context.handle not in tab.driver.window_handles)
    tab.close()


def test_a_chrome_that_hangs_is_ended_for_all(session: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise OSError("silent")

    launcher = SharedLauncher(LocalLauncher(Programs()), 5)
    first, second = (launcher.launch(session.account(name)) for name in ("c", "d"))
    monkeypatch.setattr(shared, "close_context", silent)
    first.close()
    assert not second.is_running
    with pytest.raises(DRIVER_ERRORS):
        second.tab.driver.execute_script("return 1")
    second.close()
