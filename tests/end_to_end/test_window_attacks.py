"""Who may not look at a person's window: no other page, no client, no stolen or used ticket, no second viewer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest
import websocket
from proxy_process import Proxy, eventually

from qwenproxy.access.keys import KeyFile
from qwenproxy.disk.folder import SessionFolder

pytestmark = pytest.mark.browser

WAIT = 30.0  # seconds
FRIEND = "https://friend.example"


class Admin:
    """A program with the admin key, and the window that it has opened."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        httpx.get(f"{proxy.url}/health", timeout=WAIT)  # the key is there once the server answers
        self.key = KeyFile(SessionFolder(proxy.session_dir).admin_key).keys()[0]
        self.address = f"ws://{proxy.url.partition('://')[2]}/admin/api/window"
        self.window = self.ask("POST", "/admin/api/windows", json={"id": "mine"}).json()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return httpx.request(method, self.proxy.url + path, headers=headers, timeout=WAIT, **more)

    def ticket(self) -> str:
        return str(self.ask("POST", f"/admin/api/windows/{self.window['id']}/ticket").json()["ticket"])

    def look(self, ticket: object, key: str | None = None, origin: str | None = None) -> websocket.WebSocket:
        """Return a socket on the window, on which the ticket is sent."""
        headers = [f"Authorization: Bearer {self.key if key is None else key}"]
        opened = self.connect(header=headers, **({"origin": origin} if origin else {"suppress_origin": True}))
        opened.send(json.dumps({"ticket": ticket}))
        return opened

    def connect(self, **options: Any) -> websocket.WebSocket:
        """Return a socket that is open; the library would leave one that is refused."""
        with ExitStack() as stack:
            connection = stack.enter_context(socket.create_connection(self.proxy.address, WAIT))
            opened = websocket.create_connection(self.address, timeout=WAIT, socket=connection, **options)
            stack.pop_all()
        return opened


