"""POST /admin/api/explain: what would be sent to the site for a program's request, without sending it (contract 11.5).

The body is the program's own; the query says of which API it is, and which client would send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import orjson
from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.admin.keys import key_named
from qwenproxy.admin.office import office
from qwenproxy.api.anthropic.request import parse_message_request
from qwenproxy.api.auth import client_name, client_of
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.gemini.request import parse_request
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.native.routes import parse_chat_id, parse_turn
from qwenproxy.api.ollama.request import parse_chat
from qwenproxy.api.openai.request import parse_chat_request
from qwenproxy.api.responses.stored.continuing import Asker, ask
from qwenproxy.api.wiring import conversations, stored
from qwenproxy.browser.page import PageRequest
from qwenproxy.chat import ChatRequest
from qwenproxy.errors import RequestError
from qwenproxy.history.conversations import Alone, InChat
from qwenproxy.history.kept_answer import Context
from qwenproxy.relay.explaining import Explanation
from qwenproxy.uploads.attachments import Foreseen
from qwenproxy.wsgi.client import client_gone_check

Body = Mapping[str, Any]
Parsed = tuple[ChatRequest, Ignored]
NOTHING_ASKED = "This request only loads a model or fills a cache: the site is not asked for it."


def blueprint() -> Blueprint:
    """Return the route."""
    routes = Blueprint("admin-explain", __name__)
    routes.add_url_rule("/admin/api/explain", view_func=explain, methods=["POST"])
    return routes


def explain() -> ResponseReturnValue:
    """Answer POST /admin/api/explain."""
    api, client = request.args.get("api", "chat"), _client()
    if api not in PARSERS:
        raise RequestError(f"api must be one of {', '.join(PARSERS)}.", param="api")
    body = json_body()
    chat, ignored = PARSERS[api](body, client)
    place = InChat(parse_chat_id(body)) if api == "native" else Alone()
    explanation, context = conversations().explain(place, replace(chat, client=client))
    return json_response({**_form(explanation, context), "ignored": list(ignored.names)})


def _client() -> str:
    """Return what stands for the client: the one with a key of this name, "" for one without, else the admin."""
    name = request.args.get("client")
    if name is None:
        return client_name()
    return client_of(key_named(office().client_keys, name)) if name else ""


def _chat(body: Body, client: str) -> Parsed:
    parsed = parse_chat_request(body)
    return parsed.chat, parsed.ignored


def _turn(body: Body, client: str) -> Parsed:
    ignored = Ignored()
    return parse_turn(body, ignored), ignored


def _response(body: Body, client: str) -> Parsed:
    with ExitStack() as waiting:
        parsed = ask(body, Asker(stored(), client, client_gone_check(request.environ)), waiting).request
    return parsed.chat, parsed.ignored


def _message(body: Body, client: str) -> Parsed:
    parsed = parse_message_request(body)
    if parsed.only_warms_up:
        raise RequestError(NOTHING_ASKED)
    return parsed.chat, parsed.ignored


def _gemini(body: Body, client: str) -> Parsed:
    model = request.args.get("model", "")
    if not model:
        raise RequestError("model is missing in the query: Gemini's requests name it in their address.", param="model")
    parsed = parse_request(body, model)
    return parsed.chat, parsed.ignored


def _ollama(body: Body, client: str) -> Parsed:
    parsed = parse_chat(body)
    if parsed.chat is None:
        raise RequestError(NOTHING_ASKED)
    return parsed.chat, parsed.ignored


PARSERS: Mapping[str, Callable[[Body, str], Parsed]] = {
    "chat": _chat,
    "native": _turn,
    "responses": _response,
    "messages": _message,
    "gemini": _gemini,
    "ollama": _ollama,
}


def _form(explanation: Explanation, context: Context) -> dict[str, Any]:
    draft, turn, divided = explanation.draft, explanation.turn, explanation.text.divided
    search = "forced" if turn.search and turn.search.forced else "allowed" if turn.search else "off"
    return {
        "account": draft.account_id,
        "waits": explanation.waits,
        "context": context,
        "chat": draft.place.chat.chat_id if draft.place else None,
        "parent": turn.parent_id,
        "messages": len(draft.messages),
        "held": draft.place.holds if draft.place else 0,
        "model": turn.model,
        "modelsRead": explanation.is_sure,
        "functions": draft.way,
        "thinking": turn.thinking,
        "search": "function" if draft.search_name else search,
        "text": turn.text,
        "file": {"name": divided.file_name, "text": divided.older} if divided else None,
        "files": [_file(file) for file in explanation.files],
        "calls": [_call(call) for call in explanation.requests],
    }


def _file(file: Foreseen) -> dict[str, Any]:
    return {"name": file.entry["name"], "type": file.entry["file_type"], "size": file.size, "way": file.way}


def _call(call: PageRequest) -> dict[str, Any]:
    return {"method": call.method, "path": call.path, "body": orjson.loads(call.body or b"{}")}
