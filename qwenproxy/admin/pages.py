"""/ui/: the dashboard's own files, plain HTML, CSS and modules. They hold no secret, so they need no key."""

from __future__ import annotations

import mimetypes
from importlib import resources

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from qwenproxy.api.errors import json_response
from qwenproxy.errors import NotFound
from qwenproxy.texts import EN, RU

STATIC = "qwenproxy.admin.static"
START = "index.html"
OWN_TEXTS = "ui_"
# Only our own files run and show, nothing frames us, and no address of ours reaches another site.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".css": "text/css", ".html": "text/html"}


def blueprint() -> Blueprint:
    """Return the routes of the pages."""
    routes = Blueprint("ui", __name__)
    routes.add_url_rule("/ui", view_func=show_start)
    routes.add_url_rule("/ui/texts-<lang>.json", view_func=show_texts)
    routes.add_url_rule("/ui/<name>", view_func=show_file)
    return routes


def show_start() -> ResponseReturnValue:
    """Answer GET /ui and GET /ui/."""
    return _file(START)


def show_texts(lang: str) -> ResponseReturnValue:
    """Answer GET /ui/texts-LANG.json: the dashboard's texts."""
    catalogue = {"en": EN, "ru": RU}.get(lang)
    if catalogue is None:
        raise NotFound("The dashboard speaks en and ru.")
    texts = {key: text for key, text in catalogue.items() if key.startswith(OWN_TEXTS)}
    response = json_response(texts)
    response.headers.update(HEADERS)
    return response


def show_file(name: str) -> ResponseReturnValue:
    """Answer GET /ui/NAME."""
    return _file(name)


def _file(name: str) -> Response:
    path = resources.files(STATIC).joinpath(name)
    if name.startswith((".", "_")) or "/" in name or not path.is_file():
        raise NotFound("The dashboard has no such file.")
    suffix = f".{name.rpartition('.')[2]}"
    kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(path.read_bytes(), content_type=f"{kind}; charset=utf-8", headers=HEADERS)
