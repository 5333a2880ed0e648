"""What the sandbox does not accept, and how answers end before their time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sandbox_caller import COMPLETIONS, Caller, answer_text, payload, refusal, sandbox_fixtures, trust

from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.pages.cookies import firewall_value

running, site, caller = sandbox_fixtures(accounts=2, busy_release_s=0.3)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"chat_id": ...}, ("400", "RequestValidationError", "Field 'chat_id': Field required")),
        ({"stream": ...}, ("400", "RequestValidationError", "Field 'stream': Field required")),
        ({"messages": [{}, {}]}, ("400", "Bad_Request", "Invalid input too many messages.")),
        ({"messages": []}, ("400", "Bad_Request", "no message")),
        ({"message": {"role": "system"}}, ("400", "Bad_Request", "not a user's")),
        ({"message": {"content": None}}, ("400", "Bad_Request", "content")),
        ({"message": {"sub_chat_type": "t2i"}}, ("400", "Bad_Request", "chat types differ")),
        ({"message": {"parentId": "other"}}, ("400", "Bad_Request", "parent ids differ")),
        (
            {"message": {"files": [{"id": "f1", "url": "u"}]}},
            ("400", "Bad_Request", "Invalid file information!"),
        ),
        ({"message": {"files": [{}]}}, ("400", "Bad_Request", "Invalid file information!")),
        ({"parent_id": "unknown"}, ("400", "Bad_Request", "parent_id unknown is not exist")),
        ({"model": "gpt-1"}, ("404", "Not_Found", "Model not found")),
    ],
    ids=[
        "no chat id",
        "no stream",
        "two messages",
        "no message",
        "role",
        "no content",
        "chat types",
        "parents",
        "unknown file",
        "empty file",
        "unknown parent",
        "unknown model",
    ],
)
def test_wrong_questions(caller: Caller, changes: dict[str, Any], problem: tuple[str, str, str]) -> None:
    chat_id = caller.new_chat()
    answer = caller.call("POST", f"{COMPLETIONS}?chat_id={chat_id}", payload(chat_id, "hi", **changes))
    assert refusal(answer)[:2] == problem[:2]
    assert problem[2] in refusal(answer)[2]
    assert caller.call("GET", f"/api/v2/chats/{chat_id}").json()["data"]["chat"]["messages"] == []


def test_chat_ids_must_agree_and_exist(caller: Caller) -> None:
    chat_id, other = caller.new_chat(), caller.new_chat()
    differing = caller.call("POST", f"{COMPLETIONS}?chat_id={other}", payload(chat_id, "hi"))
    assert "differ" in refusal(differing)[2]
    assert refusal(caller.ask("hi", "no-such-chat"))[:2] == ("404", "Not_Found")
    not_json = caller.http.post(
        f"{COMPLETIONS}?chat_id={chat_id}", content=b"{", headers=caller.site.page_headers(caller.account)
    )
    assert refusal(not_json)[1] == "Bad_Request"


@pytest.mark.parametrize(
    ("headers", "sign"),
    [
        ({"version": None}, '"code":"Bad_Request","details":"Internal error'),
        ({"version": "0.1.9"}, '"code":"Bad_Request"'),
        ({"version": "nonsense"}, '"code":"Bad_Request"'),
        ({"bx_ua": None}, "RGV587_ERROR"),
        ({"bx_umidtoken": None}, "FAIL_SYS_USER_VALIDATE"),
        ({"bx_v": None}, "_____tmd_____/punish?x5secdata="),
        ({"x_request_id": None}, "aliyun_waf_aa"),
        ({"cookie": None}, '"code":"Bad_Request"'),
        ({"cookie": "acw_tc=0"}, '"code":"Bad_Request"'),
    ],
    ids=[
        "no version",
        "old version",
        "no number",
        "no bx-ua",
        "no bx-umidtoken",
        "no bx-v",
        "no request id",
        "no cookie",
        "forged cookie",
    ],
)
def test_calls_unlike_the_pages_are_refused(caller: Caller, headers: dict[str, str | None], sign: str) -> None:
    body = payload(caller.new_chat(), "hi")
    answer = caller.call("POST", f"{COMPLETIONS}?chat_id={body['chat_id']}", body, **headers)
    assert answer.status_code == 200
    assert sign in answer.text


def test_a_call_without_a_token_has_no_account(site: Sandbox, caller: Caller) -> None:
    body = payload(caller.new_chat(), "hi")
    cookie = f"acw_tc={firewall_value(site.now())}"
    answer = caller.call("POST", f"{COMPLETIONS}?chat_id={body['chat_id']}", body, cookie=cookie)
    assert refusal(answer) == ("401", "Unauthorized", "Unauthorized")


def test_switches_soften_the_gate(site: Sandbox, caller: Caller) -> None:
    switches = site.switches
    names = ("require_bx", "require_version", "require_request_id", "require_cookies")
    for name in names:
        setattr(switches, name, False)
    try:
        body = payload(caller.new_chat(), "{{say ok}}")
        bare = {"authorization": f"Bearer {caller.account.token}"}
        answer = caller.http.post(f"{COMPLETIONS}?chat_id={body['chat_id']}", json=body, headers=bare)
    finally:
        for name in names:
            setattr(switches, name, True)
    assert answer_text(answer) == "ok"
    switches.bx_answer = "empty"
    try:
        empty = caller.call("POST", "/api/v2/chats/new", {}, bx_ua=None)
    finally:
        switches.bx_answer = "captcha"
    assert (empty.status_code, empty.content) == (200, b"")


@contextlib.contextmanager
def open_stream(caller: Caller, chat_id: str, text: str) -> Iterator[Iterator[str]]:
    """Yield the lines of an answer; leaving in the middle closes the connection, which is this call's own."""
    with (
        httpx.Client(http2=True, verify=trust(caller.site), base_url=caller.site.base_url) as http,
        http.stream(
            "POST",
            f"{COMPLETIONS}?chat_id={chat_id}",
            json=payload(chat_id, text),
            headers=caller.site.page_headers(caller.account),
        ) as answer,
    ):
        yield answer.iter_lines()


