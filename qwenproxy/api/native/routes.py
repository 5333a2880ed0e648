"""POST /api/chat: send one message to a chat that the proxy keeps (contract 4.1).

Parses the request; the answer has OpenAI's form with the chat's id. The history decides what a chat remembers. The
address is Ollama's, too: what is clearly meant for Ollama is handed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.answering import respond
from qwenproxy.api.bodies import json_body
from qwenproxy.api.fields import read_flag, read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.native.works import FIELDS as WORK_FIELDS
from qwenproxy.api.native.works import take_work
from qwenproxy.api.ollama.addresses import means_ollama
from qwenproxy.api.ollama.routes import answer_chat
from qwenproxy.api.openai.encoder import CompletionEncoder
from qwenproxy.api.openai.messages import parse_content, parse_messages
from qwenproxy.api.searching import FIELDS as SEARCH_FIELDS
from qwenproxy.api.searching import take_search
from qwenproxy.api.wiring import films
from qwenproxy.chat import ChatRequest, Message, TextPart
from qwenproxy.disk.files import valid_id
from qwenproxy.errors import RequestError
from qwenproxy.history.conversations import InChat
from qwenproxy.media.film_answer import film_answer

HONOURED = frozenset({"message", "messages", "model", "chatId", "stream"}) | SEARCH_FIELDS | WORK_FIELDS


def blueprint() -> Blueprint:
    """Return the native chat route."""
    routes = Blueprint("native", __name__)
    routes.add_url_rule("/api/chat", view_func=create_turn, methods=["POST"])
    return routes


def create_turn() -> ResponseReturnValue:
    """Answer POST /api/chat."""
    body = json_body()
    if means_ollama(body, request.headers.get("User-Agent", "")):
        return answer_chat(body)
    ignored = Ignored()
    turn, chat_id = parse_turn(body, ignored), parse_chat_id(body)
    return ignored.put_header(respond(place_of(turn, chat_id), turn, CompletionEncoder(names_chat=True)))


def place_of(turn: ChatRequest, chat_id: str | None) -> InChat:
    """Return the turn's place; a film is answered by the films in place of the relay."""
    is_film = turn.work is not None and turn.work.is_film
    return InChat(chat_id, partial(film_answer, films()) if is_film else None)


def parse_turn(body: Mapping[str, Any], ignored: Ignored) -> ChatRequest:
    """Translate `message` or `messages`, `model`, `stream`, and the wish for a search or for other work.

    Raises RequestError, UnsupportedParameter naming the field. The result holds one user message, after a system
    message if there is one: of `messages` the last user message and all system messages together. The parts without
    effect go into `ignored`.
    """
    model = read_text(body, "model")
    system = ""
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
            "There is nothing to answer. Send a text, an image or a file in message, or a user message in messages.",
            param=name,
        )
    work, body = take_work(body, message)
    search, body = take_search(body, ignored)
    ignored.add_fields(body, HONOURED)
    systems = (Message("system", (TextPart(system),)),) if system else ()
    return ChatRequest((*systems, message), model, search=search, work=work, streamed=bool(read_flag(body, "stream")))


def parse_chat_id(body: Mapping[str, Any]) -> str | None:
    """Return the id of the chat to continue, None for a new chat. Raises RequestError."""
    chat_id = body.get("chatId")
    if chat_id is not None and not valid_id(chat_id):
        raise RequestError("chatId is not the id of a chat. Leave it out to begin a new one.", param="chatId")
    return chat_id
