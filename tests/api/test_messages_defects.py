"""What broke Claude Code behind other gateways: the twenty defects that were reported of them, each as a test."""

from __future__ import annotations

import json
import re
import threading

import pytest
from anthropic_talk import ASK, blocks_of, checked, events_of, send, stop_of, stream
from fake_site import FakeSite
from flask.testing import FlaskClient
from makers import MakeClient
from replies import CUT, GATEWAY_DOWN, RATE_LIMITED, TICK, Reply, answer
from transcripts import CREATED, delta, end

from qwenproxy.api import answering

TOOL = {
    "name": "Bash",
    "description": "Run",
    "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
}
CALL = '<tool_call>\n{"name": "Bash", "arguments": {"command": "ls \\"a b\\""}}\n</tool_call>'
USED = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def text_of(site: FakeSite) -> str:
    """Return what the site was asked last."""
    return str(site.questions()[-1]["messages"][0]["content"])


def thinking(*thoughts: str, then: str = "So.") -> Reply:
    frames = [delta(thought, "think") for thought in thoughts]
    return Reply((CREATED, *frames, delta("", "think", "finished"), delta(then), end()))


def test_01_a_system_message_amid_the_others_stays_in_its_place(client: FlaskClient, site: FakeSite) -> None:
    messages = [{"role": "user", "content": "First words"}, {"role": "system", "content": "Later rule"}]
    assert send(client, system="Early rule", messages=messages).status_code == 200
    text = text_of(site)
    assert text.index("Early rule") < text.index("First words") < text.index("Later rule")
    assert re.search(r"\[system \w+\]\nLater rule", text), "it is no word of the user"


def test_02_every_call_has_an_id_of_its_own(client: FlaskClient, site: FakeSite) -> None:
    ids = []
    for is_streamed in (True, False):
        site.script("a", answer(CALL + CALL.replace("ls", "pwd")))
        reply = send(client, tools=[TOOL], stream=is_streamed)
        blocks = blocks_of(checked(reply.text)) if is_streamed else reply.get_json()["content"]
        ids += [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert len(set(ids)) == len(ids) == 4
    assert all(re.fullmatch(r"toolu_\w{24}", each) for each in ids)


def test_03_arguments_are_an_object_or_come_as_deltas(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer(CALL), answer(CALL))
    assert send(client, tools=[TOOL]).get_json()["content"][-1]["input"] == {"command": 'ls "a b"'}
    events = stream(client, tools=[TOOL])
    started = next(event for event in events if event["type"] == "content_block_start")
    assert started["content_block"]["input"] == {}
    assert json.loads(blocks_of(events)[-1]["json"]) == {"command": 'ls "a b"'}


def test_04_text_beside_tools_comes_as_text(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("No ", "call."))
    (block,) = blocks_of(stream(client, tools=[TOOL]))
    assert (block["type"], block["text"], block["json"]) == ("text", "No call.", "")


def test_05_late_thoughts_open_a_block_of_their_own(client: FlaskClient, site: FakeSite) -> None:
    late = Reply(
        (CREATED, delta("Hm.", "think"), delta("One. "), delta("Wait.", "think"), delta("Two."), end()),
    )
    site.script("a", late)
    blocks = blocks_of(stream(client, thinking={"type": "adaptive"}))
    assert [block["type"] for block in blocks] == ["thinking", "text", "thinking", "text"]


@pytest.mark.parametrize("display", ["summarized", "omitted"])
def test_06_thoughts_are_signed(client: FlaskClient, site: FakeSite, display: str) -> None:
    site.script("a", thinking("Hm. ", "Yes."), thinking("Hm. ", "Yes."))
    wish = {"type": "enabled", "budget_tokens": 1024, "display": display}
    thought, _ = blocks_of(stream(client, thinking=wish))
    whole = send(client, thinking=wish).get_json()["content"][0]
    for each in (thought, whole):
        assert each["signature"]
        assert each["thinking"] == ("" if display == "omitted" else "Hm. Yes.")


def test_07_a_message_starts_once_and_first(client: FlaskClient, browser: threading.Event) -> None:
    response = client.post("/v1/messages", json={**ASK, "stream": True})
    pieces = response.iter_encoded()
    first = next(pieces)
    browser.set()
    events = events_of((first + b"".join(pieces)).decode())
    response.close()
    assert [event["type"] for event in events[:2]] == ["message_start", "ping"]
    assert [event["type"] for event in events].count("message_start") == 1
    checked("".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events))
    assert send(client, stream=False).get_json()["content"], "and without a stream it is answered, too"


