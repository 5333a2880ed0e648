"""POST …/images/generations and …/images/edits: parse the request, let the pictures be painted, give them a form."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.answering import event_stream, until_failure
from qwenproxy.api.auth import client_name
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.form_bodies import form_body
from qwenproxy.api.images.format import picture_event, pictures_object
from qwenproxy.api.images.request import PictureRequest, form_values, parse_edit, parse_generation
from qwenproxy.api.openai.format import openai_error
from qwenproxy.api.painting import Painting
from qwenproxy.api.sse import KEEP_ALIVE, frame, named_frame
from qwenproxy.api.wiring import filing

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
    painting = Painting(replace(wanted.wish, client=client_name()), wanted.count)
    if not wanted.streamed:
        return wanted.ignored.put_header(json_response(pictures_object(painting.all())))
    edited = bool(wanted.wish.images)
    events = (
        named_frame(picture_event(picture, edited=edited)) if picture else KEEP_ALIVE
        for picture in painting.one_by_one()
    )
    stream = until_failure(events, lambda error: frame(openai_error(error)))
    return wanted.ignored.put_header(event_stream(stream))
