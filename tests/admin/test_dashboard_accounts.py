"""Keys and accounts as the dashboard's API changes them, while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
from cli_runner import run_here
from dashboard import Dashboard, dashboard_of
from kept_chats import KeptChats
from openapi_checks import check
from replies import RATE_LIMITED

from qwenproxy.access.keys import mask
from qwenproxy.accounts.registry import Registry
from qwenproxy.admin import accounts
from qwenproxy.admin.office import OFFICE
from qwenproxy.api.auth import client_of
from qwenproxy.api.wiring import RELAY
from qwenproxy.errors import RateLimited, SetupError
from qwenproxy.logins.at_page import PageLogin, Place, Wish
from qwenproxy.logins.check import Check
from qwenproxy.texts import Phrase

ACCOUNTS = "/admin/api/accounts"
KEYS = "/admin/api/keys"


def statuses(dashboard: Dashboard) -> dict[str, str]:
    return {row["id"]: row["status"] for row in dashboard.read(ACCOUNTS)["accounts"]}


def test_a_key_is_shown_whole_only_when_it_is_made(dashboard: Dashboard) -> None:
    made = dashboard.ask("POST", KEYS)
    check("NewClientKey", made.get_json())
    key, name = made.get_json()["key"], made.get_json()["name"]
    assert client_of(key).startswith(name)
    assert dashboard.read(KEYS) == {"keys": [{"name": name, "masked": mask(key)}]}
    assert key in (dashboard.chats.session_dir / "Authorization.txt").read_text()


def test_a_key_looks_the_same_on_the_page_and_on_the_command_line(
    dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboard.ask("POST", KEYS)
    monkeypatch.setenv("QWENPROXY_SESSION_DIR", str(dashboard.chats.session_dir))
    listed = run_here("keys", "list").stdout.split()
    assert [key["masked"] for key in dashboard.read(KEYS)["keys"]] == listed


def test_requests_name_the_key_as_the_list_of_keys_does(dashboard: Dashboard) -> None:
    made = dashboard.ask("POST", KEYS).get_json()
    dashboard.chats.client.get("/api/chats", headers={"x-api-key": made["key"]})
    assert dashboard.rows()[0]["client"] == made["name"]


def test_a_removed_key_opens_nothing_and_the_others_stay(dashboard: Dashboard) -> None:
    first, second = (dashboard.ask("POST", KEYS).get_json() for _ in range(2))
    removed = dashboard.ask("DELETE", f"{KEYS}/{first['name']}")
    check("RemovedClientKey", removed.get_json())
    assert [key["name"] for key in dashboard.read(KEYS)["keys"]] == [second["name"]]
    client = dashboard.chats.client
    assert client.get("/api/chats", headers={"x-api-key": first["key"]}).status_code == 401
    assert client.get("/api/chats", headers={"x-api-key": second["key"]}).status_code == 200


@pytest.mark.parametrize("path", [f"{KEYS}/none", f"{ACCOUNTS}/none"])
def test_what_is_not_there_cannot_be_removed(dashboard: Dashboard, path: str) -> None:
    response = dashboard.ask("DELETE", path)
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")


def test_how_the_accounts_stand(chats: KeptChats, registry: Registry) -> None:
    chats.start(4)
    registry.rest("b", until=4e9)
    registry.rest("c", until=4e9, reason="verification")
    registry.mark_invalid("d")
    with dashboard_of(chats) as dashboard:
        assert statuses(dashboard) == {"a": "OK", "b": "WAIT", "c": "VERIFY", "d": "INVALID"}
        assert dashboard.read(ACCOUNTS)["accounts"][1]["resetAt"].startswith("2096-")
        overview = dashboard.read("/admin/api/overview")
        assert (overview["running"], overview["waiting"], overview["browsers"]) == (0, 0, 0)


def test_what_an_account_has_used_up_is_told_with_its_return(dashboard: Dashboard, chats: KeptChats) -> None:
    error = RateLimited("Used up.", for_today=True)
    error.kind = "t2i"
    chats.app.extensions[RELAY].pool.note_refusal("a", error)
    page = dashboard.read(ACCOUNTS)
    check("DashboardAccounts", page)
    [row] = page["accounts"]
    assert (row["status"], list(row["resting"])) == ("OK", ["t2i"])


def test_an_account_that_a_request_set_aside_is_seen_at_once(dashboard: Dashboard, chats: KeptChats) -> None:
    chats.site.script("a", RATE_LIMITED)
    chats.say("Hello?")
    assert statuses(dashboard) == {"a": "WAIT"}


@pytest.fixture
def checking(monkeypatch: pytest.MonkeyPatch, chats: KeptChats) -> Callable[[Check], None]:
    """Return what lets the site say this of every account that is checked."""

    def let(result: Check) -> None:
        office = chats.app.extensions[OFFICE]
        chats.app.extensions[OFFICE] = replace(office, opener=lambda: chats.opener)
        monkeypatch.setattr(accounts, "check_account", lambda *_: result)

    return let


def test_open_windows_are_part_of_the_moment(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dashboard.read("/admin/api/overview")["windows"] == []
    login = PageLogin("w1", cast(Place, None), Wish(None, "mine"))
    monkeypatch.setattr(dashboard.office.windows, "all", lambda: (login,))
    page = dashboard.read("/admin/api/overview")
    check("Overview", page)
    assert [(row["id"], row["account"], row["isNew"]) for row in page["windows"]] == [("w1", "mine", True)]
    assert dashboard.read("/admin/api/windows")["windows"] == page["windows"]


def test_a_check_has_the_account_to_itself(
    dashboard: Dashboard, chats: KeptChats, checking: Callable[[Check], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    chats.say("Hello?")
    assert chats.opener.tabs
    checking(Check("ok", "all is well"))
    seen = []

    def look(*_: object) -> Check:
        seen.append((dict(chats.opener.tabs), dashboard.office.relay.pool.open_browsers()))
        return Check("ok", "all is well")

    monkeypatch.setattr(accounts, "check_account", look)
    response = dashboard.ask("POST", f"{ACCOUNTS}/a/check")
    check("CheckedAccount", response.get_json())
    assert (response.get_json()["kind"], response.get_json()["detail"]) == ("ok", "all is well")
    assert seen == [({}, ())], "its browser was open while it was checked"
    assert chats.say("And now?").status_code == 200


def test_a_request_waits_while_the_only_account_is_checked(
    dashboard: Dashboard, chats: KeptChats, checking: Callable[[Check], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    checking(Check("ok", ""))
    begun, go_on = threading.Event(), threading.Event()

    def look(*_: object) -> Check:
        begun.set()
        assert go_on.wait(10)
        return Check("ok", "")

    monkeypatch.setattr(accounts, "check_account", look)
    answers: list[int] = []
    person = threading.Thread(target=lambda: dashboard.ask("POST", f"{ACCOUNTS}/a/check"))
    client = threading.Thread(target=lambda: answers.append(chats.say("Hello?").status_code))
    person.start()
    assert begun.wait(10)
    client.start()
    client.join(0.2)
    assert client.is_alive() and not answers
    go_on.set()
    for each in (person, client):
        each.join(20)
    assert answers == [200]


def test_a_check_that_fails_gives_the_account_back(
    dashboard: Dashboard, chats: KeptChats, checking: Callable[[Check], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    checking(Check("ok", ""))

    def fail(*_: object) -> Check:
        raise SetupError(Phrase("install_browser"))

    monkeypatch.setattr(accounts, "check_account", fail)
    assert dashboard.ask("POST", f"{ACCOUNTS}/a/check").get_json()["code"] == "setup_error"
    assert chats.say("Hello?").status_code == 200


def test_an_account_is_removed_while_its_browser_is_open(chats: KeptChats, registry: Registry) -> None:
    chats.start(2)
    with dashboard_of(chats) as dashboard:
        chats.say("Hello?")
        folder = registry.folder("a").token.parent
        assert folder.exists()
        check("RemovedAccount", dashboard.ask("DELETE", f"{ACCOUNTS}/a").get_json())
        assert statuses(dashboard) == {"b": "OK"}
        assert not folder.exists() and "a" not in chats.opener.tabs
        assert chats.say("And now?").status_code == 200
        assert chats.site.asked()[-1] == "b"
