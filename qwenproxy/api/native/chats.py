"""The routes for kept chats: make, list, read, rename, delete, clean up (contract 4).

Only shapes and codes; the history room decides what to keep and what deletion means.
"""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.api.auth import client_name
from qwenproxy.api.bodies import json_body, optional_json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.wiring import conversations
from qwenproxy.errors import RequestError


def blueprint() -> Blueprint:
    """Return the chat routes."""
    routes = Blueprint("chats", __name__, url_prefix="/api/chats")
    routes.add_url_rule("", view_func=create_chat, methods=["POST"])
    routes.add_url_rule("", view_func=list_chats, methods=["GET"])
    routes.add_url_rule("/cleanup", view_func=clean_up, methods=["POST"])
    routes.add_url_rule("/<chat_id>", view_func=get_chat, methods=["GET"])
    routes.add_url_rule("/<chat_id>", view_func=delete_chat, methods=["DELETE"])
    routes.add_url_rule("/<chat_id>/rename", view_func=rename_chat, methods=["PUT"])
    return routes


def create_chat() -> ResponseReturnValue:
    """Answer POST /api/chats."""
    name = optional_json_body().get("name")
    if name is not None and not isinstance(name, str):
        raise RequestError("name must be a text.", param="name")
    return json_response({"chatId": conversations().create((name or "").strip(), client_name())})


def list_chats() -> ResponseReturnValue:
    """Answer GET /api/chats, newest first."""
    rows = [
        {
            "id": chat.id,
            "name": chat.name,
            "created": chat.created,
            "messageCount": chat.message_count,
            "userMessageCount": chat.user_message_count,
        }
        for chat in conversations().list(client_name())
    ]
    return json_response({"chats": rows})


def get_chat(chat_id: str) -> ResponseReturnValue:
    """Answer GET /api/chats/<id>."""
    chat = conversations().history.existing(chat_id, client_name())
    return json_response({"chatId": chat.id, "history": chat.to_json()})


def delete_chat(chat_id: str) -> ResponseReturnValue:
    """Answer DELETE /api/chats/<id>."""
    conversations().delete(chat_id, client_name())
    return json_response({"success": True})


def rename_chat(chat_id: str) -> ResponseReturnValue:
    """Answer PUT /api/chats/<id>/rename."""
    name = conversations().rename(chat_id, json_body().get("name"), client_name())
    return json_response({"success": True, "chatId": chat_id, "name": name})


def clean_up() -> ResponseReturnValue:
    """Answer POST /api/chats/cleanup."""
    deleted = conversations().clean_up(optional_json_body(), client_name())
    return json_response({"success": True, "deletedCount": len(deleted), "deletedChats": deleted})
