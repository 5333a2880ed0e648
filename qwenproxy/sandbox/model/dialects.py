"""How models write a call of a function as text: as they were trained to, as they are asked to, and wrongly. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.envelope import compact


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function. `arguments` None are made from its schema; `dialect` empty is the one it is offered in."""

    name: str
    arguments: Any = None
    dialect: str = ""


def written(call: Call, dialect: str, parameters: Any = None) -> str:
    """Return a call as text; `parameters` is the schema of the function."""
    arguments = _told_apart(call.arguments, parameters) if dialect in _IN_ELEMENTS else call.arguments
    return _DIALECTS[dialect](call.name, arguments)


def _told_apart(arguments: Any, parameters: Any) -> Any:
    """Return arguments whose strings cannot be taken for JSON where the schema does not say that they are strings."""
    if not isinstance(arguments, dict):
        return arguments
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    schemas = properties if isinstance(properties, dict) else {}
    return {
        key: compact(value) if _is_json(value) and not _says_type(schemas.get(key)) else value
        for key, value in arguments.items()
    }


def _is_json(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _says_type(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    kind = schema.get("type")
    return kind.lower() in _TYPES if isinstance(kind, str) else any(word in schema for word in _SAYING)


def _json_of(arguments: Any) -> str:
    """Return the arguments as JSON; a string is taken for JSON, right or wrong."""
    return arguments if isinstance(arguments, str) else compact(arguments)


def _object(name: str, arguments: Any) -> str:
    return f'{{"name":{compact(name)},"arguments":{_json_of(arguments)}}}'


def _tool_call(name: str, arguments: Any) -> str:
    return f"<tool_call>{_object(name, arguments)}</tool_call>\n"


def _as_it_is(text: str) -> str:
    return text


def _apart(text: str) -> str:
    """Return a text in the neutral notation, whose readers take a line break at both ends for a part of it."""
    return f"\n{text}\n" if text.startswith(("\n", "\r\n")) else text


def _elements(arguments: Any, form: str, write: Callable[[str], str] = _as_it_is) -> str:
    """Return one element per argument: strings as they are, all else as JSON."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {"arguments": arguments}
    pairs = arguments.items() if isinstance(arguments, dict) else [("arguments", arguments)]
    return "".join(form.format(key, write(value) if isinstance(value, str) else compact(value)) for key, value in pairs)


def _use_function(name: str, arguments: Any) -> str:
    elements = _elements(arguments, '<argument name="{}">{}</argument>\n', _apart)
    return f'<use_function name="{name}">\n{elements}</use_function>\n'


def _function(name: str, arguments: Any) -> str:
    return f"<function={name}>\n" + _elements(arguments, "<parameter={}>\n{}\n</parameter>\n") + "</function>\n"


def _invoke(name: str, arguments: Any) -> str:
    return f'<invoke name="{name}">\n' + _elements(arguments, '<parameter name="{}">{}</parameter>\n') + "</invoke>\n"


_DIALECTS: Mapping[str, Callable[[str, Any], str]] = {
    "tool_call": _tool_call,
    "use_function": _use_function,
    "function": _function,
    "coder": lambda name, arguments: f"<tool_call>\n{_function(name, arguments)}</tool_call>\n",
    "invoke": _invoke,
    "bare": _object,
    "fenced": lambda name, arguments: f"```json\n{_object(name, arguments)}\n```\n",
    "unclosed": lambda name, arguments: f"<tool_call>{_object(name, arguments)}",
    "misclosed": lambda name, arguments: f"<tool_call>{_object(name, arguments)}</parameter></function>\n",
    "broken": lambda name, arguments: f"<tool_call>{_object(name, arguments)[:-2]}</tool_call>\n",
}
_IN_ELEMENTS = frozenset({"use_function", "function", "coder", "invoke"})
_TYPES = frozenset(
    [
        "string",
        "str",
        "integer",
        "int",
        "long",
        "number",
        "float",
        "double",
        "boolean",
        "bool",
        "array",
        "list",
        "tuple",
        "object",
        "dict",
        "null",
    ]
)  # some clients write Python's and Java's, in any case
_SAYING = ("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref")
DIALECTS = frozenset({*_DIALECTS, "native", "channel"})
