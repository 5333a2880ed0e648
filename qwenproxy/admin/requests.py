"""GET /admin/api/requests: the last requests, and one of them with all that happened on its way."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.admin.office import office
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.wiring import conversations
from qwenproxy.errors import NotFound, RequestError
from qwenproxy.observe.texts import Texts

log = logging.getLogger(__name__)


def blueprint() -> Blueprint:
    """Return the routes of the requests."""
    routes = Blueprint("admin-requests", __name__)
    routes.add_url_rule("/admin/api/requests", view_func=list_requests)
    routes.add_url_rule("/admin/api/requests/texts", view_func=switch_texts, methods=["POST"])
    routes.add_url_rule("/admin/api/requests/<row_id>", view_func=show_request)
    return routes


def list_requests() -> ResponseReturnValue:
    """Answer GET /admin/api/requests: the newest first."""
    return json_response({"requests": office().inspector.rows(), "texts": conversations().texts.is_on})


def show_request(row_id: str) -> ResponseReturnValue:
    """Answer GET /admin/api/requests/ID."""
    row = office().inspector.row(row_id)
    if row is None:
        raise NotFound("There is no such request among the last ones.")
    texts = conversations().texts.of(row_id)
    return json_response({**row, "texts": _form(texts) if texts else None})


def switch_texts() -> ResponseReturnValue:
    """Answer POST /admin/api/requests/texts: keep the texts of messages in memory from now on, or forget them all."""
    wanted = json_body().get("on")
    if not isinstance(wanted, bool):
        raise RequestError("on must be true or false.", param="on")
    conversations().texts.switch(on=wanted)
    log.warning("the dashboard keeps the texts of messages in memory: %s", "yes" if wanted else "no")
    return json_response({"on": wanted})


def _form(texts: Texts) -> dict[str, Any]:
    messages = [{"role": role, "text": text} for role, text in texts.messages]
    return {"messages": messages, "leftOut": texts.left_out, "answer": texts.answer}
