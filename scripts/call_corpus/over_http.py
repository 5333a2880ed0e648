"""The corpus on the whole way: the stand-in's model writes each call, and a running server passes it on to a client.

Each call goes one way, and the ways take turns: every notation, natively, streamed and not.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from call_corpus.corpus import Case

# Notations of the stand-in's directive `call`; "" is the way in which the function was offered.
FORMS = ("", "tool_call", "use_function", "coder", "invoke", "bare", "channel")
AT_ONCE = 4
ANSWER_WAIT = 60.0  # seconds
_TYPES = {"dict": "object", "float": "number", "tuple": "array"}

Way = tuple[Case, str, bool]
Outcome = tuple[Case, str, str]  # the call, its way, and what came in its place, "" if it is right


def ask_all(url: str, cases: Iterable[Case]) -> Iterator[Outcome]:
    """Have each call written and passed on by the server at `url`, which has to stand on the stand-in."""
    ways = itertools.cycle([(form, streamed) for form in FORMS for streamed in (False, True)])
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield from threads.map(lambda way: _ask(url, way), [(case, *next(ways)) for case in cases])


def _ask(url: str, way: Way) -> Outcome:
    case, form, streamed = way
    name = f"{form or 'as offered'}, {'streamed' if streamed else 'whole'}"
    notation = f" as={form}" if form else ""
    order = f"{{{{call {case.tool.name} {json.dumps(case.arguments)}{notation}}}}}"
    parameters = _as_json_schema(case.tool.parameters)
    function = {"name": case.tool.name, "description": case.tool.description, "parameters": parameters}
    body = {
        "model": "qwen-max",
        "stream": streamed,
        "messages": [{"role": "user", "content": order}],
        "tools": [{"type": "function", "function": function}],
    }
    response = requests.post(f"{url}/v1/chat/completions", json=body, timeout=ANSWER_WAIT)
    came = _streamed(response) if streamed else _whole(response)
    # As text, because Python takes 1 and True for equal.
    is_right = json.dumps(came) == json.dumps([case.tool.name, case.arguments])
    return case, name, "" if is_right else response.text[-600:]


def _as_json_schema(schema: Any) -> Any:
    """Return a schema of the corpus with the types of JSON schema; it names them as Python does."""
    if isinstance(schema, list):
        return [_as_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: (_TYPES.get(value, value) if key == "type" else value)
        if isinstance(value, str)
        else _as_json_schema(value)
        for key, value in schema.items()
        if (key, value) != ("type", "any")
    }


def _whole(response: requests.Response) -> object:
    if response.status_code != requests.codes.ok:
        return response.status_code
    calls = response.json()["choices"][0]["message"].get("tool_calls", ())
    return _one([(call["function"]["name"], call["function"]["arguments"]) for call in calls])


def _streamed(response: requests.Response) -> object:
    calls: list[tuple[str, str]] = []
    for line in response.text.split("\n"):
        frame: Any = json.loads(line[6:]) if line.startswith("data: {") else {}
        for piece in (frame.get("choices") or [{}])[0].get("delta", {}).get("tool_calls", ()):
            function = piece["function"]
            if "name" in function:
                calls.append((function["name"], ""))
            calls[-1] = (calls[-1][0], calls[-1][1] + function.get("arguments", ""))
    return _one(calls) if "[DONE]" in response.text else "no end"


def _one(calls: list[tuple[str, str]]) -> object:
    if len(calls) != 1:
        return len(calls)
    name, arguments = calls[0]
    try:
        return [name, json.loads(arguments)]
    except ValueError:
        return arguments
