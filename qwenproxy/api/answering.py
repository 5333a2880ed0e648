"""The one way from a request to its answer, for every wire API: steps 4 to 8 of architecture 4.

A route parses its request, makes an encoder, and calls `respond`. What an answer looks like is the encoder's business.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial

from flask import Response, request

from qwenproxy.api.errors import json_response, unforeseen
from qwenproxy.api.wire import Encoder
from qwenproxy.api.wiring import conversations
from qwenproxy.chat import ChatRequest, Tick
from qwenproxy.chat.waiting import ClientGoneCheck, Coming
from qwenproxy.errors import ClientGone, ProxyError
from qwenproxy.history.conversations import Place
from qwenproxy.history.kept_answer import KeptAnswer
from qwenproxy.observe import journal
from qwenproxy.wsgi.client import client_gone_check

log = logging.getLogger(__name__)

KEEP_ALIVE_AFTER = 10  # seconds of silence towards the client, also before the site answers
LOOK_EVERY = 1.0  # seconds between two looks whether an answer comes


def respond(place: Place, chat: ChatRequest, encoder: Encoder) -> Response:
    """Answer the request that is being served, streamed or whole. Raises what keeps it from being answered.

    A stream that has no answer after KEEP_ALIVE_AFTER begins with signs of life; what goes wrong then is told in it.
    """
    client_gone = client_gone_check(request.environ)
    begin = partial(conversations().answer, place, chat, client_gone)
    if not chat.streamed:
        with begin() as answer:
            for _ in answer:
                pass
            return json_response(encoder.whole(answer))
    coming = Coming(begin, "answer")
    coming.start()
    if coming.wait(KEEP_ALIVE_AFTER):
        laps = coming.result().run.laps.header
        response = _event_stream(stream(coming.result(), encoder, client_gone))
        response.headers["Server-Timing"] = laps
    else:
        response = _event_stream(_stream_late(coming, encoder, client_gone))
    # However the stream ends, even when it is never started.
    response.call_on_close(coming.close)
    return response


def stream(answer: KeptAnswer, encoder: Encoder, client_gone: ClientGoneCheck) -> Iterator[bytes]:
    """Yield an answer in its encoder's form until it is complete, fails, or the client is gone.

    A failure ends it without the form's end (contract 4.3). The caller closes the answer.
    """
    silent = 0
    yield from _sent(encoder.begin(answer))
    try:
        for event in answer:
            if isinstance(event, Tick):
                silent += 1
                if client_gone():
                    journal.note(journal.ClientLeft(answer.run.account_id))
                    return
                if silent % KEEP_ALIVE_AFTER == 0:
                    yield from _sent(encoder.keep_alive)
            elif piece := encoder.event(event):
                silent = 0
                yield piece
    except Exception as error:
        failure = _as_proxy_error(error)
        journal.note(journal.AnswerBroke(answer.run.account_id, failure.code, failure.message))
        yield encoder.failure(failure)
        return
    yield from _sent(encoder.usage(answer))
    yield from _sent(encoder.end(answer))


def _stream_late(coming: Coming[KeptAnswer], encoder: Encoder, client_gone: ClientGoneCheck) -> Iterator[bytes]:
    """Yield signs of life until the answer is there, then the answer."""
    yield from _sent(encoder.keep_alive)
    waited = 0
    while not coming.wait(LOOK_EVERY):
        waited += 1
        if waited % KEEP_ALIVE_AFTER == 0:
            yield from _sent(encoder.keep_alive)
    try:
        answer = coming.result()
    except ClientGone:
        return
    except Exception as error:
        failure = _as_proxy_error(error)
        log.warning("no answer came: %s", failure.message)
        yield encoder.failure(failure)
        return
    yield from stream(answer, encoder, client_gone)


def _sent(piece: bytes) -> Iterator[bytes]:
    """Yield a piece, unless it is empty: an empty piece would end a chunked answer."""
    if piece:
        yield piece


def _as_proxy_error(error: Exception) -> ProxyError:
    return error if isinstance(error, ProxyError) else unforeseen(error)


def _event_stream(body: Iterator[bytes]) -> Response:
    response = Response(body, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    return response
