"""What a viewer may do to a page: a fixed list, field by field, and nothing besides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.browser.view.inputs import InputRefused, Order, orders_of

MOUSE = "Input.dispatchMouseEvent"
KEY = "Input.dispatchKeyEvent"
AT = {"x": 10, "y": 20.5}
PRESS = {"kind": "mouse", "type": "down", **AT, "button": "left", "buttons": 1, "clicks": 2, "modifiers": 8}
LETTER = {"kind": "key", "type": "down", "key": "п", "code": "KeyG", "keyCode": 71, "location": 0, "modifiers": 0}

ALLOWED: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "press": (PRESS, MOUSE, {"type": "mousePressed", **AT, "button": "left", "clickCount": 2, "modifiers": 8}),
    "move": ({"kind": "mouse", "type": "move", **AT}, MOUSE, {"type": "mouseMoved", "button": "none", "buttons": 0}),
    "wheel": ({"kind": "wheel", **AT, "dx": 0, "dy": -120}, MOUSE, {"type": "mouseWheel", "deltaY": -120}),
    "touch": (
        {"kind": "touch", "type": "start", "points": [{**AT, "id": 7}]},
        "Input.dispatchTouchEvent",
        {"type": "touchStart", "touchPoints": [{**AT, "id": 7}]},
    ),
    "letter": (LETTER, KEY, {"type": "keyDown", "text": "п", "key": "п", "windowsVirtualKeyCode": 71}),
    "release": ({**LETTER, "type": "up"}, KEY, {"type": "keyUp"}),
    "enter": ({**LETTER, "key": "Enter", "code": "Enter"}, KEY, {"type": "keyDown", "text": "\r"}),
    "tab": ({**LETTER, "key": "Tab", "code": "Tab"}, KEY, {"type": "rawKeyDown", "key": "Tab"}),
    "select all": ({**LETTER, "key": "a", "modifiers": 2}, KEY, {"type": "rawKeyDown", "commands": ["selectAll"]}),
    "text": ({"kind": "text", "text": "Grüße 你好 😀"}, "Input.insertText", {"text": "Grüße 你好 😀"}),
    "composition": (
        {"kind": "compose", "text": "にほ"},
        "Input.imeSetComposition",
        {"text": "にほ", "selectionStart": 2, "selectionEnd": 2},
    ),
}
REFUSED: dict[str, dict[str, Any]] = {
    "no kind": {},
    "an order of DevTools": {"kind": "Page.navigate", "url": "file:///etc/passwd"},
    "a method beside a kind": {"kind": "navigate", "method": "Page.navigate", "params": {"url": "http://10.0.0.1/"}},
    "an unknown mouse event": {**PRESS, "type": "drag"},
    "an unknown button": {**PRESS, "button": "fourth"},
    "no number": {**PRESS, "x": "10"},
    "no finite number": {**PRESS, "x": float("nan")},
    "a truth for a number": {**PRESS, "y": True},
    "a key of the browser": {**LETTER, "key": "F5", "code": "F5"},
    "the developer tools": {**LETTER, "key": "F12", "code": "F12"},
    "an address": {**LETTER, "key": "l", "modifiers": 2},
    "a new tab": {**LETTER, "key": "t", "modifiers": 2},
    "the last page": {**LETTER, "key": "b", "modifiers": 1},
    "a code that is none": {**LETTER, "code": "Key'); alert(1"},
    "a control character": {**LETTER, "key": "\x07"},
    "fingers that are none": {"kind": "touch", "type": "start", "points": ["x"]},
    "too many fingers": {"kind": "touch", "type": "start", "points": [{**AT}] * 11},
    "no text": {"kind": "text", "text": 5},
    "a text that is too long": {"kind": "text", "text": "x" * 100_001},
    "half a character": {"kind": "text", "text": "\ud83d"},
}


@pytest.mark.parametrize(("event", "method", "parameters"), ALLOWED.values(), ids=ALLOWED)
def test_what_a_viewer_may_do(event: dict[str, Any], method: str, parameters: dict[str, Any]) -> None:
    [order] = orders_of(event)
    assert order.method == method
    assert {name: order.parameters.get(name) for name in parameters} == parameters


@pytest.mark.parametrize("event", REFUSED.values(), ids=REFUSED)
def test_what_a_viewer_may_not_do(event: dict[str, Any]) -> None:
    with pytest.raises(InputRefused):
        orders_of(event)


def test_places_stay_within_a_page() -> None:
    [order] = orders_of({**PRESS, "x": -5, "y": 1e9})
    assert (order.parameters["x"], order.parameters["y"]) == (0, 4096)


def test_what_was_typed_stands_in_no_message() -> None:
    assert "s3cret" not in repr(Order("Input.insertText", {"text": "s3cret"}))
    with pytest.raises(InputRefused) as caught:
        orders_of({"kind": "text", "text": "s3cret" * 20_000})
    assert "s3cret" not in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("type", "x", "y", "dx", "dy", "button", "buttons", "clicks", "key", "code", "keyCode", "text", "points")
EVENTS = st.builds(
    lambda kind, fields: {"kind": kind, **fields},
    st.sampled_from(["mouse", "wheel", "touch", "key", "text", "compose"]) | VALUES,
    st.dictionaries(st.sampled_from(FIELDS), VALUES | st.sampled_from(["down", "up", "start", "a", "Enter", "left"])),
)


@given(EVENTS)
def test_anything_else_is_refused_and_never_becomes_another_order(event: dict[str, Any]) -> None:
    try:
        orders = orders_of(event)
    except InputRefused:
        return
    assert all(order.method.startswith("Input.") for order in orders)
