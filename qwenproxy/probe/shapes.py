"""The shape of a JSON value: keys, kinds and lengths, without a text of it; and where it differs from a form. Pure.

A form is a dict of what is expected at each key. Its values are names of kinds joined by `|` (`string|null`, `any`),
further forms, or a list of one form. A key that ends in `?` may be missing or null; the key `*` stands for keys that
are free, such as ids, and `...` says that further keys are no news.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from qwenproxy.probe.names import shown

Form = str | Mapping[str, Any] | list[Any]
Kind = Literal["missing", "kind", "new"]

_DEEPEST = 9  # levels of a value that are looked at
_MOST_ITEMS = 200  # elements of a list that are looked at
_MOST_KEYS = 120
_STRING = re.compile(r"\d+")
FREE = "*"
OPEN = "..."


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a value differs from its form. `seen` is the kind of what is there, and of a wrong one what was expected.

    A `place` is a path of shown names (`data.data[].id`).
    """

    kind: Kind
    place: str
    seen: str = ""

    def __str__(self) -> str:
        """Return the place, and what is there."""
        return f"{self.place} ({self.seen})" if self.seen else self.place


def kind_of(value: object) -> str:
    """Return the kind of a JSON value."""
    if value is None:
        return "null"
    for kind, types in (("bool", bool), ("number", int | float), ("string", str), ("list", list), ("object", dict)):
        if isinstance(value, types):
            return kind
    return "unknown"


def compare(value: object, form: Form, place: str = "") -> tuple[Difference, ...]:
    """Return where a value differs from its form, each difference once."""
    return tuple(dict.fromkeys(_differences(value, form, place, 0)))


def shape_of(value: object, form: Form = "any") -> Any:
    """Return the shape of a value as JSON; the form says which keys are free and get a common shape."""
    return _shape(value, form, 0)


def _differences(value: object, form: Form, place: str, depth: int) -> Iterator[Difference]:
    if depth > _DEEPEST:
        return
    if isinstance(form, str):
        kinds = form.split("|")
        if "any" not in kinds and kind_of(value) not in kinds:
            yield Difference("kind", place or "the whole", f"{kind_of(value)}, not {form}")
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield Difference("kind", place or "the whole", f"{kind_of(value)}, not list")
            return
        for item in value[:_MOST_ITEMS]:
            yield from _differences(item, form[0], f"{place}[]", depth + 1)
    elif isinstance(value, dict):
        yield from _in_object(value, form, place, depth)
    else:
        yield Difference("kind", place or "the whole", f"{kind_of(value)}, not object")


def _in_object(value: dict[str, Any], form: Mapping[str, Any], place: str, depth: int) -> Iterator[Difference]:
    known = {key.removesuffix("?"): inner for key, inner in form.items() if key not in (FREE, OPEN)}
    optional = {key.removesuffix("?") for key in form if key.endswith("?")}
    for key in form:
        if key not in (FREE, OPEN) and not key.endswith("?") and key not in value:
            yield Difference("missing", _joined(place, key))
    for key, inner in list(value.items())[:_MOST_KEYS]:
        if key in optional and inner is None:
            continue
        if key in known:
            yield from _differences(inner, known[key], _joined(place, key), depth + 1)
        elif FREE in form:
            yield from _differences(inner, form[FREE], _joined(place, FREE), depth + 1)
        elif OPEN not in form:
            yield Difference("new", _joined(place, shown(key)), kind_of(inner))


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _shape(value: object, form: Form, depth: int) -> Any:
    if isinstance(value, str):
        return f"string({len(value)})"
    if depth > _DEEPEST:
        return kind_of(value)
    if isinstance(value, list):
        inner = form[0] if isinstance(form, list) else "any"
        shapes = [_shape(item, inner, depth + 1) for item in value[:_MOST_ITEMS]]
        return {"items": len(value), "each": _merged(shapes)} if value else {"items": 0}
    if not isinstance(value, dict):
        return kind_of(value)
    forms = {key.removesuffix("?"): inner for key, inner in form.items()} if isinstance(form, Mapping) else {}
    shape: dict[str, Any] = {}
    for key, inner in list(value.items())[:_MOST_KEYS]:
        is_free = key not in forms and FREE in forms
        name = FREE if is_free else shown(key, forms)
        # What lies below a key that a form leaves open may be a person's own.
        is_left_open = OPEN in forms and not is_free and key not in forms and isinstance(inner, dict | list)
        found = kind_of(inner) if is_left_open else _shape(inner, forms.get(FREE if is_free else key, "any"), depth + 1)
        shape[name] = _merged([shape[name], found]) if name in shape else found
    return shape


def _merged(shapes: list[Any]) -> Any:
    """Return one shape for several values: of objects the keys of all, of others each kind once."""
    if all(isinstance(shape, dict) for shape in shapes):
        merged: dict[str, Any] = {}
        for shape in shapes:
            for key, inner in shape.items():
                merged[key] = _merged([merged[key], inner]) if key in merged else inner
        return merged
    if all(isinstance(shape, int) for shape in shapes):
        return shapes[0] if len(set(shapes)) == 1 else f"{min(shapes)}-{max(shapes)}"
    parts = [part for shape in shapes for part in _plain(shape).split(" | ")]
    lengths = [int(number) for part in parts for number in _STRING.findall(part)]
    others = {part for part in parts if not part.startswith("string")}
    return " | ".join(sorted({*others, *([_string(lengths)] if lengths else [])}))


def _string(lengths: list[int]) -> str:
    shortest, longest = min(lengths), max(lengths)
    return f"string({shortest})" if shortest == longest else f"string({shortest}-{longest})"


def _plain(shape: Any) -> str:
    """Return a shape as words; of an object or a list only what it is."""
    if isinstance(shape, dict):
        return "list" if "items" in shape else "object"
    return str(shape)
