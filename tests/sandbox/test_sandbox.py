"""The sandbox's life, pages, logins, gate, models and chats, driven over HTTP/2 without a browser."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
from sandbox_caller import COMPLETIONS, Caller, answer_text, payload, refusal, sandbox_fixtures

from qwenproxy.sandbox import Fault, Sandbox

running, site, caller = sandbox_fixtures(accounts=3, busy_release_s=0.05)


def as_cookies(site: Sandbox, token: str) -> str:
    """Return a page's cookies with another account's token."""
    return site.page_headers(site.accounts[0])["cookie"].replace(site.accounts[0].token, token)


def test_speaks_http2_with_its_own_key(site: Sandbox, caller: Caller) -> None:
    answer = caller.http.get("/")
    assert answer.http_version == "HTTP/2"
    assert len(base64.b64decode(site.spki)) == 32
    with pytest.raises(httpx.ConnectError):
        httpx.get(site.base_url)


def test_close_is_idempotent_and_frees_the_port() -> None:
    site = Sandbox()
    site.start()
    port = site.port
    site.close()
    site.close()
    with Sandbox(port=port) as again:
        assert again.port == port


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_serves_as_a_process_of_its_own_until_a_signal(stop_signal: signal.Signals) -> None:
    program = (
        "from qwenproxy.sandbox import Sandbox\n"
        "site = Sandbox(); site.run_forever(lambda: print(site.port, site.spki, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        port, spki = process.stdout.readline().split()
        assert httpx.get(f"https://localhost:{int(port)}/", verify=False).status_code == 200
        assert len(base64.b64decode(spki)) == 32
        process.send_signal(stop_signal)
        assert process.communicate(timeout=10) == (b"", b"")
        assert process.returncode == 0


def test_a_taken_port_is_an_error(site: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=site.port).start()


def test_restart_keeps_port_state_and_tokens() -> None:
    with Sandbox() as site:
        caller = Caller(site, site.accounts[0])
        chat_id = caller.new_chat()
        site.restart()
        again = Caller(site, site.accounts[0])
        assert answer_text(again.ask("{{say still here}}", chat_id)) == "still here"
        caller.close()
        again.close()


def test_close_ends_a_running_answer() -> None:
    with Sandbox() as site:
        caller = Caller(site, site.accounts[0])
        body = payload(caller.new_chat(), "{{stream chunks=1000}}")
        url, headers = f"{COMPLETIONS}?chat_id={body['chat_id']}", site.page_headers(site.accounts[0])
        with caller.http.stream("POST", url, json=body, headers=headers) as answer:
            lines = answer.iter_lines()
            next(lines)
            start = time.monotonic()
            site.close()
            assert time.monotonic() - start < 2
            with pytest.raises(httpx.HTTPError):
                list(lines)
        assert site.running_generations() == []
        caller.close()


def test_composer_page(site: Sandbox, caller: Caller) -> None:
    guest = caller.http.get("/")
    assert 'class="message-input-textarea"' in guest.text
    assert 'class="login-container"' in guest.text
    assert "Verification" not in guest.text
    assert '/qwen-chat-fe/0.3.12/page.js"' in guest.text
    assert {"acw_tc", "cna", "x-ap"} <= set(guest.cookies)
    mine = caller.call("GET", "/c/some-chat")
    assert 'class="login-container"' not in mine.text
    script = caller.http.get("/qwen-chat-fe/0.3.12/page.js")
    assert script.headers["content-type"].startswith("application/javascript")


@pytest.fixture
def older_site(site: Sandbox) -> Iterator[Sandbox]:
    """The site as before September 2026: people sign in at the chat itself."""
    site.switches.sign_in_host = False
    yield site
    site.switches.sign_in_host = True


def test_the_sign_in_page_redirects_a_logged_in_browser(older_site: Sandbox, caller: Caller) -> None:
    form = caller.http.get("/auth?action=signin")
    assert 'type="email"' in form.text
    assert 'type="password"' in form.text
    assert caller.call("GET", "/auth").headers["location"] == "/"


@pytest.mark.parametrize("path", ["/api/v1/auths/signin", "/api/v2/auths/signin"], ids=["v1", "v2"])
def test_sign_in_at_the_chat_before_there_was_a_host_for_it(older_site: Sandbox, caller: Caller, path: str) -> None:
    account = older_site.accounts[1]
    wrong = caller.http.post(path, json={"email": account.email, "password": "wrong"})
    assert refusal(wrong)[0] == "400"
    right = caller.http.post(path, json={"email": account.email, "password": account.password_hash})
    assert right.cookies["token"] == account.token
    assert (right.json().get("token") == account.token) is path.startswith("/api/v1")
    claims = account.token.split(".")[1]
    fields = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert set(fields) == {"id", "last_password_change", "exp"}
    assert fields["exp"] == pytest.approx(older_site.now() + 30 * 86400, abs=60)
    assert account.renew() != account.renew()


def test_profile_takes_cookie_or_bearer(site: Sandbox, caller: Caller) -> None:
    for headers in ({}, {"cookie": None, "authorization": f"Bearer {site.accounts[0].token}"}):
        profile = caller.call("GET", "/api/v1/auths/", **headers).json()
        assert (profile["id"], profile["role"]) == (site.accounts[0].user_id, "user")
        assert "token" not in profile
    assert refusal(caller.call("GET", "/api/v1/auths"))[0] == "401"
    assert refusal(caller.call("GET", "/api/v1/auths/", cookie=None))[0] == "401"


def test_profile_renews_the_token_if_the_switch_says_so(site: Sandbox, caller: Caller) -> None:
    before = site.accounts[0].token
    site.switches.renew_tokens = True
    try:
        new_token = caller.call("GET", "/api/v1/auths/").json()["token"]
    finally:
        site.switches.renew_tokens = False
    assert new_token == site.accounts[0].token != before


@pytest.mark.parametrize(
    ("action", "details"),
    [("revoke", "Unauthorized"), ("expire", "Token has expired"), ("forge", "Unauthorized")],
    ids=["revoked", "expired", "forged"],
)
def test_dead_tokens(site: Sandbox, caller: Caller, action: str, details: str) -> None:
    account = site.accounts[2]
    token = account.token
    if action == "forge":
        token = token[:-4] + "AAAA"
    else:
        getattr(account, action)()
    for method, path in (("GET", "/api/v1/auths/"), ("GET", "/api/v2/chats/"), ("POST", "/api/v2/chats/new")):
        answer = caller.call(method, path, {}, cookie=f"token={token}")
        assert refusal(answer) == ("401", "Unauthorized", details)
    account.renew()
    assert caller.call("GET", "/api/v1/auths/", cookie=f"token={account.token}").json()["id"] == account.user_id


def test_short_lived_token_expires_by_itself(site: Sandbox, caller: Caller) -> None:
    account = site.accounts[2]
    dead = account.renew(lifetime_s=-1)
    account.renew()
    answer = caller.call("GET", "/api/v1/auths/", cookie=f"token={dead}")
    assert refusal(answer)[2] == "Token has expired"


def test_models_in_both_wrappers(site: Sandbox, caller: Caller) -> None:
    older = caller.http.get("/api/models").json()["data"]
    newer = caller.http.get("/api/v2/models/").json()["data"]["data"]
    assert older == newer
    metas = {model["id"]: model["info"]["meta"] for model in newer}
    assert "thinking" not in metas["qwen3-coder-plus"]["capabilities"]
    assert metas["qwen3.7-max"]["modality"] == ["text"]
    assert {"t2i", "t2v"} <= set(metas["qwen3.7-plus"]["chat_type"])
    assert len(metas) == len(site.models)


def test_chats_are_made_listed_read_and_deleted(site: Sandbox, caller: Caller) -> None:
    chat_id = caller.new_chat()
    caller.ask("{{say hi}}", chat_id)
    assert chat_id in site.chat_ids("sandbox1")
    for path in ("/api/v2/chats/?page=1&exclude_project=true", "/api/v2/chats?limit=50", "/api/v2/chats"):
        assert chat_id in [row["id"] for row in caller.call("GET", path).json()["data"]]
    assert caller.call("GET", "/api/v2/chats/?page=99").json()["data"] == []
    assert len(caller.call("GET", "/api/v2/chats/?page=1&page_size=1").json()["data"]) == 1
    detail = caller.call("GET", f"/api/v2/chats/{chat_id}").json()["data"]
    question, answer = detail["chat"]["messages"]
    assert detail["currentId"] == answer["id"] == detail["chat"]["history"]["currentId"]
    assert question["childrenIds"] == [answer["id"]] != question["fid"]
    assert (answer["parentId"], answer["content"], answer["done"]) == (question["id"], "hi", True)
    assert answer["content_list"] == [{"phase": "answer", "content": "hi", "status": "finished"}]
    assert set(detail["chat"]["history"]["messages"]) == {question["id"], answer["id"]}
    deletion = caller.call("DELETE", f"/api/v2/chats/{chat_id}").json()
    assert (deletion["success"], deletion["data"]) == (True, {"status": True})
    assert refusal(caller.call("GET", f"/api/v2/chats/{chat_id}"))[:2] == ("404", "Not_Found")


def test_another_accounts_chat_is_not_there(site: Sandbox, caller: Caller) -> None:
    chat_id = caller.new_chat()
    other = site.accounts[1].token
    for method, path in (("GET", f"/api/v2/chats/{chat_id}"), ("DELETE", f"/api/v2/chats/{chat_id}")):
        assert refusal(caller.call(method, path, cookie=f"token={other}"))[1] == "Not_Found"
    body = payload(chat_id, "hi")
    answer = caller.call("POST", f"{COMPLETIONS}?chat_id={chat_id}", body, cookie=as_cookies(site, other))
    assert refusal(answer)[1] == "Not_Found"


def test_envelope_echoes_the_request_id(caller: Caller) -> None:
    answer = caller.call("GET", "/api/v2/configs/", x_request_id="my-id")
    assert answer.json() == {"success": True, "request_id": "my-id", "data": {}}


def test_unknown_and_retired_paths(caller: Caller) -> None:
    assert caller.http.get("/nonsense").status_code == 404
    for path in ("/api/v2/user", "/api/v2/nonsense"):
        assert refusal(caller.call("GET", path)) == ("404", "not found", "Not Found")
    gateway = caller.call("POST", "/api/chat/completions", {})
    assert gateway.status_code == 504
    assert "alibaba-ga" in gateway.text
    assert caller.call("POST", "/api/v2/users/status", {"typarms": {}}).json()["data"] is True


def test_real_status_codes_if_the_switch_says_so(site: Sandbox, caller: Caller) -> None:
    site.switches.real_status = True
    try:
        answer = caller.call("GET", "/api/v2/chats/unknown")
    finally:
        site.switches.real_status = False
    assert (answer.status_code, answer.headers["x-actual-status-code"]) == (404, "404")


def test_requests_are_recorded(site: Sandbox, caller: Caller) -> None:
    start = time.time()
    caller.call("POST", "/api/v2/chats/new?a=b", {"title": "t"}, x_note="a note")
    request = site.requests[-1]
    assert (request.method, request.path, request.query) == ("POST", "/api/v2/chats/new", {"a": "b"})
    assert (request.body, request.headers["x-note"]) == ({"title": "t"}, "a note")
    assert request.account_id == "sandbox1"
    assert start <= request.when <= time.time()
    site.clear()
    assert site.requests == []
    with pytest.raises(TimeoutError):
        site.wait_for(lambda site: site.requests, wait=0.01)


def test_control_over_http(site: Sandbox, caller: Caller) -> None:
    control = caller.http
    state = control.get("/__sandbox/state").json()
    assert state["accounts"][0]["token"] == site.accounts[0].token
    assert control.post("/__sandbox/faults", json={"kind": "not_found", "path": "/api/v2/chats/"}).json()["ok"]
    assert refusal(caller.call("GET", "/api/v2/chats/"))[1] == "Not_Found"
    assert control.post("/__sandbox/faults", json={"kind": "nonsense"}).status_code == 400
    assert control.post("/__sandbox/faults", json={"kind": "captcha", "color": 1}).status_code == 400
    assert [one["path"] for one in control.get("/__sandbox/requests").json()] == ["/api/v2/chats/"]
    assert control.post("/__sandbox/switches", json={"keep_alive_s": 11}).json()["ok"]
    assert site.switches.keep_alive_s == 11
    assert control.post("/__sandbox/switches", json={"nonsense": 1}).status_code == 400
    new_token = control.post("/__sandbox/accounts/sandbox3/renew").json()["token"]
    assert new_token == site.accounts[2].token
    control.post("/__sandbox/clear")
    assert site.requests == []


def test_fault_rejects_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="no fault"):
        Fault("nonsense")
    with pytest.raises(ValueError, match="no option"):
        Fault("captcha", options={"num": 1})
