"""The pages and what stands on them: strict headers, and no secret that is not meant to be seen there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import resources

import pytest
from dashboard import Dashboard, dashboard_of
from jwts import jwt
from kept_chats import KeptChats
from openapi_checks import check
from replies import JSON, RATE_LIMITED, Reply

from qwenproxy.admin.pages import OWN_TEXTS, STATIC
from qwenproxy.config import SETTINGS
from qwenproxy.texts import EN, RU

FILES = sorted(each.name for each in resources.files(STATIC).iterdir() if not each.name.startswith("_"))
READ = {
    "/admin/api/overview": "Overview",
    "/admin/api/accounts": "DashboardAccounts",
    "/admin/api/requests": "RequestRows",
    "/admin/api/keys": "ClientKeys",
    "/admin/api/connect": "ConnectPrograms",
    "/admin/api/settings": "Settings",
}


@pytest.mark.parametrize("path", ["/ui", "/ui/", "/ui/texts-en.json", *(f"/ui/{name}" for name in FILES)])
def test_a_page_runs_only_our_own_and_cannot_be_framed_or_kept(dashboard: Dashboard, path: str) -> None:
    response = dashboard.client.get(path)
    assert response.status_code == 200
    policy = dict(each.split(" ", 1) for each in response.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", ".hidden", "..%2Fpages.py", "texts-de.json", "%2e%2e"])
def test_there_is_no_other_file(dashboard: Dashboard, name: str) -> None:
    response = dashboard.client.get(f"/ui/{name}")
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".svg")])
def test_a_file_names_no_other_host_and_writes_no_html(name: str) -> None:
    text = resources.files(STATIC).joinpath(name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'`)\\]+", text)) - {"http://www.w3.org/2000/svg"}
    assert not {each for each in addresses if "[^" not in each and "?" not in each}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_the_texts_are_those_of_the_catalogue(dashboard: Dashboard) -> None:
    texts = {key: text for key, text in EN.items() if key.startswith(OWN_TEXTS)}
    assert len(texts) > 100
    assert dashboard.client.get("/ui/texts-en.json").get_json() == texts


@pytest.mark.parametrize(("path", "schema"), READ.items(), ids=READ.values())
def test_what_is_read_is_as_described_and_is_not_kept(dashboard: Dashboard, path: str, schema: str) -> None:
    dashboard.chats.say("Hello?")
    dashboard.office.client_keys.add()
    response = dashboard.ask("GET", path)
    check(schema, response.get_json())
    assert response.headers["Cache-Control"] == "no-store"


def test_the_settings_are_those_of_the_server(dashboard: Dashboard) -> None:
    settings = {row["name"]: row for row in dashboard.read("/admin/api/settings")["settings"]}
    assert settings["SESSION_DIR"]["value"] == str(dashboard.chats.session_dir)
    port = settings["PORT"]
    assert (port["value"], port["origin"], port["meaning"]) == ("3264", "default", EN["setting_port"])


def test_the_meanings_of_settings_are_in_the_pages_language(dashboard: Dashboard) -> None:
    for lang, texts in (("ru", RU), ("en", EN)):
        rows = dashboard.read(f"/admin/api/settings?lang={lang}")["settings"]
        assert {row["name"]: row["meaning"] for row in rows} == {
            setting.name: texts[f"setting_{setting.name.lower()}"] for setting in SETTINGS
        }


def test_no_setting_shows_a_password(chats: KeptChats, make_secret: Callable[[str], str]) -> None:
    secret = make_secret("password")
    chats.start(
        grid_url=f"https://me:{secret}@grid.example:4444",
        proxy=f"socks5://me:{secret}@way.example:1080",
    )
    with dashboard_of(chats) as dashboard:
        for lang in ("en", "ru"):
            page = dashboard.ask("GET", f"/admin/api/settings?lang={lang}").text
            assert secret not in page and "grid.example" in page and "way.example" in page
        assert secret not in dashboard.ask("GET", "/metrics").text + dashboard.ask("GET", "/api/status").text


def test_programs_are_shown_in_the_pages_language_with_the_address_of_the_page(dashboard: Dashboard) -> None:
    program = dashboard.read("/admin/api/connect?lang=ru")["programs"][0]
    assert any(re.search("[а-я]", note) for note in program["notes"])
    assert "http://localhost" in str(program["ways"])


def test_programs_get_the_default_model_with_the_lengths_that_the_site_states(chats: KeptChats) -> None:
    model = {"id": "qwen3-coder-plus", "info": {"meta": {"max_context_length": 5000, "max_generation_length": 700}}}
    chats.start(default_model="qwen3-coder-plus")
    chats.site.script("a", Reply((json.dumps({"data": [model]}),), headers=JSON), call="models")
    with dashboard_of(chats) as dashboard:
        dashboard.chats.say("Hello?")
        programs = {program["name"]: program for program in dashboard.read("/admin/api/connect")["programs"]}
    written = programs["opencode"]["ways"][0]["files"][0]["content"]
    assert "qwen3-coder-plus" in written and "5000" in written and "700" in written


def test_no_secret_stands_where_it_is_not_meant_to_be_seen(chats: KeptChats, make_secret: Callable[[str], str]) -> None:
    chats.start(2)
    token = jwt(exp=4e9, name=make_secret("token"))
    chats.registry.renew("a", token)
    with dashboard_of(chats) as dashboard:
        client_key = dashboard.office.client_keys.add()
        cookie = dashboard.office.admin_keys.new_cookie()
        chats.site.script("b", RATE_LIMITED)
        words = make_secret("words")
        headers = {"Authorization": f"Bearer {client_key}"}
        for path in ("/api/chat", f"/v1beta/models/qwen-max:generateContent?key={client_key}"):
            body = {"message": words, "contents": [{"parts": [{"text": words}]}]}
            chats.client.post(path, json=body, headers=headers)
        dashboard.client.set_cookie("qwenproxy-admin-80", cookie)
        pages = [dashboard.ask("GET", path).text for path in (*READ, "/metrics", "/openapi.json", "/ui/")]
        pages += [dashboard.ask("GET", f"/admin/api/requests/{row['id']}").text for row in dashboard.rows()]
        assert len(dashboard.rows()) >= 2
        for secret in (token, client_key, dashboard.key, cookie, words, "token-b"):
            assert not [page for page in pages if secret in page], secret


@pytest.fixture
def make_secret() -> Callable[[str], str]:
    return lambda name: f"secret-{name}-5e1f"
