"""The routes …/videos: order a film, ask after it, list them, fetch one, delete one (contract 11)."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Range
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import parse_range_header

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.auth import client_name
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.fields import attached_in
from qwenproxy.api.form_bodies import form_body
from qwenproxy.api.videos.format import page_object, video_object
from qwenproxy.api.videos.request import VideoRequest, check_variant, parse_video, read_wish
from qwenproxy.api.wiring import filing, films
from qwenproxy.media.film_jobs import FilmJob
from qwenproxy.wsgi.client import client_gone_check

POLL_HEADER = "openai-poll-after-ms"
LATER = 0.5  # seconds that a client may come after our own look at the site
FORM_HINT = "Send JSON, or a multipart/form-data form with a picture in the field input_reference."


def blueprint() -> Blueprint:
    """Return the routes of films."""
    routes = Blueprint("videos", __name__)
    for prefix in PREFIXES:
        root, one = f"{prefix}/videos", f"{prefix}/videos/<video_id>"
        routes.add_url_rule(root, view_func=order, methods=["POST"])
        routes.add_url_rule(root, view_func=list_all, methods=["GET"])
        routes.add_url_rule(one, view_func=show, methods=["GET"])
        routes.add_url_rule(one, view_func=delete, methods=["DELETE"])
        routes.add_url_rule(f"{one}/content", view_func=content, methods=["GET"])
    return routes


def order() -> ResponseReturnValue:
    """Answer POST …/videos, as JSON or as a form: the film is ordered, and not there yet."""
    wanted = _request()
    with attached_in("input_reference"):
        job = films().order(replace(wanted.order, client=client_name()), client_gone_check(request.environ))
    return wanted.ignored.put_header(_answer(job))


def list_all() -> ResponseReturnValue:
    """Answer GET …/videos."""
    jobs, has_more = films().page(client_name(), read_wish(request.args))
    return json_response(page_object([_video(job) for job in jobs], has_more=has_more))


def show(video_id: str) -> ResponseReturnValue:
    """Answer GET …/videos/{id}."""
    return _answer(films().get(video_id, client_name()))


def delete(video_id: str) -> ResponseReturnValue:
    """Answer DELETE …/videos/{id}."""
    films().delete(video_id, client_name())
    return json_response({"id": video_id, "object": "video.deleted", "deleted": True})


def content(video_id: str) -> ResponseReturnValue:
    """Answer GET …/videos/{id}/content: the file, or the part of it that a Range header names."""
    check_variant(request.args)
    data = films().content(video_id, client_name(), client_gone_check(request.environ))
    response = Response(data, mimetype="video/mp4")
    response.headers["Content-Disposition"] = f'inline; filename="{video_id}.mp4"'
    response.set_etag(video_id)
    try:
        return response.make_conditional(_environ(len(data)), accept_ranges=True, complete_length=len(data))
    except RequestedRangeNotSatisfiable:
        return Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"}, mimetype="video/mp4")


def _environ(length: int) -> dict[str, Any]:
    """Return the request's environment with the one range of bytes that it wants, and no other (RFC 9110 14.2)."""
    environ = dict(request.environ)
    wanted = parse_range_header(environ.pop("HTTP_RANGE", None))
    if wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1:
        [(start, end)] = wanted.ranges
        environ["HTTP_RANGE"] = Range("bytes", [(max(start, -length), end)]).to_header()
    return environ


def _request() -> VideoRequest:
    if request.is_json:
        return parse_video(json_body())
    texts, files = form_body(filing().max_file_size, FORM_HINT)
    file = next((each for each in files if each.field in ("input_reference", "input_reference[]")), None)
    # A picture's address in a form is a field of its own.
    address = texts.pop("input_reference[image_url]", None)
    body: dict[str, Any] = {**texts, **({"input_reference": address} if address else {})}
    return parse_video(body, file.content.read() if file else None)


def _answer(job: FilmJob) -> Response:
    response = json_response(_video(job))
    if not job.is_over:
        age = time.time() - job.created / 1000
        response.headers[POLL_HEADER] = str(int((films().watch.pause_at(age) + LATER) * 1000))
    return response


def _video(job: FilmJob) -> dict[str, Any]:
    return video_object(job, time.time(), films().days)
