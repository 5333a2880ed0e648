"""The wish for a web search, in the fields and hosted tools of all APIs."""

from __future__ import annotations

from typing import Any

import pytest
from spelling import spelled

from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai.request import parse_chat_request
from qwenproxy.api.searching import take_search
from qwenproxy.chat import WebSearch
from qwenproxy.errors import RequestError

LOOK = {"type": "function", "function": {"name": "look"}}
FLAT = {"type": "function", "name": "look"}  # the Responses API
CUSTOM = {"name": "look", "input_schema": {}}  # Anthropic's API
HOSTED = {"type": "web_search"}
DATED = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
NAMED = {"type": "function", "function": {"name": "web_search"}}
FORCED, ALLOWED = WebSearch(forced=True), WebSearch()


def allowed(*tools: Any, mode: str = "auto", nested: bool = True) -> dict[str, Any]:
    inner = {"mode": mode, "tools": list(tools)}
    return {"type": "allowed_tools", **({"allowed_tools": inner} if nested else inner)}


WISHES: list[tuple[dict[str, Any], WebSearch | None]] = [
    ({}, None),
    ({"web_search_options": None, "enable_search": False, "search_options": {}, "tools": []}, None),
    ({"web_search_options": {}}, FORCED),
    ({"web_search_options": {"search_context_size": "medium"}}, FORCED),
    ({"enable_search": True}, FORCED),
    ({"enable_search": True, "search_options": {"forced_search": True}}, FORCED),
    ({"enable_search": True, "search_options": {"forced_search": False}}, ALLOWED),
    ({"enable_search": False, "search_options": {"forced_search": True}}, None),
    ({"web_search_options": {}, "search_options": {"forced_search": False}}, FORCED),
    ({"web_search_options": {}, "tools": [LOOK]}, ALLOWED),
    ({"enable_search": True, "functions": [{"name": "look"}]}, ALLOWED),
    ({"enable_search": True, "tools": [LOOK], "tool_choice": "none"}, FORCED),
    ({"enable_search": True, "search_options": {"forced_search": True}, "tools": [LOOK]}, FORCED),
    *(({"tools": [{"type": kind}]}, FORCED) for kind in (
        "web_search", "web_search_preview", "web_search_preview_2025_03_11", "web_search_2025_08_26",
        "web_search_20250305", "web_search_20260209",
    )),
    ({"tools": [{"type": "web_searcher"}]}, None),
    ({"tools": [NAMED]}, None),
    ({"tools": [HOSTED, LOOK]}, ALLOWED),
    ({"tools": [HOSTED, FLAT]}, ALLOWED),
    ({"tools": [DATED, CUSTOM]}, WebSearch(max_uses=5)),
    ({"tools": [DATED]}, WebSearch(forced=True, max_uses=5)),
    ({"tools": [DATED, {**HOSTED, "max_uses": 2}]}, WebSearch(forced=True, max_uses=2)),
    ({"tools": [HOSTED, {"type": "image_generation"}, {"type": "mcp"}]}, FORCED),
    ({"tools": [HOSTED, LOOK], "tool_choice": "auto"}, ALLOWED),
    ({"tools": [HOSTED, LOOK], "tool_choice": "required"}, ALLOWED),
    ({"tools": [HOSTED], "tool_choice": "required"}, FORCED),
    ({"tools": [DATED], "tool_choice": {"type": "any"}}, WebSearch(forced=True, max_uses=5)),
    ({"tools": [HOSTED, LOOK], "tool_choice": {"type": "web_search"}}, FORCED),
    ({"tools": [HOSTED, LOOK], "tool_choice": {"type": "web_search_preview"}}, FORCED),
    ({"tools": [HOSTED, CUSTOM], "tool_choice": {"type": "tool", "name": "web_search"}}, FORCED),
    ({"tools": [HOSTED, NAMED], "tool_choice": {"type": "function", "name": "web_search"}}, ALLOWED),
    ({"tools": [HOSTED, LOOK], "tool_choice": {"type": "tool", "name": "look"}}, ALLOWED),
    ({"tools": [HOSTED, LOOK], "tool_choice": "none"}, None),
    ({"tools": [HOSTED], "tool_choice": {"type": "none"}}, None),
    ({"tools": [HOSTED, LOOK], "tool_choice": allowed(NAMED)}, None),
    ({"tools": [HOSTED, LOOK], "tool_choice": allowed(LOOK, HOSTED)}, ALLOWED),
    ({"tools": [HOSTED, LOOK], "tool_choice": allowed(HOSTED, nested=False)}, FORCED),
    ({"tools": [HOSTED, LOOK], "tool_choice": allowed(FLAT, HOSTED, nested=False, mode="required")}, ALLOWED),
]  # fmt: skip


@pytest.mark.parametrize(("body", "search"), WISHES, ids=spelled)
def test_a_wish(body: dict[str, Any], search: WebSearch | None) -> None:
    assert take_search(body, Ignored())[0] == search


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", ["look"]),
        ("required", ["look"]),
        ({"type": "web_search"}, []),
        (allowed(LOOK, HOSTED), ["look"]),
        (allowed(HOSTED), []),
        ("none", []),
    ],
    ids=spelled,
)
def test_the_functions_beside_it(choice: Any, names: list[str]) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "tools": [HOSTED, LOOK], "tool_choice": choice}
    completion = parse_chat_request(body)
    assert [tool.name for tool in completion.chat.tools] == names
    assert completion.ignored.names == ()
    assert body["tools"] == [HOSTED, LOOK], "the body itself stays as it is"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"web_search_options": {"user_location": {"type": "approximate"}}}, ("web_search_options.user_location",)),
        ({"web_search_options": {"search_context_size": "high"}}, ("web_search_options.search_context_size",)),
        ({"tools": [{**HOSTED, "filters": {"allowed_domains": ["x"]}}]}, ("tools.web_search.filters",)),
        ({"tools": [{**DATED, "allowed_domains": ["x"]}]}, ("tools.web_search.allowed_domains",)),
        ({"tools": [{**HOSTED, "external_web_access": True, "search_context_size": "medium"}]}, ()),
        ({"enable_search": True, "search_options": {"search_strategy": "pro"}}, ("search_options.search_strategy",)),
        ({"enable_search": True, "search_options": {"enable_source": True}}, ()),
        ({"search_options": {"forced_search": True}}, ("search_options.forced_search",)),
    ],
    ids=spelled,
)
def test_what_is_lost_of_it_is_named(body: dict[str, Any], names: tuple[str, ...]) -> None:
    assert parse_chat_request({"messages": [{"role": "user", "content": "Hi"}], **body}).ignored.names == names


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"web_search_options": True}, "web_search_options"),
        ({"enable_search": "yes"}, "enable_search"),
        ({"search_options": []}, "search_options"),
        ({"search_options": {"forced_search": 1}}, "search_options.forced_search"),
        ({"tools": [LOOK, {**DATED, "max_uses": 0}]}, "tools[1].max_uses"),
        ({"tools": [{**DATED, "max_uses": "3"}]}, "tools[0].max_uses"),
    ],
    ids=spelled,
)
def test_bad_input_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestError) as caught:
        take_search(body, Ignored())
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("tools", ["x", {}, 7])
def test_tools_of_a_wrong_type_are_left_to_their_reader(tools: Any) -> None:
    assert take_search({"tools": tools}, Ignored()) == (None, {"tools": tools})