def test_a_busy_chat_refuses_and_stop_frees_it(site: Sandbox, caller: Caller) -> None:
    chat_id = caller.new_chat()
    with open_stream(caller, chat_id, "{{stream chunks=1000}}") as lines:
        response_id = json.loads(next(lines)[5:])["response.created"]["response_id"]
        assert [running.response_id for running in site.running_generations()] == [response_id]
        assert refusal(caller.ask("hi", chat_id))[1:] == ("Bad_Request", "The chat is in progress!")
        stop = f"{COMPLETIONS}/stop?chat_id={chat_id}"
        wrong = caller.call("POST", stop, {"chat_id": chat_id, "response_id": "other"})
        assert refusal(wrong)[0] == "404"
        right = caller.call("POST", stop, {"chat_id": chat_id, "response_id": response_id})
        assert right.json()["success"] is True
        rest = [line for line in lines if line]
    assert json.loads(rest[-1][5:]) == {"response.stopped": {"response_id": response_id}}
    assert caller.say("{{say free}}", chat=chat_id) == "free"


def test_a_lost_client_ends_the_answer_and_frees_the_chat_later(site: Sandbox, caller: Caller) -> None:
    chat_id = caller.new_chat()
    with open_stream(caller, chat_id, "{{stream chunks=1000}}") as lines:
        next(lines)
        assert site.running_generations()
    site.wait_idle(5)
    assert refusal(caller.ask("hi", chat_id))[2] == "The chat is in progress!"
    answers = (caller.ask("{{say free}}", chat_id) for _ in range(1000))
    assert answer_text(next(one for one in answers if one.text.startswith("data:"))) == "free"


def test_parallel_answers_of_an_account_are_bounded_if_the_switch_says_so(site: Sandbox, caller: Caller) -> None:
    site.switches.parallel_limit = 1
    try:
        with open_stream(caller, caller.new_chat(), "{{stream chunks=1000}}") as lines:
            next(lines)
            assert refusal(caller.ask("hi"))[:2] == ("429", "ParallelLimited")
        site.wait_idle()
        assert caller.say("{{say ok}}") == "ok"
    finally:
        site.switches.parallel_limit = None


def test_deleting_a_chat_ends_its_answer(site: Sandbox, caller: Caller) -> None:
    chat_id = caller.new_chat()
    with open_stream(caller, chat_id, "{{stream chunks=1000}}") as lines:
        next(lines)
        caller.call("DELETE", f"/api/v2/chats/{chat_id}")
        assert "response.stopped" in [line for line in lines if line][-1]
    site.wait_idle()
