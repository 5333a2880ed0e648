"""The one way from a request to its answer, for every wire API: steps 4 to 8 of architecture 4.

A route parses its request, makes an encoder, and calls `respond`. The encoder decides the form of the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from flask import Response, request

from qwenproxy.api.auth import client_name
from qwenproxy.api.errors import as_internal_error, json_response
from qwenproxy.api.wire import Encoder
from qwenproxy.api.wiring import conversations
from qwenproxy.chat import ChatRequest, Tick
from qwenproxy.chat.waiting import ClientGoneCheck, Coming
from qwenproxy.errors import ClientGone, ProxyError
from qwenproxy.history.conversations import Place
from qwenproxy.history.kept_answer import KeptAnswer
from qwenproxy.observe import journal
from qwenproxy.wsgi.client import client_gone_check

KEEP_ALIVE_AFTER = 10  # seconds of silence towards the client, also before the site answers
CONTEXT_HEADER = "x-qwenproxy-context"
APART = 0.1  # seconds, so that a client reads the pieces of a failure one by one
LOOK_EVERY = 1.0  # seconds between two checks for the begin of an answer
EVENT_STREAM = "text/event-stream"


def respond(place: Place, chat: ChatRequest, encoder: Encoder, *, stream_type: str = EVENT_STREAM) -> Response:
    """Answer the current request, streamed or whole. Raises the error that prevents an answer.

    If no answer has begun after KEEP_ALIVE_AFTER, the stream begins with signs of life; a later error goes into it.
    `stream_type` is the media type of a stream.
    """
    client_gone = client_gone_check(request.environ)
    begin = partial(conversations().answer, place, replace(chat, client=client_name()), client_gone)
    if not chat.streamed:
        with begin() as answer:
            for _ in answer:
                pass
            response = json_response(encoder.whole(answer))
            response.headers[CONTEXT_HEADER] = answer.context
            return response
    coming = Coming(begin, "answer")
    coming.start()
    if coming.wait(KEEP_ALIVE_AFTER):
        answer = coming.result()
        laps = answer.run.laps.header
        response = event_stream(stream(answer, encoder, client_gone), stream_type)
        response.headers["Server-Timing"] = laps
        response.headers[CONTEXT_HEADER] = answer.context
    else:
        response = event_stream(_stream_late(coming, encoder, client_gone), stream_type)
    # Flask may never start the stream: only this closes the answer in every case.
    response.call_on_close(coming.close)
    return response


def stream_in_time(coming: Coming[KeptAnswer], encoder: Encoder, client_gone: ClientGoneCheck) -> Iterator[bytes]:
    """Yield an answer in the making as `stream` does, with signs of life until it begins.

    Raises the error that prevents an answer, unless signs of life came before it: then it goes into the stream.
    """
    if coming.wait(KEEP_ALIVE_AFTER):
        yield from stream(coming.result(), encoder, client_gone)
    else:
        yield from _stream_late(coming, encoder, client_gone)


def stream(answer: KeptAnswer, encoder: Encoder, client_gone: ClientGoneCheck) -> Iterator[bytes]:
    """Yield an answer in its encoder's form until it is complete or fails, or the client is gone.

    After a failure the form's end is missing (contract 4.3). The caller closes the answer.
    """
    silence = 0  # seconds, because there is one Tick a second
    yield from _unless_empty(encoder.begin(answer))
    try:
        for event in answer:
            if isinstance(event, Tick):
                silence += 1
                if client_gone():
                    journal.note(journal.ClientLeft(answer.run.account_id))
                    return
                if silence % KEEP_ALIVE_AFTER == 0:
                    yield from _unless_empty(encoder.keep_alive)
            elif piece := encoder.event(event):
                silence = 0
                yield piece
    except GeneratorExit:  # the server closes a stream that it cannot write any more
        journal.note(journal.ClientLeft(answer.run.account_id))
        raise
    except Exception as error:
        failure = as_proxy_error(error)
        journal.note(journal.AnswerBroke(answer.run.account_id, failure.code, failure.message))
        yield from _failure(encoder, failure)
        return
    yield from _unless_empty(encoder.usage(answer))
    yield from _unless_empty(encoder.end(answer))


def _stream_late(coming: Coming[KeptAnswer], encoder: Encoder, client_gone: ClientGoneCheck) -> Iterator[bytes]:
    """Yield signs of life until the answer begins, then the answer."""
    yield from _unless_empty(encoder.keep_alive)
    looks = 0
    while not coming.wait(LOOK_EVERY):
        looks += 1
        if looks % KEEP_ALIVE_AFTER == 0:
            yield from _unless_empty(encoder.keep_alive)
    try:
        answer = coming.result()
    except ClientGone:
        journal.note(journal.ClientLeft())
        return
    except Exception as error:
        failure = as_proxy_error(error)
        journal.note(journal.NoAnswer(failure.code, failure.message))
        yield from _failure(encoder, failure)
        return
    yield from stream(answer, encoder, client_gone)


def until_failure(events: Iterator[bytes], failure: Callable[[ProxyError], bytes]) -> Iterator[bytes]:
    """Yield the events of a stream; a failure is the last one, in the form that `failure` gives it."""
    try:
        yield from events
    except ClientGone:
        journal.note(journal.ClientLeft())
    except Exception as error:
        told = as_proxy_error(error)
        journal.note(journal.NoAnswer(told.code, told.message))
        yield failure(told)


def _failure(encoder: Encoder, error: ProxyError) -> Iterator[bytes]:
    pieces = encoder.failure(error)
    if isinstance(pieces, bytes):
        yield pieces
        return
    for piece in pieces:
        time.sleep(APART)
        yield piece


def _unless_empty(piece: bytes) -> Iterator[bytes]:
    """Yield a piece unless it is empty, because an empty piece would end a chunked answer."""
    if piece:
        yield piece


def as_proxy_error(error: Exception) -> ProxyError:
    """Return the error itself, or the one that stands for a bug."""
    return error if isinstance(error, ProxyError) else as_internal_error(error)


def event_stream(body: Iterator[bytes], stream_type: str = EVENT_STREAM) -> Response:
    """Return an answer that streams, which no proxy on the way holds back; `stream_type` is its media type."""
    response = Response(body, mimetype=stream_type)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    return response
