"""Shapes of JSON values: they tell keys, kinds and lengths, and never a text or a name that is none of the protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.probe.names import is_name, shown, shown_model
from qwenproxy.probe.shapes import Form, compare, shape_of

SECRETS = [
    "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEifQ.c2lnbmF0dXJl",
    "f0000000-0000-4000-8000-000000000001",
    "somebody@example.org",
    "177261631184e8",
    "deadbeefcafe0123",
    "STS.NUxLaXkq2vV1",
    "https://cdn.qwenlm.ai/output/x/y.png?key=abc",
    "Привет, меня зовут Анна",
    "aGVsbG8gd29ybGQhIHNlY3JldA",
    "my secret is that I never liked the colour of that wall at all",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_is_no_name_is_not_shown(secret: str) -> None:
    assert shown(secret) == f"<{len(secret)} characters>"
    assert secret not in json.dumps(shape_of({secret: {secret: [secret]}}))


@pytest.mark.parametrize(
    "name",
    ["response.created", "thinking_summary", "search_v2", "summaryThought", "Bad_Request", "application/json", "t2t"],
)
def test_names_of_a_protocol_are_shown(name: str) -> None:
    assert is_name(name)
    assert shown(name) == name


@pytest.mark.parametrize("model", ["qwen3.7-plus", "qwen3.5-397b-a17b", "qwen-latest-invite-beta-v16", "qwq-32b"])
def test_ids_of_models_are_shown(model: str) -> None:
    assert shown_model(model) == model


@pytest.mark.parametrize("other", ["qwen-0123456789abcdef", "sk-1234567890abcdef", "qwen3 of Anna 1234567"])
def test_what_only_looks_like_a_model_is_not(other: str) -> None:
    assert shown_model(other).endswith("characters>")


FORM: Form = {"id": "string", "size?": "number", "inner": {"*": "bool"}, "rows?": [{"url": "string", "...": ""}]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"id": "a", "inner": {}}, []),
        ({"id": "a", "inner": {"anything": True, "x": False}, "size": 1.5}, []),
        ({"inner": {}}, ["missing id"]),
        ({"id": "a", "inner": {}, "size": None, "rows": None}, []),
        ({"id": None, "inner": {}}, ["kind id (null, not string)"]),
        ({"name": "a", "inner": {}}, ["missing id", "new name (string)"]),
        ({"id": 1, "inner": {}}, ["kind id (number, not string)"]),
        ({"id": "a", "inner": {"x": 1}}, ["kind inner.* (number, not bool)"]),
        ({"id": "a", "inner": {}, "rows": [{"url": "u", "more": 1}, {"link": "u"}]}, ["missing rows[].url"]),
        ({"id": "a", "inner": {}, "rows": {}}, ["kind rows (object, not list)"]),
        ({"id": "a", "inner": {}, SECRETS[1]: 1}, ["new <36 characters> (number)"]),
        ([], ["kind the whole (list, not object)"]),
    ],
)
def test_differences_are_named_by_their_place(value: object, expected: list[str]) -> None:
    assert [f"{one.kind} {one}" for one in compare(value, FORM)] == expected


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"id": "abc", "inner": {"one": True, "two": False}}, {"id": "string(3)", "inner": {"*": "bool"}}),
        ([1, 2], {"items": 2, "each": "number"}),
        ([], {"items": 0}),
        (["a", "abc", None], {"items": 3, "each": "null | string(1-3)"}),
        (
            [{"a": [1]}, {"a": [1, 2, 3], "b": ""}],
            {"items": 2, "each": {"a": {"items": "1-3", "each": "number"}, "b": "string(0)"}},
        ),
        (["x", {"a": 1}, []], {"items": 3, "each": "list | object | string(1)"}),
    ],
)
def test_shapes(value: object, shape: object) -> None:
    assert shape_of(value, FORM if isinstance(value, dict) else "any") == shape


PRIVATE = "никому не говори 12345"
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.just(PRIVATE),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "inner", "rows", "data", PRIVATE]), inner),
    max_leaves=30,
)


@given(VALUES)
def test_no_text_of_a_value_is_in_its_shape_or_its_differences(value: Any) -> None:
    told = json.dumps([shape_of(value, FORM), [str(one) for one in compare(value, FORM)]], ensure_ascii=False)
    assert PRIVATE not in told
