"""The stand-in's model acts by itself: it calls, writes documents, searches, and follows steps over turns."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from sandbox_caller import Caller, answer_text, deltas, frames, sandbox_fixtures

from qwenproxy.chat import Message, TextPart, ToolCall
from qwenproxy.sandbox import Sandbox
from qwenproxy.upstream.folding import Frame, Note, fold

SCHEMA = {"type": "object", "properties": {"size": {"type": "integer", "minimum": 3}}, "required": ["size"]}
DOCUMENT = "Answer with a document that fits this JSON schema:\n" + json.dumps(SCHEMA)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTIONS = (
    "<functions>\n"
    + "\n".join(json.dumps({"name": name, "parameters": CITY}) for name in ("look", "hear", "get_weather"))
    + "\n</functions>\n"
)
NATIVE = {"local_mcp": {"mine": {name: {"description": "", "input_schema": CITY} for name in ("look", "hear")}}}

running, site, caller = sandbox_fixtures(accounts=1, busy_release_s=0)


def said(role: Any, text: str, **more: Any) -> Message:
    return Message(role, (TextPart(text),) if text else (), **more)


def folded(*turns: Message, note: str = "", topic: str = "functions") -> str:
    return fold(turns, Frame([Note(topic, note)] if note else ()))


class Talk:
    """A chat of the site in which each question follows the answer before it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.chat_id = caller.new_chat()
        self.parent_id: str | None = None

    def ask(self, text: str, **changes: Any) -> Any:
        answer = self.caller.ask(text, self.chat_id, parent_id=self.parent_id, **changes)
        self.parent_id = frames(answer)[0]["response.created"]["response_id"]
        return answer

    def say(self, text: str, **changes: Any) -> str:
        return answer_text(self.ask(text, **changes))


@pytest.mark.parametrize(
    ("note", "text", "name"),
    [
        ("", "Can you hear me?", "hear"),
        ("", "Do you overhear or re-look?", None),
        ("", "What is the Weather like?", "get_weather"),
        ("This time you must call at least one function.", "Hello.", "look"),
        ('This time you must call the function "hear".', "Hello, look.", "hear"),
    ],
    ids=["named", "not a whole word", "meant", "demanded", "demanded by name"],
)
def test_which_function_is_called(caller: Caller, note: str, text: str, name: str | None) -> None:
    answer = caller.say(folded(said("user", text), note=FUNCTIONS + note))
    assert (f'<use_function name="{name}">' in answer) is (name is not None)


def test_results_are_told_and_not_asked_for_again(caller: Caller) -> None:
    call = ToolCall("c1", "look", "{}")
    turns = (
        said("user", "Please look."),
        said("assistant", "", tool_calls=(call,)),
        said("tool", "It rains.", tool_call_id="c1"),
    )
    assert caller.say(folded(*turns, note=FUNCTIONS)) == 'The result of the function look begins with "It rains.".'
    again = (*turns, said("assistant", "It rains."), said("user", "And can you hear it?"))
    assert '<use_function name="hear">' in caller.say(folded(*again, note=FUNCTIONS))


def chain(*steps: Any) -> str:
    return "{{chain " + json.dumps(steps) + "}}"


STEPS = (
    {"call": "look", "arguments": {"city": "A"}},
    [
        {"say": "Both now. "},
        {"call": "look", "arguments": {"city": "B"}},
        {"call": "hear", "arguments": {"city": "}}"}},
    ],
    {"say": "All is done."},
)


def test_a_chain_leads_a_native_agent_through_its_steps(caller: Caller) -> None:
    talk = Talk(caller)
    first = talk.ask(f"Work! {chain(*STEPS)}", features=NATIVE)
    assert [delta["extra"]["local_mcp"] for delta in deltas(first) if delta["phase"] == "local_tool"] == [
        {"mine": [{"tool_name": "mine-look", "params": {"city": "A"}}]}
    ]
    second = talk.ask("### Tool result: look (c1)\nfine", features=NATIVE)
    assert answer_text(second) == "Both now. "
    assert len([delta for delta in deltas(second) if delta["phase"] == "local_tool"]) == 2
    results = "### Tool result: look (c2)\nfine\n### Tool result: hear (c3)\nloud"
    assert talk.say(results, features=NATIVE) == "All is done."
    assert "You said" in talk.say("Thank you.", features=NATIVE)


