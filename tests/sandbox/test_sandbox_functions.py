"""Functions at the sandbox: offered natively, and intercepted where the text offers them as the model was trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sandbox_caller import Caller, answer_text, deltas, frames, refusal, sandbox_fixtures

from qwenproxy.sandbox import Sandbox, Switches

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "array"}}, "required": ["city"]}
LOOK = {"description": "Looks.", "input_schema": CITY}
OFFER = {"local_mcp": {"mine": {"look": LOOK, "hear": LOOK}}}
SILENT_CHANNEL = {
    "function_calling": False,
    "enable_tools": False,
    "enable_function_call": False,
    "tool_choice": "none",
    "plugins_enabled": False,
    "code_interpreter": False,
}
LINE = json.dumps({"type": "function", "function": {"name": "look", "description": "", "parameters": CITY}})
TRAINED = f"<tools>\n{LINE}\n</tools>\n"
NEUTRAL = TRAINED.replace("tools>", "functions>")
CALL = '<tool_call>{"name":"look","arguments":{"city":"(made up by the stand-in)"}}</tool_call>\n'

running, cleared, caller = sandbox_fixtures(accounts=2, busy_release_s=0)


@pytest.fixture
def site(cleared: Sandbox) -> Iterator[Sandbox]:
    yield cleared
    fresh = Switches(interval_ms=1, busy_release_s=0)
    for name in ("native_tools", "native_form", "native_spread", "native_prefix", "native_answer_ends"):
        setattr(cleared.switches, name, getattr(fresh, name))
    cleared.switches.channel_texts, cleared.switches.channel_goes_on = False, True


def native(answer: Any) -> list[Any]:
    """Return what the frames of native calls carry."""
    return [
        delta["extra"]["local_mcp"] if "extra" in delta else delta["function_call"]
        for delta in deltas(answer)
        if delta["phase"] == "local_tool"
    ]


def params(name: str, city: str = "(made up by the stand-in)", prefix: str = "mine-") -> dict[str, Any]:
    return {"tool_name": f"{prefix}{name}", "params": {"city": city}}


def test_a_question_that_names_a_function_gets_a_native_call(caller: Caller) -> None:
    answer = caller.ask("Please look at it.", features=OFFER)
    assert native(answer) == [{"mine": [params("look")]}]
    assert {delta["status"] for delta in deltas(answer) if delta["phase"] == "local_tool"} == {"finished"}
    assert answer_text(answer) == ""
    assert native(caller.ask("Please overlook it.", features=OFFER)) == []


def test_several_native_calls_come_again_in_later_frames(site: Sandbox, caller: Caller) -> None:
    prompt = '{{call look {"city":"A"}}} {{call hear {"city":"B"}}} {{call look {"city":"A"}}}'
    three = [params("look", "A"), params("hear", "B"), params("look", "A")]
    assert native(caller.ask(prompt, features=OFFER)) == [{"mine": three[:1]}, {"mine": three}]
    site.switches.native_spread = "list"
    assert native(caller.ask(prompt, features=OFFER)) == [{"mine": three}]


@pytest.mark.parametrize("server", ["", "*", "mine"])
def test_forms_of_native_calls(site: Sandbox, caller: Caller, server: str) -> None:
    offer = {"local_mcp": {server: {"look": LOOK}}}
    prefix = f"{server}-" if server else ""
    assert native(caller.ask("look", features=offer)) == [{server: [params("look", prefix=prefix)]}]
    site.switches.native_prefix = False
    assert native(caller.ask("look", features=offer)) == [{server: [params("look", prefix="")]}]
    site.switches.native_form = "local_mcp_text"
    assert native(caller.ask("look", features=offer))[0][server][0]["params"] == '{"city":"(made up by the stand-in)"}'
    site.switches.native_form = "function_call"
    assert native(caller.ask("look", features=offer)) == [
        {"name": "look", "arguments": '{"city":"(made up by the stand-in)"}'}
    ]


def test_native_calls_may_be_all_there_is(site: Sandbox, caller: Caller) -> None:
    site.switches.native_answer_ends = False
    assert [delta["phase"] for delta in deltas(caller.ask("look", features=OFFER))] == ["local_tool"]


def test_the_chat_remembers_native_calls_and_the_result_is_told(caller: Caller) -> None:
    chat_id = caller.new_chat()
    asked = caller.ask("look", chat_id, features=OFFER)
    parent_id = frames(asked)[0]["response.created"]["response_id"]
    results = "Here are the results.\n### Tool result: look (c1)\nIt rains, so do not look."
    answer = caller.ask(results, chat_id, parent_id=parent_id, features=OFFER)
    assert answer_text(answer) == 'The result of the function look begins with "It rains, so do not look.".'
    assert native(answer) == []
    view = json.loads(
        caller.say("{{view}}", chat=chat_id, parent_id=frames(answer)[0]["response.created"]["response_id"])
    )
    assert [entry["role"] for entry in view] == ["user", "assistant", "note", "tool", "assistant", "user"]


@pytest.mark.parametrize("account", ["*", "sandbox1"])
def test_accounts_without_native_functions(site: Sandbox, caller: Caller, account: str) -> None:
    site.switches.native_tools = {account: "refused"}
    assert refusal(caller.ask("look", features=OFFER))[:2] == ("500", "Internal_Server_Error")
    site.switches.native_tools = {account: "empty"}
    silent = caller.ask("{{say never}}", features=OFFER)
    assert (silent.status_code, answer_text(silent)) == (200, "")
    assert caller.say("{{say without}}") == "without"
    site.switches.native_tools = {"*": "refused", "sandbox1": "on"}
    assert native(caller.ask("look", features=OFFER))


def test_too_large_an_offer_is_answered_by_silence(caller: Caller) -> None:
    for size, text in ((126_000, "heard"), (128_000, "")):
        offer = {"local_mcp": {"mine": {"look": {**LOOK, "description": "x" * size}}}}
        assert caller.say("{{say heard}}", features=offer) == text


@pytest.mark.parametrize(
    "features",
    [
        {"local_mcp": [LOOK]},
        {"local_mcp": None},
        {"local_mcp": {"mine": [LOOK]}},
        {"local_mcp": {"mine": {"look": "Looks."}}},
        {"local_mcp": {"mine": {"look": {"input_schema": CITY}}}},
        {"local_mcp": {"mine": {"look": {"description": "", "parameters": CITY}}}},
        {"local_mcp": {"mine": {"look": {"description": "", "input_schema": {}}}}},
        {"local_mcp": {}, "mcp": {"amap": True}},
    ],
    ids=["list", "null", "list of tools", "text", "no description", "no schema", "empty schema", "mcp"],
)
def test_offers_of_another_form_are_refused(caller: Caller, features: dict[str, Any]) -> None:
    assert refusal(caller.ask("look", features=features))[1] == "Bad_Request"


def test_what_only_programs_send_draws_the_human_check(site: Sandbox, caller: Caller) -> None:
    for changes in ({"tools": [{"type": "function"}]}, {"message": {"role": "function"}}):
        assert "RGV587" in caller.ask("hello", **changes).text
    site.switches.body_limit = 5000
    try:
        assert "RGV587" in caller.ask("x" * 5000).text
        assert caller.say("{{say short}}") == "short"
    finally:
        site.switches.body_limit = None


def calls_in(answer: Any) -> list[str]:
    """Return the arguments of the site's own function channel, snapshot by snapshot."""
    return [delta["function_call"]["arguments"] for delta in deltas(answer) if "function_call" in delta]


