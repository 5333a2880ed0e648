"""What is left of an account's quota, in every form the site may say it in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream import calls
from qwenproxy.upstream.quota import FEATURES, UNLIMITED, Left, format_quota, parse_formatted_quota, parse_quota


@pytest.mark.parametrize(
    ("data", "left"),
    [
        ({"t2i": {"times_left": 3, "time_unit": "day", "time_amount": 1}}, [Left("t2i", 3)]),
        ({"thinking": {"times_left": -1}, "t2v": {"times_left": 0}}, [Left("t2v", 0), Left("thinking", UNLIMITED)]),
        ({"deep_research_deep_research": {"times_left": 2}}, [Left("deep_research", 2)]),
        ({"search": 7, "user_tier": "free", "model": {"qwen3.8-max": {"times_left": -1}}}, [Left("search", 7)]),
        ({"t2i": {"times_left": -5}}, [Left("t2i", UNLIMITED)]),
        ({"t2i": {"times_left": None}, "t2v": {}, "search": "many", "thinking": True}, []),
        ({}, []),
    ],
    ids=["times", "unlimited and none", "research", "number", "below -1", "other shapes", "nothing"],
)
def test_what_is_left(data: dict[str, Any], left: list[Left]) -> None:
    assert list(parse_quota(json.dumps({"success": True, "data": data}))) == left


@pytest.mark.parametrize("body", ["", "[]", '{"success":true}', '{"data":[]}', "not json"])
def test_an_answer_of_another_kind_is_an_unknown_form(body: str) -> None:
    with pytest.raises(ProtocolChanged, match="unknown form"):
        parse_quota(body)


@given(st.dictionaries(st.sampled_from([*FEATURES, "x"]), st.integers() | st.none() | st.text(max_size=3)))
def test_a_quota_survives_the_disk(data: dict[str, Any]) -> None:
    quota = parse_quota(json.dumps({"data": data}))
    assert parse_formatted_quota(json.loads(json.dumps(format_quota(quota)))) == quota


@pytest.mark.parametrize("value", [None, [], "x", {"t2i": "x", "other": 1}])
def test_a_file_of_another_form_holds_no_quota(value: object) -> None:
    assert parse_formatted_quota(value) == ()


def test_the_call_names_the_features() -> None:
    request = calls.quota(FEATURES)
    assert (request.method, request.path) == ("POST", "/api/v2/users/user/entitlement_quota")
    assert json.loads(request.body or "") == {"features": list(FEATURES)}
