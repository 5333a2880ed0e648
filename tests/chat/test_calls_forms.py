"""Calls in every notation and with every slip of a model: the right call, honest text, or a correction."""

from __future__ import annotations

from typing import Any

import pytest
from call_reading import asked, outcome, texts

PARIS = ("get_weather", {"city": "Paris"})
ROME = ("get_weather", {"city": "Rome"})
FILE = ("write_file", {"path": "a.txt", "content": "one\ntwo\n"})

OBJECT = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
OTHER = '{"name": "get_weather", "arguments": {"city": "Rome"}}'
HERMES = f"<tool_call>\n{OBJECT}\n</tool_call>"
CODER = "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>"
INVOKE = '<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n</invoke>'
OURS = '<use_function name="get_weather">\n<argument name="city">Paris</argument>\n</use_function>'

# Each id says what is odd; (what the model writes, what the client gets).
CALLS: dict[str, tuple[str, list[Any]]] = {
    "hermes": (HERMES, [PARIS]),
    "hermes in one line": (f"<tool_call>{OBJECT}</tool_call>", [PARIS]),
    "coder": (CODER, [PARIS]),
    "invoke": (INVOKE, [PARIS]),
    "ours": (OURS, [PARIS]),
    "text before": (f"Let me look.\n\n{HERMES}", ["Let me look.", PARIS]),
    "text before in the line": (f"Let me look. {HERMES}", ["Let me look.", PARIS]),
    "two blocks": (f"{HERMES}\n\n<tool_call>{OTHER}</tool_call>\n", [PARIS, ROME]),
    "two notations": (f"{CODER}\n{OURS}", [PARIS, PARIS]),
    "parameters": ('<tool_call>{"name":"get_weather","parameters":{"city":"Paris"} }</tool_call>', [PARIS]),
    "args": ('<tool_call>{"name":"get_weather","args":{"city":"Paris"}}</tool_call>', [PARIS]),
    "input": ('<tool_call>{"tool":"get_weather","input":{"city":"Paris"}}</tool_call>', [PARIS]),
    "tool_name and tool_input": (
        '<tool_call>{"tool_name":"get_weather","tool_input":{"city":"Paris"}}</tool_call>',
        [PARIS],
    ),
    "nested function": (
        '<tool_call>{"id":"1","type":"function","function":{"name":"get_weather","arguments":{"city":"Paris"}}}'
        "</tool_call>",
        [PARIS],
    ),
    "openai's object": (
        '<tool_call>{"type":"function","function":{"name":"get_weather","arguments":"{\\"city\\":\\"Paris\\"}"}}'
        "</tool_call>",
        [PARIS],
    ),
    "function as a string": ('<tool_call>{"function":"get_weather","arguments":{"city":"Paris"}}</tool_call>', [PARIS]),
    "type beside": (
        '<tool_call>{"type":"function","name":"get_weather","arguments":{"city":"Paris"}}</tool_call>',
        [PARIS],
    ),
    "arguments first": ('<tool_call>{"arguments":{"city":"Paris"},"name":"get_weather"}</tool_call>', [PARIS]),
    "arguments beside the name": ('<tool_call>{"name":"get_weather","city":"Paris"}</tool_call>', [PARIS]),
    "arguments as a string": (
        '<tool_call>{"name":"get_weather","arguments":"{\\"city\\": \\"Paris\\"}"}</tool_call>',
        [PARIS],
    ),
    "arguments empty string": ('<tool_call>{"name":"get_time","arguments":""}</tool_call>', [("get_time", {})]),
    "arguments null": ('<tool_call>{"name":"get_time","arguments":null}</tool_call>', [("get_time", {})]),
    "arguments missing": ('<tool_call>\n{"name":"get_time"}\n</tool_call>', [("get_time", {})]),
    "arguments empty": ('<tool_call>{"name":"get_time","arguments":{}}</tool_call>', [("get_time", {})]),
    "two objects in one block": (f"<tool_call>{OBJECT}\n{OTHER}</tool_call>", [PARIS, ROME]),
    "two objects with a comma": (f"<tool_call>{OBJECT}, {OTHER}</tool_call>", [PARIS, ROME]),
    "an array in one block": (f"<tool_call>[{OBJECT}, {OTHER}]</tool_call>", [PARIS, ROME]),
    "tool_calls list": (f'<tool_call>{{"tool_calls": [{OBJECT}, {OTHER}]}}</tool_call>', [PARIS, ROME]),
    "wrapper of wrappers": (f"<tool_calls>\n{HERMES}\n{HERMES}\n</tool_calls>", [PARIS, PARIS]),
    "one brace missing": (f"<tool_call>{OBJECT[:-1]}</tool_call>", [PARIS]),
    "two braces missing": (f"<tool_call>{OBJECT[:-2]}</tool_call>", [PARIS]),
    "brace missing at the end": (f"<tool_call>{OBJECT[:-1]}", [PARIS]),
    "brace too many": (f"<tool_call>{OBJECT}}}</tool_call>", [PARIS]),
    "closing tag missing": (f"<tool_call>{OBJECT}", [PARIS]),
    "first closing tag missing": (f"<tool_call>{OBJECT}\n<tool_call>{OTHER}\n</tool_call>", [PARIS, ROME]),
    "wrong closing tags": (f"<tool_call>{OBJECT}</parameter></function>", [PARIS]),
    "wrong closing tag": (f"<tool_call>{OBJECT}</function>", [PARIS]),
    "closing tag twice": (f"<tool_call>{OBJECT}</tool_call></tool_call>", [PARIS]),
    "a fence inside": (f"<tool_call>\n```json\n{OBJECT}\n```\n</tool_call>", [PARIS]),
    "literal breaks": (
        '<tool_call>\\n{"name": "get_weather",\\n "arguments": {"city": "Paris"}}\\n</tool_call>',
        [PARIS],
    ),
    "trailing commas": ('<tool_call>{"name": "get_weather", "arguments": {"city": "Paris",},}</tool_call>', [PARIS]),
    "single quotes": ("<tool_call>{'name': 'get_weather', 'arguments': {'city': 'Paris'}}</tool_call>", [PARIS]),
    "apostrophe in single quotes": (
        "<tool_call>{'name': 'get_weather', 'arguments': {'city': 'St John's'}}</tool_call>",
        [("get_weather", {"city": "St John's"})],
    ),
    "python's literals": (
        "<tool_call>{'name': 'look', 'arguments': {'a': True, 'b': None, 'c': [False]}}</tool_call>",
        [("look", {"a": True, "b": None, "c": [False]})],
    ),
    "inner quotes": (
        '<tool_call>{"name": "get_weather", "arguments": {"city": "say "hi" now"}}</tool_call>',
        [("get_weather", {"city": 'say "hi" now'})],
    ),
    "inner quotes before a comma": (
        '<tool_call>{"name": "look", "arguments": {"a": "say "hi", then go", "b": 1}}</tool_call>',
        [("look", {"a": 'say "hi", then go', "b": 1})],
    ),
    "raw breaks and tabs": (
        '<tool_call>{"name": "get_weather", "arguments": {"city": "a\n\tb"}}</tool_call>',
        [("get_weather", {"city": "a\n\tb"})],
    ),
    "a path of Windows": (
        '<tool_call>{"name": "look", "arguments": {"a": "C:\\data\\x"}}</tool_call>',
        [("look", {"a": "C:\\data\\x"})],
    ),
    "half of an emoji": (
        '<tool_call>{"name": "look", "arguments": {"a": "x\\ud83d y", "b": "\\ud83d\\ude00"}}</tool_call>',
        [("look", {"a": "x\ufffd y", "b": "😀"})],
    ),
    "tags in a string": (
        '<tool_call>{"name":"look","arguments":{"a":"</tool_call> \\" <tool_call>{"}}</tool_call>',
        [("look", {"a": '</tool_call> " <tool_call>{'})],
    ),
    "big number": (
        '<tool_call>{"name":"look","arguments":{"n":123456789012345678901234567890}}</tool_call>',
        [("look", {"n": 123456789012345678901234567890})],
    ),
    "mistral": (f"[TOOL_CALLS][{OBJECT}, {OTHER}]", [PARIS, ROME]),
    "mistral behind words": (f"Let me look.[TOOL_CALLS] [{OBJECT}]", ["Let me look.", PARIS]),
    "mistral with an object": (f"[TOOL_CALLS]{OBJECT}", [PARIS]),
    "mistral, name first": ('[TOOL_CALLS]get_weather{"city": "Paris"}', [PARIS]),
    "mistral, names first": (
        'So:\n[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]get_weather[CALL_ID]a1b2[ARGS]{"city": "Rome"}',
        ["So:", PARIS, ROME],
    ),
    "agent": ('✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Paris"}\n', [PARIS]),
    "agent, twice, with an invented result": (
        'I look.\n✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Paris"}\n✿FUNCTION✿:get_weather\n✿ARGS✿:'
        '{"city": "Rome"}\n✿RESULT✿: sunny\n✿RETURN✿: It is sunny.',
        ["I look.", PARIS, ROME],
    ),
    "glm": (
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n"
        "<arg_value>3</arg_value>\n</tool_call>",
        [("get_weather", {"city": "Paris", "days": 3})],
    ),
    "glm, in a line, twice": (
        "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>"
        "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Rome</arg_value></tool_call>",
        [PARIS, ROME],
    ),
    "glm with tags in the text": (
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>a </arg_value> b</arg_value>\n</tool_call>",
        [("get_weather", {"city": "a </arg_value> b"})],
    ),
    "glm lacks an end": ("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</tool_call>", [PARIS]),
    "a name alone": ("<tool_call>get_time</tool_call>", [("get_time", {})]),
    "a name before the object": ('<tool_call>get_weather\n{"city": "Paris"}\n</tool_call>', [PARIS]),
    "function_call": (f"<function_call>{OBJECT}</function_call>", [PARIS]),
    "function_call with text": (f"So.\n<function_call>\n{OBJECT}\n</function_call>\n", ["So.", PARIS]),
    "tool_call with a name": ('<tool_call name="get_weather">{"city": "Paris"}</tool_call>', [PARIS]),
    "tool_call with a name and elements": (
        "<tool_call name='get_weather'>\n<parameter name='city'>Paris</parameter>\n</tool_call>",
        [PARIS],
    ),
    "keywords": (
        '<tool_call>get_weather(city="Paris", days=3)</tool_call>',
        [("get_weather", {"city": "Paris", "days": 3})],
    ),
    "keywords, two": (
        "<tool_call>\nget_weather(city='Paris')\n</tool_call>\n<tool_call>get_weather(city = \"Rome\",)</tool_call>",
        [PARIS, ROME],
    ),
    "keywords of all kinds": (
        '<tool_call>look(a=[1, "x"], b={"c": None}, d=True, e="say "hi", then", f=-1.5)</tool_call>',
        [("look", {"a": [1, "x"], "b": {"c": None}, "d": True, "e": 'say "hi", then', "f": -1.5})],
    ),
    "keywords, none": ("<tool_call>get_time()</tool_call>", [("get_time", {})]),
    "an object in brackets": ('<tool_call>get_weather({"city": "Paris"})</tool_call>', [PARIS]),
    "the name as the key": ('<tool_call>{"get_weather": {"city": "Paris"}}</tool_call>', [PARIS]),
    "the name as the key, twice": (
        '<tool_call>{"get_weather": {"city": "Paris"}}\n{"get_weather": {"city": "Rome"}}</tool_call>',
        [PARIS, ROME],
    ),
    "bare object at the end": (f"I look.\n{OBJECT}", ["I look.", PARIS]),
    "bare object at the end, with space": (f"I look.\n\n  {OBJECT}\n\n", ["I look.", PARIS]),
    "bare objects at the end": (f"I look.\n{OBJECT}\n{OTHER}\n", ["I look.", PARIS, ROME]),
    "bare object behind another": (f'It is\n{{"a": 1}}\n{OBJECT}', ['It is\n{"a": 1}', PARIS]),
    "the opening tag got lost": (f"I look.\n{OBJECT}\n</tool_call>", ["I look.", PARIS]),
    "indented": (f"So:\n    {HERMES}", ["So:", PARIS]),
    "indented at the begin": (f"    {HERMES}", [PARIS]),
    "indented under a list item": (f"1. I look:\n\n    {HERMES}", ["1. I look:", PARIS]),
    "indented under an item of an item": (f"- One\n  - I look:\n\n      {HERMES}", ["- One\n  - I look:", PARIS]),
    "indented by three": (f"So:\n\n   {HERMES}", ["So:", PARIS]),
    "behind code": (f"So:\n\n    x = 1\n\n{HERMES}", ["So:\n\n    x = 1", PARIS]),
    "ours with a break": (
        '<use_function name="write_file">\n<argument name="path">a</argument>\n<argument name="content">\n'
        "x</argument>\n</use_function>",
        [("write_file", {"path": "a", "content": "\nx"})],
    ),
    "ours with a break alone": (
        '<use_function name="get_weather">\n<argument name="city">\n</argument>\n</use_function>',
        [("get_weather", {"city": "\n"})],
    ),
    "name in another case": (HERMES.replace("get_weather", "Get-Weather"), [PARIS]),
    "name with a server": (HERMES.replace("get_weather", "local-get_weather"), [PARIS]),
    "name with a prefix": (HERMES.replace("get_weather", "functions.get_weather"), [PARIS]),
    "coder without wrapper": ("<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>", [PARIS]),
    "coder with an orphan closer": (CODER.removeprefix("<tool_call>\n"), [PARIS]),
    "coder in one line": ("<function=get_weather><parameter=city>Paris</parameter></function>", [PARIS]),
    "coder without the end": ("<function=get_weather><parameter=city>Paris</parameter>", [PARIS]),
    "coder lacks the parameter's end": ("<function=get_weather>\n<parameter=city>\nParis\n</function>", [PARIS]),
    "coder lacks both ends": ("<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</tool_call>", [PARIS]),
    "coder lacks an end amid": (
        "<function=write_file>\n<parameter=path>\na.txt\n<parameter=content>\none\ntwo\n\n</parameter>\n</function>",
        [FILE],
    ),
    "coder without arguments": ("<function=get_time>\n</function>", [("get_time", {})]),
    "coder with json": ('<function=get_weather>{"city": "Paris"}</function>', [PARIS]),
    "coder twice in one wrapper": (
        CODER.replace("\n</tool_call>", "") + CODER.removeprefix("<tool_call>"),
        [PARIS] * 2,
    ),
    "coder with a number": (
        "<function=get_weather><parameter=city>\n42\n</parameter><parameter=days>\n3\n</parameter></function>",
        [("get_weather", {"city": "42", "days": 3})],
    ),
    "coder with tags in the text": (
        "<function=write_file>\n<parameter=path>\na\n</parameter>\n<parameter=content>\n<b></parameter> </x>\n"
        "</parameter>\n</function>",
        [("write_file", {"path": "a", "content": "<b></parameter> </x>"})],
    ),
    "function with a name": (
        '<function name="get_weather"><parameter name="city">Paris</parameter></function>',
        [PARIS],
    ),
    "invoke in its wrapper": (f"<function_calls>\n{INVOKE}\n</function_calls>", [PARIS]),
    "invoke with a namespace": (
        '<ns:function_calls>\n<ns:invoke name="get_weather">\n<ns:parameter name="city">Paris</ns:parameter>\n'
        "</ns:invoke>\n</ns:function_calls>",
        [PARIS],
    ),
    "invoke twice": (f"<function_calls>\n{INVOKE}\n{INVOKE}\n</function_calls>", [PARIS, PARIS]),
    "invoke in a tool_call": (f"<tool_call>{INVOKE}</tool_call>", [PARIS]),
    "ours with a file": (
        '<use_function name="write_file">\n<argument name="path">a.txt</argument>\n<argument name="content">one\ntwo\n'
        "</argument>\n</use_function>",
        [FILE],
    ),
    "ours as a block": (
        '<use_function name="write_file">\n<argument name="path">\na.txt\n</argument>\n<argument name="content">\none\n'
        "two\n\n</argument>\n</use_function>",
        [FILE],
    ),
    "ours with its tags in a file": (
        '<use_function name="write_file">\n<argument name="path">a</argument>\n<argument name="content"></argument> '
        "</argument></argument>\n</use_function>",
        [("write_file", {"path": "a", "content": "</argument> </argument>"})],
    ),
    "ours twice": (f"{OURS}\n{OURS}", [PARIS, PARIS]),
    "ours with an array": (
        '<use_function name="look">\n<argument name="a">[1, "x"]</argument>\n</use_function>',
        [("look", {"a": [1, "x"]})],
    ),
    "tools": (f"<tools>{OBJECT}</tools>", [PARIS]),
    "bare object": (OBJECT, [PARIS]),
    "bare object with space": (f"\n {OBJECT}\n", [PARIS]),
    "bare objects": (f"{OBJECT}\n{OTHER}", [PARIS, ROME]),
    "bare array": (f"[{OBJECT},\n{OTHER}]", [PARIS, ROME]),
    "bare with a list": (f'{{"tool_calls": [{OBJECT}]}}', [PARIS]),
    "bare object, brace missing": (OBJECT[:-1], [PARIS]),
    "fenced object": (f"```json\n{OBJECT}\n```", [PARIS]),
    "fenced object without a word": (f"```\n{OBJECT}\n```\n", [PARIS]),
    "fenced object at the end": (f"I look:\n```json\n{OBJECT}\n```", ["I look:", PARIS]),
    "fenced array": (f"```json\n[{OBJECT}, {OTHER}]\n```", [PARIS, ROME]),
    "fenced tag is all": (f"```xml\n{HERMES}\n```", [PARIS]),
    "text after": (f"{HERMES}\nIt is sunny in Paris.", [PARIS]),
    "invented result": (f"{HERMES}\n<tool_response>\nsunny\n</tool_response>\nSunny.", [PARIS]),
    "freeform": (
        '<tool_call>{"name":"apply_patch","arguments":{"input":"*** Begin\\n+x"}}</tool_call>',
        [("apply_patch", "*** Begin\n+x")],
    ),
    "freeform as a string": (
        '<tool_call>{"name":"apply_patch","arguments":"*** Begin"}</tool_call>',
        [("apply_patch", "*** Begin")],
    ),
    "freeform, ours": (
        '<use_function name="apply_patch">\n<argument name="input">\n*** Begin\n+x\n</argument>\n</use_function>',
        [("apply_patch", "*** Begin\n+x")],
    ),
    "the site's sentence before": (
        f"Tool get_weather does not exists.Tool x does not exists.\n{HERMES}",
        [PARIS],
    ),
    "good block behind a closer": (f"</tool_call>{HERMES}", ["</tool_call>", PARIS]),
}


