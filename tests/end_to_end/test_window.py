"""A person's window in the dashboard: a whole login by a second browser, on a server that has no screen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asking import ask
from cli_runner import Terminal, clean_environment
from dashboard_browser import Person
from proxy_process import Proxy, eventually, family
from selenium.webdriver.common.keys import Keys
from session_files import account_of
from window_viewer import Viewer

from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Sandbox
from qwenproxy.texts import EN, RU

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    person = Person(tmp_path_factory.mktemp("person"))
    yield person
    person.close()


@pytest.fixture
def server(new_proxy: Callable[..., Proxy], person: Person, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """A server without a display, headless, with the settings of the test; its one account is sandbox1."""
    proxy = new_proxy(**{"headless": 1, **getattr(request, "param", {})})
    proxy.environment.pop("DISPLAY", None)
    with proxy:
        person.look(width=1200, dark=False)
        person.forget(proxy.url)
        person.chrome.get(f"{proxy.url}/ui/#key={key_of(proxy)}&to=accounts")
        assert person.is_on("accounts")
        yield proxy


def key_of(proxy: Proxy) -> str:
    return KeyFile(SessionFolder(proxy.session_dir).admin_key).keys()[0]


def test_an_account_is_added_by_a_partners_pop_up(server: Proxy, person: Person, site: Sandbox, tmp_path: Path) -> None:
    newcomer = site.accounts[1]
    person.find("#account-id").send_keys("mine")
    person.click(person.button(EN["ui_account_add_window"]))
    viewer = Viewer(person, server.registry, "mine")
    person.reads(EN["ui_window_of"].format(id="mine"), ".stack-window h2")
    viewer.await_picture(site.sign_in_url)
    # a list of choices, by mouse and by keyboard
    viewer.click("#region")
    person.until(lambda: person.script("return document.querySelectorAll('dialog option').length") == 4)
    assert person.script("return document.querySelectorAll('dialog option')[3].disabled")
    person.press(Keys.DOWN, Keys.DOWN, Keys.ENTER)
    viewer.hears("region ru")
    person.press(" ")
    person.find("dialog option")
    person.press(Keys.HOME, Keys.ENTER)
    viewer.hears("region sg")
    # dialogs
    viewer.click("#terms")
    person.sees("These are the terms.", "dialog p")
    person.press(Keys.ENTER)
    person.sees("Do you agree?", "dialog p")
    time.sleep(2)  # longer than two looks of the watch over the login, which must leave the dialog alone
    viewer.button("ui_window_dialog_ok")
    person.until(lambda: person.script("return document.getElementById('answer')?.value") == "A. B.")
    person.press_with(Keys.CONTROL, "a")
    person.press("Ю. К.", Keys.ENTER)
    viewer.hears("terms true Ю. К.")
    # other scripts, paste
    viewer.click("#nickname")
    person.press("Привет")
    viewer.hears("nickname Привет")
    person.press(Keys.BACKSPACE)
    viewer.hears("nickname Приве")
    viewer.button("ui_window_paste")
    person.find("#paste").send_keys(" 你好")
    viewer.person.click(person.find("dialog button.first"))
    viewer.hears("nickname Приве 你好")
    # a file
    picture = tmp_path / "my face.png"
    picture.write_bytes(b"12345")
    viewer.click("#portrait")
    person.find("#files").send_keys(str(picture))
    viewer.button("ui_window_files_send")
    viewer.hears("files my face.png 5")
    # the pop-up, which logs in
    viewer.click("#partner")
    person.until(lambda: person.find(".stack-window .tag").is_displayed())
    viewer.focus("input[type=email]", at="/partner")
    person.press(newcomer.email, Keys.TAB, newcomer.password, Keys.ENTER)
    person.until(lambda: person.read(".notice.good") == EN["ui_window_end_done"].format(id="mine"))
    assert account_of(server.registry, "mine").token
    assert newcomer.password not in server.log() and newcomer.email not in server.log()
    assert "Привет" not in server.log()
    assert [each for each in person.complaints() if "favicon" not in each] == []


def test_a_window_that_its_person_left_is_found_again_and_closed(server: Proxy, person: Person, axe: Path) -> None:
    person.find("#account-id").send_keys("mine")
    person.click(person.button(EN["ui_account_add_window"]))
    for _ in range(2):  # the list is read when the page opens, and follows what changes
        person.reads(EN["ui_window_of"].format(id="mine"), ".stack-window h2")
        person.click(person.find(".menu a[data-page=accounts]"))
        link = person.find("main a[href^='#/window/']")
        assert link.text == EN["ui_window_of"].format(id="mine")
        person.click(link)
    person.click(person.find(".menu a[data-page=accounts]"))
    person.find("main a[href^='#/window/']")
    assert person.barriers(axe) == []
    person.click(person.button(EN["ui_window_cancel"]))
    person.reads(EN["ui_window_end_cancelled"], ".notice.good")
    person.until(lambda: person.script("return !document.querySelector(\"main a[href^='#/window/']\")"))
    assert [account.id for account in server.registry.all()] == ["sandbox1"]


@pytest.mark.parametrize("server", [{"headless": "virtual"}], indirect=True)
def test_an_account_logs_in_again_after_a_wrong_password(server: Proxy, person: Person, site: Sandbox) -> None:
    account = site.accounts[0]
    assert ask(server.url, "{{say before}}").text == "before"
    account.revoke()
    server.registry.mark_invalid(account.id)
    person.sees(EN["ui_account_login"], "main table")
    person.click(person.button(EN["ui_account_login"]))
    viewer = Viewer(person, server.registry, account.id)
    viewer.await_picture(site.sign_in_url)
    viewer.click("input[type=email]")
    person.press(account.email, Keys.TAB, "wrong", Keys.ENTER)
    assert viewer.there("document.getElementById('problem').textContent", "signin")
    viewer.click("input[type=password]")
    person.press_with(Keys.CONTROL, "a")
    person.press(Keys.BACKSPACE, account.password, Keys.ENTER)
    person.until(lambda: person.read(".notice.good") == EN["ui_window_end_done"].format(id=account.id))
    assert ask(server.url, "{{say after}}").text == "after"


def test_touch_and_composition_of_a_real_browser_reach_the_page(server: Proxy, person: Person, site: Sandbox) -> None:
    person.look(width=360, dark=False)
    person.find("#account-id").send_keys("mine")
    person.click(person.button(EN["ui_account_add_window"]))
    viewer = Viewer(person, server.registry, "mine")
    viewer.await_picture(site.sign_in_url)
    viewer.swipe(up=200)
    assert viewer.there("scrollY > 100"), "a swipe does not scroll"
    viewer.tap("#nickname")
    assert viewer.there("document.activeElement.id === 'nickname'")
    viewer.compose("ni", "nihao")
    assert viewer.there("document.getElementById('nickname').value === 'nihao'"), "a composition is not shown"
    viewer.commit("你好")
    viewer.hears("nickname 你好")
    viewer.compose("か")
    viewer.commit("火")
    viewer.hears("nickname 你好火")


# With shared browsers the account's own profile, on which the window opens, has never had its login.
@pytest.mark.parametrize("server", [{}, {"accounts_per_browser": 2}], indirect=True, ids=["its own", "shared"])
def test_an_account_that_works_is_set_aside_and_comes_back(server: Proxy, person: Person, site: Sandbox) -> None:
    account = site.accounts[0]
    assert ask(server.url, "{{say before}}").text == "before"
    person.click(person.button(EN["ui_account_open"]))
    person.chrome.switch_to.alert.accept()
    viewer = Viewer(person, server.registry, account.id)
    viewer.await_picture(site.base_url)
    person.until(lambda: person.read(".stack-window [role=status]") == EN["ui_window_works"])
    viewer.button("ui_window_done")
    person.until(lambda: person.read(".notice.good") == EN["ui_window_end_done"].format(id=account.id))
    assert ask(server.url, "{{say after}}").text == "after"


@pytest.fixture
def environment(tmp_path: Path, site: Sandbox) -> dict[str, str]:
    """The settings of a machine without a screen on which no server runs."""
    told = clean_environment(tmp_path / "session", QWENPROXY_BASE_URL=site.base_url, QWENPROXY_BASE_URL_SPKI=site.spki)
    return {name: value for name, value in told.items() if name != "DISPLAY"} | {"QWENPROXY_PORT": "0"}


def link_in(terminal: Terminal) -> str:
    terminal.expect("/ui/#key=")
    terminal.expect("ssh -L ")
    [link] = re.findall(r"(http://\S+#key=\S+)", terminal.text)
    return str(link)


def test_the_command_line_serves_the_page_where_there_is_no_screen(
    person: Person, site: Sandbox, environment: dict[str, str], tmp_path: Path
) -> None:
    registry = Registry.open(SessionFolder(tmp_path / "session"))
    with Terminal(["account", "add", "--id", "mine"], environment) as terminal:
        person.chrome.get(link_in(terminal))
        viewer = Viewer(person, registry, "mine")
        viewer.await_picture(site.sign_in_url)
        viewer.click("input[type=email]")
        person.press(site.accounts[0].email, Keys.TAB, site.accounts[0].password, Keys.ENTER)
        terminal.expect("Account mine is added and ready.")
        assert terminal.end() == 0
    assert account_of(registry, "mine").renewable
    assert eventually(lambda: not family(tmp_path / "session"))


def test_the_command_line_ends_a_login_on_the_page(environment: dict[str, str], tmp_path: Path) -> None:
    with Terminal(["account", "add"], environment) as terminal:
        link_in(terminal)
        terminal.expect("Waiting for your login")
        terminal.type("\x03")
        terminal.expect("Cancelled. No account was added.")
        assert terminal.end() == 1
    assert Registry.open(SessionFolder(tmp_path / "session")).all() == ()
    assert eventually(lambda: not family(tmp_path / "session"))


def test_the_command_line_waits_for_the_page_of_the_running_server(
    server: Proxy, person: Person, site: Sandbox
) -> None:
    account = site.accounts[0]
    environment = {**server.environment, "QWENPROXY_LOG_LEVEL": "warning"}
    with Terminal(["account", "relogin", account.id], environment) as terminal:
        person.chrome.get(link_in(terminal))
        viewer = Viewer(person, server.registry, account.id)
        viewer.await_picture(site.base_url)
        terminal.expect("The account works.")
        terminal.type("\n")
        terminal.expect(f"Account {account.id} is logged in again.")
        assert terminal.end() == 0
    assert ask(server.url, "{{say after}}").text == "after"


def test_a_window_by_keyboard_on_a_phone_and_in_both_languages(
    server: Proxy, person: Person, site: Sandbox, axe: Path
) -> None:
    for lang in ("en", "ru"):
        window_by_keyboard(person, site, axe, lang)
    own_socket = server.url.replace("http", "ws")
    assert [each for each in person.foreign_requests(server.url) if not each.startswith(own_socket)] == []


def window_by_keyboard(person: Person, site: Sandbox, axe: Path, lang: str) -> None:
    texts = {"en": EN, "ru": RU}[lang]
    person.script("localStorage.setItem('lang', arguments[0]); location.hash = '#/accounts'", lang)
    person.look(width=360, dark=lang == "ru")
    person.chrome.refresh()
    assert person.is_on("accounts")
    found = {"accounts": (person.barriers(axe), person.overflow())}
    person.script("document.querySelector('main .panel button.first').focus()")
    person.press(Keys.ENTER)
    person.until(lambda: person.read(".stack-window strong") == site.sign_in_url)
    person.reads(texts["ui_window_of_new"], ".stack-window h2")
    found["window"] = (person.barriers(axe), person.overflow())
    person.until(lambda: person.script("return document.activeElement.className") == "ghost")
    person.press(Keys.ESCAPE, Keys.ESCAPE)
    person.until(lambda: person.script("return document.activeElement.innerText") == texts["ui_window_reload"])
    person.press(*[Keys.TAB] * 2, Keys.ENTER)
    person.find("#paste")
    found["dialog"] = (person.barriers(axe), person.overflow())
    person.press(Keys.ESCAPE)
    person.script("document.querySelector('.stack-window .danger').focus()")
    person.press(Keys.ENTER)
    person.until(lambda: person.read(".notice") == texts["ui_window_end_cancelled"])
    assert person.script("return document.activeElement.hash") == "#/accounts"
    assert {where: each for where, each in found.items() if each[0] or each[1] > 0} == {}
    assert person.complaints() == []