def test_a_chain_leads_a_folding_agent_through_its_steps(caller: Caller) -> None:
    turns = [said("user", f"Work! {chain(*STEPS)}")]
    assert '<argument name="city">A</argument>' in caller.say(folded(*turns, note=FUNCTIONS))
    turns += [
        said("assistant", "", tool_calls=(ToolCall("c1", "look", "{}"),)),
        said("tool", "fine", tool_call_id="c1"),
    ]
    # programs put reminders behind results, and ask for titles without any functions
    reminded = [*turns, said("user", "Remember to look and hear.")]
    assert caller.say(folded(*reminded, note=FUNCTIONS)).count("<use_function ") == 2
    assert "<use_function" not in caller.say(folded(*turns))
    both = (ToolCall("c2", "look", "{}"), ToolCall("c3", "hear", "{}"))
    turns += [said("assistant", "Both now.", tool_calls=both)]
    turns += [said("tool", "fine", tool_call_id="c2"), said("tool", "loud", tool_call_id="c3")]
    assert caller.say(folded(*turns, note=FUNCTIONS)) == "All is done."


def test_a_chain_goes_on_whatever_its_results_say(caller: Caller) -> None:
    talk = Talk(caller)
    talk.ask(f"Read the papers. {chain(*STEPS)}", features=NATIVE)
    assert talk.say("### Tool result: look (c1)\nWrite {{say never}} or {{echo}}.", features=NATIVE) == "Both now. "


def test_answers_are_written_one_after_the_other(caller: Caller) -> None:
    talk = Talk(caller)
    steps = json.dumps([{"say": "{broken"}, {"say": "{broken}}"}, {"say": '{"a": {"b": 1}}'}])
    assert talk.say(f"{{{{answers {steps}}}}}") == "{broken"
    assert talk.say("That is no JSON.") == "{broken}}"
    assert [talk.say("Once more."), talk.say("And again.")] == ['{"a": {"b": 1}}'] * 2
    assert talk.say("{{say enough}}") == "enough"
    assert "You said" in talk.say("Sure?")


def test_text_with_braces_is_written(caller: Caller) -> None:
    text = 'a }} b {{say x}}\n"c"'
    assert caller.say("{{write " + json.dumps(text) + "}}") == text


def test_a_document_fits_the_schema(caller: Caller) -> None:
    for prompt in (DOCUMENT, folded(said("user", "How big?"), note=DOCUMENT, topic="document")):
        jsonschema.validate(json.loads(caller.say(prompt)), SCHEMA)
    assert json.loads(
        caller.say(folded(said("user", "Hi."), note="Write one JSON object only.", topic="document"))
    ) == {"answer": "text"}
    assert json.loads(caller.say("Please answer with a JSON object.")) == {"answer": "text"}
    assert "You said" in caller.say("What is a JSON object?")
    functions = folded(said("user", "Hello."), note=f"JSON object, JSON schema: {json.dumps(SCHEMA)}\n{FUNCTIONS}")
    assert "You said" in caller.say(functions)


@pytest.mark.parametrize(
    ("example", "answer"),
    [
        ('{ "title": "your concise title here" }', {"title": "Made up by the stand-in"}),
        ('\n{ "tags": ["tag1", "tag2"], "sure": true }', {"tags": ["Made up by the stand-in"], "sure": True}),
    ],
    ids=["title", "tags"],
)
def test_a_document_is_like_the_example_of_a_task(caller: Caller, example: str, answer: Any) -> None:
    task = (
        "### Task:\nGenerate a concise title. Your entire response must consist solely of the JSON object.\n"
        f"### Output:\nJSON format: {example}\n### Chat History:\n<chat_history>\nUSER: Hi {{'a'}}\n</chat_history>"
    )
    assert json.loads(caller.say(task)) == answer
    assert json.loads(caller.say(folded(said("user", task)))) == answer


def test_documents_go_wrong_on_order(caller: Caller) -> None:
    assert caller.say("{{document fence}}" + DOCUMENT).startswith("```json\n{")
    assert caller.say("{{document prose}}" + DOCUMENT).startswith("Here is")
    assert "{" not in caller.say("{{document chat}}" + DOCUMENT)
    for how in ("", " misfit", " chat"):
        talk = Talk(caller)
        wrong = [talk.say("{{breaks 2" + how + "}}" + DOCUMENT), talk.say("This is not the JSON that was asked for.")]
        for text in wrong:
            with pytest.raises((ValueError, jsonschema.ValidationError)):
                jsonschema.validate(json.loads(text), SCHEMA)
        jsonschema.validate(json.loads(talk.say("This is not the JSON that was asked for.")), SCHEMA)


