"""Names that a client chose: what is refused, and what is not."""

from __future__ import annotations

import pytest
from questions import ask

from qwenproxy.chat import Tool
from qwenproxy.chat.naming import check_names
from qwenproxy.errors import RequestError

CONTROL = ["\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028"]


@pytest.mark.parametrize("control", CONTROL, ids=ascii)
@pytest.mark.parametrize("field", ["model", "tools"])
def test_a_control_character_is_told_with_its_field(field: str, control: str) -> None:
    name = f"look{control}up"
    request = ask(model=name) if field == "model" else ask(tools=(Tool("fine"), Tool(name)))
    with pytest.raises(RequestError, match="holds a control character") as caught:
        check_names(request)
    assert (caught.value.param, caught.value.status) == (field, 400)
    assert control not in caught.value.message


@pytest.mark.parametrize(
    "name", ["look_up", "mcp__files.read-it", "поиск", "näme", "look up", "👩\u200d💻", " qwen-max\n"]
)
def test_every_other_name_passes(name: str) -> None:
    check_names(ask(model=name, tools=(Tool(name.strip()),)))
    check_names(ask())
