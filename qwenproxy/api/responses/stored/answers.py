"""POST …/responses: a request, with what it goes on from, is answered here and now or in the background.

The answer is kept before its last event leaves, so that what a client has got can be gone on from.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, cast

from flask import Response, current_app, request

from qwenproxy.api.answering import event_stream, respond
from qwenproxy.api.auth import client_name
from qwenproxy.api.errors import json_response
from qwenproxy.api.responses.encoder import ResponseEncoder
from qwenproxy.api.responses.stored.background import BACKGROUND, Background
from qwenproxy.api.responses.stored.continuing import Asked, Asker, ask
from qwenproxy.api.responses.stored.job import Job
from qwenproxy.api.wiring import conversations, pictures, stored
from qwenproxy.history.conversations import Alone
from qwenproxy.wsgi.client import client_gone_check


def answer(body: Mapping[str, Any]) -> Response:
    """Answer the body of a request for a response. Raises the error that prevents an answer."""
    with ExitStack() as waiting:
        asked = ask(body, asker(), waiting)
        if asked.request.background:
            response = _begin(asked, waiting)
        else:
            encoder = ResponseEncoder(asked.request, asked.keep, fetch=asked.asker.fetch)
            response = respond(Alone(), asked.request.chat, encoder)
            # Until its items are kept, nothing else may go on from its conversation.
            response.call_on_close(waiting.pop_all().close)
    return asked.request.ignored.put_header(response)


def asker() -> Asker:
    """Return who asks by the current request."""
    return Asker(stored(), client_name(), client_gone_check(request.environ), fetch=pictures().file)


def background() -> Background:
    """Return the jobs of the app that serves this request."""
    return cast("Background", current_app.extensions[BACKGROUND])


def follow(job: Job, number: int) -> Response:
    """Return the stream of a job from an event on, while that goes on."""
    return event_stream(job.events.follow(number, client_gone_check(request.environ)))


def _begin(asked: Asked, waiting: ExitStack) -> Response:
    """Let the background make the response; return it as it is now, or its stream."""
    job = Job(asked, conversations(), waiting.pop_all())
    try:
        background().submit(job)
    except BaseException:
        job.release()
        raise
    return follow(job, 0) if asked.request.chat.streamed else json_response(job.response("queued"))
