"""The calls that the site understands, as requests for the page to make (protocol 1.4, 2.1, 3, 4, 10.2 and 11.1).

The relay takes a call from here, hands it to the tab and reads the answer elsewhere. This module knows no accounts, no
tabs, and of the answers only the id of a new chat. The headers `version`, `timezone` and `authorization` are missing,
because only the page knows them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from qwenproxy.browser.page import PageRequest
from qwenproxy.chat import WebSearch
from qwenproxy.chat.works import Work
from qwenproxy.errors import ProtocolChanged, RequestError
from qwenproxy.upstream.bodies import object_in
from qwenproxy.upstream.works import FILMS, meta_of

TALK = "t2t"
_NO_HOSTED_TOOLS = {"plugins_enabled": False, "code_interpreter": False}
# Without these the site takes calls that the model writes for calls of its own functions. Which of them does it is not
# known, so all are sent (protocol 5.6).
_NO_FUNCTION_CHANNEL = {
    "function_calling": False,
    "enable_tools": False,
    "enable_function_call": False,
    "tool_choice": "none",
}
SEARCH_TYPE = "search"  # the chat type in which the site always searches


@dataclass(frozen=True, slots=True)
class Question:
    """One turn of a chat. `parent_id` is the `response_id` of the answer before it, None on the first turn.

    `files` holds complete entries of protocol 7.4; `thinking_budget` is in tokens. `local_tools` offers functions
    natively; with `offers_tools` the text or they offer some, and the site's own tools must not answer in their place.
    `search` None forbids a web search. `work` None is talk.
    """

    model: str
    text: str
    parent_id: str | None = None
    thinking: bool = False
    thinking_budget: int | None = None
    files: tuple[dict[str, Any], ...] = ()
    local_tools: dict[str, Any] | None = None
    offers_tools: bool = False
    search: WebSearch | None = None
    work: Work | None = None


def chat_type_of(search: WebSearch | None, work: Work | None = None) -> str:
    """Return the type of a chat, and of a question, for these wishes (protocol 4.3 and 5.8)."""
    if work:
        return work.kind
    return SEARCH_TYPE if search and search.forced else TALK


def new_chat(model: str, *, title: str = "New Chat", chat_type: str = TALK) -> PageRequest:
    """Create a chat (protocol 3.1)."""
    payload = {
        "title": title,
        "models": [model],
        "chat_mode": "normal",
        "chat_type": chat_type,
        "timestamp": int(time.time() * 1000),
        "project_id": "",
    }
    return post("/api/v2/chats/new", payload)


def completion(chat_id: str, question: Question) -> PageRequest:
    """Ask a question in a chat; the answer is an event stream (protocol 4.1 and 4.2), for a film an object (8.3).

    Raises RequestError for text that has no UTF-8 form.
    """
    payload = {
        "stream": question.work is None or question.work.kind not in FILMS,
        "version": "2.1",
        "incremental_output": True,
        "chatId": chat_id,
        "chat_id": chat_id,
        "parentId": question.parent_id or "",
        "parent_id": question.parent_id,
        "chat_mode": "normal",
        "model": question.model,
        "messages": [_message(question)],
        "timestamp": int(time.time()),
    }
    if question.work and question.work.ratio:
        payload["size"] = question.work.ratio
    path = f"/api/v2/chat/completions?chat_id={_escaped(chat_id)}"
    return post(path, payload, {"x-accel-buffering": "no"})


def stop(chat_id: str, response_id: str) -> PageRequest:
    """End a running answer (protocol 3.6)."""
    path = f"/api/v2/chat/completions/stop?chat_id={_escaped(chat_id)}"
    return post(path, {"chat_id": chat_id, "response_id": response_id})


def delete_chat(chat_id: str) -> PageRequest:
    """Delete a chat (protocol 3.4)."""
    return PageRequest("DELETE", f"/api/v2/chats/{_escaped(chat_id)}", _headers())


def list_models() -> PageRequest:
    """Read the live model list (protocol 2.1)."""
    return get("/api/v2/models/")


def profile() -> PageRequest:
    """Read the profile of the logged-in account; this costs no quota (protocol 1.4).

    Without the slash at the end the site always answers 401.
    """
    return get("/api/v1/auths/")


def account_settings() -> PageRequest:
    """Read the settings of the account (protocol 11.1)."""
    return get("/api/v2/users/user/settings")


def update_account_settings(sections: Mapping[str, Any]) -> PageRequest:
    """Change sections of the account's settings, each sent whole (protocol 11.1). Only a person may order this."""
    return post("/api/v2/users/user/settings/update", dict(sections))


