"""POST …/images/generations and …/images/edits: parse the request, let the pictures be painted, give them a form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.answering import KEEP_ALIVE_AFTER, as_proxy_error, event_stream
from qwenproxy.api.auth import client_name
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.form_bodies import form_body
from qwenproxy.api.images.format import picture_event, pictures_object
from qwenproxy.api.images.request import PictureRequest, form_values, parse_edit, parse_generation
from qwenproxy.api.openai.addresses import PREFIXES
from qwenproxy.api.openai.format import KEEP_ALIVE, frame, named_frame, openai_error
from qwenproxy.api.wiring import filing, pictures
from qwenproxy.chat.waiting import LOOK_EVERY, ClientGoneCheck, Work, check_client
from qwenproxy.errors import ClientGone, ProxyError
from qwenproxy.media.pictures import Picture
from qwenproxy.observe import journal
from qwenproxy.wsgi.client import client_gone_check

Painter = Callable[[], Picture]
FORM_HINT = "Send JSON, or a multipart/form-data form with the image in the field image."


def blueprint() -> Blueprint:
    """Return the routes of pictures."""
    routes = Blueprint("images", __name__)
    for prefix in PREFIXES:
        routes.add_url_rule(f"{prefix}/images/generations", view_func=generate, methods=["POST"])
        routes.add_url_rule(f"{prefix}/images/edits", view_func=edit, methods=["POST"])
    return routes


def generate() -> ResponseReturnValue:
    """Answer POST …/images/generations."""
    return _answer(parse_generation(json_body()))


def edit() -> ResponseReturnValue:
    """Answer POST …/images/edits, as JSON or as a form."""
    if request.is_json:
        return _answer(parse_edit(json_body()))
    texts, files = form_body(filing().max_file_size, FORM_HINT)
    values = form_values(texts)
    if any(file.field == "mask" for file in files):
        values["mask"] = "a file"
    images = [file.content.read() for file in files if file.field in ("image", "image[]", "images", "images[]")]
    return _answer(parse_edit(values, images))


def _answer(wanted: PictureRequest) -> Response:
    client_gone = client_gone_check(request.environ)
    wish = replace(wanted.wish, client=client_name())
    paint = partial(pictures().paint, wish, client_gone)
    if not wanted.streamed:
        return wanted.ignored.put_header(json_response(pictures_object(_all(paint, wanted.count))))
    first = Work(paint, "picture").start()
    if first.wait(KEEP_ALIVE_AFTER):
        first.result()  # so that an early failure has its status
    events = (
        named_frame(picture_event(picture, edited=bool(wish.images))) if picture else KEEP_ALIVE
        for picture in _one_by_one(first, paint, wanted.count, client_gone)
    )
    return wanted.ignored.put_header(event_stream(_unless_failed(events)))


def _all(paint: Painter, count: int) -> list[Picture]:
    """Return the pictures. If a later one fails, those before it are the answer, because each cost a share of a day."""
    painted: list[Picture] = []
    for _ in range(count):
        try:
            painted.append(paint())
        except ProxyError as error:
            if not painted or isinstance(error, ClientGone):
                raise
            journal.note(journal.PicturesMissing(count - len(painted), error.code, error.message))
            break
    return painted


def _one_by_one(
    work: Work[Picture], paint: Painter, count: int, client_gone: ClientGoneCheck
) -> Iterator[Picture | None]:
    """Yield the pictures, the first from work under way; None after each long silence. Raises what painting does."""
    for number in range(count):
        if number:
            work = Work(paint, "picture").start()
        looks = 0
        while not work.wait(LOOK_EVERY):
            looks += 1
            if looks % KEEP_ALIVE_AFTER == 0:
                yield None
            check_client(client_gone)
        yield work.result()


def _unless_failed(events: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the events; a failure is the last one."""
    try:
        yield from events
    except ClientGone:
        journal.note(journal.ClientLeft())
    except Exception as error:
        failure = as_proxy_error(error)
        journal.note(journal.NoAnswer(failure.code, failure.message))
        yield frame(openai_error(failure))
