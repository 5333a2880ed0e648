"""What an account's settings on the site say, in every form they may come in, and what is sent to change them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream import calls
from qwenproxy.upstream.account_settings import (
    TOOLS,
    AccountSettings,
    changed_sections,
    format_settings,
    is_tool,
    parse_settings,
    read_settings,
    settings_in,
)

PERSONAL = {
    "name": "Ada",
    "description": " ",
    "style": "default",
    "instruction": "Be brief",
    "enable_for_new_chat": True,
}
WHOLE: dict[str, Any] = {
    "personalization": PERSONAL,
    "memory": {"enable_memory": True, "enable_history_memory": False},
    "tools_enabled": {"web_search": True, "bio": False, "new_tool": True},
    "mcp": {"amap": True, "fetch": False},
    "code_settings": {"custom_prompt": "Use tabs"},
    "ui": {"largeTextAsFile": True},
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
sections = st.dictionaries(st.sampled_from(list(WHOLE)), json_values)


def test_all_that_changes_answers_is_named() -> None:
    settings = read_settings(WHOLE)
    assert settings.changing == ("personalization", "memory", "mcp:amap", "code_prompt")
    assert settings.personal_fields == ("name", "instruction")
    assert settings.tools_on == ("web_search", "new_tool")
    states = [settings.is_on(name) for name in ("bio", "code_interpreter", "mcp:fetch", "history_memory")]
    assert states == [False, None, False, False]


@pytest.mark.parametrize(
    ("settings", "changing"),
    [
        ({}, ()),
        ({"personalization": {"enable_for_new_chat": True, "name": ""}}, ()),
        ({"personalization": {**PERSONAL, "enable_for_new_chat": False}}, ()),
        ({"personalization": {"instruction": "Be brief"}}, ()),
        ({"personalization": {**PERSONAL, "enable_for_new_chat": 1}}, ("personalization",)),
        ({"personalization": {"enable_for_new_chat": True, "traits": ["terse"]}}, ("personalization",)),
        ({"memory": {"enable_history_memory": True}}, ("history_memory",)),
        ({"memory": {"enable_memory": {"enabled": True, "since": 1}}}, ("memory",)),
        ({"memory": True, "mcp": ["amap"], "tools_enabled": None, "personalization": "x"}, ()),
        ({"mcp": {"amap": {"enabled": True}, "fetch": "yes"}}, ("mcp:amap",)),
        ({"mcp": {"two words": True, "line\nbreak": True, "x" * 65: True, "": True}}, ()),
        ({"tools_enabled": dict.fromkeys(TOOLS, True)}, ()),
        ({"code_settings": {"custom_prompt": "  "}}, ()),
    ],
    ids=[
        *("nothing", "no text", "off", "not said", "number", "new field", "history", "object", "other shapes"),
        *("servers", "names unfit to be shown", "tools alone", "blank prompt"),
    ],
)
def test_what_counts_as_a_change_of_answers(settings: dict[str, Any], changing: tuple[str, ...]) -> None:
    assert read_settings(settings).changing == changing


@pytest.mark.parametrize(
    "body",
    [WHOLE, {"data": WHOLE}, {"success": True, "data": WHOLE}, {"success": True, "data": {"settings": WHOLE}}],
    ids=["bare", "data", "envelope", "nested"],
)
def test_settings_are_found_in_each_envelope(body: object) -> None:
    assert settings_in(json.dumps(body)) == WHOLE


def test_an_account_without_a_setting_has_none_that_is_on() -> None:
    settings = read_settings(settings_in('{"success":true,"data":{}}'))
    assert (settings.changing, settings.tools_on) == ((), ())


@pytest.mark.parametrize("body", ["", "[]", "true", "not json", '{"success":true}', '{"data":[1]}'])
def test_an_answer_of_another_kind_is_an_unknown_form(body: str) -> None:
    with pytest.raises(ProtocolChanged, match="unknown form"):
        settings_in(body)


@given(sections)
def test_any_shape_is_read_without_fault_and_survives_the_disk(settings: dict[str, Any]) -> None:
    value = read_settings(settings)
    assert parse_settings(json.loads(json.dumps(format_settings(value)))) == value


def test_no_text_of_a_person_is_in_the_values() -> None:
    written = repr(read_settings(WHOLE)) + json.dumps(format_settings(read_settings(WHOLE)))
    for text in ("Ada", "Be brief", "Use tabs"):
        assert text not in written


@pytest.mark.parametrize("value", [None, [], "x", {}, {"switches": [], "personalizationFields": []}])
def test_a_file_of_another_form_holds_no_settings(value: object) -> None:
    assert parse_settings(value) is None


@pytest.mark.parametrize(
    ("wishes", "sent"),
    [
        ({"personalization": False}, {"personalization": {**PERSONAL, "enable_for_new_chat": False}}),
        ({"memory": False}, {"memory": {"enable_memory": False, "enable_history_memory": False}}),
        (
            {"web_search": False, "image_search": True},
            {"tools_enabled": {"web_search": False, "bio": False, "new_tool": True, "image_search": True}},
        ),
        ({"mcp:amap": False, "mcp:new": True}, {"mcp": {"amap": False, "fetch": False, "new": True}}),
    ],
    ids=["personalization", "memory", "tools", "servers"],
)
def test_sections_are_sent_whole(wishes: dict[str, bool], sent: dict[str, Any]) -> None:
    assert changed_sections(WHOLE, wishes) == sent


def test_a_switch_keeps_the_form_that_the_site_gave_it() -> None:
    settings = {"mcp": {"amap": {"enabled": True, "key": 7}}}
    assert changed_sections(settings, {"mcp:amap": False}) == {"mcp": {"amap": {"enabled": False, "key": 7}}}
    assert settings == {"mcp": {"amap": {"enabled": True, "key": 7}}}


def test_a_section_of_an_unknown_form_is_not_replaced() -> None:
    with pytest.raises(ProtocolChanged, match="memory"):
        changed_sections({"memory": [1]}, {"memory": False})
    assert changed_sections({"memory": None}, {"memory": False}) == {"memory": {"enable_memory": False}}


@given(sections, st.dictionaries(st.sampled_from(["personalization", "memory", "bio", "mcp:x"]), st.booleans()))
def test_what_was_sent_reads_as_wished(settings: dict[str, Any], wishes: dict[str, bool]) -> None:
    try:
        sent = changed_sections(settings, wishes)
    except ProtocolChanged:
        return
    after = read_settings({**settings, **sent})
    assert {name: after.is_on(name) for name in wishes} == wishes


def test_each_built_in_tool_is_a_tool_and_nothing_else_is() -> None:
    assert all(is_tool(name) for name in TOOLS)
    assert not any(is_tool(name) for name in ("personalization", "memory", "history_memory", "mcp:amap"))
    assert AccountSettings().is_on("bio") is None


def test_the_calls_are_the_sites() -> None:
    read, update = calls.account_settings(), calls.update_account_settings({"memory": {"enable_memory": False}})
    assert (read.method, read.path, read.body) == ("GET", "/api/v2/users/user/settings", None)
    assert (update.method, update.path) == ("POST", "/api/v2/users/user/settings/update")
    assert update.headers["content-type"] == "application/json"
    assert json.loads(update.body or "") == {"memory": {"enable_memory": False}}
