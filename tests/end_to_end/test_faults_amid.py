"""Every way an answer can break off: what came is passed on, and never passed off as complete.

Source: contract 4.3 and 6.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from asking import UNENCRYPTED, Reply, ask, asked_of, together
from fault_cases import FINAL, HARMLESS, MOVES_ON, limited, rest_of
from odd_server import odd_command
from proxy_process import Proxy

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Fault, Sandbox
from qwenproxy.sandbox.faults.fault import COMPLETIONS, KINDS, parse_fault

pytestmark = pytest.mark.browser

WORDS = "one two three four five six seven eight nine ten"
QUESTION = f"{{{{say {WORDS}}}}}"
STALL_TIMEOUT = 6  # seconds; signs of life come before it
CUT = (
    ("cut_before_end after=2", 502, "upstream_error"),
    ("cut_mid_utf8 after=2", 502, "upstream_error"),
    ("cut_mid_frame after=2", 502, "upstream_error"),
    ("segments every=1 cut_after=2", 502, "upstream_error"),
    ("token_expired after=2", 503, "no_accounts"),
    ("internal_error_frame after=2", 502, "upstream_error"),
    ("internal_error_string after=2", 502, "upstream_error"),
    ("status_error after=2", 502, "upstream_error"),
    ("moderation_mid_answer after=2", 400, "content_filter"),
    ("rate_limited after=2 in_stream=true num=6", 429, "rate_limited"),
    ("reset after=2", 502, "upstream_error"),
    ("reset after=2 scope=stream", 502, "upstream_error"),
)


@pytest.fixture(scope="module")
def impatient_server(stand_in: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A server that gives signs of life, and gives the site up, after few seconds; use `impatient`."""
    account = stand_in.accounts[-1]
    session_dir = tmp_path_factory.mktemp("impatient") / "session"
    proxy = Proxy(stand_in, session_dir, stall_timeout=STALL_TIMEOUT, account_concurrency=5)
    proxy.command = odd_command(session_dir)
    proxy.registry.add(account.token, account.id)
    with proxy:
        yield proxy


@pytest.fixture
def impatient(impatient_server: Proxy, site: Sandbox) -> Proxy:
    """The impatient server, with the site as at its start."""
    return impatient_server


def assert_broke_off(reply: Reply, code: str) -> None:
    assert reply.status == 200
    assert reply.text
    assert "one two three four ".startswith(reply.text)
    assert reply.error["code"] == code
    assert not reply.done, "a broken answer ended like a complete one"
    finished = [choice["finish_reason"] for frame in reply.frames for choice in frame.get("choices", ())]
    assert set(finished) == {None}


@pytest.mark.parametrize(("fault", "status", "code"), CUT)
def test_broken_answer(proxy: Proxy, site: Sandbox, registry: Registry, fault: str, status: int, code: str) -> None:
    site.add_fault(replace(parse_fault(fault), times=None))
    site.switches.interval_ms = 300  # a broken connection takes along what arrived last
    streamed, plain = together(
        lambda: ask(proxy.url, QUESTION, stream=True),
        lambda: ask(proxy.url, QUESTION),
    )
    assert_broke_off(streamed, code)
    if not fault.startswith("reset"):
        assert streamed.text == "one two three four "
    assert (plain.status, plain.error["code"]) == (status, code)
    assert "one two" not in plain.error["message"]
    site.clear()
    site.switches.interval_ms = 5
    for account in registry.all():
        registry.mark_ok(account.id)
    assert ask(proxy.url, QUESTION).text == WORDS


def test_a_limit_in_mid_answer_makes_the_account_rest(proxy: Proxy, site: Sandbox, registry: Registry) -> None:
    site.add_fault(Fault("rate_limited", options={"after": 2, "in_stream": True, "num": 6}))
    assert_broke_off(ask(proxy.url, QUESTION, stream=True), "rate_limited")
    resting = [account for account in registry.all() if account.status(time.time()) == "WAIT"]
    assert [account.id for account in resting] == [asked_of(site)[-1].account_id]
    assert abs(limited("", hours=6).rests_for - rest_of(resting[0], time.time())) < 60


def test_a_silent_site_is_given_up_but_not_a_slow_one(impatient: Proxy) -> None:
    silent = "{{fault stall seconds=600}}{{say never}}"
    silent_amid = f"{QUESTION}{{{{fault stall after=2 seconds=600}}}}"
    slow = f"{QUESTION}{{{{fault stall after=2 seconds={2 * STALL_TIMEOUT} keepalives=true every_s=1}}}}"
    plain, streamed, plain_amid, streamed_amid, waited_for = together(
        lambda: ask(impatient.url, silent),
        lambda: ask(impatient.url, silent, stream=True),
        lambda: ask(impatient.url, silent_amid),
        lambda: ask(impatient.url, silent_amid, stream=True),
        lambda: ask(impatient.url, slow, stream=True),
    )
    for reply in (plain, plain_amid):
        assert (reply.status, reply.error["code"]) == (504, "upstream_timeout")
    assert (streamed.status, streamed.text, streamed.done) == (200, "", False), "it began with signs of life"
    assert streamed.error["code"] == "upstream_timeout"
    assert_broke_off(streamed_amid, "upstream_timeout")
    assert waited_for.text == WORDS
    assert waited_for.done
    assert "\n: keep-alive\n\n" in waited_for.body


