"""Reading an answer costs as much for each character of a long one as of a short one, whatever is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from call_reading import asked, texts

from qwenproxy.chat import Text
from qwenproxy.chat.calls.source import LONGEST_HELD, Source
from qwenproxy.chat.calls.stage import find_calls
from qwenproxy.chat.corrections import Corrections

WEATHER = '{"name":"get_weather","arguments":{"city":"x"}}'
# Shapes that could make a reader go over the same text again and again; each is repeated as a whole.
SHAPES = {
    "prose": ("", "The quick `brown` fox: 3 < 4, <b>so</b>.\n"),
    "spaces": ("", " "),
    "opening tags": ("", "<tool_call>"),
    "less-than signs": ("", "<"),
    "backticks": ("x", "`"),
    "fences": ("", "```\n"),
    "begun calls": ("", '<tool_call>{"name":"get_weather","arguments":{"city":"'),
    "begun calls in lines": ("", '\n<tool_call>{"a":['),
    "quoted calls": ("", f"a <tool_call>{WEATHER}</tool_call> b\n"),
    "shown objects": ("", f"```json\n{WEATHER}\n```\nso\n"),
    "objects in lines": ("So:\n", f"{WEATHER}\nx\n"),
    "broken objects in lines": ("So:\n", '{"name":"get_weather","arguments":{"city":\n'),
    "marks of Mistral": ("", "[TOOL_CALLS]"),
    "brackets": ("x", "["),
    "flowers": ("", "✿FUNCTION✿: x\n"),
    "indented lines": ("x\n\n", "    <tool_call>\n"),
    "list items": ("", "- x\n\n"),
    "a name in a wrapper": ("<tool_call>", "get_weather "),
    "keywords": ('<tool_call>look(a="', 'x", y '),
    "an argument behind a break": ('<use_function name="look">\n<argument name="a">\n', "<b>x\n"),
    "the site's sentence": ("x\n", "Tool x does not exists. "),
    "open quotes": ('<tool_call>{"name":"look","arguments":{"a":"', 'x" y" '),
    "an array": ('<tool_call>{"name":"look","arguments":{"a":[', "1,"),
    "a number": ('<tool_call>{"name":"look","arguments":{"a":', "1"),
    "arguments first": ('<tool_call>{"arguments":{"a":"', "xy "),
    "closing tags in a file": ("<function=write_file>\n<parameter=content>\n", "</parameter> <b>\n"),
    "spaces behind a closing tag": ("<function=write_file>\n<parameter=content>\n</parameter>", " "),
}


class Counter:
    """Counts the characters that a source copies or looks at, and the steps it takes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for name in ("feed", "rest", "take", "rewind"):
            patch.setattr(Source, name, self._counted(getattr(Source, name)))

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def count(source: Source, *arguments: Any, **named: Any) -> Any:
            result = method(source, *arguments, **named)
            self.count += 1 + (len(result) if isinstance(result, str) else 0)
            if method.__name__ == "feed":
                self.count += len(source.text)
            return result

        return count


def cost(answer: str, length: int) -> int:
    """Return the cost of an answer that comes in pieces of this length."""
    corrections = Corrections()
    corrections.end()
    pieces = (answer[at : at + length] for at in range(0, len(answer), length))
    with pytest.MonkeyPatch.context() as patch:
        counter = Counter(patch)
        for _ in find_calls(texts(pieces), asked(), corrections):
            pass
        return counter.count


@pytest.mark.parametrize("length", [3, 1_000_000], ids=["in pieces", "whole"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_cost_of_a_character_does_not_grow(shape: str, length: int) -> None:
    begin, repeated = SHAPES[shape]
    short = cost(begin + repeated * (5_000 // len(repeated)), length)
    long = cost(begin + repeated * (20_000 // len(repeated)), length)
    assert long < 6 * short


def test_a_block_that_never_ends_is_not_kept_for_ever() -> None:
    kept: list[int] = []

    def endless() -> Iterator[Text]:
        yield Text('<tool_call>{"arguments":{"a":"')
        while not kept:
            yield Text("x" * 500_000)

    corrections = Corrections()
    corrections.end()
    for event in find_calls(endless(), asked(), corrections):
        kept.append(len(event.text) if isinstance(event, Text) else 0)
    assert LONGEST_HELD <= kept[0] < LONGEST_HELD + 1_000_000
