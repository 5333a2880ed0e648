"""One client at its WebSocket: its key, its requests one after the other, and the answers as events.

Made by the route for each socket. Requests are those of POST /api/chat, parsed as there; ws_encoder.py has the
events.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any

import orjson
from simple_websocket import ConnectionClosed, Server
from wsproto.utilities import LocalProtocolError

from qwenproxy.api.answering import stream
from qwenproxy.api.auth import check_keys, meant_keys
from qwenproxy.api.bodies import json_object
from qwenproxy.api.errors import unforeseen
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.native.routes import parse_chat_id, parse_turn
from qwenproxy.api.native.ws_encoder import SocketEncoder
from qwenproxy.api.wiring import conversations
from qwenproxy.errors import ClientGone, InvalidApiKey, InvalidJson, ProxyError, RequestError
from qwenproxy.history.conversations import InChat
from qwenproxy.observe.logs import request_id

log = logging.getLogger(__name__)

KEY_WAIT = 10.0  # seconds a client gets to send the key it needs
LOOK_AGAIN = 1.0  # seconds between two looks at whether a silent socket is still wanted
MAX_WAITING = 8  # requests that may wait for the one being answered
POLICY_VIOLATION = 1008  # WebSocket close codes
INTERNAL_ERROR = 1011
GOING_AWAY = 1001


class SocketChat:
    """What is said over one socket. Not safe among threads."""

    def __init__(self, ws: Server, keys: tuple[str, ...] = (), stopping: threading.Event | None = None) -> None:
        """`keys` came with the handshake, if any did; `stopping` is set when no more requests are wanted."""
        self._ws = ws
        self._keys = keys
        self._stopping = stopping or threading.Event()
        self._waiting: deque[str | bytes] = deque()
        self._cancelled = False

    def serve(self) -> int:
        """Answer requests until the client has to go; return the WebSocket close code.

        Raises ConnectionClosed when it went by itself.
        """
        try:
            self._let_in()
            while (message := self._next_message()) is not None:
                self._answer_next(message)
            return GOING_AWAY
        except InvalidApiKey as error:
            self.tell_error(error)
            return POLICY_VIOLATION
        except ProxyError as error:
            self.tell_error(error)
            return INTERNAL_ERROR

    def tell_error(self, error: ProxyError) -> None:
        """Send an error event. Raises ConnectionClosed."""
        self._send(SocketEncoder().failure(error))

    def _let_in(self) -> None:
        """Take the key from the first message where one is needed and none came before. Raises InvalidApiKey."""
        try:
            check_keys(self._keys)
        except InvalidApiKey:
            if self._keys:
                raise
            first = _object_in(self._ws.receive(timeout=KEY_WAIT))
            self._take_key(first if first.get("type") == "auth" else {})

    def _take_key(self, message: dict[str, Any]) -> None:
        key = message.get("key")
        self._keys = meant_keys(key) if isinstance(key, str) else ()
        check_keys(self._keys)

    def _next_message(self) -> str | bytes | None:
        """Wait for a message; None when the server stops."""
        while not self._stopping.is_set():
            if self._waiting:
                return self._waiting.popleft()
            message: str | bytes | None = self._ws.receive(timeout=LOOK_AGAIN)
            if message is not None:
                return message
        return None

    def _answer_next(self, text: str | bytes) -> None:
        of_the_socket = request_id.set(secrets.token_hex(4))
        begun = time.monotonic()
        self._cancelled = False
        try:
            message = json_object(text, "message")
            kind = message.get("type")
            if kind == "auth":
                self._take_key(message)
            elif kind is None:
                check_keys(self._keys)
                self._answer(message)
                log.info("WebSocket answer ended %.3f s", time.monotonic() - begun)
            elif kind != "cancel":  # with nothing to cancel: the answer it was meant for is complete
                raise RequestError('type must be "auth" or "cancel"; a request has none.', param="type")
        except (InvalidApiKey, ConnectionClosed):
            raise
        except ClientGone:
            end = {"type": "done", "chatId": message.get("chatId"), "finish_reason": "cancelled"}
            self._send(orjson.dumps(end))
        except ProxyError as error:
            log.info("WebSocket answer failed: %s", error.code)
            self.tell_error(error)
        except Exception as error:
            raise unforeseen(error) from error
        finally:
            request_id.reset(of_the_socket)

    def _answer(self, message: dict[str, Any]) -> None:
        turn, place = replace(parse_turn(message, Ignored()), streamed=True), InChat(parse_chat_id(message))
        encoder = SocketEncoder()
        with conversations().answer(place, turn, self._is_unwanted) as answer:
            for event in stream(answer, encoder, self._is_unwanted):
                self._send(event)
                if not encoder.has_ended and self._is_unwanted():
                    break
        if not encoder.has_ended:
            raise ClientGone("The client wants no answer any more.")

    def _is_unwanted(self) -> bool:
        """Take in what the client said meanwhile; tell whether the answer has to stop."""
        while self._ws.connected and len(self._waiting) < MAX_WAITING:
            text = self._ws.receive(timeout=0)
            if text is None:
                break
            if _object_in(text).get("type") == "cancel":
                self._cancelled = True
            else:
                self._waiting.append(text)
        return self._cancelled or not self._ws.connected

    def _send(self, event: bytes) -> None:
        try:
            self._ws.send(event.decode())
        except (OSError, LocalProtocolError):
            raise ConnectionClosed() from None


def _object_in(text: str | bytes | None) -> dict[str, Any]:
    """Return the JSON object in a message, an empty one where there is none."""
    try:
        return json_object(text or "", "message")
    except InvalidJson:
        return {}
