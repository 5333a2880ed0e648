"""Changes inside settings files: by table, by property, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.connect.formats import FORMATS
from qwenproxy.connect.formats.jsonc import parse
from qwenproxy.connect.formats.unreadable import Unreadable
from qwenproxy.connect.program import Entries, Format

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | NAMES,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(NAMES, children, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def with_changes(old: Any, new: Any) -> Any:
    """Return what the changes make of a value: members of objects one by one, all else as a whole."""
    if not isinstance(new, Mapping) or not isinstance(old, Mapping):
        return new
    return {**old, **{name: with_changes(old.get(name), value) for name, value in new.items()}}


def fits(old: Any, new: Any) -> bool:
    """Tell whether every object of the changes meets an object or nothing."""
    return all(
        name not in old or not isinstance(value, Mapping) or (isinstance(old[name], Mapping) and fits(old[name], value))
        for name, value in new.items()
    )


def as_people_write(value: object, indent: int | None) -> str:
    """Return JSON with a comment and a trailing comma wherever they may be."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return f"// top\n{text}\n/* end */\n"


@given(OBJECTS, OBJECTS, st.sampled_from([None, 1, 4]))
def test_json_has_the_changes_and_nothing_else_differs(old: Any, new: Any, indent: int | None) -> None:
    text = as_people_write(old, indent)
    if not fits(old, new):
        with pytest.raises(Unreadable):
            FORMATS["json"](text, new)
        return
    merged = FORMATS["json"](text, new)
    assert parse(merged).value == with_changes(old, new)
    assert merged.startswith("// top\n") and merged.endswith("/* end */\n")
    assert FORMATS["json"](merged, new) == merged


@pytest.mark.parametrize(
    ("text", "changes", "merged"),
    [
        ('{"a": 1}', {"b": 2}, '{"a": 1,\n  "b": 2\n}'),
        ("{}\n", {"b": {"c": []}}, '{\n  "b": {\n    "c": []\n  }\n}\n'),
        ('{\n    "a": 1, // one\n}\n', {"b": 2}, '{\n    "a": 1, // one\n    "b": 2\n}\n'),
        ('{\n\t"a": 1 // one\n\t// end\n}', {"b": 2}, '{\n\t"a": 1, // one\n\t// end\n\t"b": 2\n}'),
        ('{\r\n  "a": 1\r\n}', {"b": 2}, '{\r\n  "a": 1,\r\n  "b": 2\r\n}'),
        ('{"a": 1, "a": 2}', {"a": 3}, '{"a": 1, "a": 3}'),
        ('{"a": 1.0, "b": 1e3}', {"a": 1.0}, '{"a": 1.0, "b": 1e3}'),
        ('{"a": true}', {"a": 1}, '{"a": 1}'),
        ('{"a": "\\u00e9 // no comment"}', {"b": "\u00e9"}, '{"a": "\\u00e9 // no comment",\n  "b": "\u00e9"\n}'),
        ('{"l": [{"id": 1, "x": 1}, 5]}', {"l": Entries("id", ({"id": 1, "x": 2},))}, '{"l": [{"id": 1, "x": 2}, 5]}'),
    ],
    ids=[
        "one line",
        "empty",
        "trailing comma",
        "comments behind",
        "crlf",
        "twice",
        "numbers",
        "kind",
        "slashes",
        "entry",
    ],
)
def test_json_to_the_letter(text: str, changes: Mapping[str, object], merged: str) -> None:
    assert FORMATS["json"](text, changes) == merged


@pytest.mark.parametrize(
    ("form", "text", "changes", "merged"),
    [
        ("toml", "a = 1 # one\n\n[t]\nx = 1\n", {"b": 2}, "a = 1 # one\nb = 2\n\n[t]\nx = 1\n"),
        ("toml", "[p.old]\nx = 1\n", {"p": {"new": {"y": 2}}}, "[p.old]\nx = 1\n\n[p.new]\ny = 2\n"),
        ("toml", 'a = "x" # one\n', {"a": "y"}, 'a = "y" # one\n'),
        ("yaml", "a: 'x'   # one\n", {"b": 2}, "a: 'x'   # one\nb: 2\n"),
        ("yaml", "---\nl:\n- n: a\n", {"l": Entries("n", ({"n": "b"},))}, "---\nl:\n- n: a\n- n: b\n"),
        ("yaml", "l:\n    - n: a\n", {"l": Entries("n", ({"n": "b"},))}, "l:\n    - n: a\n    - n: b\n"),
        ("yaml", "# nothing yet", {"a": 1}, "# nothing yet\na: 1\n"),
        ("env", "A=1\nexport B = 2 # two\n#A=3", {"B": "x", "C": "a b"}, "A=1\nexport B =x\n#A=3\nC='a b'\n"),
        ("env", "A=1\r\n", {"A": "2"}, "A=2\r\n"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value and len(value) < 9 else "",
)
def test_other_formats_to_the_letter(form: Format, text: str, changes: Mapping[str, object], merged: str) -> None:
    assert FORMATS[form](text, changes) == merged
    assert FORMATS[form](merged, changes) == merged


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", '{"a": 1'), ("json", '{"a": 1} x'), ("json", '{"a" 1}'), ("json", "{'a': 1}"), ("json", '{"a": 01}'),
        ("json", '{"a": 1 "b": 2}'), ("json", "{,}"), ("json", "/* open"), ("json", "[" * 100_000),
        ("json", '{"env": "text"}'), ("json", "[]"), ("json", '"text"'), ("json", '{"list": {}}'),
        ("toml", "a = "), ("toml", "a = 1\na = 2"), ("toml", 'env = "text"'),
        ("yaml", "a: [1"), ("yaml", "a: 1\na: 2"), ("yaml", "- a"), ("yaml", "env: text"), ("yaml", "list: text"),
        ("yaml", "a: 1\n---\nb: 2"), ("yaml", "\ta: 1"),
    ],
    ids=lambda value: repr(value[:20]),
)  # fmt: skip
def test_what_cannot_be_read_or_has_no_place_is_refused(form: Format, text: str) -> None:
    changes: dict[str, object] = {"env": {"A": "1"}}
    if form != "toml":
        changes["list"] = Entries("id", ({"id": 1},))
    with pytest.raises(Unreadable):
        FORMATS[form](text, changes)


def test_a_fault_names_its_line() -> None:
    with pytest.raises(Unreadable) as caught:
        FORMATS["json"]('{\n  "a": 1,\n  oops\n}', {})
    assert caught.value.reason.values == {"line": 3}


def test_a_file_of_variables_cannot_hold_every_character() -> None:
    with pytest.raises(Unreadable):
        FORMATS["env"]("", {"A": "it's # mine"})