def test_08_the_question_is_counted_before_the_answer(client: FlaskClient, browser: threading.Event) -> None:
    response = client.post("/v1/messages", json={**ASK, "stream": True, "tools": [TOOL]})
    pieces = response.iter_encoded()
    start, _ = events_of(next(pieces).decode())
    browser.set()
    assert b"message_stop" in b"".join(pieces)
    response.close()
    count = client.post("/v1/messages/count_tokens", json={**ASK, "tools": [TOOL]}).get_json()["input_tokens"]
    assert start["message"]["usage"]["input_tokens"] == count > 20


def test_09_an_answer_with_a_call_says_so(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", answer("I look. ", CALL), answer("I look. ", CALL))
    assert stop_of(stream(client, tools=[TOOL])) == ("tool_use", None)
    assert send(client, tools=[TOOL]).get_json()["stop_reason"] == "tool_use"


def test_10_long_silence_is_bridged_by_pings(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("One."), *[TICK] * 25, delta("Two."), end())))
    events = events_of(send(client, stream=True).text)
    assert [event["type"] for event in events].count("ping") == 2
    assert answering.KEEP_ALIVE_AFTER <= 15


def test_11_lines_about_billing_are_dropped(client: FlaskClient, site: FakeSite) -> None:
    def asked(number: int) -> str:
        billing = {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.{number}; cch=f{number};"}
        send(client, system=[billing, {"type": "text", "text": "Be short."}])
        return text_of(site)

    first, second = asked(1), asked(2)
    assert first == second and "Be short." in first and "billing" not in first


def test_12_unknown_fields_are_taken(client: FlaskClient) -> None:
    tool = {
        **TOOL,
        "defer_loading": True,
        "input_examples": [{"command": "ls"}],
        "strict": True,
        "eager_input_streaming": True,
        "cache_control": {"type": "ephemeral", "scope": "global"},
        "made_up": 1,
    }
    reply = send(client, tools=[tool], context_management={"edits": []}, made_up={"a": 1}, betas=["x"])
    assert reply.status_code == 200
    assert set(reply.headers["x-qwenproxy-ignored"].split(",")) == {"context_management", "made_up", "betas"}


def test_13_deferred_tools_are_offered_and_references_read(client: FlaskClient, site: FakeSite) -> None:
    found = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": [{"type": "tool_reference", "tool_name": "Fetch"}],
    }
    deferred = {**TOOL, "name": "Fetch", "defer_loading": True}
    messages = [
        {"role": "user", "content": "Go"},
        {"role": "assistant", "content": [USED]},
        {"role": "user", "content": [found]},
    ]
    assert send(client, tools=[TOOL, deferred], messages=messages).status_code == 200
    assert "Tool found: Fetch" in text_of(site)


