"""…/responses over a WebSocket: requests for responses, one after the other, each answered by the events of its stream.

A socket remembers its newest response, so that store: false does not prevent going on from it. api/sockets.py opens and
closes; the parser and the encoder are those of POST.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from flask import Blueprint
from simple_websocket import ConnectionClosed

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.answering import stream_in_time
from qwenproxy.api.auth import let_in
from qwenproxy.api.bodies import json_object
from qwenproxy.api.errors import as_internal_error
from qwenproxy.api.fields import read_flag, read_text
from qwenproxy.api.request_log import socket_request
from qwenproxy.api.responses.encoder import ResponseEncoder
from qwenproxy.api.responses.failures import error_object
from qwenproxy.api.responses.stored.continuing import Asked, Asker, Remembered, Response, ask
from qwenproxy.api.sockets import GOING_AWAY, POLICY_VIOLATION, Messages, Text, socket_routes
from qwenproxy.api.wiring import conversations, pictures, stored
from qwenproxy.chat.waiting import Coming
from qwenproxy.errors import (
    ClientGone,
    InvalidApiKey,
    ProxyError,
    RequestError,
    SocketTooOld,
    UnsupportedParameter,
    UpgradeRequired,
)
from qwenproxy.history.conversations import Alone
from qwenproxy.observe import journal

log = logging.getLogger(__name__)

LONGEST_LIFE = 3600.0  # seconds of a socket


def blueprint() -> Blueprint:
    """Return the WebSocket routes."""
    addresses = [f"{prefix}/responses" for prefix in PREFIXES]
    return socket_routes("responses_socket", addresses, ResponseTalk, unavailable)


def unavailable() -> ProxyError:
    """Return the error where there is no WebSocket: programs that wanted one then go on with POST at once."""
    return UpgradeRequired("There is no WebSocket here. Ask with POST.")


class ResponseTalk:
    """The requests of one socket. Not safe among threads."""

    def __init__(self, messages: Messages, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._messages = messages
        self._clock = clock
        self._end_at = clock() + LONGEST_LIFE
        self._remembered: Remembered | None = None

    def serve(self) -> int:
        """Answer requests until we end the connection; return the WebSocket close code.

        Raises ConnectionClosed if the client ends it.
        """
        while (message := self._messages.next(self._is_too_old)) is not None:
            try:
                self._answer_next(message)
            except InvalidApiKey as error:
                self.send_error(error)
                return POLICY_VIOLATION
        if self._is_too_old():
            self.send_error(SocketTooOld())
        return GOING_AWAY

    def send_error(self, error: ProxyError, stream_id: str | None = None) -> None:
        """Send an error frame. Raises ConnectionClosed."""
        frame = {"type": "error", "status": error.status, **error_object(error)}
        self._messages.send(orjson.dumps(_in_lane(frame, stream_id)))

    def _is_too_old(self) -> bool:
        return self._clock() >= self._end_at

    def _answer_next(self, text: Text) -> None:
        with socket_request(len(text)):
            self._answer_this(text)

    def _answer_this(self, text: Text) -> None:
        start, lane = self._clock(), None
        try:
            body = json_object(text, "message")
            lane = read_text(body, "stream_id")
            self._answer(_checked(body), lane)
            log.info("WebSocket answer ended %.3f s", self._clock() - start)
        except (InvalidApiKey, ConnectionClosed):
            raise
        except ClientGone:
            journal.note(journal.ClientLeft())
            raise ConnectionClosed() from None
        except ProxyError as error:
            log.info("WebSocket answer failed: %s", error.code)
            journal.note(journal.NoAnswer(error.code, error.message))
            self.send_error(error, lane)
        except Exception as error:
            failure = as_internal_error(error)
            journal.note(journal.NoAnswer(failure.code, failure.message))
            self.send_error(failure, lane)

    def _answer(self, body: dict[str, Any], lane: str | None) -> None:
        """Send the events of the answer to a request. Raises the error that prevents an answer."""
        client = let_in(self._messages.keys)
        generates = read_flag(body, "generate") is not False
        body = {name: value for name, value in body.items() if name != "generate"}
        remembered, self._remembered = self._remembered, None
        try:
            with ExitStack() as waiting:
                asker = Asker(stored(), client, self._is_gone, remembered, pictures().file)
                asked = ask({**body, "stream": True}, asker, waiting)
                encoder = ResponseEncoder(asked.request, self._ending(asked), frame=_Framing(lane), fetch=asker.fetch)
                if generates:
                    self._send_answer(asked, encoder)
                else:
                    self._send(encoder.without_answer())
        finally:
            # Only a request that went on from the remembered response takes it away when it fails.
            if self._remembered is None and not _names(body, remembered):
                self._remembered = remembered

    def _ending(self, asked: Asked) -> Callable[[Response], None]:
        def on_end(response: Response) -> None:
            asked.keep(response)
            self._remembered = asked.remember(response)

        return on_end

    def _send_answer(self, asked: Asked, encoder: ResponseEncoder) -> None:
        chat = replace(asked.request.chat, client=asked.asker.client)
        # Its thread looks for messages of the client, which this one does not while it waits.
        coming = Coming(partial(conversations().answer, Alone(), chat, self._is_gone), "answer")
        with closing(coming):
            coming.start()
            for piece in stream_in_time(coming, encoder, self._is_gone):
                self._send(piece)
        if self._is_gone():
            raise ClientGone("The client closed its WebSocket.")

    def _send(self, piece: bytes) -> None:
        for event in piece.splitlines():
            self._messages.send(event)

    def _is_gone(self) -> bool:
        return not self._messages.look_ahead()


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a request for a response. Raises RequestError, UnsupportedParameter."""
    if body.get("type") != "response.create":
        raise RequestError("type must be response.create.", param="type")
    if body.get("background"):
        raise UnsupportedParameter("A WebSocket has no background. Use POST for that.", param="background")
    framing = ("type", "stream", "stream_options", "stream_id", "background")
    return {name: value for name, value in body.items() if name not in framing}


def _names(body: dict[str, Any], remembered: Remembered | None) -> bool:
    return remembered is not None and body.get("previous_response_id") == remembered.id


class _Framing:
    """Makes a line of each event. Leaves `error` out, because the event that the response failed follows it."""

    def __init__(self, lane: str | None) -> None:
        self._lane = lane
        self._omitted = 0

    def __call__(self, event: dict[str, Any]) -> bytes:
        if event["type"] == "error":
            self._omitted += 1
            return b""
        numbered = {**event, "sequence_number": event["sequence_number"] - self._omitted}
        return orjson.dumps(_in_lane(numbered, self._lane)) + b"\n"


def _in_lane(event: dict[str, Any], lane: str | None) -> dict[str, Any]:
    return event if lane is None else {**event, "stream_id": lane}
