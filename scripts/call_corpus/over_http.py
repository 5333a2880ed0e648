"""The corpus on the whole way: the stand-in's model writes each call, and a running server passes it on to a client.

Each call goes one way, and the ways take turns: every notation, natively, in every wire API, streamed and not.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests

from call_corpus.corpus import Case
from call_corpus.wire_apis import WIRE_APIS, Function, objects_of

# Notations of the stand-in's directive `call`; "" is the way in which the function was offered.
FORMS = ("", "tool_call", "use_function", "coder", "invoke", "bare", "channel")
AT_ONCE = 4
ANSWER_WAIT = 60.0  # seconds
_TYPES = {"dict": "object", "float": "number", "tuple": "array"}

Outcome = tuple[Case, str, str]  # the call, its way, and what came in its place, "" if it is right


@dataclass(frozen=True, slots=True)
class Way:
    """The notation in which a call is written, and how its client asks."""

    form: str
    api: str
    streamed: bool

    @property
    def name(self) -> str:
        """The way in words."""
        return f"{self.form or 'as offered'}, {self.api}, {'streamed' if self.streamed else 'whole'}"


def ask_all(url: str, cases: Iterable[Case], apis: Iterable[str]) -> Iterator[Outcome]:
    """Have each call written and passed on by the server at `url`, which has to stand on the stand-in."""
    ways = itertools.cycle([Way(*each) for each in itertools.product(FORMS, apis, (False, True))])
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield from threads.map(lambda asked: _ask(url, *asked), [(case, next(ways)) for case in cases])


def _ask(url: str, case: Case, way: Way) -> Outcome:
    notation = f" as={way.form}" if way.form else ""
    order = f"{{{{call {case.tool.name} {json.dumps(case.arguments)}{notation}}}}}"
    function = Function(case.tool.name, case.tool.description, _as_json_schema(case.tool.parameters))
    api = WIRE_APIS[way.api]
    response = requests.post(
        f"{url}{api.path(way.streamed)}", json=api.body(order, function, way.streamed), timeout=ANSWER_WAIT
    )
    is_right = response.ok and _calls(response.text, way) == json.dumps([[case.tool.name, case.arguments]])
    return case, way.name, "" if is_right else response.text[-600:]


def _calls(text: str, way: Way) -> str:
    """Return the calls of an answer as JSON, because Python takes 1 and True for equal; "" for one that is none."""
    api = WIRE_APIS[way.api]
    try:
        return json.dumps(api.streamed(objects_of(text)) if way.streamed else api.whole(json.loads(text)))
    except (ValueError, LookupError):
        return ""


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
