"""Answers of a model that is asked for a document: what it may write around it, and what is none."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from qwenproxy.chat.candidates import UNFINISHED

A: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
NUMBERS: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}

FOUND = [
    ('{"a":1}', A, '{"a":1}'),
    (' \ufeff\n{"a":1}\n', A, '{"a":1}'),
    ('```json\n{"a":1}\n```', A, '{"a":1}'),
    ('~~~\n{"a":1}\n~~~', A, '{"a":1}'),
    ('Sure! Here it is:\n\n```json\n{"a":1}\n```\nHope it helps {smile}.', A, '{"a":1}'),
    ('Use {name}: {"a": 1}', A, '{"a": 1}'),
    ('An empty {} and [1], then {"a": 1}', None, '{"a": 1}'),
    ('{"b":1} is wrong, {"a":1} is right', A, '{"a":1}'),
    ('I say "no {", but {"a":1}', A, '{"a":1}'),
    ('{"a":1}{"a":2}', A, '{"a":1}'),
    ("{}", None, "{}"),
    ("the object {}", None, "{}"),
    ('{"a":1,"b":"}]{[\\"\\\\"}', A, '{"a":1,"b":"}]{[\\"\\\\"}'),
    ('{"a":123456789012345678901234567890}', A, '{"a":123456789012345678901234567890}'),
    ('{"a":1,"a":2}', A, '{"a":1,"a":2}'),
    ('{"a":1,}', A, '{"a": 1}'),
    ('{"a":1,"b":[",]",2 , ],}', A, '{"a": 1, "b": [",]", 2]}'),
    ('{"a":1,"b":"x\ny\tz"}', A, '{"a": 1, "b": "x\\ny\\tz"}'),
    ('{"b":1,} {"a":"x"} {"a":1,}', A, '{"a": 1}'),
    ("Here: [1,2]", NUMBERS, "[1,2]"),
    ("[1] says [2, 3]", NUMBERS, "[1]"),
    ("[]", NUMBERS, "[]"),
    ('{"x":[1]} or [2]', NUMBERS, "[2]"),
    ("red", {"enum": ["red", "blue"]}, '"red"'),
    ('"red"', {"enum": ["red", "blue"]}, '"red"'),
    ('```json\n"red"\n```', {"enum": ["red", "blue"]}, '"red"'),
    ("7", {"type": "integer"}, "7"),
    ("null", {"type": ["object", "null"]}, "null"),
    ('a "quoted" word', {"type": "string"}, '"a \\"quoted\\" word"'),
    ('{"a":1}', {"type": "string"}, '"{\\"a\\":1}"'),
]

NOT_FOUND = [
    ("", A, "it holds no JSON object"),
    ("I cannot do that.", A, "it holds no JSON object"),
    ('[{"a":1},{"a":2}]', A, "it holds no JSON object"),
    ('[{"a":1},{"a":2}]', None, "it holds no JSON object"),
    ('{"items":[{"a":1}]}', A, "at $: 'a' is a required property"),
    ('{"items":[{"a":1},{"a":2}', A, UNFINISHED),
    ('{"a":1', A, UNFINISHED),
    ('{"a":"never ends', A, UNFINISHED),
    ('{"a":"x"}', A, "at $.a: 'x' is not of type 'integer'"),
    ('{"a":NaN}', None, "it holds a number that is out of range"),
    ('{"a":-Infinity}', None, "it holds a number that is out of range"),
    ('{"a":1e999}', None, "it holds a number that is out of range"),
    ('{"a":1]}', A, "it is not JSON at line 1, column 7: Expecting ',' delimiter"),
    ("{'a':1}", A, "it holds no JSON object"),
    ("green", {"enum": ["red", "blue"]}, "it holds no JSON string"),
    ("about 7", {"type": "integer"}, "it holds no JSON number"),
    ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", None, "it is nested too deeply"),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, min_size=1, max_size=3)
PROSE = st.text(st.characters(exclude_characters='{[`~"', exclude_categories=["Cs"]), max_size=20)


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, str]:
    """Return an answer, and the document that it holds."""
    document = json.dumps(draw(OBJECTS), indent=draw(st.sampled_from([None, 2])), ensure_ascii=draw(st.booleans()))
    before = draw(st.sampled_from(["", "\n", "```json\n", "Use {name}, see [1]:\n", "An empty {} would not do. "]))
    after = draw(st.sampled_from(["", "\n", "\n```", "\n```\nThat is {it}.", ' {"and": "more"}']))
    return draw(PROSE) + before + document + after + draw(PROSE), document
