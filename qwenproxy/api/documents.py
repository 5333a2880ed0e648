"""Read which form a request wants its answer to have, in the fields of all APIs (contract 7.7).

Every form becomes one Document, regardless of the request's own API. Pure; the parsers use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.api.fields import read_object, read_text
from qwenproxy.chat import Document
from qwenproxy.chat.schemas import NotASchema, check_schema
from qwenproxy.errors import RequestError

FIELDS = frozenset({"output_format", "response_format"})  # and `output_config`, which thinking.py reads, too


def parse_response_format(body: Mapping[str, Any]) -> Document | None:
    """Return the document that a body asks for, None for free text. Raises RequestError.

    OpenAI's field is `response_format`; Anthropic's is `output_config.format`, and before that it was `output_format`.
    """
    output_config = read_object(body, "output_config")
    return (
        read_format(body.get("response_format"), "response_format")
        or read_format(output_config.get("format"), "output_config.format")
        or read_format(body.get("output_format"), "output_format")
    )


def read_format(value: Any, where: str) -> Document | None:
    """Return the document that an object with a `type` asks for, None for free text. Raises RequestError.

    The schema stands in it, or in its `json_schema`; a `json_object` may have one, too. `where` names the object.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object with a type.", param=where)
    kind = value.get("type")
    if kind == "text":
        return None
    if kind not in ("json_object", "json_schema"):
        raise RequestError(f"{where}.type must be text, json_object or json_schema.", param=f"{where}.type")
    has_inner = value.get("json_schema") is not None
    holder = read_object(value, "json_schema", within=f"{where}.") if has_inner else value
    within = f"{where}.json_schema." if has_inner else f"{where}."
    name = read_text(holder, "name", within=within) or ""
    if kind == "json_object" and holder.get("schema") is None:
        return Document(name=name)
    return Document(read_schema(holder.get("schema"), f"{within}schema"), name)


def read_schema(value: Any, where: str) -> dict[str, Any]:
    """Return a value that must be a JSON schema and an object. Raises RequestError that says what is wrong with it."""
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be a JSON schema, as an object.", param=where)
    try:
        check_schema(value)
    except NotASchema as error:
        raise RequestError(f"{where} is no valid JSON schema: it {error}.", param=where) from None
    return dict(value)
