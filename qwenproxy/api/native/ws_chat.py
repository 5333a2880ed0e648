"""Serve one client at its WebSocket: check its key, answer its requests one after the other, as events.

The route makes one of these for each socket. Requests are those of POST /api/chat, parsed as there; ws_encoder.py makes
the events.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

import orjson
from simple_websocket import ConnectionClosed

from qwenproxy.api.answering import stream
from qwenproxy.api.auth import keys_in, let_in
from qwenproxy.api.bodies import json_object
from qwenproxy.api.errors import as_internal_error
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.native.routes import parse_chat_id, parse_turn, place_of
from qwenproxy.api.native.ws_encoder import SocketEncoder
from qwenproxy.api.request_log import socket_request
from qwenproxy.api.sockets import GOING_AWAY, INTERNAL_ERROR, POLICY_VIOLATION, Messages, Text
from qwenproxy.api.wiring import conversations
from qwenproxy.errors import ClientGone, InternalError, InvalidApiKey, InvalidJson, ProxyError, RequestError
from qwenproxy.observe import journal

log = logging.getLogger(__name__)

KEY_WAIT = 10.0  # seconds that a client gets to send its key


class SocketChat:
    """The conversation over one socket. Not safe among threads."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._keys = messages.keys
        self._cancelled = False
        self._close_code: int | None = None

    def serve(self) -> int:
        """Answer requests until we end the connection; return the WebSocket close code.

        Raises ConnectionClosed if the client ends it.
        """
        try:
            self._admit()
            while self._close_code is None and (message := self._messages.next()) is not None:
                self._answer_next(message)
            return self._close_code or GOING_AWAY
        except InvalidApiKey as error:
            self.send_error(error)
            return POLICY_VIOLATION
        except ProxyError as error:
            self.send_error(error)
            return INTERNAL_ERROR

    def send_error(self, error: ProxyError) -> None:
        """Send an error event. Raises ConnectionClosed."""
        self._messages.send(SocketEncoder().failure(error))

    def _admit(self) -> None:
        """Read the key from the first message if it is needed and not in the handshake. Raises InvalidApiKey."""
        try:
            let_in(self._keys)
        except InvalidApiKey:
            if self._keys:
                raise
            first = _object_in(self._messages.receive(KEY_WAIT))
            self._take_key(first if first.get("type") == "auth" else {})

    def _take_key(self, message: dict[str, Any]) -> None:
        key = message.get("key")
        self._keys = keys_in(key) if isinstance(key, str) else ()
        let_in(self._keys)

    def _answer_next(self, text: Text) -> None:
        self._cancelled = False
        with socket_request(len(text)):
            self._answer_this(text)

    def _answer_this(self, text: Text) -> None:
        start = time.monotonic()
        try:
            message = json_object(text, "message")
            kind = message.get("type")
            if kind == "auth":
                self._take_key(message)
            elif kind is None:
                error_code = self._answer(message, let_in(self._keys))
                if error_code:
                    log.info("WebSocket answer failed: %s", error_code)
                else:
                    log.info("WebSocket answer ended %.3f s", time.monotonic() - start)
            elif kind != "cancel":  # a late cancel has no effect: its answer is complete
                raise RequestError('type must be "auth" or "cancel"; a request has none.', param="type")
        except (InvalidApiKey, ConnectionClosed):
            raise
        except ClientGone:
            end = {"type": "done", "chatId": message.get("chatId"), "finish_reason": "cancelled"}
            journal.note(journal.ClientLeft())
            self._messages.send(orjson.dumps(end))
        except ProxyError as error:
            log.info("WebSocket answer failed: %s", error.code)
            journal.note(journal.NoAnswer(error.code, error.message))
            self.send_error(error)
        except Exception as error:
            raise as_internal_error(error) from error

    def _answer(self, message: dict[str, Any], client: str) -> str:
        """Send an answer; return the code of the error with which it broke off, "" if it is complete."""
        turn = replace(parse_turn(message, Ignored()), streamed=True, client=client)
        place = place_of(turn, parse_chat_id(message))
        encoder = SocketEncoder()
        with conversations().answer(place, turn, self._is_unwanted) as answer:
            for event in stream(answer, encoder, self._is_unwanted):
                self._messages.send(event)
                if not encoder.has_ended and self._is_unwanted():
                    break
        if not encoder.has_ended:
            raise ClientGone("The client does not want the answer any more.")
        if encoder.error_code == InternalError.code:
            self._close_code = INTERNAL_ERROR
        return encoder.error_code

    def _is_unwanted(self) -> bool:
        """Read the client's new messages; tell whether the answer has to stop."""
        return not self._messages.look_ahead(self._obeys) or self._cancelled

    def _obeys(self, text: Text) -> bool:
        is_cancel = _object_in(text).get("type") == "cancel"
        self._cancelled = self._cancelled or is_cancel
        return is_cancel


def _object_in(text: Text | None) -> dict[str, Any]:
    """Return the JSON object in a message, an empty one for anything else."""
    try:
        return json_object(text or "", "message")
    except InvalidJson:
        return {}
