"""What the sandbox answers to questions: frames, the stand-in model, and the message tree."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sandbox_caller import (
    COMPLETIONS,
    Caller,
    answer_text,
    deltas,
    frames,
    payload,
    refusal,
    sandbox_fixtures,
    trust,
)

from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.model.texts import UNICODE_TEXT

THINKING = {"thinking_enabled": True, "thinking_format": "summary"}

running, site, caller = sandbox_fixtures(accounts=2, busy_release_s=0.3)


def test_frames_are_byte_faithful(caller: Caller) -> None:
    chat_id = caller.new_chat()
    answer = caller.ask("{{say Hi}}", chat_id)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    created, text, empty, finished, rest = answer.text.split("\n\n")
    uuid = r"[0-9a-f-]{36}"
    match = re.fullmatch(
        rf'data: {{"response.created":{{"chat_id": "{chat_id}", "parent_id": "({uuid})", '
        rf'"response_id":"({uuid})"}}}} ',
        created,
    )
    assert match
    response_id = match[2]
    usage = (
        r'"usage": \{"input_tokens": 502, "output_tokens": 1, "characters": 0, "total_tokens": 503, '
        r'"input_tokens_details": \{"text_tokens": 502\}, "output_tokens_details": \{"text_tokens": 1\}\}'
    )
    for frame, content in ((text, "Hi"), (empty, "")):
        assert re.fullmatch(
            rf'data: {{"choices": \[{{"delta": {{"role": "assistant", "content": "{content}", "phase": "answer", '
            rf'"status": "typing"}}}}\], "response_id": "{response_id}", {usage}, "timestamp": \d{{10}}}}',
            frame,
        )
    assert finished == (
        'data: {"choices": [{"delta": {"content": "", "role": "assistant", "status": "finished", "phase": "answer"}}], '
        f'"response_id": "{response_id}"}}'
    )
    assert rest == ""


def test_plain_answer_quotes_the_question(caller: Caller) -> None:
    assert '"What a day"' in caller.say("What a day")
    assert "the end" in caller.say("x" * 1000 + " the end")


def test_history_is_the_path_of_the_tree(caller: Caller) -> None:
    chat_id = caller.new_chat()
    first = caller.ask("{{say one}}", chat_id)
    first_id = frames(first)[0]["response.created"]["response_id"]
    caller.ask("{{say a branch not taken}}", chat_id, parent_id=first_id)
    context = json.loads(answer_text(caller.ask("now {{echo}}", chat_id, parent_id=first_id)))
    assert [(message["role"], message["content"]) for message in context] == [
        ("user", "{{say one}}"),
        ("assistant", "one"),
        ("user", "now {{echo}}"),
    ]
    assert set(context[0]) == {"role", "content", "files", "feature_config", "chat_type", "model"}
    assert (context[0]["model"], context[0]["chat_type"], context[0]["files"]) == ("qwen3.7-plus", "t2t", [])


def test_content_arrives_as_it_was_sent(caller: Caller) -> None:
    parts = [
        {"type": "text", "text": "look {{echo}}"},
        {"type": "image", "image": "https://example.com/a.png"},
    ]
    files = [{"type": "image", "url": "https://example.com/a.png"}]
    context = json.loads(answer_text(caller.ask(parts, message={"files": files})))
    assert (context[0]["content"], context[0]["files"]) == (parts, files)


def test_system_message_counts_only_if_the_switch_says_so(site: Sandbox, caller: Caller) -> None:
    assert "be brief" not in caller.say("{{echo}}", system_message="be brief")
    site.switches.honour_system_message = True
    try:
        context = json.loads(caller.say("{{echo}}", system_message="be brief"))
    finally:
        site.switches.honour_system_message = False
    assert context[0] == {"role": "system", "content": "be brief"}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("{{say a  b }}", "a  b "),
        ("earlier {{echo}} later {{say last}}", "last"),
        ("{{say x}} and {{think detail}}", "x"),
        ("{{stream chunks=3 interval_ms=1}}", "chunk-000 chunk-001 chunk-002 "),
        ("{{stream chunks=2 interval_ms=1 size=14}}", "chunk-000.... chunk-001.... "),
        ("{{unicode}}", UNICODE_TEXT),
        ('{{tool f {"a":{"b":1}}}}', '<tool_call>{"name":"f","arguments":{"a":{"b":1}}}</tool_call>\n'),
        (
            '{{tool f {}}} {{tool g {"é":[1]}}}',
            '<tool_call>{"name":"f","arguments":{}}</tool_call>\n<tool_call>{"name":"g","arguments":{"é":[1]}}</tool_call>\n',
        ),
        ("{{tool f {}}} result: {{tool g}}", '<tool_call>{"name":"g","arguments":{}}</tool_call>\n'),
    ],
    ids=[
        "say",
        "the last answer counts",
        "a modifier after the answer",
        "stream",
        "stream of a size",
        "unicode",
        "tool",
        "two tools",
        "tools apart",
    ],
)
def test_directives(caller: Caller, prompt: str, expected: str) -> None:
    assert caller.say(prompt) == expected


def test_text_that_only_looks_like_a_directive_is_text(caller: Caller) -> None:
    text = "{{nonsense}} {{ tool | tojson }} {{answers | join}} {{toolbox f {bad}}} {{call}} {{say"
    assert text in caller.say(text)


@pytest.mark.parametrize(
    ("prompt", "trouble"),
    [
        ('{{call exec_command {"cmd":"ls"}', "call: it does not end with }}"),
        ('{{call exec_command {"cmd":"ls"}} and {{say x}}', "call: it does not end with }} after exec_command and its"),
        ('{{call look {"city": Köln}}}', "call: its JSON is broken at character 10: Expecting value"),
        ("{{call look as=latin}}", "call: no dialect 'latin'; there are bare, "),
        ("{{tool f {bad}}}", "tool: its JSON is broken at character 2: "),
        ("{{chain [{...}]}}", "chain: its JSON is broken at character 3: "),
        ('{{chain [{"speak":"x"}]}}', "chain: a step says or calls something"),
        ('{{chain [{"call":"f"}]', "chain: it does not end with }}"),
        ('{{answers {"say":"x"}}}', "answers: steps are a list"),
        ("{{write text}}", "write: its JSON is broken at character 1: "),
        ("{{write 5}}", "write: it takes a JSON string"),
        ("{{say one}} {{say two", "say: it does not end with }}"),
        ("{{stream chunks=many}}", "stream: 'chunks=many' is none of its options; they are chunks, interval_ms, "),
        ("{{long size=5}}", "long: 'size=5' is none of its options; they are bytes, interval_ms, "),
    ],
    ids=lambda text: str(text)[:24],
)
def test_the_model_says_which_directive_cannot_be_read(caller: Caller, prompt: str, trouble: str) -> None:
    answer = caller.say(f"Please: {prompt}")
    assert answer.startswith(f"This directive could not be read: {trouble}")
    assert "{{" not in answer, "programs quote answers in their next questions"


def test_only_people_are_told_of_what_cannot_be_read(caller: Caller) -> None:
    assert "begins with" in caller.say("### Tool result: look (c1)\n{{chain [STEP, ...]}} {{fault KIND key=value}}")
    assert caller.say("{{write " + json.dumps("{{call x {bad}}} {{fault y}}") + "}}").startswith("{{call x")
    chat_id = caller.new_chat()
    first = frames(caller.ask("{{call look {bad}}}", chat_id))[0]["response.created"]["response_id"]
    assert answer_text(caller.ask("{{say fine}}", chat_id, parent_id=first)) == "fine"


def test_many_openings_without_an_end_take_no_time(caller: Caller) -> None:
    assert "does not end" in caller.say("{{say " * 200_000)
    assert "You said" in caller.say("{{say | " * 200_000)


def test_tool_call_is_split_over_deltas(caller: Caller) -> None:
    pieces = [delta["content"] for delta in deltas(caller.ask('{{tool f {"a":1}}}')) if delta["content"]]
    assert len(pieces) > 5


def test_long_answer_has_every_byte(caller: Caller) -> None:
    text = caller.say("{{long bytes=3000000}}")
    assert len(text) == 3_000_000
    numbers = [int(line[5:]) for line in text.splitlines()[:-1]]
    assert numbers == list(range(len(numbers)))


def test_usage_grows_and_counts_reasoning(caller: Caller) -> None:
    answer = caller.ask("{{stream chunks=5 interval_ms=0}}", features=THINKING)
    usages = [frame["usage"] for frame in frames(answer) if "usage" in frame]
    totals = [usage["total_tokens"] for usage in usages]
    assert totals == sorted(totals)
    last = usages[-1]
    assert last["total_tokens"] == last["input_tokens"] + last["output_tokens"]
    assert 0 < last["output_tokens_details"]["reasoning_tokens"] < last["output_tokens"]


def test_thinking_summary_grows_and_repeats(caller: Caller) -> None:
    all_deltas = deltas(caller.ask("{{say done}}", features=THINKING))
    snapshots = [delta["extra"] for delta in all_deltas if "extra" in delta]
    assert snapshots[0] == snapshots[1]
    assert len(snapshots[0]["summary_title"]["content"]) == 1
    assert len(snapshots[-1]["summary_title"]["content"]) == 2
    for earlier, later in pairwise(snapshots):
        texts = ["".join(one["summary_thought"]["content"]) for one in (earlier, later)]
        assert texts[1].startswith(texts[0])
    ends = [delta["phase"] for delta in all_deltas if delta["status"] == "finished"]
    assert ends == ["thinking_summary", "answer"]


@pytest.mark.parametrize(
    ("model", "features", "prompt", "phase"),
    [
        ("qwen3.7-plus", {}, "{{say x}}", None),
        ("qwen3.7-plus", {"thinking_enabled": True, "thinking_format": "detail"}, "{{say x}}", "think"),
        ("qwen3.7-plus", THINKING, "{{think detail}}{{say x}}", "think"),
        ("qwen3.7-plus", {}, "{{think detail}}{{say x}}", None),
        ("qwen3.8-max-preview", THINKING, "{{say x}}", "thinking_summary"),
        ("qwen3-coder-plus", THINKING, "{{say x}}", None),
    ],
    ids=[
        "off",
        "detail",
        "detail by directive",
        "directive alone",
        "model that always thinks",
        "model that never does",
    ],
)
def test_which_models_think_and_how(
    caller: Caller, model: str, features: dict[str, Any], prompt: str, phase: str | None
) -> None:
    answer = caller.ask(prompt, model=model, features=features)
    assert {delta["phase"] for delta in deltas(answer)} - {"answer"} == ({phase} if phase else set())
    assert answer_text(answer) == "x"
    assert bool(answer_text(answer, "think")) is (phase == "think")


def test_a_model_that_always_thinks_may_not_be_told_otherwise(caller: Caller) -> None:
    off: dict[str, Any] = {"thinking_enabled": False}
    refused = refusal(caller.ask("{{say x}}", model="qwen3.8-max-preview", features=off))
    assert refused == ("400", "invalid_input", "输入或附件有误")
    for model in ("qwen3.7-plus", "qwen3-coder-plus"):
        assert answer_text(caller.ask("{{say x}}", model=model, features=off)) == "x"


@pytest.mark.parametrize("form", ["web_search_info", "docs"])
def test_search_has_two_rounds_and_split_citations(caller: Caller, form: str) -> None:
    answer = caller.ask(f"{{{{search {form}}}}} news?", features=THINKING)
    results = [delta for delta in deltas(answer) if delta["role"] == "function"]
    assert [result["function_id"] for result in results] == ["round_0_call_0000", "round_1_call_0001"]
    for number, result in enumerate(results):
        extra = result["extra"]
        docs = extra["web_search_info"] if form != "docs" else extra["tool_result"]["docs"]
        assert docs[0]["url"].startswith("https://")
        assert form != "docs" or extra["tool_result"]["used_id"] == number * 2 + 3
    calls = [delta["function_call"]["arguments"] for delta in deltas(answer) if "function_call" in delta]
    assert calls[1] == calls[2][: len(calls[1])]
    assert calls[2] == calls[3] == '{"queries": ["stand-in news"]}'
    pieces = [delta["content"] for delta in deltas(answer) if delta["phase"] == "answer"]
    assert "[[1]]" in "".join(pieces)
    assert not any("[[1]]" in piece for piece in pieces)


def test_search_by_chat_type(caller: Caller) -> None:
    message = {"chat_type": "search", "sub_chat_type": "search", "extra": {"meta": {"subChatType": "search"}}}
    answer = caller.ask("news?", message=message)
    assert "web_search" in {delta["phase"] for delta in deltas(answer)}


def test_options_of_the_stream(site: Sandbox, caller: Caller) -> None:
    cumulative = deltas(caller.ask("{{stream chunks=3 interval_ms=0}}", incremental_output=False))
    texts = [delta["content"] for delta in cumulative[:3]]
    assert texts == ["chunk-000 ", "chunk-000 chunk-001 ", "chunk-000 chunk-001 chunk-002 "]
    unphased = deltas(caller.ask("{{say x}}", features={"output_schema": None}))
    assert all("phase" not in delta for delta in unphased)
    site.switches.add_done = site.switches.response_index = True
    try:
        answer = caller.ask("{{say x}}")
    finally:
        site.switches.add_done = site.switches.response_index = False
    assert answer.text.endswith("data: [DONE]\n\n")
    assert '"response_index":"0"' in answer.text


def test_many_streams_at_once_lose_nothing(site: Sandbox, caller: Caller) -> None:
    # httpx's client for threads may send the head of a later stream first, which ends the connection; this one cannot
    async def all_answers() -> list[str]:
        async with httpx.AsyncClient(http2=True, verify=trust(site), base_url=site.base_url, timeout=20) as http:

            async def say(text: str) -> str:
                body = payload(caller.new_chat(), text)
                headers = site.page_headers(caller.account)
                return answer_text(
                    await http.post(f"{COMPLETIONS}?chat_id={body['chat_id']}", json=body, headers=headers)
                )

            return await asyncio.gather(*(say("{{stream chunks=50 interval_ms=5}}") for _ in range(16)))

    answers = asyncio.run(all_answers())
    expected = "".join(f"chunk-{number:03d} " for number in range(50))
    assert answers == [expected] * 16


def test_http1_clients_are_served_too(site: Sandbox, caller: Caller) -> None:
    with httpx.Client(verify=trust(site), base_url=site.base_url) as http1:
        body = payload(caller.new_chat(), "{{stream chunks=20 interval_ms=1}}")
        answer = http1.post(
            f"{COMPLETIONS}?chat_id={body['chat_id']}", json=body, headers=site.page_headers(caller.account)
        )
        assert answer.http_version == "HTTP/1.1"
        assert answer_text(answer).count("chunk-") == 20
