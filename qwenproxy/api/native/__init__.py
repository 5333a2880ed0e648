"""The product's own wire API: chats with a memory, files, the WebSocket."""

from __future__ import annotations

import re
from typing import Any

from qwenproxy.api.native import chats, files, routes, ws
from qwenproxy.api.waits import message_for_client
from qwenproxy.api.wire import WireApi
from qwenproxy.errors import ProxyError
from qwenproxy.observe.logs import request_id

ADDRESSES = re.compile("/")  # any path; the other wire APIs come first


def wire_api() -> WireApi:
    """Return this wire API."""
    blueprints = (routes.blueprint(), chats.blueprint(), files.blueprint(), ws.blueprint())
    return WireApi(blueprints, native_error, ADDRESSES)


def native_error(error: ProxyError) -> dict[str, Any]:
    """Return the native routes' error object, with the id of the kept chat if there is one."""
    body = {"error": message_for_client(error), "code": error.code, "request_id": request_id.get()}
    return {**body, "chatId": error.chat_id} if error.chat_id else body