def quota(features: Iterable[str]) -> PageRequest:
    """Ask how much of these features the account has left (protocol 10.2); this costs no quota."""
    return post("/api/v2/users/user/entitlement_quota", {"features": list(features)})


def chat_id_from(body_text: str) -> str:
    """Return the id in the answer to `new_chat` (protocol 3.1). Raises ProtocolChanged."""
    answer = object_in(body_text) or {}
    data = answer.get("data")
    for source in (data if isinstance(data, dict) else {}, answer):
        for key in ("id", "chat_id"):
            chat_id = source.get(key)
            if isinstance(chat_id, str) and chat_id:
                return chat_id
    raise ProtocolChanged("The site made a chat but did not name it. A newer qwenproxy may know the new form.")


def _message(question: Question) -> dict[str, Any]:
    work = question.work
    chat_type = chat_type_of(question.search, work)
    return {
        "id": None,
        "fid": str(uuid.uuid4()),
        "parentId": question.parent_id,
        "childrenIds": [str(uuid.uuid4())],
        "role": "user",
        "content": question.text,
        "user_action": "chat",
        "files": list(question.files),
        "timestamp": int(time.time()),
        "models": [question.model],
        "model": "",
        "chat_type": chat_type,
        "feature_config": _feature_config(question),
        "extra": {"meta": meta_of(work) if work else {"subChatType": chat_type}},
        "sub_chat_type": chat_type,
        "parent_id": question.parent_id,
    }


def _feature_config(question: Question) -> dict[str, Any]:
    """Return the site's switches for thinking, of which three must agree (protocol 4.4), and for searches (5.8)."""
    features: dict[str, Any] = {
        "thinking_enabled": question.thinking,
        "output_schema": "phase",
        "research_mode": "normal",
        "auto_thinking": False,
        "thinking_mode": "Thinking" if question.thinking else "Fast",
        # Also when thinking is off: some models think anyway.
        "thinking_format": "summary",
        "auto_search": question.search is not None,
    }
    if question.work and question.work.kind == "deep_research":
        features |= {"research_mode": "advance", "auto_search": True}
    if question.thinking and question.thinking_budget is not None:
        features["thinking_budget"] = question.thinking_budget
    if question.offers_tools:
        features |= {"mcp": [], **_NO_HOSTED_TOOLS}
        features |= _NO_FUNCTION_CHANNEL if question.local_tools is None else {"local_mcp": question.local_tools}
    return features


def get(path: str) -> PageRequest:
    """Return a call that reads something."""
    return PageRequest("GET", path, _headers())


def post(path: str, payload: dict[str, Any], extra_headers: dict[str, str] | None = None) -> PageRequest:
    """Return a call that sends JSON. Raises RequestError for text that has no UTF-8 form."""
    try:
        body = orjson.dumps(payload).decode()
    except orjson.JSONEncodeError as error:
        raise RequestError(
            "The request holds text that has no UTF-8 form, such as half of a surrogate pair. Remove it."
        ) from error
    headers = {"content-type": "application/json", **_headers(), **(extra_headers or {})}
    return PageRequest("POST", path, headers, body)


def _headers() -> dict[str, str]:
    # Without x-request-id the site answers with its verification page (protocol 9.1).
    return {"accept": "application/json", "source": "web", "x-request-id": str(uuid.uuid4())}


def _escaped(chat_id: str) -> str:
    return quote(chat_id, safe="")
