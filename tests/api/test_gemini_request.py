"""Bodies of Gemini's API as questions, and its schemas as JSON schemas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.api.gemini.grounding import grounding_metadata
from qwenproxy.api.gemini.request import GeminiRequest, parse_request
from qwenproxy.api.gemini.schemas import json_schema
from qwenproxy.chat import Citation, Document, FilePart, ImagePart, Search, SearchResult, Text, WebSearch
from qwenproxy.chat.answer import Answer
from qwenproxy.chat.schemas import check_schema
from qwenproxy.errors import RequestError, UnsupportedParameter

LOOK = {"name": "look", "parametersJsonSchema": {"type": "object"}}
TAKE = {"name": "take"}
BOTH = [{"functionDeclarations": [LOOK, TAKE]}]


def parsed(**body: Any) -> GeminiRequest:
    return parse_request({"contents": [{"parts": [{"text": "Hello?"}]}], **body}, "models/m")


def messages(*contents: Any) -> list[tuple[str, str, tuple[tuple[str, str, str], ...], str | None]]:
    chat = parsed(contents=list(contents)).chat
    return [
        (m.role, m.text, tuple((call.id, call.name, call.arguments) for call in m.tool_calls), m.tool_call_id)
        for m in chat.messages
    ]


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def call(name: str, call_id: str | None = None, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args, **({"id": call_id} if call_id else {})}}


def result(name: str, response: Any, call_id: str | None = None) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": response, **({"id": call_id} if call_id else {})}}


def test_a_result_that_a_resumed_session_repeats_is_there_once() -> None:
    first, second = (result("look", {"output": text}, call_id) for text, call_id in (("A", "1"), ("B", "2")))
    calls = [user({"text": "Look."}), model(call("look", "1"), call("look", "2"))]
    once = messages(*calls, user(first, second), user({"text": "On."}))
    assert messages(*calls, user(first, first, second, second), user({"text": "On."})) == once
    assert [(text, call_id) for role, text, _, call_id in once if role == "tool"] == [("A", "1"), ("B", "2")]


def test_a_result_with_the_same_id_for_another_call_counts() -> None:
    same = result("look", {"output": "A"}, "1")
    turn = [model(call("look", "1")), user(same)]
    assert [each[0] for each in messages(user({"text": "Look."}), *turn, *turn)].count("tool") == 2


def test_pieces_of_an_answer_are_one_and_thoughts_are_none() -> None:
    assert messages(
        user({"text": "Hi"}),
        model({"text": "hm", "thought": True}),
        model({"text": "On"}),
        model({"text": "e."}, {"text": "", "thoughtSignature": "eA=="}),
        user("Two?"),
    ) == [("user", "Hi", (), None), ("assistant", "One.", (), None), ("user", "Two?", (), None)]


def test_results_belong_to_calls_by_id_then_name_then_order() -> None:
    said = messages(
        user({"text": "Hi"}),
        model(call("a", x=1), call("b"), call("a", "mine"), call("c")),
        user(result("a", {"n": 1}, "mine"), result("b", {"output": "two"}), result("a", "three"), result("z", {})),
    )
    assert [each[2] for each in said if each[2]] == [
        (("call_0", "a", '{"x":1}'), ("call_1", "b", "{}"), ("mine", "a", "{}"), ("call_3", "c", "{}"))
    ]
    assert [(each[3], each[1]) for each in said if each[0] == "tool"] == [
        ("mine", '{"n":1}'), ("call_1", "two"), ("call_0", "three"), ("call_3", "{}"),
    ]  # fmt: skip


def test_images_and_files() -> None:
    response = {
        "name": "a",
        "response": {},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": "eA=="}}],
    }
    chat = parsed(
        contents=[
            user(
                {"inline_data": {"mime_type": "image/png", "data": "eQ=="}},
                {"inlineData": {"mimeType": "application/pdf", "data": "eg==", "displayName": "a/b.pdf"}},
                {"fileData": {"fileUri": "https://x.example/a.jpg"}},
                {"fileData": {"fileUri": "https://x.example/a.pdf", "mimeType": "application/pdf"}},
            ),
            model(call("a")),
            user({"functionResponse": response}),
        ]
    ).chat
    assert [message.attachments for message in chat.messages] == [
        (
            ImagePart("data:image/png;base64,eQ=="),
            FilePart("data:application/pdf;base64,eg==", "b.pdf"),
            ImagePart("https://x.example/a.jpg"),
            FilePart("https://x.example/a.pdf"),
        ),
        (),
        (ImagePart("data:image/png;base64,eA=="),),
    ]


@pytest.mark.parametrize(
    "value",
    [
        "Be brief.",
        {"parts": [{"text": "Be brief."}]},
        [{"text": "Be brief."}],
        [{"parts": ["Be brief."]}],
        {"text": "Be brief."},
    ],
    ids=spelled,
)
def test_every_form_of_a_system_instruction(value: Any) -> None:
    for field in ("systemInstruction", "system_instruction"):
        first = parsed(**{field: value}).chat.messages[0]
        assert (first.role, first.text) == ("system", "Be brief.")


@pytest.mark.parametrize(
    ("config", "names", "choice"),
    [
        ({}, {"look", "take"}, "auto"),
        ({"mode": "auto"}, {"look", "take"}, "auto"),
        ({"mode": "VALIDATED"}, {"look", "take"}, "auto"),
        ({"mode": "ANY"}, {"look", "take"}, "required"),
        ({"mode": "ANY", "allowedFunctionNames": ["take"]}, {"take"}, "required"),
        ({"mode": "NONE"}, set(), "none"),
    ],
    ids=spelled,
)
def test_choices(config: Any, names: set[str], choice: str) -> None:
    chat = parsed(tools=BOTH, tool_config={"function_calling_config": config}).chat
    assert ({tool.name for tool in chat.tools}, chat.tool_choice) == (names, choice)


def test_searches() -> None:
    assert parsed(tools=[{"googleSearch": {}}]).chat.search == WebSearch(forced=True)
    assert parsed(tools=[{"google_search": {}}, *BOTH]).chat.search == WebSearch()
    request = parsed(tools=[{"codeExecution": {}, "googleSearchRetrieval": {}}, {"fileSearch": {}}])
    assert request.ignored.names == ("tools.codeExecution", "tools.fileSearch")


@pytest.mark.parametrize(
    ("config", "thinks", "budget"),
    [
        ({}, None, None),
        ({"includeThoughts": True}, None, None),
        ({"thinkingBudget": 0}, False, None),
        ({"thinkingBudget": -1}, None, None),
        ({"thinking_budget": 200}, True, 200),
        ({"thinkingLevel": "MINIMAL"}, False, None),
        ({"thinkingLevel": "low"}, True, None),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None, None),
    ],
    ids=spelled,
)
def test_thinking(config: Any, thinks: bool | None, budget: int | None) -> None:
    request = parsed(generationConfig={"thinkingConfig": config})
    assert (request.chat.thinking, request.chat.thinking_budget) == (thinks, budget)
    assert request.shows_thoughts == bool(config.get("includeThoughts"))


def test_what_has_no_effect_is_named() -> None:
    request = parsed(
        generationConfig={"temperature": 0.5, "topK": 3, "topP": 1, "seed": 0, "responseModalities": ["TEXT"]},
        safetySettings=[{"category": "x"}],
        labels={"a": "b"},
        contents=[user({"text": "x"}, {"executableCode": {}})],
    )
    assert set(request.ignored.names) == {
        "generationConfig.temperature", "generationConfig.topK", "generationConfig.seed", "safetySettings",
        "contents.parts.executableCode",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"contents": None}, "contents"),
        ({"contents": "x"}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": [1]}, "contents[0]"),
        ({"contents": [{"role": "system", "parts": []}]}, "contents[0].role"),
        ({"contents": [user({"text": 1})]}, "contents[0].parts[0].text"),
        ({"contents": [user({"videoMetadata": {}})]}, "contents"),
        ({"contents": [user({"inlineData": {"mimeType": "image/png"}})]}, "contents[0].parts[0].inlineData.data"),
        ({"contents": [model({"functionCall": {}})]}, "contents[0].parts[0].functionCall.name"),
        ({"contents": [model({"functionCall": {"name": "a", "args": "x"}})]}, "contents[0].parts[0].functionCall.args"),
        ({"tools": "x"}, "tools"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "toolConfig.functionCallingConfig.mode"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "X"}}}, "toolConfig.functionCallingConfig.mode"),
        (
            {"tools": BOTH, "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["x"]}}},
            "toolConfig.functionCallingConfig.allowedFunctionNames",
        ),
        ({"generationConfig": {"candidateCount": 2}}, "generationConfig.candidateCount"),
        ({"generationConfig": {"responseModalities": ["AUDIO"]}}, "generationConfig.responseModalities"),
        ({"generationConfig": {"responseLogprobs": True}}, "generationConfig.responseLogprobs"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens"),
        ({"generationConfig": {"stopSequences": [1]}}, "generationConfig.stopSequences"),
        ({"generationConfig": {"responseMimeType": "image/png"}}, "generationConfig.responseMimeType"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "generationConfig.responseSchema"),
        ({"generationConfig": {"responseSchema": {"type": "WHAT"}}}, "generationConfig.responseSchema"),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": -2}}},
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
    ],
    ids=spelled,
)
def test_what_cannot_be_is_refused(body: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestError) as raised:
        parsed(**body)
    assert raised.value.param == param


def test_losses_have_a_code_of_their_own() -> None:
    with pytest.raises(UnsupportedParameter):
        parsed(generationConfig={"candidateCount": 2})


def test_a_schema_of_google_becomes_a_json_schema() -> None:
    google = {
        "type": "OBJECT",
        "property_ordering": ["b", "a"],
        "properties": {
            "a": {"type": "STRING", "nullable": True, "enum": ["x"], "maxLength": "5"},
            "b": {"type": "ARRAY", "minItems": "1", "items": {"anyOf": [{"type": "NUMBER"}], "nullable": True}},
            "type": {"type": "TYPE_UNSPECIFIED", "description": "STRING"},
        },
        "required": ["a"],
    }
    schema = json_schema(google)
    assert schema == {
        "type": "object",
        "properties": {
            "b": {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
            "a": {"type": ["string", "null"], "enum": ["x", None], "maxLength": 5},
            "type": {"description": "STRING"},
        },
        "required": ["a"],
    }
    assert list(schema["properties"])[:2] == ["b", "a"]
    check_schema(schema)
    assert parsed(generationConfig={"responseSchema": google}).chat.document == Document(schema)


def test_a_json_schema_stays_as_it_is() -> None:
    plain = {"type": "object", "properties": {"max_items": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"const": "STRING"}}}
    assert json_schema(plain) == plain


MARKS = [Search((SearchResult("https://x.example/1"), SearchResult("https://x.example/2", "Two")), ("q",))]


@given(st.lists(st.tuples(st.text(alphabet="aé漢🙂 .\n", max_size=8), st.integers(0, 1)), min_size=1, max_size=6))
def test_places_count_bytes(pieces: list[tuple[str, int]]) -> None:
    answer = Answer()
    answer.add(MARKS[0])
    for words, number in pieces:
        answer.add(Text(f"{words}[{number + 1}]"))
        end = len(answer.text)
        answer.add(Citation(end - 3, end, MARKS[0].results[number]))
    metadata = grounding_metadata(answer)
    assert metadata and metadata["webSearchQueries"] == ["q"]
    assert [chunk["web"]["title"] for chunk in metadata["groundingChunks"]] == ["https://x.example/1", "Two"]
    text = answer.text.encode()
    for support in metadata["groundingSupports"]:
        segment = support["segment"]
        assert text[segment.get("startIndex", 0) : segment["endIndex"]].decode() == segment["text"]
        assert segment["text"] == segment["text"].strip()
        assert support["groundingChunkIndices"]
    assert {n for s in metadata["groundingSupports"] for n in s["groundingChunkIndices"]} == {n for _, n in pieces}
