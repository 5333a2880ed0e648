"""Making, listing, reading and deleting chats, and stopping an answer (protocol 3)."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, g, request

from qwenproxy.sandbox.envelope import SiteError, bad_request, success
from qwenproxy.sandbox.media.filming import settle
from qwenproxy.sandbox.state import current_state, logged_in

bp = Blueprint("chats", __name__)
_PAGE_SIZE = 50


@bp.post("/api/v2/chats/new")
async def new_chat() -> Response:
    """Make a chat; every field of the body is optional."""
    state, account, body = current_state(), logged_in(), _body()
    project_id = body.get("project_id") or None
    if project_id is not None:
        state.projects.get(account.id, project_id)
    chat = state.chats.new(account.id, account.user_id, body)
    chat.personal_text, chat.project_id = state.settings.personal_text(account.id), project_id
    return success({"id": chat.id})


@bp.get("/api/v2/chats")
@bp.get("/api/v2/chats/")
async def list_chats() -> Response:
    """List the account's chats by pages, counted from 1; a page past the end is empty."""
    size = _number("page_size", _number("limit", _PAGE_SIZE))
    start = (_number("page", 1) - 1) * size
    chats = current_state().chats.of(logged_in().id)
    return success([chat.row() for chat in chats[start : start + size]])


@bp.get("/api/v2/chats/pinned")
@bp.get("/api/v2/chats/archived")
@bp.get("/api/v2/chats/all/tags")
async def nothing_special() -> Response:
    """Answer the page's other lists, which are empty here."""
    logged_in()
    return success([])


@bp.get("/api/v2/chats/<chat_id>")
async def read_chat(chat_id: str) -> Response:
    """Return a chat with all its messages."""
    settle(current_state())
    return success(current_state().chats.get(logged_in().id, chat_id).detail())


@bp.post("/api/v2/chats/<chat_id>/messages/<message_id>")
async def rewrite_answer(chat_id: str, message_id: str) -> Response:
    """Put other words in the place of an answer (protocol 3.8)."""
    chat = current_state().chats.get(logged_in().id, chat_id)
    message, parts = chat.messages.get(message_id), _body().get("content_list")
    if message is None or message.fields["role"] != "assistant":
        raise SiteError(404, "Not_Found", f"MESSAGE_NOT_FOUND: {message_id}")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise SiteError(400, "RequestValidationError", "Field 'content_list': Field required")
    texts = [part.get("content") for part in parts if part.get("phase") == "answer"]
    message.fields["content_list"] = parts
    message.fields["content"] = "".join(text for text in texts if isinstance(text, str))
    return success({"status": True})


@bp.delete("/api/v2/chats/<chat_id>")
async def delete_chat(chat_id: str) -> Response:
    """Delete a chat, and end the answer under way in it."""
    state = current_state()
    chat = state.chats.get(logged_in().id, chat_id)
    generation = state.generations.find(chat.id, None)
    if generation is not None:
        generation.stop()
    state.chats.delete(chat)
    return success({"status": True})


@bp.post("/api/v2/chat/completions/stop")
async def stop() -> Response:
    """End the answer under way in a chat."""
    body = _body()
    state = current_state()
    chat = state.chats.get(logged_in().id, body.get("chat_id"))
    if request.args.get("chat_id") != chat.id:
        raise bad_request("Invalid input the two chat ids differ.")
    generation = state.generations.find(chat.id, body.get("response_id"))
    if generation is None:
        raise SiteError(404, "Not_Found", "There is no such answer under way.")
    generation.stop()
    return success({"status": True})


def _body() -> dict[str, Any]:
    return g.body if isinstance(g.body, dict) else {}


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isdigit() and int(text) > 0 else default
