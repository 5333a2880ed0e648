"""The sandbox's faults: each kind as the site shows it, and whom and when it strikes."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sandbox_caller import COMPLETIONS, Caller, answer_text, deltas, frames, payload, refusal, sandbox_fixtures, trust

from qwenproxy.sandbox import Fault, Sandbox
from qwenproxy.sandbox.faults.fault import KINDS, parse_fault

ENVELOPES = [
    ("rate_limited", "429", "RateLimited", "today's usage"),
    ("rate_limited num=3", "429", "RateLimited", "today's usage"),
    ("rate_limited place=none", "429", "RateLimited", "high demand"),
    ("rate_limited place=none details=额度已用完", "429", "RateLimited", "额度已用完"),
    ("disguised_401", "429", "RateLimited", "401 Unauthorized"),
    ("parallel_limited", "429", "ParallelLimited", ""),
    ("quota_limit", "402", "quota_limit", ""),
    ("quota_limit code=quotaLimited", "402", "quotaLimited", ""),
    ("unauthorized", "401", "Unauthorized", "Unauthorized"),
    ("forbidden", "403", "Forbidden", "Forbidden"),
    ("token_expired", "401", "Unauthorized", "Token has expired"),
    ("not_found", "404", "Not_Found", ""),
    ("bad_request", "400", "Bad_Request", "Internal error"),
    ("bad_request 'details=some text'", "400", "Bad_Request", "some text"),
    ("validation_error field=model", "400", "RequestValidationError", "Field 'model': Field required"),
    ("chat_busy", "400", "Bad_Request", "The chat is in progress!"),
    ("bad_parent", "400", "Bad_Request", "parent_id"),
    ("unknown_chat", "404", "Not_Found", "chat 0 is not exist"),
    ("unknown_chat code=CHAT_NOT_FOUND", "404", "CHAT_NOT_FOUND", "is not exist"),
    ("unknown_model", "404", "Not_Found", "Model"),
    ("internal_error", "500", "Internal_Server_Error", "Internal Error"),
    ("moderation", "400", "data_inspection_failed", "inappropriate"),
]
WHOLE_ANSWERS = [
    ("rate_limited real_429=true num=4", 429, "application/json", '{"code":"RateLimited","detail":'),
    ("unauthorized_http", 401, "application/json", '"code":"Unauthorized"'),
    ("forbidden_http", 403, "application/json", '"code":"Forbidden"'),
    ("http_500", 500, "text/html", "500 Internal Server Error"),
    ("http_502", 502, "text/html", "502 Bad Gateway"),
    ("http_503", 503, "text/html", "503"),
    ("http_504", 504, "text/html", "alibaba-ga"),
    ("captcha", 200, "application/json;charset=utf-8", '{"ret":["FAIL_SYS_USER_VALIDATE"'),
    ("captcha action=captchaconnect", 200, "application/json;charset=utf-8", "&action=captchaconnect&"),
    ("captcha action=captchaconnect", 200, "application/json;charset=utf-8", '"dialogSize"'),
    ("captcha type=text/event-stream", 200, "text/event-stream", '{"ret":["FAIL_SYS_USER_VALIDATE"'),
    ("captcha form=html", 200, "text/html", '<script>window.location.replace("https://'),
    ("captcha form=html type=application/json", 200, "application/json", "_____tmd_____/punish"),
    ("waf", 200, "text/html", "aliyun_waf_bb"),
    ("waf status=405", 405, "text/html", "<!doctypehtml>"),
    ("empty_body", 200, "text/event-stream", ""),
]
ODD = [
    "segments",
    "segments every=1 pause_s=0.05",
    "function_channel",
    "function_channel after=2 name=look pause_s=0.05",
    "two_answers",
    "image_tool",
    "done_flag seconds=0.05",
    "held_open seconds=0.05",
]
ENDINGS: list[tuple[str, int, Any]] = [
    ("rate_limited in_stream=true num=2", 0, {"success": False, "data": {"code": "RateLimited", "num": 2}}),
    ("rate_limited flat=true num=4 after=1", 1, {"code": "RateLimited", "num": 4}),
    ("internal_error_frame", 0, {"error": {"code": "internal_error", "details": "Internal Error"}}),
    ("internal_error_string after=2", 2, {"error": "Internal error!"}),
    ("moderation_mid_answer", 2, {"error": {"code": "data_inspection_failed"}}),
    ("status_error after=1", 1, {"choices": [{"delta": {"status": "error"}}]}),
    ("token_expired after=1", 1, {"success": False, "data": {"code": "Unauthorized"}}),
    ("empty_after_created", 0, None),
    ("cut_before_end after=3", 3, None),
]
RESHAPED = [
    "split_utf8",
    "split_data_prefix",
    "coalesce group=3",
    "byte_by_byte",
    "drip size=50 interval_ms=1",
]

running, site, caller = sandbox_fixtures(accounts=2, busy_release_s=0)


def faults_of(table: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return the fault of each row, as names for its tests."""
    return [row[0] for row in table]


