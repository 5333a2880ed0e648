"""What a viewer may do to a page, from a fixed list: mouse, wheel, touch, keys, text, composition. Pure.

A viewer's message becomes DevTools orders here, field by field; anything else is refused, so that no order of a
viewer's own ever reaches the browser. No error and no log says what was typed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SIDE_LIMIT = 4096  # pixels of a page's side
TEXT_LIMIT = 100_000  # characters of one text, such as a pasted one
TOUCH_LIMIT = 10  # fingers
BUTTONS = ("none", "left", "middle", "right")
ALT, CONTROL, META, SHIFT = 1, 2, 4, 8
NAMED_KEYS = frozenset(
    ["Enter", "Tab", "Backspace", "Delete", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]
) | {"PageUp", "PageDown", "Shift", "Control", "Alt", "Insert", "CapsLock"}
EDITING_KEYS = frozenset("acxzy")  # with Control; of all other letters the page hears nothing with it
_CODE = re.compile(r"[A-Z][A-Za-z0-9]{0,23}|")
_MOUSE = {"down": "mousePressed", "up": "mouseReleased", "move": "mouseMoved"}
_TOUCH = {"start": "touchStart", "move": "touchMove", "end": "touchEnd", "cancel": "touchCancel"}


class InputRefused(ValueError):
    """A viewer's message is none of the fixed list, or holds what it may not."""


@dataclass(frozen=True, slots=True)
class Order:
    """A DevTools order."""

    method: str
    parameters: dict[str, Any] = field(repr=False)


def orders_of(event: Mapping[str, Any]) -> tuple[Order, ...]:
    """Return the orders for one thing that a viewer did. Raises InputRefused."""
    reader = _READERS.get(str(event.get("kind")))
    if reader is None:
        raise InputRefused("it is of no known kind")
    return reader(event)


def number_of(event: Mapping[str, Any], name: str, low: float, high: float) -> float:
    """Return a number within its bounds. Raises InputRefused."""
    value = event.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputRefused(f"{name} is no number")
    return min(high, max(low, value))


def text_of(event: Mapping[str, Any], name: str = "text", limit: int = TEXT_LIMIT) -> str:
    """Return a text. Raises InputRefused for one that is too long, or cannot be written down."""
    value = event.get(name, "")
    if not isinstance(value, str) or len(value) > limit:
        raise InputRefused(f"{name} is no text, or too long")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputRefused(f"{name} is cut within a character") from None
    return value


def choice_of(event: Mapping[str, Any], name: str, choices: Mapping[str, str]) -> str:
    """Return what a word stands for. Raises InputRefused."""
    word = event.get(name)
    if not isinstance(word, str) or word not in choices:
        raise InputRefused(f"{name} is none of its words")
    return choices[word]


def place_of(event: Mapping[str, Any]) -> dict[str, float]:
    """Return where in the page something happens (pixels). Raises InputRefused."""
    return {name: number_of(event, name, 0, SIDE_LIMIT) for name in ("x", "y")}


def _modifiers(event: Mapping[str, Any]) -> int:
    return int(number_of(event, "modifiers", 0, ALT | CONTROL | META | SHIFT)) & ~META


def _mouse(event: Mapping[str, Any]) -> tuple[Order, ...]:
    button = choice_of({"button": "none", **event}, "button", dict(zip(BUTTONS, BUTTONS, strict=True)))
    details = {
        "type": choice_of(event, "type", _MOUSE),
        "button": button,
        "buttons": int(number_of(event, "buttons", 0, 7)),
        "clickCount": int(number_of(event, "clicks", 0, 3)),
        "modifiers": _modifiers(event),
    }
    return (Order("Input.dispatchMouseEvent", {**place_of(event), **details}),)


def _wheel(event: Mapping[str, Any]) -> tuple[Order, ...]:
    deltas = {
        name: number_of(event, short, -SIDE_LIMIT, SIDE_LIMIT) for name, short in (("deltaX", "dx"), ("deltaY", "dy"))
    }
    details = {"type": "mouseWheel", "modifiers": _modifiers(event), **deltas}
    return (Order("Input.dispatchMouseEvent", {**place_of(event), **details}),)


def _touch(event: Mapping[str, Any]) -> tuple[Order, ...]:
    points = event.get("points", [])
    if not isinstance(points, list) or len(points) > TOUCH_LIMIT or not all(isinstance(one, Mapping) for one in points):
        raise InputRefused("points is no list of fingers")
    touches = [{**place_of(one), "id": int(number_of(one, "id", 0, 2**31))} for one in points]
    return (Order("Input.dispatchTouchEvent", {"type": choice_of(event, "type", _TOUCH), "touchPoints": touches}),)


def _key(event: Mapping[str, Any]) -> tuple[Order, ...]:
    key, code, modifiers = text_of(event, "key", 24), text_of(event, "code", 24), _modifiers(event)
    is_down = choice_of(event, "type", {"down": "down", "up": "up"}) == "down"
    if not _CODE.fullmatch(code):
        raise InputRefused("code is none of a key")
    is_letter = _is_letter(key)
    if not (is_letter or key in NAMED_KEYS):
        raise InputRefused("this key does nothing here")
    held = modifiers & (ALT | CONTROL)
    if is_letter and held and not (held == CONTROL and key.lower() in EDITING_KEYS):
        raise InputRefused("this combination of keys does nothing here")
    details: dict[str, Any] = {
        "type": "keyUp" if not is_down else "rawKeyDown",
        "key": key,
        "code": code,
        "modifiers": modifiers,
        "windowsVirtualKeyCode": int(number_of(event, "keyCode", 0, 255)),
        "location": int(number_of(event, "location", 0, 2)),
    }
    text = "\r" if key == "Enter" else key
    if is_down and not held and (is_letter or key == "Enter"):
        details.update(type="keyDown", text=text, unmodifiedText=text)
    if is_down and held and key.lower() == "a":
        details["commands"] = ["selectAll"]
    return (Order("Input.dispatchKeyEvent", details),)


def _is_letter(key: str) -> bool:
    """Tell whether a key writes one character, in whichever script."""
    return len(key) == 1 and key.isprintable()


def _text(event: Mapping[str, Any]) -> tuple[Order, ...]:
    return (Order("Input.insertText", {"text": text_of(event)}),)


def _compose(event: Mapping[str, Any]) -> tuple[Order, ...]:
    text = text_of(event, limit=1000)
    return (Order("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}),)


_READERS: dict[str, Callable[[Mapping[str, Any]], tuple[Order, ...]]] = {
    "mouse": _mouse,
    "wheel": _wheel,
    "touch": _touch,
    "key": _key,
    "text": _text,
    "compose": _compose,
}
