"""Who may see and use the dashboard: the admin key, and the page that traded it for a cookie; nobody else."""

from __future__ import annotations

import re

import pytest
from dashboard import LOGIN, Dashboard, dashboard_of
from kept_chats import KeptChats
from werkzeug.test import TestResponse

from qwenproxy.access import admin as admin_access
from qwenproxy.api.openapi import dashboard as described
from qwenproxy.api.openapi import explaining, windows

PATHS = described.PATHS | explaining.PATHS | windows.PATHS
METHODS = ("get", "post", "put", "delete")
OPEN = {"/ui", "/ui/{name}", "/ui/texts-{lang}.json", "/admin/api/session", LOGIN}
CLOSED = sorted(
    (method.upper(), re.sub(r"{\w+}", "x", path))
    for path, item in PATHS.items()
    for method in item
    if method in METHODS and path not in OPEN
)
CHANGING = [(method, path) for method, path in CLOSED if method != "GET"]
KEYS = "/admin/api/keys"


def code_of(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize("key", ["", "wrong", "client"])
def test_no_other_key_opens_the_dashboard_not_even_on_loopback(
    dashboard: Dashboard, method: str, path: str, key: str
) -> None:
    if key == "client":
        key = dashboard.office.client_keys.add()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    response = dashboard.client.open(path, method=method, headers=headers)
    assert code_of(response) == (401, "invalid_api_key")


@pytest.mark.parametrize(("method", "path"), CHANGING)
@pytest.mark.parametrize("token", ["none", "wrong", "another page's"])
def test_with_the_cookie_a_change_needs_the_token_of_the_page(
    dashboard: Dashboard, method: str, path: str, token: str
) -> None:
    dashboard.log_in()
    other = Dashboard(dashboard.chats).log_in()
    headers = {"none": {}, "wrong": dashboard.as_page("x"), "another page's": dashboard.as_page(other)}[token]
    assert code_of(dashboard.client.open(path, method=method, headers=headers)) == (403, "forbidden_host")


def test_the_page_reads_and_changes(dashboard: Dashboard) -> None:
    token = dashboard.log_in()
    assert dashboard.client.get(KEYS).get_json() == {"keys": []}
    made = dashboard.client.post(KEYS, headers=dashboard.as_page(token))
    assert made.status_code == 201
    # From now on clients need a key, and the page is none of them: its cookie opens the public API as the key does.
    asked = {"messages": [{"role": "user", "content": "Hello?"}]}
    ask = dashboard.client.post("/v1/chat/completions", json=asked, headers=dashboard.as_page(token))
    assert ask.status_code == 200
    assert dashboard.chats.app.test_client().post("/v1/chat/completions", json=asked).status_code == 401


def test_the_admin_key_opens_every_address(dashboard: Dashboard) -> None:
    dashboard.office.client_keys.add()
    assert {dashboard.ask("GET", path).status_code for path in ("/v1/models", "/api/chats", "/metrics", KEYS)} == {200}


def test_the_cookie_is_kept_from_scripts_and_other_sites(dashboard: Dashboard) -> None:
    response = dashboard.client.post(LOGIN, json={"key": dashboard.key})
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("qwenproxy-admin-80=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert dashboard.key not in cookie and response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status"), [({"key": "x"}, 401), ({"key": ""}, 401), ({"key": 5}, 400), ({}, 400), ([], 400)]
)
def test_only_the_admin_key_logs_in(dashboard: Dashboard, body: object, status: int) -> None:
    response = dashboard.client.post(LOGIN, json=body)
    assert response.status_code == status
    assert "Set-Cookie" not in response.headers


def test_a_clients_key_does_not_log_in(dashboard: Dashboard) -> None:
    key = dashboard.office.client_keys.add()
    assert code_of(dashboard.client.post(LOGIN, json={"key": key})) == (401, "invalid_api_key")


def test_a_logout_ends_the_login(dashboard: Dashboard) -> None:
    token = dashboard.log_in()
    assert dashboard.client.post("/admin/api/logout", headers=dashboard.as_page(token)).status_code == 200
    assert dashboard.client.get(KEYS).status_code == 401
    assert dashboard.client.get("/admin/api/session").get_json() == {"pageToken": None}