@pytest.mark.parametrize("is_streamed", [True, False])
def test_14_a_search_shows_what_it_asked_and_found(client: FlaskClient, site: FakeSite, is_streamed: bool) -> None:
    page = {"url": "https://news.example/a", "title": "A", "snippet": "About a"}
    call = {"name": "web_search", "arguments": '{"queries": ["news"]}'}
    site.script(
        "a",
        Reply(
            (
                CREATED,
                delta("", "web_search", function_call=call, extra={"x": 1}),
                delta("", "web_search", "finished", extra={"web_search_info": [page]}),
                delta("So it is [[1]]."),
                delta(" Really."),
                end(),
            )
        ),
    )
    tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]
    reply = send(client, tools=tools, tool_choice={"type": "auto"}, stream=is_streamed)
    message = reply.get_json()
    events = checked(reply.text) if is_streamed else []
    blocks = blocks_of(events) if is_streamed else message["content"]
    asked, found, cited, rest = blocks
    query = json.loads(asked["json"]) if is_streamed else asked["input"]
    assert (asked["type"], asked["name"], query) == ("server_tool_use", "web_search", {"query": "news"})
    assert (found["type"], found["tool_use_id"]) == ("web_search_tool_result", asked["id"])
    assert [page["url"] for page in found["content"]] == ["https://news.example/a"]
    assert (cited["text"], rest["text"]) == ("So it is [1]", ". Really.")
    assert [each["url"] for each in cited["citations"]] == ["https://news.example/a"]
    usage = events[-2]["usage"] if is_streamed else message["usage"]
    assert usage["server_tool_use"]["web_search_requests"] == 1


def test_15_a_picture_in_a_result_is_a_picture(client: FlaskClient) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    messages = [
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": [USED]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [picture]}]},
    ]
    counted = client.post("/v1/messages/count_tokens", json={"messages": messages}).get_json()["input_tokens"]
    assert 1024 < counted < 1200, "it counts as one picture, and not as the text of its bytes"


def test_16_counting_is_there_and_asks_nobody(client: FlaskClient, site: FakeSite) -> None:
    reply = client.post("/v1/messages/count_tokens?beta=true", json={"model": "m", "messages": ASK["messages"]})
    assert (reply.status_code, list(reply.get_json())) == (200, ["input_tokens"])
    assert not site.calls


def test_17_a_question_that_is_too_long_is_said_to_be(client: FlaskClient, site: FakeSite) -> None:
    model = {"id": "qwen-tiny", "info": {"meta": {"max_context_length": 20}}}
    site.always(
        "a", Reply((json.dumps({"data": [model]}),), headers={"content-type": "application/json"}), call="models"
    )
    client.get("/v1/models")
    reply = send(client, model="qwen-tiny", messages=[{"role": "user", "content": "many words " * 50}])
    error = reply.get_json()["error"]
    assert (reply.status_code, error["type"]) == (400, "invalid_request_error")
    assert re.fullmatch(r"prompt is too long: \d+ tokens > 20 maximum", error["message"])


@pytest.mark.parametrize(
    ("reply", "status", "kind"),
    [(RATE_LIMITED, 429, "rate_limit_error"), (GATEWAY_DOWN, 502, "api_error"), (CUT, 502, "api_error")],
    ids=["limited", "down", "cut"],
)
def test_18_errors_have_anthropics_form(
    make_client: MakeClient, site: FakeSite, reply: Reply, status: int, kind: str
) -> None:
    site.always("a", reply)
    got = send(make_client())
    body = got.get_json()
    assert (got.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert body["error"]["message"] and got.headers["request-id"] == body["request_id"]
    assert ("Retry-After" in got.headers) == (status == 429)


def test_18_what_only_a_person_can_mend_is_shown_at_once(make_client: MakeClient) -> None:
    got = send(make_client(0))
    assert (got.status_code, got.headers["x-should-retry"]) == (503, "false")
    assert "account add" in got.get_json()["error"]["message"]


def test_19_every_answer_has_an_id_of_its_own(client: FlaskClient) -> None:
    ids = [send(client).get_json()["id"] for _ in range(3)]
    assert len(set(ids)) == 3 and all(re.fullmatch(r"msg_\w{24}", each) for each in ids)


def test_20_any_limit_is_taken(client: FlaskClient) -> None:
    for limit in (1, 64_000, 10**9, 2**70, 100.0, -1):
        assert send(client, max_tokens=limit).status_code == 200