def pieces_of(answer: str) -> list[tuple[str, ...]]:
    """Return an answer whole, letter by letter, and cut in two at every position."""
    return [(answer,), tuple(answer), *((answer[:cut], answer[cut:]) for cut in range(1, len(answer)))]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_understood_cut_anywhere(name: str) -> None:
    answer, expected = CALLS[name]
    for pieces in pieces_of(answer):
        assert outcome(texts(pieces)) == [*expected, {"finish": "tool_calls"}], pieces


TEXTS: dict[str, str] = {
    "empty": "",
    "plain": "no call at all",
    "operators": "5 < 6, <tool, <tool_call and <b>",
    "tags in prose": "write <tool_call> and </tool_call> around it",
    "tag alone": "<tool_call>  ",
    "begin of a tag": "ends with <tool_c",
    "orphan closer": "done</tool_call>\n",
    "example in prose": f"To call it, write <tool_call>{OBJECT}</tool_call> and wait.",
    "example in backticks": f"Write `<tool_call>{OBJECT}</tool_call>`",
    "example in two backticks": f"Write ``<tool_call>{OBJECT}</tool_call>``\n",
    "example in quotation marks": f'Write "<tool_call>{OBJECT}</tool_call>"',
    "example in a fence": f"The format is:\n```xml\n{HERMES}\n```\nThat is all.",
    "example in a fence at the end": f"The format is:\n```xml\n{HERMES}\n```",
    "example in a fence of tildes": f"The format is:\n~~~\n{HERMES}\n~~~\n",
    "example in a longer fence": f"So:\n````\n```\n{HERMES}\n```\n````\n",
    "fenced object amid talk": f"The object is\n```json\n{OBJECT}\n```\nas you see.",
    "fence that does not end": f"So:\n```\nx\n{HERMES}\n",
    "fenced code": "```python\nprint({'name': 'x'})\n```\n",
    "json that is no call": '{"name": "Bob", "age": 3}',
    "json with the tool's name alone": '{"name": "get_weather", "title": "x"}',
    "json and words": f"{OBJECT} is what I would write.",
    "array that is no call": "[1, 2, 3]",
    "object of an unknown function": '{"name": "shop", "arguments": {}}',
    "the offer repeated": '<tools>{"name":"get_weather","description":"x","parameters":{"type":"object"}}</tools>',
    "the schema repeated": '{"name":"get_weather","parameters":{"type":"object","properties":{"city":{}}}}',
    "html": "<p>a</p>\n<function>x</function>\n<invoke>y</invoke>",
    "spaces at the end": "words  \n\n",
    "spaces at the begin": "\n\n  words",
    "sentence in a line": "It says: Tool x does not exists. So what.",
    "begin of the sentence": "Tool x does",
    "backticks behind tildes": "~~~ ```json x\n<tool_call>\n~~~\n",
    "a fence in one line": "```<tool_call>```\nx ``` y\n",
    "code by indentation": f"Write it so:\n\n    {HERMES}\n\nand wait.",
    "code by indentation, whole": f"Write it so:\n\n    <tool_call>\n    {OBJECT}\n    </tool_call>",
    "code by a tab": f"Write it so:\n\n\t<tool_call>{OBJECT}</tool_call>\n",
    "code of more lines": f"Write:\n\n    first\n    <tool_call>{OBJECT}</tool_call>\n",
    "code under a list item": f"- Write:\n\n      <tool_call>{OBJECT}</tool_call>\n",
    "code behind a list": f"- One\n\nWrite:\n\n    <tool_call>{OBJECT}</tool_call>\n",
    "code behind a fence with a list": f"```\n- One\n```\nWrite:\n\n    <tool_call>{OBJECT}</tool_call>\n",
    "object in code": f"Write:\n\n    {OBJECT}\n",
    "object amid talk": f"As here:\n{OBJECT}\nas you see.",
    "object in a sentence": f"As here: {OBJECT}",
    "object in a quotation": f"As here:\n> {OBJECT}",
    "object in a document": f'{{"plan": [\n{OBJECT}\n]}}',
    "object in a list": f"As here:\n[\n{OBJECT}\n]",
    "object without arguments at the end": 'As here:\n{"name": "get_weather"}',
    "object of an unknown function at the end": 'As here:\n{"name": "shop", "arguments": {}}',
    "object with more at the end": 'As here:\n{"name": "get_weather", "arguments": {"city": "x"}, "title": "y"}',
    "object that cannot be carried out at the end": 'As here:\n{"name": "get_weather", "arguments": {}}',
    "the name as the key of a bare object": '{"get_weather": {"city": "Paris"}}',
    "mistral in prose": "It writes [TOOL_CALLS] and then a list.",
    "mistral shown": f"It writes `[TOOL_CALLS][{OBJECT}]`.",
    "mistral in quotation marks": f'It writes "[TOOL_CALLS][{OBJECT}]"',
    "mistral amid a line": f"It writes [TOOL_CALLS][{OBJECT}] and waits.",
    "brackets": "[TOOL_ and [1] [a](b) [TOOL_CALLS",
    "flowers": "✿ a ✿FUNCTION ✿FUNCTION✿: x and ✿FUNCTION✿",
    "agent in prose": "It writes ✿FUNCTION✿: get_weather ✿ARGS✿: {...} then.",
    "agent in a fence": 'So:\n```\n✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Paris"}\n```\n',
    "glm in prose": "<tool_call>name</tool_call> stands around it, <tool_call>get_time</tool_call> too.",
    "glm shown": "So:\n```\n<tool_call>get_time</tool_call>\n```",
    "a tag before brackets": "It writes <function=get_weather>(see above) first.",
    "keywords in prose": "<tool_call>f(x)</tool_call> is one, get_time() too.",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_stays_text_cut_anywhere(name: str) -> None:
    answer = TEXTS[name]
    expected = [answer] if answer else []
    for pieces in pieces_of(answer):
        assert outcome(texts(pieces)) == [*expected, {"finish": "stop"}], pieces


# What gets a correction, and what comes out where none is possible; words of the correction.
BROKEN: dict[str, tuple[str, list[Any], str]] = {
    "not json": ("<tool_call>{not json}</tool_call> x", ["<tool_call>{not json}</tool_call> x"], "no valid JSON"),
    "no name": ('<tool_call>{"arguments":{}}</tool_call>', ['<tool_call>{"arguments":{}}</tool_call>'], "no name"),
    "unknown function": (
        '<tool_call>{"name":"web_search","arguments":{"queries":["x"]}}</tool_call>',
        ['<tool_call>{"name":"web_search","arguments":{"queries":["x"]}}</tool_call>'],
        "no function 'web_search'; the functions are get_weather, write_file",
    ),
    "unknown function, coder": (
        "<function=shop><parameter=a>1</parameter></function>",
        ["<function=shop><parameter=a>1</parameter></function>"],
        "no function 'shop'",
    ),
    "argument missing": (
        '<tool_call>{"name":"get_weather","arguments":{"days":1}}</tool_call>',
        ['<tool_call>{"name":"get_weather","arguments":{"days":1}}</tool_call>'],
        "'get_weather' was not carried out: the argument 'city' is missing",
    ),
    "argument of a wrong type": (
        '<tool_call>{"name":"get_weather","arguments":{"city":"x","days":"soon"}}</tool_call>',
        ['<tool_call>{"name":"get_weather","arguments":{"city":"x","days":"soon"}}</tool_call>'],
        "'days' must be an integer",
    ),
    "arguments are a list": (
        '<tool_call>{"name":"get_weather","arguments":["Paris"]}</tool_call>',
        ['<tool_call>{"name":"get_weather","arguments":["Paris"]}</tool_call>'],
        "must be a JSON object",
    ),
    "arguments are words": (
        '<tool_call>{"name":"get_weather","arguments":"Paris"}</tool_call>',
        ['<tool_call>{"name":"get_weather","arguments":"Paris"}</tool_call>'],
        "no valid JSON",
    ),
    "argument twice": (
        '<tool_call>{"name":"get_weather","arguments":{"city":"a","city":"b"}}</tool_call>',
        ['<tool_call>{"name":"get_weather","arguments":{"city":"a","city":"b"}}</tool_call>'],
        "'city' is given twice",
    ),
    "cut in a string": (
        '<tool_call>{"name":"get_weather","arguments":{"city":"Par',
        ['<tool_call>{"name":"get_weather","arguments":{"city":"Par'],
        "ended in its middle",
    ),
    "cut before its arguments": (
        '<tool_call>{"name":"get_weather","argum',
        ['<tool_call>{"name":"get_weather","argum'],
        "ended in its middle",
    ),
    "cut in an element": (
        "<function=get_weather>\n<parameter=city>\nPar",
        ["<function=get_weather>\n<parameter=city>\nPar"],
        "ended in its middle",
    ),
    "cut in our notation": (
        'I look.\n<use_function name="get_weather">\n<argument name="ci',
        ['I look.\n<use_function name="get_weather">\n<argument name="ci'],
        "ended in its middle",
    ),
    "an odd quote, then a good block": (
        '<tool_call>{"name":"get_weather","arguments":{"city":"say "hi"} }</tool_call>\n'
        f"<tool_call>{OTHER}</tool_call>",
        ['<tool_call>{"name":"get_weather","arguments":{"city":"say "hi"} }</tool_call>', ROME],
        "not escaped",
    ),
    "a string that is not closed, then a good block": (
        f'<tool_call>{{"name":"get_weather","arguments":{{"city":"Paris}}}}</tool_call>\n<tool_call>{OTHER}</tool_call>',
        ['<tool_call>{"name":"get_weather","arguments":{"city":"Paris}}</tool_call>', ROME],
        "not closed",
    ),
    "broken between good ones": (
        f"{HERMES}\n<tool_call>{{bad}}</tool_call>\n<tool_call>{OTHER}</tool_call>",
        [PARIS, ROME],
        "no valid JSON",
    ),
    "broken behind a good one": (f"{HERMES}\n<tool_call>{{bad}}</tool_call>", [PARIS], "no valid JSON"),
    "a broken call quotes a good one": (
        f'<tool_call>{{"name":"write_file","arguments":{{"content":"as {HERMES}',
        [f'<tool_call>{{"name":"write_file","arguments":{{"content":"as {HERMES}'],
        "not closed",
    ),
    "numbers that are none": (
        '<tool_call>{"name":"look","arguments":{"f":1e400}}</tool_call>',
        ['<tool_call>{"name":"look","arguments":{"f":1e400}}</tool_call>'],
        "'f' must be a number that JSON can carry",
    ),
    "numbers that are none, deep inside": (
        '<tool_call>{"name":"look","arguments":{"f":{"g":[1, -Infinity]}}}</tool_call>',
        ['<tool_call>{"name":"look","arguments":{"f":{"g":[1, -Infinity]}}}</tool_call>'],
        "'f' must be a number that JSON can carry",
    ),
    "unknown function, glm": (
        "<tool_call>shop\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
        ["<tool_call>shop\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>"],
        "no function 'shop'",
    ),
    "unknown function, mistral": (
        '[TOOL_CALLS][{"name": "shop", "arguments": {}}]',
        ['[TOOL_CALLS][{"name": "shop", "arguments": {}}]'],
        "no function 'shop'",
    ),
    "unknown function, agent": (
        "✿FUNCTION✿: shop\n✿ARGS✿: {}",
        ["✿FUNCTION✿: shop\n✿ARGS✿: {}"],
        "no function 'shop'",
    ),
    "argument missing, agent": (
        '✿FUNCTION✿: get_weather\n✿ARGS✿: {"days": 1}',
        ['✿FUNCTION✿: get_weather\n✿ARGS✿: {"days": 1}'],
        "'city' is missing",
    ),
    "keywords without a name": (
        '<tool_call>get_weather("Paris")</tool_call>',
        ['<tool_call>get_weather("Paris")</tool_call>'],
        "have no names",
    ),
    "keywords with a long string": (
        '<tool_call>get_weather(city="""a""")</tool_call>',
        ['<tool_call>get_weather(city="""a""")</tool_call>'],
        "three quotes",
    ),
    "keywords with an expression": (
        "<tool_call>get_weather(city=place)</tool_call>",
        ["<tool_call>get_weather(city=place)</tool_call>"],
        "no valid JSON",
    ),
    "words behind keywords": (
        '<tool_call>get_weather(city="a") + 1</tool_call>',
        ['<tool_call>get_weather(city="a") + 1</tool_call>'],
        "cannot be read",
    ),
    "the name as the key, and more": (
        '<tool_call>{"get_time": {}, "name": "get_weather"}</tool_call>',
        ['<tool_call>{"get_time": {}, "name": "get_weather"}</tool_call>'],
        "another key",
    ),
    "nested too deeply": (
        '<tool_call>{"name":"look","arguments":{"a":' + "[" * 120 + "</tool_call>",
        ['<tool_call>{"name":"look","arguments":{"a":' + "[" * 120 + "</tool_call>"],
        "nested too deeply",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_corrected_once_and_text_after_that(name: str) -> None:
    answer, expected, words = BROKEN[name]
    finish = {"finish": "tool_calls" if any(isinstance(each, tuple) for each in expected) else "stop"}
    for pieces in pieces_of(answer):
        assert outcome(texts(pieces), final=True) == [*expected, finish], pieces
        (correction,) = outcome(texts(pieces))
        assert words in correction["correction"], pieces


def test_a_correction_says_how_to_write_the_call() -> None:
    (correction,) = outcome(texts(['<tool_call>{"name":"get_weather","arguments":{}}</tool_call>']), asked())
    assert '<use_function name="get_weather">' in correction["correction"]
    assert len(correction["correction"]) < 400