def contains(whole: Any, part: Any) -> bool:
    """Tell whether `whole` contains `part`: dictionaries by their keys, lists element by element."""
    if isinstance(part, dict):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)


@pytest.mark.parametrize(("text", "status", "code", "details"), ENVELOPES, ids=faults_of(ENVELOPES))
def test_envelopes(site: Sandbox, caller: Caller, text: str, status: str, code: str, details: str) -> None:
    by_directive = caller.ask(f"hello {{{{fault {text}}}}}")
    site.add_fault(parse_fault(text))
    by_book = caller.ask("hello")
    for answer in (by_directive, by_book):
        assert refusal(answer)[:2] == (status, code)
        assert details in refusal(answer)[2]
    assert answer_text(caller.ask("{{say over}}")) == "over"


def test_where_the_hours_stand(caller: Caller) -> None:
    nested = caller.ask("{{fault rate_limited num=3}}").json()
    assert nested["data"]["num"] == 3
    assert "{{num}}" in nested["data"]["template"]
    top = caller.ask("{{fault rate_limited num=3 place=top}}").json()
    assert (top["success"], top["code"], top["num"]) == (False, "RateLimited", 3)
    none = caller.ask("{{fault rate_limited place=none}}").json()
    assert "num" not in none["data"]


@pytest.mark.parametrize(("text", "status", "kind", "sign"), WHOLE_ANSWERS, ids=faults_of(WHOLE_ANSWERS))
def test_whole_answers(caller: Caller, text: str, status: int, kind: str, sign: str) -> None:
    answer = caller.ask(f"{{{{fault {text}}}}}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(kind)
    assert sign in answer.text
    assert sign or answer.content == b""


@pytest.mark.parametrize(("text", "sound", "end"), ENDINGS, ids=faults_of(ENDINGS))
def test_endings(caller: Caller, text: str, sound: int, end: Any) -> None:
    answer = caller.ask(f"{{{{stream chunks=9 interval_ms=0}}}}{{{{fault {text}}}}}")
    created, *rest = frames(answer)
    assert "response.created" in created
    assert sum("chunk-" in json.dumps(frame) for frame in rest) == sound
    assert len(rest) == sound + (end is not None)
    assert end is None or contains(rest[-1], end)


def test_cut_in_the_middle_of_a_character(caller: Caller) -> None:
    answer = caller.ask("{{stream chunks=9 interval_ms=0}}{{fault cut_mid_utf8 after=1}}")
    assert answer.content.count(b"chunk-") == 1
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode()


def test_cut_in_the_middle_of_a_frame(caller: Caller) -> None:
    answer = caller.ask("{{stream chunks=9 interval_ms=0}}{{fault cut_mid_frame after=1}}")
    *sound, rest = answer.content.split(b"\n\n")
    assert sum(b"chunk-" in frame for frame in sound) == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(rest.removeprefix(b"data: "))


@pytest.mark.parametrize("text", RESHAPED)
def test_reshaped_streams_say_the_same(caller: Caller, text: str) -> None:
    answer = caller.ask(f"{{{{say Grüße 🙂 und 你好, heute}}}}{{{{fault {text}}}}}")
    assert answer_text(answer) == "Grüße 🙂 und 你好, heute"


@pytest.mark.parametrize("text", ODD)
def test_odd_streams_say_the_same(caller: Caller, text: str) -> None:
    answer = caller.ask(f"{{{{say one two three four five six}}}}{{{{fault {text}}}}}")
    ours = [frame for frame in frames(answer) if "OTHER" not in json.dumps(frame)]
    choices = [frame["choices"][0]["delta"] for frame in ours if "choices" in frame]
    words = [delta["content"] for delta in choices if delta["role"] == "assistant" and delta.get("phase") == "answer"]
    assert "".join(words) == "one two three four five six"


def finishes(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return role and phase of each delta that is finished."""
    return [(delta["role"], delta["phase"]) for delta in deltas(answer) if delta["status"] == "finished"]


def test_an_answer_in_pieces_finishes_each(caller: Caller) -> None:
    chat_id = caller.new_chat()
    answer = caller.ask("{{say one two three four five six}}{{fault segments every=1}}", chat_id)
    assert finishes(answer) == [("assistant", "answer")] * 5
    message = caller.call("GET", f"/api/v2/chats/{chat_id}").json()["data"]["chat"]["messages"][-1]
    assert message["content"] == "one two three four five six"


def test_an_answer_in_pieces_may_be_cut_after_one(caller: Caller) -> None:
    answer = caller.ask("{{say one two three four five six}}{{fault segments every=1 cut_after=2}}")
    assert answer_text(answer) == "one two three four "
    assert finishes(answer) == [("assistant", "answer")]


def test_a_call_of_a_tool_the_site_has_not(caller: Caller) -> None:
    answer = caller.ask("{{say one two three four}}{{fault function_channel name=look}}")
    arguments = [delta["function_call"]["arguments"] for delta in deltas(answer) if "function_call" in delta]
    assert arguments[0] == ""
    assert json.loads(arguments[-1])
    assert all(later.startswith(earlier) for earlier, later in pairwise(arguments))
    results = [delta for delta in deltas(answer) if delta["role"] == "function"]
    assert [(each["content"], each["status"]) for each in results] == [
        ("Tool look does not exists.", "typing"),
        ("", "finished"),
    ]
    assert finishes(answer) == [("assistant", "answer"), ("function", "answer"), ("assistant", "answer")]


def test_two_answers_in_one_body(caller: Caller) -> None:
    chat_id = caller.new_chat()
    answer = caller.ask("{{say one two three four five six}}{{fault two_answers}}", chat_id)
    other, ours = (frame["response.created"] for frame in frames(answer)[:2])
    assert (other["response_index"], ours["response_index"]) == ("0", "1")
    texts: dict[str, str] = {}
    for frame in frames(answer)[2:]:
        key = frame["response_id"]
        texts[key] = texts.get(key, "") + frame["choices"][0]["delta"]["content"]
    assert texts == {other["response_id"]: "OTHER " * 3, ours["response_id"]: "one two three four five six"}
    assert answer_text(caller.ask("{{say on}}", chat_id, parent_id=ours["response_id"])) == "on"
    assert refusal(caller.ask("{{say on}}", chat_id, parent_id=other["response_id"]))[1] == "Bad_Request"


def test_the_word_done_comes_last(caller: Caller) -> None:
    assert frames(caller.ask("{{say so}}{{fault done_flag seconds=0.05}}"))[-1]["done"] is True


@pytest.mark.parametrize("form", ["tool_result", "image_list"])
def test_an_image_of_a_tool(caller: Caller, form: str) -> None:
    answer = caller.ask(f"{{{{say one two three}}}}{{{{fault image_tool image=a/b.png form={form}}}}}")
    [image] = [delta for delta in deltas(answer) if delta["phase"] == "image_gen_tool"]
    assert image["extra"] == {form: [{"image": "a/b.png"}]}


@pytest.mark.parametrize("form", ["json", "html"])
def test_a_captcha_that_never_ends(caller: Caller, form: str) -> None:
    chat_id = caller.new_chat()
    with httpx.Client(http2=True, verify=trust(caller.site), base_url=caller.site.base_url) as http:
        body = payload(chat_id, f"{{{{fault captcha endless=true form={form}}}}}")
        url, headers = f"{COMPLETIONS}?chat_id={chat_id}", caller.site.page_headers(caller.account)
        with http.stream("POST", url, json=body, headers=headers, timeout=0.3) as answer:
            pieces = answer.iter_bytes()
            assert b"x5secdata=" in next(pieces)
            with pytest.raises(httpx.ReadTimeout):
                next(pieces)


def pieces_of(caller: Caller, prompt: str) -> list[bytes]:
    """Return the body of an answer in the pieces it came in, as far as the network left them apart."""
    with httpx.Client(http2=True, verify=trust(caller.site), base_url=caller.site.base_url) as http:
        body = payload(caller.new_chat(), prompt)
        headers = caller.site.page_headers(caller.account)
        with http.stream("POST", f"{COMPLETIONS}?chat_id={body['chat_id']}", json=body, headers=headers) as answer:
            return list(answer.iter_raw())


def test_how_streams_are_cut(caller: Caller) -> None:
    prefixes = pieces_of(caller, "{{say hi}}{{fault split_data_prefix}}")
    assert prefixes[:3] == [b"da", b"ta:", prefixes[2]]
    assert all(len(piece) == 1 for piece in pieces_of(caller, "{{say hi}}{{fault byte_by_byte}}"))
    drops = pieces_of(caller, "{{say hi}}{{fault drip size=40 interval_ms=1}}")
    assert max(map(len, drops)) == 40
    groups = pieces_of(caller, "{{stream chunks=7 interval_ms=0}}{{fault coalesce group=5}}")
    assert [piece.count(b"\n\n") for piece in groups] == [5, 5]
    halves = pieces_of(caller, "{{say 🙂}}{{fault split_utf8}}")
    assert any(piece.endswith(b"\xf0") for piece in halves)


def test_stall_before_the_head_and_in_the_stream(caller: Caller) -> None:
    for options in ("seconds=0.2", "seconds=0.2 after=1"):
        start = time.monotonic()
        answer = caller.ask(f"{{{{stream chunks=3 interval_ms=0}}}}{{{{fault stall {options}}}}}")
        assert time.monotonic() - start >= 0.2
        assert answer_text(answer).count("chunk-") == 3


def test_stall_with_signs_of_life(caller: Caller) -> None:
    answer = caller.ask(
        "{{stream chunks=3 interval_ms=0}}{{fault stall after=1 seconds=0.2 every_s=0.06 keepalives=true}}"
    )
    kinds = ["info" if "response.info" in frame else "other" for frame in frames(answer)]
    assert kinds[:6] == ["other", "other", "info", "info", "info", "other"]
    assert frames(answer)[2]["response.info"]["action"] == "keep_alive"


def test_stop_ends_a_stalled_answer(site: Sandbox, caller: Caller) -> None:
    chat_id = caller.new_chat()
    with httpx.Client(http2=True, verify=trust(site), base_url=site.base_url) as http:
        body = payload(chat_id, "{{fault stall after=0 seconds=60}}")
        url, headers = f"{COMPLETIONS}?chat_id={chat_id}", site.page_headers(caller.account)
        with http.stream("POST", url, json=body, headers=headers) as answer:
            site.wait_for(lambda site: site.running_generations())
            caller.call("POST", f"{COMPLETIONS}/stop?chat_id={chat_id}", {"chat_id": chat_id})
            assert b"response.stopped" in answer.read()


@pytest.mark.parametrize(
    "options", ["", "after=1", "scope=stream", "scope=stream after=1"], ids=lambda text: text or "at once"
)
def test_reset_breaks_the_connection_or_the_stream(caller: Caller, options: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError) as failure:
        caller.ask(f"{{{{stream chunks=9 interval_ms=0}}}}{{{{fault reset {options}}}}}")
    assert ("StreamReset" in str(failure.value)) is ("stream" in options)
    assert caller.say("{{say again}}") == "again"


def test_captcha_sticks_until_solved(site: Sandbox, caller: Caller) -> None:
    site.add_fault(Fault("captcha_sticky", account="sandbox1"))
    address = caller.ask("hello").json()["data"]["url"]
    again = caller.call("POST", "/api/v2/chats/new", {})
    assert "RGV587_ERROR" in again.text
    other = Caller(site, site.accounts[1])
    assert other.say("{{say free}}") == "free"
    other.close()
    parts = urlsplit(address)
    assert parts.path == "//api/v2/chat/completions/_____tmd_____/punish"
    puzzle = caller.http.get(address)
    assert 'id="nc_1_n1z"' in puzzle.text
    assert caller.http.post(address.replace("x5secdata=", "x5secdata=0")).status_code == 400
    answer = caller.http.post(address)
    assert "x5sec" in answer.cookies
    assert caller.say("{{say human}}") == "human"


def test_waf_page_hits_pages_only(site: Sandbox, caller: Caller) -> None:
    site.add_fault(Fault("waf_page", times=None))
    for path in ("/", "/c/new-chat", "/auth"):
        assert "<title>Access Verification</title>" in caller.http.get(path).text
    assert caller.say("{{say x}}") == "x"
    site.clear()
    assert "Verification" not in caller.http.get("/").text


def test_whom_a_fault_strikes_and_when(site: Sandbox, caller: Caller) -> None:
    other = Caller(site, site.accounts[1])
    site.add_fault(Fault("not_found", account="sandbox1", nth=2, times=2, path="/api/v2/chats/new"))
    assert other.new_chat()
    answers = [caller.call("POST", "/api/v2/chats/new", {}).json()["success"] for _ in range(4)]
    assert answers == [True, False, False, True]
    assert other.new_chat()
    other.close()


def test_faults_by_path_prefix_and_without_end(site: Sandbox, caller: Caller) -> None:
    site.add_fault(Fault("http_503", path="/api/v2/*", times=None))
    assert [caller.call("GET", path).status_code for path in ("/api/v2/chats/", "/api/v2/models/")] == [
        503,
        503,
    ]
    assert caller.call("GET", "/api/v1/auths/").status_code == 200


def test_one_call_gets_one_fault(site: Sandbox, caller: Caller) -> None:
    site.add_fault(Fault("not_found"))
    site.add_fault(Fault("forbidden"))
    assert [refusal(caller.ask("hi"))[1] for _ in range(2)] == ["Not_Found", "Forbidden"]


def test_a_refused_turn_leaves_the_chat_as_it_was(caller: Caller) -> None:
    chat_id = caller.new_chat()
    caller.ask("{{fault rate_limited}}", chat_id)
    assert caller.call("GET", f"/api/v2/chats/{chat_id}").json()["data"]["chat"]["messages"] == []


def test_what_came_before_a_cut_is_kept(caller: Caller) -> None:
    chat_id = caller.new_chat()
    caller.ask("{{stream chunks=9 interval_ms=0}}{{fault cut_before_end after=2}}", chat_id)
    answer = caller.call("GET", f"/api/v2/chats/{chat_id}").json()["data"]["chat"]["messages"][-1]
    assert answer["content"].startswith("chunk-000 chunk-001 ")


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        ("rate_limit", "no fault 'rate_limit'; there are rate_limited, "),
        ("", "no fault ''; there are "),
        ("captcha num=1", "captcha knows no option num; it knows action, endless, form, type"),
        ("http_500 now", "http_500 knows no option now; it knows none"),
        ("stall seconds=long", "seconds takes a number from 0 on, not 'long'"),
        ("drip size=0", "size takes a number from 1 on, not '0'"),
        ("bad_request 'details=open", "No closing quotation"),
    ],
    ids=["kind", "no kind", "option", "no options", "no number", "too small", "quote"],
)
def test_the_model_says_that_a_fault_cannot_be_read(caller: Caller, fault: str, trouble: str) -> None:
    answer = caller.say(f"{{{{fault {fault}}}}} {{{{say x}}}}")
    assert answer.startswith(f"This directive could not be read: fault: {trouble}")


def test_a_misspelt_fault_for_a_picture_is_refused(caller: Caller) -> None:
    picture = {"chat_type": "t2i", "sub_chat_type": "t2i", "extra": {"meta": {"subChatType": "t2i"}}}
    assert "no fault 'nonsense'" in refusal(caller.ask("A fox {{fault nonsense}}", message=picture))[2]


def test_every_kind_is_tested_here() -> None:
    tables = [text for text, *_ in (*ENVELOPES, *WHOLE_ANSWERS, *ENDINGS)] + RESHAPED + ODD
    apart = {"captcha_sticky", "waf_page", "stall", "reset", "cut_mid_utf8", "cut_mid_frame"}
    assert {str(text).split()[0] for text in tables} | apart == set(KINDS)
