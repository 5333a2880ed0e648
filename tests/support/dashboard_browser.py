"""A person's Chrome on the dashboard: what it shows, asks for and complains of, and how well it can be read."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from proxy_process import Proxy
from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException, TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.alert import Alert
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from qwenproxy.access.keys import KeyFile
from qwenproxy.disk.folder import SessionFolder

SHOWN_WAIT = 20  # seconds
SERIOUS = ("serious", "critical")
AXE = """
const done = arguments[0];
// Half-way between two colours nothing can be said of them.
const moving = () => document.getAnimations().filter(each => each.effect.getComputedTiming().endTime < Infinity);
const frame = () => new Promise(requestAnimationFrame);
const settled = () => frame().then(frame).then(() => Promise.allSettled(moving().map(each => each.finished)));
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
settled().then(() => axe.run(document, {runOnly: rules})).then(
  found => done(found.violations.map(each => [each.impact, each.id, each.nodes.map(node => node.target.join(" "))])),
  error => done([["critical", String(error), []]]));
"""
SHOWS_PAGE = """
const link = document.querySelector(".menu a[aria-current]"), content = document.querySelector(".page > div");
return link?.dataset.page === arguments[0] && content?.childElementCount > 0;
"""


class Person:
    """A person with a browser, whose window is `width` pixels wide."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
        for argument in ("--headless=new", "--no-sandbox", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = shutil.which("chromedriver")
        self.chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver) if driver else None)
        self.chrome.set_script_timeout(60)

    def look(self, *, width: int, dark: bool) -> None:
        """Have a screen of this width, and a system in light or dark."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def forget(self, url: str) -> None:
        """Go to the page as somebody who was never there."""
        self.chrome.get(f"{url}/ui/")
        self.chrome.delete_all_cookies()
        self.script("localStorage.clear()")
        self.chrome.get("about:blank")
        self._logged("browser")
        self._logged("performance")

    def read(self, selector: str) -> str:
        """Return the text of the first element that fits, as soon as there is one with a text."""
        return str(self.until(lambda: self.script("return document.querySelector(arguments[0])?.innerText", selector)))

    def sees(self, text: str, selector: str) -> None:
        """Wait until the first element that fits shows a text; the page may have drawn it without that first."""
        try:
            self.until(lambda: text in self.read(selector))
        except TimeoutException:
            raise AssertionError(f"{selector} shows {self.read(selector)!r}, without {text!r}") from None

    def reads(self, text: str, selector: str) -> None:
        """Wait until the first element that fits shows a text and nothing else."""
        try:
            self.until(lambda: self.read(selector) == text)
        except TimeoutException:
            raise AssertionError(f"{selector} shows {self.read(selector)!r}, not {text!r}") from None

    def find(self, selector: str) -> WebElement:
        """Return the first element that fits, as soon as there is one."""
        return cast(WebElement, self.until(lambda: self.chrome.find_elements(By.CSS_SELECTOR, selector))[0])

    def button(self, text: str) -> WebElement:
        """Return the button with this text."""
        return cast(
            WebElement,
            self.until(lambda: self.chrome.find_elements(By.XPATH, f"//button[normalize-space()='{text}']"))[0],
        )

    def click(self, element: WebElement) -> None:
        """Move the mouse there and press it."""
        self.script("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self.chrome).move_to_element(element).click().perform()

    def press(self, *keys: str) -> None:
        """Press keys, whatever has the focus."""
        ActionChains(self.chrome).send_keys(*keys).perform()

    def press_with(self, held: str, *keys: str) -> None:
        """Press keys while another is held."""
        ActionChains(self.chrome).key_down(held).send_keys(*keys).key_up(held).perform()

    def is_on(self, page: str) -> bool:
        """Wait until a page is there with its content."""
        return bool(self.until(lambda: self.script(SHOWS_PAGE, page)))

    def go_to(self, page: str) -> None:
        """Choose a page in the menu and wait for it."""
        self.click(self.find(f".menu a[data-page={page}]"))
        assert self.is_on(page)

    def question(self) -> Alert:
        """Return what the page asks before it does something, as soon as it asks."""
        waiting = WebDriverWait(self.chrome, SHOWN_WAIT, 0.05, ignored_exceptions=[NoAlertPresentException])
        return waiting.until(lambda chrome: chrome.switch_to.alert)

    def script(self, code: str, *arguments: object) -> Any:
        return self.chrome.execute_script(code, *arguments)

    def until(self, condition: Any) -> Any:
        """Wait until a condition is true, and return its value."""
        return WebDriverWait(self.chrome, SHOWN_WAIT, 0.05).until(lambda _: condition())

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the screen."""
        return int(self.script("return document.documentElement.scrollWidth - window.innerWidth"))

    def ground(self) -> tuple[int, ...]:
        """Return red, green and blue of what is behind the page."""
        colour = self.script("return getComputedStyle(document.documentElement).backgroundColor")
        return tuple(map(int, re.findall(r"\d+", colour)[:3]))

    def barriers(self, axe: Path) -> list[Any]:
        """Return what keeps people from reading and using the page, of serious impact."""
        if not self.script("return window.axe !== undefined"):
            # As a command of the tools, because the page itself lets nothing in.
            self.chrome.execute_cdp_cmd("Runtime.evaluate", {"expression": axe.read_text(encoding="utf-8")})
        return [found for found in self.chrome.execute_async_script(AXE) if found[0] in SERIOUS]

    def complaints(self) -> list[str]:
        """Return what stands in the console since the last look."""
        return [entry["message"] for entry in self._logged("browser")]

    def foreign_requests(self, url: str) -> list[str]:
        """Return what was asked of other origins since the last look."""
        asked = []
        for entry in self._logged("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                asked.append(str(message["params"].get("request", message["params"])["url"]))
        ours = ("data", "blob", "about", "chrome", "devtools")
        return [each for each in asked if not (each.startswith(url) or urlsplit(each).scheme in ours)]

    def _logged(self, kind: str) -> list[dict[str, Any]]:
        """Return what Chrome noted since the last look."""
        get_log: Any = self.chrome.get_log
        return cast("list[dict[str, Any]]", get_log(kind))

    def close(self) -> None:
        self.chrome.get("about:blank")  # else Chrome's end may wait for connections that a page holds open
        self.chrome.quit()


def key_of(proxy: Proxy) -> str:
    """Return the admin key of a proxy."""
    return KeyFile(SessionFolder(proxy.session_dir).admin_key).keys()[0]