def test_calls_go_wrong_on_order(caller: Caller) -> None:
    note = FUNCTIONS + "You must call a function."
    talk = Talk(caller)
    assert talk.say(folded(said("user", "Go. {{breaks 1 chat}}"), note=note)) == (
        "I would rather talk about it than write it down."
    )
    assert '<use_function name="look">' in talk.say("You did not call a function. You must call look.")
    broken = caller.say(folded(said("user", "Go. {{breaks 1}}"), note=note))
    assert broken == '<tool_call>{"name":"look","arguments":{"city":"(made up by the stand-in)"</tool_call>\n'
    form = '<use_function name="look">\n<argument name="...">...</argument>\n</use_function>'
    assert talk.say(f"Your call of 'look' was not carried out. Write it in this form:\n{form}", features=NATIVE) == (
        '<use_function name="look">\n<argument name="city">(made up by the stand-in)</argument>\n</use_function>\n'
    )
    misfit = caller.ask("look {{breaks 1}}", features=NATIVE)
    [call] = [delta["extra"]["local_mcp"]["mine"][0] for delta in deltas(misfit) if delta["phase"] == "local_tool"]
    assert call["params"] == {"unexpected": True}


def test_the_view_shows_everything_in_order(caller: Caller) -> None:
    talk = Talk(caller)
    talk.ask(folded(said("system", "Be brief."), said("user", "One.{{say Two.}}")))
    view = json.loads(talk.say("{{view}}"))
    assert [(entry["role"], entry["text"]) for entry in view if entry["role"] != "note"] == [
        ("system", "Be brief."),
        ("user", "One.{{say Two.}}"),
        ("assistant", "Two."),
        ("user", "{{view}}"),
    ]
    raw = json.loads(talk.say("{{view raw}}"))
    assert [entry["role"] for entry in raw] == ["user", "assistant", "user", "assistant", "user"]


def test_directives_of_older_turns_do_not_count(caller: Caller) -> None:
    turns = said("user", "{{say one}}"), said("assistant", "one"), said("user", "What a day")
    assert '"What a day"' in caller.say(folded(*turns))
    assert "{{say" not in caller.say(folded(*turns))


def searches_of(answer: Any) -> list[Any]:
    return [
        delta["extra"] for delta in deltas(answer) if delta["phase"] == "web_search" and delta["role"] == "function"
    ]


def test_results_of_searches_in_both_forms(caller: Caller) -> None:
    first, second = (extra["web_search_info"] for extra in searches_of(caller.ask("{{search web_search_info}}")))
    assert second[: len(first)] == first, "the results are cumulative"
    docs = [extra["tool_result"] for extra in searches_of(caller.ask("{{search docs}}"))]
    assert [(one["used_id"], len(one["docs"])) for one in docs] == [(3, 2), (5, 2)]
    assert docs[0]["docs"] + docs[1]["docs"] == second


def test_searches_side_by_side(caller: Caller) -> None:
    answer = caller.ask("{{search docs parallel glued}}")
    ids = [delta["function_id"] for delta in deltas(answer) if "function_call" in delta]
    assert len(set(ids)) == 2 and ids[0] != ids[1] and ids[0] == ids[2]
    assert all(one.startswith("call_") for one in ids)
    pieces = [delta["content"] for delta in deltas(answer) if delta["phase"] == "answer"]
    assert "[[1]][[2]][[3]][[4]]" in "".join(pieces) and "[[1]][[2]]" not in pieces


@pytest.mark.parametrize(
    ("prompt", "features", "searches"),
    [
        ("Any news?", {"auto_search": True}, True),
        ("Any news?", {"auto_search": False}, False),
        ("Any news?", {}, False),
        ("How are you?", {"auto_search": True}, False),
        (folded(said("assistant", "Yes?"), said("user", "Any news?")), {"auto_search": True}, False),
        (FUNCTIONS + "Any news?", {"auto_search": True}, False),
        ("Any news?", {"auto_search": True, **NATIVE}, False),
        (folded(said("user", "You must call home!"), note=FUNCTIONS), {"auto_search": True}, False),
    ],
    ids=[
        "allowed",
        "forbidden",
        "not said",
        "no reason",
        "folded",
        "functions in the text",
        "native functions",
        "no news",
    ],
)
def test_when_the_model_searches_by_itself(
    caller: Caller, prompt: str, features: dict[str, Any], searches: bool
) -> None:
    answer = caller.ask(prompt, features=features)
    assert bool(searches_of(answer)) is searches
    if "news" in prompt and ("<functions>" in prompt or "local_mcp" in features):
        assert answer_text(answer).startswith('<tool_call>{"name":"web_search","arguments":{"queries":["')


def test_the_account_forbids_searches(site: Sandbox, caller: Caller) -> None:
    tools = site.user_settings.of("sandbox1")["tools_enabled"]
    tools["web_search"] = False
    forced = {"chat_type": "search", "sub_chat_type": "search", "extra": {"meta": {"subChatType": "search"}}}
    try:
        assert not searches_of(caller.ask("Any news?", features={"auto_search": True}))
        assert not searches_of(caller.ask("{{search docs}}", features={"auto_search": False}))
        assert searches_of(caller.ask("{{search docs}}", features={"auto_search": True}))
        assert searches_of(caller.ask("Any news?", message=forced))
    finally:
        tools["web_search"] = True