def test_another_key_ends_every_login_at_once(dashboard: Dashboard) -> None:
    dashboard.log_in()
    (dashboard.chats.session_dir / "Admin.txt").write_text("qpa-another\n")
    assert dashboard.client.get(KEYS).status_code == 401
    assert dashboard.ask("GET", KEYS).status_code == 401
    (dashboard.chats.session_dir / "Admin.txt").write_text("# no key at all\n")
    assert dashboard.client.get(KEYS).status_code == 401
    assert dashboard.client.get(KEYS, headers={"Authorization": "Bearer "}).status_code == 401


@pytest.mark.parametrize("damage", ["flipped", "cut", "forged", "old"])
def test_a_cookie_that_is_not_ours_or_too_old_opens_nothing(
    dashboard: Dashboard, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = dashboard.office.admin_keys.new_cookie()
    if damage == "old":
        monkeypatch.setattr(admin_access, "COOKIE_DAYS", -1)
    else:
        # Not the last letter: of that a part does not count.
        flipped = cookie[:-9] + ("A" if cookie[-9] != "A" else "B") + cookie[-8:]
        cookie = {"flipped": flipped, "cut": cookie[:20], "forged": "a.b.c"}[damage]
    dashboard.client.set_cookie("qwenproxy-admin-80", cookie)
    assert dashboard.client.get(KEYS).status_code == 401


FOREIGN = "https://evil.example"


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost.evil.example"])
def test_a_foreign_page_changes_nothing_whatever_it_holds(dashboard: Dashboard, origin: str) -> None:
    token = dashboard.log_in()
    for headers in (dashboard.as_page(token), dashboard.bearer):
        response = dashboard.client.post(KEYS, headers={**headers, "Origin": origin})
        assert code_of(response) == (403, "forbidden_host")
    login = dashboard.client.post(LOGIN, json={"key": dashboard.key}, headers={"Origin": origin})
    assert code_of(login) == (403, "forbidden_host")


@pytest.mark.parametrize("path", ["/ui/", LOGIN, KEYS, "/metrics", "/admin/api/events"])
def test_a_foreign_host_gets_nothing(dashboard: Dashboard, path: str) -> None:
    response = dashboard.client.open(path, headers={**dashboard.bearer, "Host": "evil.example"})
    assert code_of(response) == (403, "forbidden_host")


@pytest.mark.parametrize(
    ("origin", "opens"), [(None, False), ("http://localhost:1", False), ("http://localhost", True)]
)
def test_a_socket_with_the_cookie_needs_our_own_origin(dashboard: Dashboard, origin: str | None, opens: bool) -> None:
    dashboard.log_in()
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", **({"Origin": origin} if origin else {})}
    response = dashboard.client.get("/v1/responses", headers=headers)
    # A test has no connection to upgrade, which is found out behind the door.
    assert (response.status_code == 403) != opens


def test_beyond_loopback_the_admin_key_is_wanted_as_well(chats: KeptChats) -> None:
    chats.start(host="0.0.0.0")
    with dashboard_of(chats) as dashboard:
        assert dashboard.client.get(KEYS).status_code == 401
        away = {"Host": "proxy.example", "Origin": "http://proxy.example"}
        response = dashboard.client.post(LOGIN, json={"key": dashboard.key}, headers=away)
        assert response.status_code == 200
        assert dashboard.ask("GET", KEYS).status_code == 200


def test_switched_off_nothing_of_it_is_there(chats: KeptChats) -> None:
    (chats.session_dir / "Admin.txt").unlink(missing_ok=True)
    chats.start(admin="0")
    assert not (chats.session_dir / "Admin.txt").exists()
    for method, path in [*CLOSED, ("GET", "/ui"), ("GET", "/ui/"), ("GET", "/ui/app.js"), ("POST", LOGIN)]:
        assert chats.app.test_client().open(path, method=method).status_code == 404, path
    chats.client.set_cookie("qwenproxy-admin-80", "a.b.c")
    assert chats.client.get("/api/chats").status_code == 200


def test_the_key_is_made_once_and_for_its_owner_only(dashboard: Dashboard, chats: KeptChats) -> None:
    file = chats.session_dir / "Admin.txt"
    assert re.fullmatch(r"qpa-[\w-]{43}", dashboard.key)
    assert file.stat().st_mode & 0o777 == 0o600
    chats.start()
    assert dashboard.key in file.read_text()
