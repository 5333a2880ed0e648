"""The routes of conversations: make, look at, change and delete one, and its items (contract 4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.auth import client_name
from qwenproxy.api.bodies import json_body, optional_json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.responses.echo import read_metadata
from qwenproxy.api.responses.items import normalised
from qwenproxy.api.responses.objects import Item
from qwenproxy.api.responses.stored.answers import asker
from qwenproxy.api.responses.stored.pages import page_object, read_wish
from qwenproxy.api.wiring import stored
from qwenproxy.errors import RequestError
from qwenproxy.history.stored.tables import ItemPage

MOST_NEW = 20  # items that one request may add


def blueprint() -> Blueprint:
    """Return the routes."""
    routes = Blueprint("conversations", __name__)
    for prefix in PREFIXES:
        root = f"{prefix}/conversations"
        one, items = f"{root}/<conversation_id>", f"{root}/<conversation_id>/items"
        routes.add_url_rule(root, view_func=create, methods=["POST"])
        routes.add_url_rule(one, view_func=show, methods=["GET"])
        routes.add_url_rule(one, view_func=update, methods=["POST"])
        routes.add_url_rule(one, view_func=delete, methods=["DELETE"])
        routes.add_url_rule(items, view_func=list_items, methods=["GET"])
        routes.add_url_rule(items, view_func=add_items, methods=["POST"])
        routes.add_url_rule(f"{items}/<item_id>", view_func=show_item, methods=["GET"])
        routes.add_url_rule(f"{items}/<item_id>", view_func=remove_item, methods=["DELETE"])
    return routes


def create() -> ResponseReturnValue:
    """Answer POST …/conversations."""
    body = optional_json_body()
    items = _new_items(body, required=False)
    made = stored().conversations.create(client_name(), read_metadata(body.get("metadata")), items)
    ignored = Ignored()
    ignored.add_fields(body, ("items", "metadata"))
    return ignored.put_header(json_response(made))


def show(conversation_id: str) -> ResponseReturnValue:
    """Answer GET …/conversations/{id}."""
    return json_response(stored().conversations.get(conversation_id, client_name()))


def update(conversation_id: str) -> ResponseReturnValue:
    """Answer POST …/conversations/{id}."""
    body = json_body()
    if not isinstance(body.get("metadata"), dict):
        raise RequestError("metadata must be an object.", param="metadata")
    metadata = read_metadata(body["metadata"])
    return json_response(stored().conversations.update(conversation_id, client_name(), metadata))


def delete(conversation_id: str) -> ResponseReturnValue:
    """Answer DELETE …/conversations/{id}."""
    stored().conversations.delete(conversation_id, client_name())
    return json_response({"id": conversation_id, "object": "conversation.deleted", "deleted": True})


def list_items(conversation_id: str) -> ResponseReturnValue:
    """Answer GET …/conversations/{id}/items."""
    wish = read_wish(request.args)
    return json_response(page_object(stored().conversations.page(conversation_id, client_name(), wish)))


def add_items(conversation_id: str) -> ResponseReturnValue:
    """Answer POST …/conversations/{id}/items with the items that were added."""
    items = _new_items(json_body(), required=True)
    stored().conversations.add(conversation_id, client_name(), items)
    return json_response(page_object(ItemPage(items, has_more=False)))


def show_item(conversation_id: str, item_id: str) -> ResponseReturnValue:
    """Answer GET …/conversations/{id}/items/{item_id}."""
    return json_response(stored().conversations.item(conversation_id, client_name(), item_id))


def remove_item(conversation_id: str, item_id: str) -> ResponseReturnValue:
    """Answer DELETE …/conversations/{id}/items/{item_id} with the conversation."""
    return json_response(stored().conversations.remove(conversation_id, client_name(), item_id))


def _new_items(body: Mapping[str, Any], *, required: bool) -> list[Item]:
    """Return the items of a body, each with an id. Raises RequestError."""
    value = body.get("items")
    if value is None and not required:
        return []
    if not isinstance(value, list) or len(value) > MOST_NEW or (required and not value):
        raise RequestError(f"items must be an array of at most {MOST_NEW} items.", param="items")
    return list(normalised(value, asker().item))
