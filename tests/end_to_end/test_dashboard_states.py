"""The dashboard when something is wrong or missing, what only it can do, and pages of others that want in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from dashboard_browser import Person, key_of
from jwts import jwt
from proxy_process import Proxy
from selenium.webdriver.common.keys import Keys

from qwenproxy.access.keys import KeyFile
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.texts import EN

pytestmark = pytest.mark.browser

SCRIPT = "<img src=x onerror=window.hacked=1>"


def bearer(proxy: Proxy) -> dict[str, str]:
    return {"Authorization": f"Bearer {key_of(proxy)}"}


def test_a_link_with_a_wrong_key_says_so(person: Person, url: str) -> None:
    person.chrome.get(f"{url}/ui/#key=wrong")
    person.sees(EN["ui_login_wrong"], "[role=alert]")
    assert person.chrome.current_url == f"{url}/ui/"


def test_without_accounts_each_page_says_what_to_do_and_goes_on_after_a_restart(
    person: Person, new_proxy: Callable[..., Proxy], axe: Path
) -> None:
    proxy = new_proxy(on_no_accounts="wait")
    proxy.registry.remove(proxy.registry.all()[0].id)
    with proxy:
        person.look(width=1200, dark=False)
        person.forget(proxy.url)
        person.chrome.get(f"{proxy.url}/ui/#key={key_of(proxy)}")
        assert person.is_on("overview")
        for page in ("overview", "accounts"):
            person.go_to(page)
            person.sees(EN["ui_accounts_none"], "main")
            person.sees(EN["ui_account_add"], "main")
            assert person.barriers(axe) == []
        for page in ("playground", "explain"):
            person.go_to(page)
            if page == "explain":
                person.click(person.button(EN["ui_explain"]))
            person.sees("qwenproxy account add", ".notice.bad")
            assert person.barriers(axe) == []
        port = proxy.url.rpartition(":")[2]
        assert proxy.end() == 0
        person.sees(EN["ui_connection_lost"], ".lost")
        person.click(person.find(".menu a[data-page=settings]"))
        person.sees(EN["ui_unreachable"], ".page .notice.bad")
        assert person.barriers(axe) == []
        proxy.environment["QWENPROXY_PORT"] = port
        proxy.start()
        person.until(lambda: "QWENPROXY_PORT" in person.read(".page > div").replace("\u200b", ""))
        assert person.script("return document.querySelector('.lost').childElementCount") == 0


def test_all_accounts_limited_says_until_when(person: Person, link: str, proxy: Proxy, axe: Path) -> None:
    for account in proxy.registry.all():
        proxy.registry.rest(account.id, until=4e9)
    person.chrome.get(link)
    person.go_to("accounts")
    person.sees("WAIT", "main table")
    person.sees("works again", "main table")
    person.go_to("playground")
    person.find("#question").send_keys("Hello?")
    person.click(person.button(EN["ui_send"]))
    person.sees("qwenproxy account add", ".notice.bad")
    assert person.barriers(axe) == []
    person.go_to("overview")
    assert person.read(".card .figure").startswith("0 /")


def test_only_a_login_that_cannot_renew_itself_shows_its_end(person: Person, link: str, proxy: Proxy) -> None:
    proxy.registry.add(jwt(id="one", exp=4e9), "lasting", renewable=True)
    proxy.registry.add(jwt(id="two", exp=4e9), "token-only")
    try:
        person.chrome.get(link)
        for page in ("accounts", "overview"):
            person.go_to(page)
            person.sees("token-only", "main table")
            lines = person.script("return [...document.querySelectorAll('main tbody tr')].map(each => each.innerText)")
            assert ["2096" in line for line in lines if "lasting" in line or "token-only" in line] == [False, True]
    finally:
        for account_id in ("lasting", "token-only"):
            proxy.registry.remove(account_id)


def test_an_account_that_has_to_show_a_human_says_so(person: Person, link: str, proxy: Proxy, axe: Path) -> None:
    first, *_others = proxy.registry.all()
    proxy.registry.rest(first.id, until=time.time() + 600, reason="verification")
    person.chrome.get(link)
    person.go_to("accounts")
    row = person.find("main table tbody tr").text
    assert first.id in row and "VERIFY" in row and EN["ui_account_verify"] in row, row
    for width, dark in ((360, True), (1200, False)):
        person.look(width=width, dark=dark)
        assert person.barriers(axe) == [] and person.overflow() <= 0
    person.go_to("overview")
    person.sees(first.id, ".page > div")
    assert person.barriers(axe) == []


def test_a_request_is_explained_by_keyboard(person: Person, link: str, url: str) -> None:
    person.chrome.get(link)
    person.go_to("explain")
    person.script("document.getElementById('body').focus(); document.getElementById('body').select()")
    person.press('{"messages": [{"role": "system", "content": "Be kind."}, ')
    person.press_with(Keys.CONTROL, Keys.ENTER)
    person.sees(EN["ui_json_wrong"].partition("{")[0], ".notice.bad")
    person.press(f'{{"role": "user", "content": "{SCRIPT}"}}]}}')
    person.press_with(Keys.CONTROL, Keys.ENTER)
    person.sees(EN["ui_explain_new"], ".notice")
    person.sees("Be kind.", "pre")
    person.sees(SCRIPT, "pre")
    assert person.script("return [window.hacked, document.querySelectorAll('main img').length]") == [None, 0]
    assert person.complaints() == [] and person.foreign_requests(url) == []


def test_the_playgrounds_request_is_explained(person: Person, link: str) -> None:
    person.chrome.get(link)
    person.go_to("playground")
    person.find("#system").send_keys("Answer in verse.")
    person.click(person.button(EN["ui_explain_this"]))
    assert person.is_on("explain")
    assert "Answer in verse." in person.script("return document.getElementById('body').value")


def test_what_was_said_is_shown_only_while_it_is_wanted(person: Person, link: str, url: str, proxy: Proxy) -> None:
    logged = len(proxy.log())  # other tests ask for addresses with a script in them
    person.chrome.get(link)
    person.go_to("requests")
    person.click(person.button(EN["ui_texts_keep"]))
    person.sees(EN["ui_texts_on"], ".notice.warn")
    try:
        body = {"messages": [{"role": "user", "content": f"{SCRIPT} {{{{say {SCRIPT}}}}}"}]}
        row_id = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60).headers["x-request-id"]
        person.chrome.get(f"{url}/ui/#/requests/{row_id}")
        person.until(lambda: person.read(".page > div").count(SCRIPT) >= 2)
        assert person.script("return [window.hacked, document.querySelectorAll('main img').length]") == [None, 0]
        person.go_to("requests")
        person.click(person.button(EN["ui_texts_forget"]))
        person.sees(EN["ui_texts_off"], ".page > div")
        opened = httpx.get(f"{url}/admin/api/requests/{row_id}", headers=bearer(proxy)).json()
        assert opened["texts"] is None
        assert SCRIPT not in proxy.log()[logged:]
        assert person.complaints() == [] and person.foreign_requests(url) == []
    finally:
        httpx.post(f"{url}/admin/api/requests/texts", headers=bearer(proxy), json={"on": False})


ATTACK = """<!doctype html><title>waiting</title>
<iframe src="{url}/ui/"></iframe><iframe src="{url}/admin/api/keys"></iframe>
<script>
const wanted = [];
const read = async path => wanted.push(await (await fetch("{url}" + path, {{credentials: "include"}})).text());
const order = (path, body) => fetch("{url}" + path, {{method: "POST", mode: "no-cors", credentials: "include", body}});
const tried = [
  order("/admin/api/keys"), order("/admin/api/requests/texts", '{{"on":true}}'), order("/admin/api/logout"),
  read("/admin/api/keys"), read("/admin/api/session"), read("/admin/api/requests"),
  new Promise(done => {{ const it = document.createElement("script"); it.src = "{url}/admin/api/keys";
    it.onload = it.onerror = done; document.head.append(it); }}),
  new Promise(done => {{ const it = new WebSocket("{socket}/api/ws"); it.onerror = it.onclose = done;
    it.onopen = () => {{ it.send('{{"message":"Hello?"}}'); }};
    it.onmessage = message => {{ if (!message.data.includes("error")) wanted.push(message.data); done(); }}; }}),
];
Promise.allSettled(tried).then(() => {{ document.title = wanted.length ? "got " + wanted.join() : "nothing"; }});
</script>"""


class _Foreign(BaseHTTPRequestHandler):
    """A page of somebody else on this machine: to a browser the same site, since only the port differs."""

    page = ""
    timeout = 1  # seconds: a browser opens connections that it may never use

    def do_GET(self) -> None:
        body = type(self).page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Be quiet."""


@pytest.fixture
def foreign_page(url: str) -> Iterator[str]:
    """The address of the attack's page."""
    _Foreign.page = ATTACK.format(url=url, socket=url.replace("http", "ws", 1))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Foreign) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_page_of_others_gets_nothing_while_its_person_is_logged_in(
    person: Person, link: str, proxy: Proxy, foreign_page: str
) -> None:
    key = KeyFile(SessionFolder(proxy.session_dir).keys).add()  # without one the public API lets everybody in
    try:
        person.chrome.get(link)
        assert person.is_on("overview")
        person.complaints()
        person.chrome.get(foreign_page)
        person.until(lambda: person.chrome.title != "waiting")
        assert person.chrome.title == "nothing"
        assert KeyFile(SessionFolder(proxy.session_dir).keys).keys() == (key,)
        rows = httpx.get(f"{proxy.url}/admin/api/requests", headers=bearer(proxy)).json()
        assert rows["texts"] is False
        framed = [each for each in person.complaints() if "frame" in each.lower()]
        assert len(framed) >= 2, "a frame was shown"
    finally:
        KeyFile(SessionFolder(proxy.session_dir).keys).remove(key)
