"""POST /api/chat: one message to a chat that the proxy keeps (contract 4.1).

Parses the request into a turn, has it answered, formats the answer like OpenAI's with the chat's id added. What a chat
remembers is the business of history/conversations.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.fields import read_flag, read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai.chunks import Chunks, frames
from qwenproxy.api.openai.messages import parse_content, parse_messages
from qwenproxy.api.openai.routes import collect, event_stream
from qwenproxy.api.wiring import conversations
from qwenproxy.chat import Message
from qwenproxy.disk.files import valid_id
from qwenproxy.errors import ProxyError, RequestError
from qwenproxy.history.conversations import UserTurn
from qwenproxy.wsgi.client import client_gone_check

HONOURED = frozenset({"message", "messages", "model", "chatId", "stream"})


def blueprint() -> Blueprint:
    """Return the native chat route."""
    routes = Blueprint("native", __name__)
    routes.add_url_rule("/api/chat", view_func=create_turn, methods=["POST"])
    return routes


def create_turn() -> ResponseReturnValue:
    """Answer POST /api/chat."""
    body = json_body()
    ignored = Ignored()
    turn, wanted = parse_turn(body, ignored), parse_chat_id(body)
    client_gone = client_gone_check(request.environ)
    chat_id, run = conversations().answer_turn(wanted, turn, client_gone)
    if turn.streamed:
        return ignored.tell(event_stream(frames(run, Chunks(run.model, {"chatId": chat_id}), client_gone), run))
    try:
        return ignored.tell(json_response({**collect(run), "chatId": chat_id}))
    except ProxyError as error:
        # A chat whose first turn fails never comes to be.
        if chat_id == wanted:
            error.chat_id = chat_id
        raise


def parse_turn(body: Mapping[str, Any], ignored: Ignored) -> UserTurn:
    """Translate `message` or `messages`, `model`, `stream`. Raises RequestError, UnsupportedParameter naming the field.

    Of `messages` the last one of the user is taken, and all system messages together. What has no effect goes into
    `ignored`.
    """
    model = read_text(body, "model")
    system = None
    if body.get("messages"):
        name = "messages"
        messages = parse_messages(body["messages"], ignored)
        system = "\n\n".join(each.text for each in messages if each.role == "system")
        message = next((each for each in reversed(messages) if each.role == "user"), Message("user"))
    else:
        name = "message"
        message = Message("user", parse_content(body.get("message"), "message", ignored))
    if not message.text.strip() and not message.attachments:
        raise RequestError(
            "There is nothing to answer: message must hold a text, an image or a file, or messages one of the user.",
            param=name,
        )
    ignored.add_fields(body, HONOURED)
    return UserTurn(message, model, system or None, bool(read_flag(body, "stream")))


def parse_chat_id(body: Mapping[str, Any]) -> str | None:
    """Return the id of the chat to go on with, None where none is named. Raises RequestError."""
    chat_id = body.get("chatId")
    if chat_id is not None and not valid_id(chat_id):
        raise RequestError("chatId is not the id of a chat; leave it out to begin a new one.", param="chatId")
    return chat_id
