"""How the sandbox ages: its clock, access and refresh tokens, the firewall's cookie; without a browser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from email.utils import parsedate_to_datetime

import httpx
import pytest
from sandbox_caller import COMPLETIONS, Caller, Visitor, answer_text, payload, refusal, sandbox_fixtures

from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.sandbox import Fault, Sandbox, SandboxAccount, Switches
from qwenproxy.sandbox.clock import Clock

PROFILE = "/api/v1/auths/"
HOUR, DAY = 3600.0, 86400.0
NOBODY = ("401", "Unauthorized", "Unauthorized")
EXPIRED = ("401", "Unauthorized", "Token has expired")

running, cleared, caller = sandbox_fixtures(accounts=2)


@pytest.fixture
def site(cleared: Sandbox) -> Iterator[Sandbox]:
    yield cleared
    for name, value in asdict(Switches(interval_ms=1)).items():
        setattr(cleared.switches, name, value)


@pytest.fixture
def account(site: Sandbox) -> SandboxAccount:
    account = site.accounts[0]
    account.renew()
    return account


@pytest.fixture
def visitor(site: Sandbox) -> Iterator[Visitor]:
    with Visitor(site) as visitor:
        yield visitor


def profile(caller: Caller, token: str) -> httpx.Response:
    return caller.call("GET", PROFILE, cookie=f"token={token}")


def is_good(caller: Caller, token: str) -> bool:
    return "id" in profile(caller, token).json()


# the clock


class Wall:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_clock_runs_with_the_wall_clock_as_far_ahead_as_the_switch_says() -> None:
    wall, switches = Wall(), Switches()
    clock = Clock(switches, wall)
    assert clock.now() == 1000
    wall.now += 5
    switches.clock_ahead_s = 300
    assert clock.now() == 1305
    clock.advance(DAY)
    assert (clock.now(), switches.clock_ahead_s) == (1305 + DAY, 300 + DAY)
    switches.clock_ahead_s = 0
    assert clock.now() == 1005


def test_a_change_of_speed_never_makes_the_clock_jump() -> None:
    wall, switches = Wall(), Switches(clock_speed=60)
    clock = Clock(switches, wall)
    times = [clock.now()]
    for speed in (60, 1, 0.5, 3600, 0, 1):
        wall.now += 60
        times.append(clock.now())
        switches.clock_speed = speed
        assert clock.now() == times[-1]
    assert times == [1000, 4600, 8200, 8260, 8290, 8290 + 60 * HOUR, 8290 + 60 * HOUR]
    assert clock.now() == wall.now + switches.clock_ahead_s


def test_a_fast_clock_is_on_every_answer(site: Sandbox, caller: Caller) -> None:
    site.switches.clock_speed = 1000
    start = site.now()
    site.advance(10)
    date = parsedate_to_datetime(caller.call("GET", PROFILE).headers["date"]).timestamp()
    assert start + 9 <= date <= site.now()
    assert start <= caller.http.get("/__sandbox/state").json()["clock"] <= site.now()


# access tokens


def test_an_access_token_lives_900_seconds_by_the_sites_clock(
    site: Sandbox, caller: Caller, account: SandboxAccount
) -> None:
    token = account.renew()
    assert account.expires_at == pytest.approx(site.now() + 900, abs=5)
    site.advance(890)
    assert is_good(caller, token)
    site.advance(20)
    assert refusal(profile(caller, token)) == EXPIRED
    assert is_good(caller, account.renew())


def test_an_access_token_lives_as_long_as_the_switch_says(
    site: Sandbox, caller: Caller, account: SandboxAccount, visitor: Visitor
) -> None:
    site.switches.token_life_s = 7 * DAY
    tokens = [account.renew(), visitor.sign_in(account), visitor.new_token()]
    site.advance(6.9 * DAY)
    assert all(is_good(caller, token) for token in tokens)
    site.advance(0.2 * DAY)
    assert [refusal(profile(caller, token)) for token in tokens] == [EXPIRED] * 3


@pytest.mark.parametrize("of_other_account", [True, False], ids=["other account", "same account"])
def test_a_header_and_a_cookie_of_different_logins_are_refused(
    site: Sandbox, caller: Caller, account: SandboxAccount, of_other_account: bool
) -> None:
    cookie, header = account.renew(), site.accounts[1].renew() if of_other_account else account.renew()
    answer = caller.call("GET", PROFILE, cookie=f"token={cookie}", authorization=f"Bearer {header}")
    assert refusal(answer) == NOBODY
    assert caller.call("GET", PROFILE, cookie=f"token={cookie}", authorization=f"Bearer {cookie}").json()["id"]


# the sign-in host


def test_the_chat_sends_people_to_the_sign_in_host(site: Sandbox, caller: Caller, visitor: Visitor) -> None:
    redirect = caller.http.get("/auth?action=signin")
    assert redirect.headers["location"] == f"{site.sign_in_url}/signin?action=signin"
    form = visitor.call("GET", "/signin?action=signin")
    assert 'type="password"' in form.text
    assert caller.http.get("/signin").status_code == 404
    for path in ("/api/v1/auths/signin", "/api/v2/auths/signin"):
        body = {"email": site.accounts[0].email, "password": site.accounts[0].password_hash}
        assert refusal(caller.http.post(path, json=body)) == ("404", "not found", "Not Found")


@pytest.mark.parametrize("own_host", [True, False], ids=["at the sign-in host", "at the chat"])
def test_the_form_names_logins_that_work_and_one_is_of_nobody_yet(
    site: Sandbox, caller: Caller, visitor: Visitor, own_host: bool
) -> None:
    site.switches.sign_in_host = own_host
    http, address = (visitor.http, "/signin") if own_host else (caller.http, "/auth")
    try:
        words = re.findall("<b>(.+?)</b>", http.get(address).text)
        logins = list(zip(words[::2], words[1::2], strict=True))
        for email, password in logins:
            body = {"email": email, "password": password}
            assert http.post("/api/v2/auths/signin", json=body).json()["success"]
    finally:
        site.switches.sign_in_host = True
    assert logins == [("person0@example.com", "sandbox-0"), *((one.email, one.password) for one in site.accounts[:3])]
    assert "person0@example.com" not in {one.email for one in site.accounts}


def test_signing_in_gives_an_access_token_and_a_cookie_no_script_reads(
    site: Sandbox, account: SandboxAccount, caller: Caller, visitor: Visitor
) -> None:
    wrong = visitor.call("POST", "/api/v2/auths/signin", {"email": account.email, "password": "wrong"})
    assert refusal(wrong)[0] == "400"
    assert not visitor.refresh_token
    body = {"email": account.email, "password": account.password_hash}
    right = visitor.call("POST", "/api/v2/auths/signin", body)
    assert right.json()["data"]["access_token"] == account.token
    cookie = right.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("refresh_token=", "httponly", "secure", "samesite=lax", "path=/"))
    assert "domain" not in cookie
    assert not is_good(caller, visitor.refresh_token), "a refresh token is no access token"
    assert site.requests[-2].account_id is None
    assert visitor.call("GET", "/signin").headers["location"] == f"{site.base_url}/"
    assert 'type="password"' in visitor.call("GET", "/signin?refused=1").text


def test_a_refresh_gives_new_tokens(site: Sandbox, account: SandboxAccount, caller: Caller, visitor: Visitor) -> None:
    first, before = visitor.sign_in(account), visitor.refresh_token
    site.advance(HOUR)
    assert refusal(profile(caller, first)) == EXPIRED
    answer = visitor.refresh().json()["data"]
    assert answer["access_token"] == account.token
    assert answer["refresh_token"] == visitor.refresh_token != before
    assert answer["expires_at"] == account.expires_at
    assert is_good(caller, answer["access_token"])
    assert [(one.account_id, one.outcome) for one in site.refreshes] == [("sandbox1", "ok")]
    assert site.requests[-2].account_id == "sandbox1"


@pytest.mark.parametrize("header", ["version", "source", "timezone", "x_request_id", "x_request_origin"])
def test_a_refresh_needs_what_the_page_sends(account: SandboxAccount, visitor: Visitor, header: str) -> None:
    visitor.sign_in(account)
    assert refusal(visitor.refresh(**{header: None}))[1] == "Bad_Request"
    assert visitor.refresh().json()["success"], "a refusal for a missing header uses no token"


def test_the_second_use_of_a_refresh_token_ends_that_login_and_no_other(
    site: Sandbox, account: SandboxAccount, caller: Caller, visitor: Visitor
) -> None:
    token_alone = account.renew()
    with Visitor(site) as other:
        elsewhere = other.sign_in(account)
        first, stale = visitor.sign_in(account), visitor.refresh_token
        second = visitor.new_token()
        with Visitor(site, stale) as thief:
            assert refusal(thief.refresh()) == NOBODY
        assert [refusal(profile(caller, token)) for token in (first, second)] == [NOBODY] * 2
        assert refusal(visitor.refresh()) == NOBODY
        assert [one.outcome for one in site.refreshes] == ["ok", "second_use", "refused"]
        assert is_good(caller, token_alone) and is_good(caller, elsewhere)
        assert is_good(caller, other.new_token())


def test_without_rotation_a_refresh_token_serves_again_and_again(
    site: Sandbox, account: SandboxAccount, caller: Caller, visitor: Visitor
) -> None:
    site.switches.refresh_rotates = False
    visitor.sign_in(account)
    before = visitor.refresh_token
    tokens = {visitor.new_token() for _ in range(3)}
    assert visitor.refresh_token == before
    assert len(tokens) == 3 and all(is_good(caller, token) for token in tokens)


def test_a_refresh_token_lives_30_days_from_its_issue(site: Sandbox, account: SandboxAccount, visitor: Visitor) -> None:
    visitor.sign_in(account)
    for _ in range(3):
        site.advance(29 * DAY)
        assert visitor.refresh().json()["success"]
    site.advance(31 * DAY)
    assert refusal(visitor.refresh()) == NOBODY
    assert 'type="password"' in visitor.call("GET", "/signin").text


def test_expire_ends_access_tokens_and_no_refresh_token(
    account: SandboxAccount, caller: Caller, visitor: Visitor
) -> None:
    tokens = [account.renew(), account.renew(lifetime_s=7 * DAY), visitor.sign_in(account)]
    account.expire()
    assert [refusal(profile(caller, token)) for token in tokens] == [EXPIRED] * 3
    assert is_good(caller, visitor.new_token())
    assert is_good(caller, account.renew())


def test_revoke_ends_everything(account: SandboxAccount, caller: Caller, visitor: Visitor) -> None:
    token = visitor.sign_in(account)
    account.revoke()
    assert refusal(profile(caller, token)) == NOBODY
    assert refusal(visitor.refresh()) == NOBODY
    assert is_good(caller, visitor.sign_in(account))
    assert is_good(caller, visitor.new_token())


def test_sign_out_ends_refresh_tokens_and_lets_access_tokens_live(
    account: SandboxAccount, caller: Caller, visitor: Visitor
) -> None:
    token = visitor.sign_in(account)
    account.sign_out()
    assert is_good(caller, token)
    assert refusal(visitor.refresh()) == NOBODY
    visitor.sign_in(account)
    assert visitor.refresh().json()["success"]


def test_signing_out_by_oneself_ends_that_login(
    site: Sandbox, account: SandboxAccount, caller: Caller, visitor: Visitor
) -> None:
    token, refresh_token = visitor.sign_in(account), visitor.refresh_token
    with Visitor(site) as other:
        elsewhere = other.sign_in(account)
        assert visitor.call("POST", "/api/v2/auths/signout").json()["success"]
        assert refusal(profile(caller, token)) == NOBODY
        assert is_good(caller, elsewhere)
    with Visitor(site, refresh_token) as again:
        assert refusal(again.refresh()) == NOBODY


def test_tokens_outlive_the_process_that_issued_them(site: Sandbox, visitor: Visitor) -> None:
    token = visitor.sign_in(site.accounts[1])
    with Sandbox(accounts=2) as next_site, Visitor(next_site, visitor.refresh_token) as again:
        caller = Caller(next_site, next_site.accounts[1])
        tokens = [token, again.new_token()]
        good = [is_good(caller, token) for token in tokens]
        caller.close()
    assert good == [True, True]


def test_a_refresh_shows_whether_the_page_made_it(site: Sandbox, account: SandboxAccount, visitor: Visitor) -> None:
    visitor.sign_in(account)
    visitor.refresh()
    visitor.refresh(origin=site.base_url, sec_fetch_mode="cors")
    mark = visitor.call("GET", "/signin?refused=1").text.partition('data-mark="')[2].partition('"')[0]
    visitor.refresh(origin=site.base_url, sec_fetch_mode="cors", x_sandbox_page=mark)
    assert [(one.from_page, one.by_page_script) for one in site.refreshes] == [
        (False, False),
        (True, False),
        (True, True),
    ]
    site.clear()
    assert site.refreshes == []


def test_only_the_chats_page_may_call_across_origins(site: Sandbox, visitor: Visitor) -> None:
    preflight = {"access_control_request_method": "GET", "access_control_request_headers": "version,x-request-id"}
    path = "/api/v2/auths/refresh"
    headers = visitor.call("OPTIONS", path, origin=site.base_url, **preflight).headers
    assert headers["access-control-allow-origin"] == site.base_url
    assert headers["access-control-allow-credentials"] == "true"
    assert {"version", "x-request-origin"} <= set(headers["access-control-allow-headers"].split(", "))
    answer_to_page = visitor.refresh(origin=site.base_url)
    assert answer_to_page.headers["access-control-allow-origin"] == site.base_url, "the page must be able to read it"
    for answer in (visitor.call("OPTIONS", path, origin="https://localhost:1", **preflight), visitor.refresh()):
        assert "access-control-allow-origin" not in answer.headers
    assert [one.method for one in site.requests] == ["GET", "GET"], "a preflight is no call"


def test_an_entrance_logs_in_once(site: Sandbox, account: SandboxAccount, caller: Caller, visitor: Visitor) -> None:
    entrance = site.entrance(account)
    assert entrance.startswith(f"{site.sign_in_url}/__sandbox/enter/")
    path = entrance.removeprefix(site.sign_in_url)
    assert visitor.call("GET", path).headers["location"] == f"{site.base_url}/#signed-in"
    assert is_good(caller, visitor.new_token())
    with Visitor(site) as late:
        assert late.call("GET", path).status_code == 404
        assert not late.refresh_token
    assert site.entrance(account) != entrance


# the firewall's cookie


def cookies(site: Sandbox, account: SandboxAccount, firewall: str) -> str:
    return f"token={account.renew()}; acw_tc={firewall}"


def test_the_firewalls_cookie_lives_half_an_hour_and_only_pages_renew_it(
    site: Sandbox, account: SandboxAccount, caller: Caller
) -> None:
    page = caller.http.get("/")
    firewall = page.cookies["acw_tc"]
    set_cookie = next(line for line in page.headers.get_list("set-cookie") if line.startswith("acw_tc=")).lower()
    expires = parsedate_to_datetime(set_cookie.partition("expires=")[2].partition(";")[0]).timestamp()
    assert expires == pytest.approx(site.now() + 1800, abs=5)
    chat = caller.new_chat()
    site.advance(1790)
    answer = caller.call("GET", PROFILE, cookie=cookies(site, account, firewall))
    assert "acw_tc" not in answer.cookies
    assert answer_text(_ask_with(caller, chat, cookies(site, account, firewall))) == "fine"
    site.advance(20)
    bad_cookie = ("400", "Bad_Request", "Internal error, please try again later.")
    assert refusal(_ask_with(caller, chat, cookies(site, account, firewall))) == bad_cookie
    assert refusal(_ask_with(caller, chat, cookies(site, account, "0"))) == bad_cookie
    new_firewall = caller.http.get("/").cookies["acw_tc"]
    assert answer_text(_ask_with(caller, chat, cookies(site, account, new_firewall))) == "fine"


def test_every_answer_renews_the_firewalls_cookie_where_the_switch_says_so(
    site: Sandbox, account: SandboxAccount, caller: Caller
) -> None:
    site.switches.cookies_renewed_on = "answers"
    firewall = caller.http.get("/").cookies["acw_tc"]
    chat = caller.new_chat()
    for _ in range(4):
        site.advance(1000)
        answer = _ask_with(caller, chat, cookies(site, account, firewall))
        assert answer_text(answer) == "fine"
        firewall = answer.cookies["acw_tc"]
    assert "acw_tc" not in caller.http.get("/qwen-chat-fe/0.3.12/page.js").cookies


def _ask_with(caller: Caller, chat: str, cookie: str) -> httpx.Response:
    caller.http.cookies.clear()
    return caller.call("POST", f"{COMPLETIONS}?chat_id={chat}", payload(chat, "{{say fine}}"), cookie=cookie)


def test_the_pass_of_a_captcha_ends_by_the_sites_clock(site: Sandbox, caller: Caller) -> None:
    site.advance(DAY)
    site.accounts[0].renew()
    site.add_fault(Fault("captcha_sticky", path="/api/v2/chats/new"))
    puzzle = caller.call("POST", "/api/v2/chats/new", {}).json()["data"]["url"]
    set_cookie = caller.http.post(puzzle).headers["set-cookie"].lower()
    expires = parsedate_to_datetime(set_cookie.partition("expires=")[2].partition(";")[0]).timestamp()
    assert set_cookie.startswith("x5sec=")
    assert expires == pytest.approx(site.now() + 1800, abs=5)


# other processes


def test_control_over_http_of_all_that_ages(site: Sandbox, caller: Caller, visitor: Visitor) -> None:
    control = caller.http
    visitor.sign_in(site.accounts[0])
    visitor.refresh()
    old_state = control.get("/__sandbox/state").json()
    assert old_state["refreshes"][0]["outcome"] == "ok"
    assert control.post("/__sandbox/advance", json={"seconds": DAY}).json()["ok"]
    assert control.post("/__sandbox/switches", json={"clock_speed": 2, "token_life_s": 5}).json()["ok"]
    assert control.get("/__sandbox/state").json()["clock"] >= old_state["clock"] + DAY
    assert site.switches.clock_speed == 2
    control.post("/__sandbox/accounts/sandbox1/sign_out")
    assert refusal(visitor.refresh()) == NOBODY
    url = control.post("/__sandbox/accounts/sandbox1/entrance").json()["url"]
    visitor.call("GET", url.removeprefix(site.sign_in_url))
    assert visitor.refresh().json()["success"]
    control.post("/__sandbox/accounts/sandbox1/renew")


def test_the_command_prints_entrances_and_runs_fast() -> None:
    command = [sys.executable, "-m", "qwenproxy", "sandbox", "--json", "--accounts", "2", "--speed", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = SandboxAddress(**json.loads(process.stdout.readline()))
        with httpx.Client(verify=False, base_url=address.base_url) as http:
            assert http.get("/__sandbox/state").json()["switches"]["clock_speed"] == 60
            login = http.get(address.entrances["sandbox2"])
        process.terminate()
    assert address.tokens.keys() == address.entrances.keys() == {"sandbox1", "sandbox2"}
    assert login.headers["location"] == f"{address.base_url}/#signed-in"
    assert "refresh_token=" in login.headers["set-cookie"]
