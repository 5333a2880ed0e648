"""Stored responses and conversations in the OpenAPI document. Data only."""

from __future__ import annotations

from typing import Any

from qwenproxy.api.openapi.builders import COUNT, FLAG, TEXT, Schema, an_object, array_of, const, ref
from qwenproxy.api.openapi.paths import (
    OPENAI_PREFIXES,
    READS_BODY,
    USES_DISK,
    Item,
    answers,
    body_of,
    json_content,
    operation,
)
from qwenproxy.api.openapi.responses import EVENTS, ITEM

METADATA: Schema = {"type": "object", "additionalProperties": TEXT, "maxProperties": 16}
NEW_ITEMS = array_of(ITEM, maxItems=20)

SCHEMAS: dict[str, Schema] = {
    "ItemPage": an_object(
        "object data first_id last_id has_more",
        object=const("list"),
        data=array_of(ref("ResponseItem")),
        first_id=TEXT,
        last_id=TEXT,
        has_more=FLAG,
    ),
    "ResponseDeleted": an_object("id object deleted", id=TEXT, object=const("response"), deleted=const(True)),
    "NewConversation": an_object("", items=NEW_ITEMS, metadata=METADATA),
    "ConversationUpdate": an_object("metadata", metadata=METADATA),
    "NewItems": an_object("items", items={**NEW_ITEMS, "minItems": 1}),
    "Conversation": an_object(
        "id object created_at metadata", id=TEXT, object=const("conversation"), created_at=COUNT, metadata=METADATA
    ),
    "ConversationDeleted": an_object(
        "id object deleted",
        id=TEXT,
        object=const("conversation.deleted"),
        deleted=const(True),
    ),
}


def _id(name: str) -> Item:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(name: str, schema: Schema) -> Item:
    return {"name": name, "in": "query", "schema": schema}


PAGE: list[Item] = [
    _query("limit", {"type": "integer", "minimum": 1, "maximum": 100}),
    _query("order", {"enum": ["asc", "desc"]}),
    _query("after", TEXT),
    _query("include", array_of(TEXT)),
]
STREAM: list[Item] = [
    _query("stream", FLAG),
    _query("starting_after", COUNT),
    _query("include", array_of(TEXT)),
]


def _op(summary: str, what: str, schema: str, *failures: int, **more: Any) -> Item:
    """Return an operation on what is stored."""
    found = answers(what, json_content(schema), (404, *USES_DISK, *failures), error="OpenAIError")
    return operation("OpenAI", summary, found, **more)


def _body(schema: str, *, required: bool = True) -> Item:
    return {"requestBody": body_of(json_content(schema), required=required)}


def _responses(prefix: str) -> Item:
    show = _op("Read a stored response", "the response, or its events", "Response", 400, parameters=STREAM)
    show["responses"]["200"]["content"].update(EVENTS)
    one = f"{prefix}/responses/{{response_id}}"
    known = {"parameters": [_id("response_id")]}
    return {
        one: {
            **known,
            "get": show,
            "delete": _op("Delete a stored response", "it is deleted", "ResponseDeleted"),
        },
        f"{one}/cancel": {**known, "post": _op("Cancel a response in the background", "it", "Response", 400)},
        f"{one}/input_items": {
            **known,
            "get": _op("List a response's input", "some of it", "ItemPage", 400, parameters=PAGE),
        },
    }


def _conversations(prefix: str) -> Item:
    root = f"{prefix}/conversations"
    one = f"{root}/{{conversation_id}}"
    known, item = [_id("conversation_id")], _id("item_id")
    return {
        root: {
            "post": _op(
                "Begin a conversation", "it", "Conversation", *READS_BODY, **_body("NewConversation", required=False)
            )
        },
        one: {
            "parameters": known,
            "get": _op("Read a conversation", "it", "Conversation"),
            "post": _op(
                "Change its metadata", "the conversation", "Conversation", *READS_BODY, **_body("ConversationUpdate")
            ),
            "delete": _op("Delete a conversation", "it is deleted", "ConversationDeleted"),
        },
        f"{one}/items": {
            "parameters": known,
            "get": _op("List a conversation's items", "some of them", "ItemPage", 400, parameters=PAGE),
            "post": _op("Add items", "the new ones", "ItemPage", *READS_BODY, **_body("NewItems")),
        },
        f"{one}/items/{{item_id}}": {
            "parameters": [*known, item],
            "get": _op("Read an item", "it", "ResponseItem"),
            "delete": _op("Remove an item", "the conversation", "Conversation"),
        },
    }


PATHS: Item = {
    path: item for prefix in OPENAI_PREFIXES for path, item in {**_responses(prefix), **_conversations(prefix)}.items()
}
