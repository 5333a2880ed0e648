"""Ollama's addresses: its root, what of it we refuse and why, and which requests to POST /api/chat are meant for it.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from qwenproxy.errors import ModelsReadOnly, ProxyError, RequestError, UnsupportedEndpoint
from qwenproxy.wsgi.mounts import Mount

PREFIX = "/ollama"
ADDRESSES = re.compile(rf"{PREFIX}(?=/|$)")
MOUNT = Mount(
    PREFIX,
    own=re.compile(r"/?$|/api(?=/|$)"),
    # Programs look for Ollama at the root of a server, where these addresses are free. /api/chat is our own.
    elsewhere=re.compile(r"/api/(?:tags|version|ps|show|generate|pull)/?$"),
)

_INNER = re.compile(rf"{PREFIX}/api/(?:experimental/)?([^/]*)")
_EMBEDDINGS = frozenset({"embed", "embeddings"})
_CHANGES = frozenset({"create", "copy", "delete", "push", "blobs"})
_OF_OLLAMAS_CLOUD: Mapping[str, str] = {
    "web_search": "A model whose name ends in -search searches the web.",
    "web_fetch": "A model whose name ends in -search searches the web.",
    "me": "There are no accounts of ollama.com here.",
    "signin": "There are no accounts of ollama.com here.",
    "signout": "There are no accounts of ollama.com here.",
    "status": "GET /health shows whether the server runs.",
}
# Fields that only Ollama's clients send.
_OWN_FIELDS = ("options", "keep_alive", "format", "think", "truncate", "shift")
_NATIVE_FIELDS = ("message", "chatId")


def refusal(path: str) -> ProxyError | None:
    """Return the error for one of Ollama's addresses that we do not serve, None for any other path."""
    match = _INNER.match(path)
    name = match[1] if match else ""
    if name in _EMBEDDINGS:
        return RequestError("this model does not support embeddings: the Qwen chat site has none. Use another server.")
    if name in _CHANGES:
        return ModelsReadOnly(
            "The models are those of the Qwen chat site: they cannot be created, copied, deleted or pushed. "
            "GET /api/tags lists them."
        )
    if name in _OF_OLLAMAS_CLOUD:
        return UnsupportedEndpoint(f"There is no /api/{name}, a service of ollama.com. {_OF_OLLAMAS_CLOUD[name]}")
    return None


def means_ollama(body: Mapping[str, Any], user_agent: str) -> bool:
    """Tell whether a request to POST /api/chat, the address of our own chats as well, is meant for Ollama."""
    if user_agent.lower().startswith("ollama"):
        return True
    return not any(name in body for name in _NATIVE_FIELDS) and any(name in body for name in _OWN_FIELDS)
