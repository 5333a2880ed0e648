"""POST /admin/api/pictures: a picture of an answer, as a file, so that the page loads nothing from another host.

Only what the site itself gave as a picture is fetched, by the way out of the account that answered. An address that a
model wrote, or the page made up, opens nothing.
"""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from qwenproxy.admin.account_changes import text_in
from qwenproxy.api.bodies import json_body
from qwenproxy.api.wiring import conversations, pictures
from qwenproxy.uploads.file_types import image_type

# Should a browser ever show it as a page of ours, nothing in it runs.
HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox"}


def blueprint() -> Blueprint:
    """Return the route of the pictures."""
    routes = Blueprint("admin-pictures", __name__)
    routes.add_url_rule("/admin/api/pictures", view_func=show, methods=["POST"])
    return routes


def show() -> ResponseReturnValue:
    """Answer POST /admin/api/pictures: the file, or 204 for an address that no answer had as its picture."""
    address = text_in(json_body(), "address")
    account_id = conversations().pictures.account_of(address)
    if account_id is None:
        return Response(status=204)
    data = pictures().file(address, account_id)
    return Response(data, content_type=image_type(data), headers=HEADERS)
