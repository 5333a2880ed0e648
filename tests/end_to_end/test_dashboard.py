"""The dashboard as its person sees it: every page by mouse and by keyboard, small and dark, in both languages."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from dashboard_browser import Person, key_of
from proxy_process import Proxy
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from qwenproxy.access.keys import KeyFile, mask
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.texts import EN, RU

pytestmark = pytest.mark.browser

PAGES = ("overview", "accounts", "playground", "explain", "requests", "keys", "connect", "settings")
# Whatever of this runs notes it in `hacked`.
SCRIPT = "<img src=x onerror=window.hacked=1><svg onload=window.hacked=2>"
# What is known of a request, as its page shows it.
FACTS = """
const names = [...document.querySelectorAll("main dl.facts dt")];
return names.map(each => [each.innerText, each.nextSibling.innerText]);
"""


def ask(url: str, text: str, **more: object) -> httpx.Response:
    body = {"model": "qwen-max", "messages": [{"role": "user", "content": text}], **more}
    return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)


@pytest.mark.parametrize(
    "looks",
    [("en", False, 1200), ("ru", True, 360)],
    ids=["en light wide", "ru dark small"],
)
def test_every_page_by_mouse(person: Person, link: str, url: str, axe: Path, looks: tuple[str, bool, int]) -> None:
    lang, dark, width = looks
    texts = {"en": EN, "ru": RU}[lang]
    person.look(width=width, dark=dark)
    ask(url, "Hello?")
    httpx.post(f"{url}/v1/chat/completions", json={})
    person.chrome.get(f"{url}/ui/")
    person.find("#key")
    found = {"login": person.barriers(axe)}
    person.script("localStorage.setItem('lang', arguments[0])", lang)
    person.chrome.get(link)
    assert person.is_on("overview")
    wide = {}
    for page in PAGES:
        person.click(person.find(f".menu a[data-page={page}]"))
        assert person.is_on(page)
        person.reads(texts[f"ui_page_{page}"], "main h1")
        assert person.chrome.title == f"{texts[f'ui_page_{page}']} – qwenproxy"
        found[page], wide[page] = person.barriers(axe), person.overflow()
    person.click(person.find(".menu a[data-page=requests]"))
    person.click(person.find("main table a"))
    person.sees(texts["ui_notes"], ".page > div")
    found["one request"], wide["one request"] = person.barriers(axe), person.overflow()
    assert {page: each for page, each in found.items() if each} == {}
    assert {page: each for page, each in wide.items() if each > 0} == {}
    red, green, blue = person.ground()
    assert (red + green + blue < 300) == dark
    assert person.complaints() == []
    assert person.foreign_requests(url) == []


def test_every_page_by_keyboard_alone(person: Person, url: str, proxy: Proxy) -> None:
    person.chrome.get(f"{url}/ui/")
    person.find("#key")
    person.press("wrong", Keys.ENTER)
    person.sees(EN["ui_login_wrong"], "[role=alert]")
    assert person.script("return document.activeElement.id") == "key"
    person.press(key_of(proxy), Keys.ENTER)
    assert person.is_on("overview")
    person.press(Keys.TAB)
    assert person.script("return document.activeElement.innerText") == EN["ui_skip"]
    for page in PAGES:
        person.press(Keys.TAB)
        name, outline = person.script(
            "const it = document.activeElement; return [it.dataset.page, getComputedStyle(it).outlineStyle]"
        )
        assert (name, outline) == (page, "solid"), "the focus is not there, or cannot be seen"
        person.press(Keys.ENTER)
        assert person.is_on(page)
        assert person.script("return document.activeElement.dataset.page") == page
    person.press_with(Keys.SHIFT, *[Keys.TAB] * (len(PAGES) - 1 - PAGES.index("playground")))
    person.press(Keys.ENTER)
    assert person.is_on("playground")
    person.script("document.querySelector('.skip').focus()")
    person.press(Keys.ENTER, Keys.TAB, "By keyboard alone")
    person.press_with(Keys.CONTROL, Keys.ENTER)
    person.until(lambda: "By keyboard alone" in person.read(".said:not(.user)"))
    person.until(lambda: person.find("#question").is_enabled() and person.button(EN["ui_send"]).is_enabled())
    assert person.script("return document.activeElement.id") == "question"
    # The browser itself notes that a login failed.
    assert [each for each in person.complaints() if "401" not in each] == []


def test_the_key_leaves_the_address_and_the_login_stays(person: Person, link: str, url: str, proxy: Proxy) -> None:
    person.chrome.get(link)
    assert person.is_on("overview")
    assert person.chrome.current_url == f"{url}/ui/"
    person.chrome.get(f"{url}/ui/#/settings")
    person.chrome.refresh()
    assert person.is_on("settings")
    assert key_of(proxy) not in person.chrome.page_source
    assert person.script("return document.cookie") == ""
    person.click(person.button(EN["ui_logout"]))
    person.find("#key")
    person.chrome.refresh()
    person.find("#key")
    assert person.complaints() == []


def test_no_script_of_others_runs(person: Person, link: str, url: str, proxy: Proxy, tmp_path: Path) -> None:
    hostile = "' onerror=window.hacked=3 x='y"
    proxy.registry.add("token", hostile)
    proxy.registry.mark_invalid(hostile)
    try:
        ask(url, f"{{{{say {SCRIPT} ![{SCRIPT}](https://evil.example/x.png) }}}}")
        httpx.get(f"{url}/api/chats/{SCRIPT}", headers={"User-Agent": SCRIPT})
        person.chrome.get(link)
        for page in ("overview", "accounts", "requests"):
            person.click(person.find(f".menu a[data-page={page}]"))
            assert person.is_on(page)
            person.sees("onerror=", ".page > div")
        person.click(person.find(".menu a[data-page=playground]"))
        assert person.is_on("playground")
        file = tmp_path / "<img src=x onerror=hacked=4>.txt"
        file.write_text("Hello")
        person.chrome.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(file))
        person.sees("onerror", "main .tag")
        person.find("#question").send_keys(f"{{{{say {SCRIPT} ![{SCRIPT}](https://evil.example/x.png) }}}}")
        person.click(person.button(EN["ui_send"]))
        person.until(lambda: "onerror=" in person.read(".said:not(.user) div"))
        person.until(lambda: person.button(EN["ui_send"]).is_enabled())
        assert person.script("return [window.hacked, document.querySelectorAll('main img, main svg').length]") == [
            None,
            0,
        ]
        assert person.complaints() == []
        assert person.foreign_requests(url) == []
    finally:
        proxy.registry.remove(hostile)


def test_a_key_is_made_and_removed(person: Person, link: str, proxy: Proxy) -> None:
    file = KeyFile(SessionFolder(proxy.session_dir).keys)
    person.chrome.get(link)
    person.click(person.find(".menu a[data-page=keys]"))
    assert person.is_on("keys")
    person.sees(EN["ui_keys_none"], ".empty")
    try:
        person.click(person.button(EN["ui_key_new"]))
        asked = person.question()
        assert asked.text == EN["ui_key_first_sure"]
        asked.dismiss()
        person.until(lambda: person.button(EN["ui_key_new"]).is_enabled())
        assert not file.keys()
        person.click(person.button(EN["ui_key_new"]))
        person.question().accept()
        key = person.read(".notice pre")
        assert file.keys() == (key,)
        person.sees("qwenproxy keys list --show", ".notice")
        person.sees(mask(key), "main table")
        person.click(person.button(EN["ui_remove"]))
        person.question().accept()
        person.until(lambda: not file.keys())
        person.sees(EN["ui_keys_none"], ".empty")
    finally:
        for left in tuple(file.keys()):
            file.remove(left)


@pytest.mark.parametrize(("program", "is_written"), [("opencode", True), ("curl", False)])
def test_only_a_settings_file_that_there_is_can_be_written(
    person: Person, link: str, program: str, is_written: bool
) -> None:
    person.chrome.get(f"{link}&to=connect/{program}")
    person.sees(EN["ui_connect_how"], "main .panel")
    assert (EN["ui_connect_writes"] in person.read("main .panel")) == is_written


def test_requests_come_by_themselves_and_can_be_filtered(person: Person, link: str, url: str) -> None:
    person.chrome.get(link)
    person.click(person.find(".menu a[data-page=requests]"))
    assert person.is_on("requests")
    ask(url, "Hello?", stream=True)
    person.sees(EN["ui_state_done"], "main table tbody tr:first-child")
    person.sees(EN["ui_client_none"], "main table tbody tr:first-child")
    httpx.get(f"{url}/v1/models")
    ask(url, "{{fault cut_before_end}}Hello?", stream=True)
    httpx.get(f"{url}/no/such/address")
    person.sees("/no/such/address", "main table tbody tr:first-child")
    person.sees("404 not_found", "main table tbody tr:first-child")
    # A page of a test before may have left such a request in its middle: that one counts as failed.
    rows = person.read("main table").splitlines()
    assert not [row for row in rows if "/v1/models" in row and EN["ui_state_done"] in row], "only questions, failures"
    person.click(person.find("main input[type=checkbox]"))
    person.until(lambda: "/v1/models" in person.read("main table"))
    person.find("#filter").send_keys("POST completions")
    person.until(lambda: "/no/such/address" not in person.read("main table"))
    person.find("#filter").send_keys(" nowhere")
    person.sees(EN["ui_requests_no_match"], ".empty")


def test_a_request_tells_what_was_asked_for(person: Person, link: str, url: str) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello?"}], "tools": [tool]}
    row_id = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60).headers["x-request-id"]
    person.chrome.get(f"{link}&to=requests/{row_id}")
    person.sees(EN["ui_model_asked"], "main dl")
    facts = dict(person.script(FACTS))
    assert (facts[EN["ui_model_asked"]], facts[EN["ui_functions"]], facts[EN["ui_explain_files"]]) == (
        "gpt-4o",
        "1",
        "0",
    )
    assert facts[EN["ui_model"]] not in ("", "gpt-4o")
    assert facts[EN["ui_client"]] == EN["ui_client_none"]