def test_an_answer_goes_on_after_it_was_finished(impatient: Proxy, site: Sandbox) -> None:
    """Seconds pass between its pieces, in which clients get signs of life."""
    site.add_fault(parse_fault("segments every=4 pause_s=4"))
    reply = ask(impatient.url, QUESTION, stream=True)
    assert (reply.text, reply.done) == (WORDS, True)
    assert "\n: keep-alive\n\n" in reply.body


def test_what_the_site_says_of_the_calls_it_takes_reaches_nobody(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(replace(parse_fault("function_channel name=read_file pause_s=3"), times=None))
    tool = {"type": "function", "function": {"name": "read_file", "parameters": {"type": "object"}}}
    words, called = together(
        lambda: ask(proxy.url, QUESTION, stream=True),
        lambda: ask(proxy.url, QUESTION, tools=[tool]),
    )
    assert words.text == WORDS
    assert '"finish_reason":"stop"' in words.body
    assert '"name":"read_file"' in called.body, "the call is not lost"
    assert '"finish_reason":"tool_calls"' in called.body
    assert "exist" not in words.body + called.body


def test_of_two_answers_at_once_one_comes_and_is_gone_on_from(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(parse_fault("two_answers"))
    first = chat(proxy.url, QUESTION)
    assert first["choices"][0]["message"]["content"] == WORDS
    second = chat(proxy.url, "{{echo}}", chatId=first["chatId"])
    seen = json.loads(second["choices"][0]["message"]["content"])
    assert [each["content"] for each in seen] == [QUESTION, WORDS, "{{echo}}"]
    questions = [request for request in asked_of(site) if request.path == COMPLETIONS]
    assert len(questions) == 2, "the site did not know the answer that was gone on from"


def chat(url: str, message: str, **more: object) -> dict[str, Any]:
    """Ask in a chat that the proxy keeps."""
    answer = httpx.post(f"{url}/api/chat", json={"message": message, **more}, timeout=90, verify=UNENCRYPTED)
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


def test_the_sites_word_that_it_is_done_is_enough(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(replace(parse_fault("done_flag seconds=600"), times=None))
    for reply in together(lambda: ask(proxy.url, QUESTION, stream=True), lambda: ask(proxy.url, QUESTION)):
        assert reply.text == WORDS


def test_a_connection_that_stays_open_ends_after_a_long_silence(impatient: Proxy, site: Sandbox) -> None:
    site.add_fault(replace(parse_fault("held_open seconds=600"), times=None))
    streamed, plain = together(lambda: ask(impatient.url, QUESTION, stream=True), lambda: ask(impatient.url, QUESTION))
    assert (streamed.text, streamed.done, plain.text) == (WORDS, True, WORDS)
    assert "\n: keep-alive\n\n" in streamed.body


@pytest.mark.parametrize("form", ["tool_result", "image_list"])
def test_an_image_of_the_sites_tool_has_an_address_that_opens(proxy: Proxy, site: Sandbox, form: str) -> None:
    site.add_fault(parse_fault(f"image_tool image=output/1.png form={form}"))
    text = ask(proxy.url, QUESTION, stream=True).text
    [question] = [request for request in asked_of(site) if request.path == COMPLETIONS]
    address = f"{site.base_url}/api/v2/chat/{question.body['chat_id']}/output/1.png"
    assert text.replace(f"![image]({address})\n", "") == WORDS


def test_a_long_call_that_is_being_written_is_no_silence_to_the_client(impatient: Proxy, site: Sandbox) -> None:
    site.switches.interval_ms = 125
    tool = {"type": "function", "function": {"name": "write", "parameters": {"type": "object"}}}
    reply = ask(impatient.url, f'{{{{tool write {{"text":"{"x" * 250}"}}}}}}', stream=True, tools=[tool])
    calls = [call for frame in reply.frames for call in frame["choices"][0]["delta"].get("tool_calls", ())]
    assert [call["function"]["name"] for call in calls if "id" in call] == ["write"]
    assert reply.body.count(": keep-alive\n\n") >= 2, "nothing came after the first sign of life"


def test_every_kind_of_fault_has_its_test() -> None:
    ordered = [case.fault for case in (*MOVES_ON, *FINAL)]
    ordered += [fault for fault, *_ in CUT] + list(HARMLESS) + ["byte_by_byte", "waf_page"]
    ordered += ["function_channel", "two_answers", "done_flag", "held_open", "image_tool"]
    assert {parse_fault(text).kind for text in ordered} == set(KINDS)