@pytest.mark.parametrize(
    "prompt", ["Please look.", "{{call look}}", '{{tool look {"city":"(made up by the stand-in)"}}}']
)
def test_a_trained_notation_is_intercepted_unless_all_switches_are_set(caller: Caller, prompt: str) -> None:
    chat_id = caller.new_chat()
    answer = caller.ask(TRAINED + prompt, chat_id)
    snapshots = calls_in(answer)
    assert (snapshots[0], snapshots[-1]) == ("", '{"city":"(made up by the stand-in)"}')
    functions = [(one["content"], one["status"]) for one in deltas(answer) if one["role"] == "function"]
    assert functions == [("Tool look does not exists.", "typing"), ("", "finished")]
    assert answer_text(answer) == "Tool look does not exists." + "I cannot use that function here."
    assert caller.say(TRAINED + prompt, features=SILENT_CHANNEL) == CALL
    for name in SILENT_CHANNEL:
        some = {key: value for key, value in SILENT_CHANNEL.items() if key != name}
        assert calls_in(caller.ask(TRAINED + prompt, features=some)), f"silent without {name}"


def test_intercepted_calls_side_by_side(site: Sandbox, caller: Caller) -> None:
    site.switches.channel_texts, site.switches.channel_goes_on = True, False
    answer = caller.ask(TRAINED + '{{call look {"city":"A","days":[1]}}}{{call hear}}')
    assert calls_in(answer)[3:5] == ['{"city":"A","days":"[1]"}', ""]
    rejections = [one["content"] for one in deltas(answer) if one["role"] == "function" and one["content"]]
    assert rejections == ["Tool look does not exists.", "Tool hear does not exists."]
    assert [delta["role"] for delta in deltas(answer) if delta["status"] == "finished"] == ["function"] * 2 + [
        "assistant"
    ]


def test_words_before_an_intercepted_call_are_a_finished_piece(caller: Caller) -> None:
    steps = json.dumps([[{"say": "I look. "}, {"call": "look"}]])
    answer = caller.ask(f"{TRAINED}{{{{answers {steps}}}}}")
    finished = [delta["role"] for delta in deltas(answer) if delta["status"] == "finished"]
    assert finished == ["assistant", "function", "assistant"]
    assert answer_text(answer).startswith("I look. ")


def test_a_notation_of_our_own_is_never_intercepted(caller: Caller) -> None:
    assert caller.say(NEUTRAL + "Please look.") == (
        '<use_function name="look">\n<argument name="city">(made up by the stand-in)</argument>\n</use_function>\n'
    )


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("tool_call", '<tool_call>{"name":"f","arguments":{"a":"x","b":[1]}}</tool_call>\n'),
        (
            "use_function",
            '<use_function name="f">\n<argument name="a">x</argument>\n'
            '<argument name="b">[1]</argument>\n</use_function>\n',
        ),
        ("function", "<function=f>\n<parameter=a>\nx\n</parameter>\n<parameter=b>\n[1]\n</parameter>\n</function>\n"),
        (
            "invoke",
            '<invoke name="f">\n<parameter name="a">x</parameter>\n<parameter name="b">[1]</parameter>\n</invoke>\n',
        ),
        ("bare", '{"name":"f","arguments":{"a":"x","b":[1]}}'),
        ("fenced", '```json\n{"name":"f","arguments":{"a":"x","b":[1]}}\n```\n'),
        ("unclosed", '<tool_call>{"name":"f","arguments":{"a":"x","b":[1]}}'),
        ("misclosed", '<tool_call>{"name":"f","arguments":{"a":"x","b":[1]}}</parameter></function>\n'),
        ("broken", '<tool_call>{"name":"f","arguments":{"a":"x","b":[1]</tool_call>\n'),
    ],
)
def test_dialects(caller: Caller, dialect: str, text: str) -> None:
    assert caller.say(f'{{{{call f {{"a":"x","b":[1]}} as={dialect}}}}}') == text