@pytest.fixture(scope="module")
def admin(stand_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    settings = {"headless": 1, "on_no_accounts": "wait", "cors_origins": FRIEND}
    proxy = Proxy(stand_in, tmp_path_factory.mktemp("attacked") / "session", **settings)
    proxy.environment.pop("DISPLAY", None)
    with proxy:
        yield Admin(proxy)
        assert proxy.end() == 0
        assert eventually(lambda: not proxy.family()), "the window was left behind"


def first(viewer: websocket.WebSocket, kind: str) -> dict[str, Any]:
    """Return the first note of a kind."""
    while True:
        opcode, data = viewer.recv_data()
        assert opcode != websocket.ABNF.OPCODE_CLOSE, f"closed: {data!r}"
        note = json.loads(data) if opcode == websocket.ABNF.OPCODE_TEXT else {}
        if note.get("kind") == kind:
            return dict(note)


def end_of(viewer: websocket.WebSocket) -> tuple[str, int]:
    """Return what a viewer that is refused reads, and the close code: no picture comes."""
    try:
        note = json.loads(viewer.recv())
        # The frame alone: `recv_data` would answer it, and the server may be gone by then.
        receive: Callable[[], websocket.ABNF] = viewer.recv_frame
        frame = receive()
        assert frame.opcode == websocket.ABNF.OPCODE_CLOSE
        assert isinstance(frame.data, bytes)
        return str(note["message"]), int.from_bytes(frame.data[:2], "big")
    finally:
        shut_down: Callable[[], None] = viewer.shutdown  # a socket that was told to close does nothing at `close`
        shut_down()


def test_one_viewer_with_a_ticket_sees_the_window_and_a_second_one_does_not(admin: Admin) -> None:
    with closing(admin.look(admin.ticket())) as viewer:
        assert first(viewer, "state")["state"] == "running"
        assert end_of(admin.look(admin.ticket())) == ("Somebody else looks at this window now.", 1013)
        viewer.send(json.dumps({"n": 7, "events": [{"kind": "navigate", "url": "file:///etc/passwd"}, 5, {}]}))
        assert first(viewer, "taken")["n"] == 7
    with closing(admin.look(admin.ticket())) as viewer:
        assert first(viewer, "state")["state"] == "running"


def test_a_ticket_is_good_once_and_no_other_text_is(admin: Admin) -> None:
    ticket = admin.ticket()
    with closing(admin.look(ticket)) as viewer:
        first(viewer, "state")
    for other in (ticket, "", "x" * 43, None, 5, ["x"], admin.key, admin.window["id"]):
        message, code = end_of(admin.look(other))
        assert (message.partition(",")[0], code) == ("This ticket is none of ours", 1008)


def test_a_page_of_another_site_sees_nothing_even_with_a_ticket_and_the_key(admin: Admin) -> None:
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            admin.look(admin.ticket(), origin=origin)
        assert refused.value.status_code == 403
    # not even one whose pages may use the public API
    message, code = end_of(admin.look(admin.ticket(), origin=FRIEND))
    assert (message, code) == ("A page of another site may not look at this window.", 1008)


@pytest.mark.parametrize("kind", ["none", "wrong", "client"])
def test_no_other_key_opens_a_window_or_a_ticket(admin: Admin, kind: str) -> None:
    key = {"none": "", "wrong": "qpa-x"}.get(kind) or admin.ask("POST", "/admin/api/keys").json()["key"]
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        admin.look(admin.ticket(), key=key if kind != "none" else "")
    assert refused.value.status_code == 401
    headers = {"Authorization": f"Bearer {key}"} if key and kind != "none" else {}
    for path in ("/admin/api/windows", f"/admin/api/windows/{admin.window['id']}/ticket"):
        assert httpx.post(admin.proxy.url + path, headers=headers, timeout=WAIT).status_code == 401


def test_the_cookie_of_the_page_shows_a_window_to_our_own_page_alone(admin: Admin) -> None:
    login = httpx.post(f"{admin.proxy.url}/admin/api/login", json={"key": admin.key}, timeout=WAIT)
    cookie = login.headers["set-cookie"].partition(";")[0]
    ticket = admin.ticket()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        admin.connect(cookie=cookie, origin="https://evil.example")
    assert refused.value.status_code == 403
    with closing(
        websocket.create_connection(admin.address, timeout=WAIT, cookie=cookie, origin=admin.proxy.url)
    ) as own:
        own.send(json.dumps({"ticket": ticket}))
        assert first(own, "state")["state"] == "running"


def test_a_window_opens_only_where_nobody_reads_on_the_way(
    new_proxy: Callable[..., Proxy],
) -> None:
    proxy = new_proxy(host="0.0.0.0", insecure=1)
    proxy.command.append("--insecure")
    del proxy.environment["QWENPROXY_INSECURE"]
    with proxy:
        admin = Admin(proxy)
        path = f"/admin/api/windows/{admin.window['id']}/ticket"
        foreign = {"Host": "proxy.example"}
        plain = admin.ask("POST", path, headers=foreign)
        assert plain.status_code == 403 and "ssh -L" in plain.json()["error"]
        login = httpx.post(f"{proxy.url}/admin/api/login", json={"key": admin.key}, headers=foreign, timeout=WAIT)
        page = {
            **foreign,
            "Cookie": login.headers["set-cookie"].partition(";")[0],
            "x-qwenproxy-page": login.json()["pageToken"],
        }
        # A server before us may speak https in our place: only the page's own origin tells.
        statuses = {
            origin: httpx.post(proxy.url + path, headers={**page, "Origin": origin}, timeout=WAIT).status_code
            for origin in ("https://proxy.example", "http://proxy.example", "https://evil.example")
        }
        assert list(statuses.values()) == [201, 403, 403]
        assert admin.ask("POST", path).status_code == 201


def test_what_goes_over_a_window_is_in_no_log(admin: Admin) -> None:
    ticket = admin.ticket()
    with closing(admin.look(ticket)) as viewer:
        first(viewer, "page")
        viewer.send(json.dumps({"n": 1, "events": [{"kind": "text", "text": "s3cret-typed"}]}))
        first(viewer, "taken")
    log = admin.proxy.log()
    assert "s3cret" not in log and ticket not in log and admin.key not in log
