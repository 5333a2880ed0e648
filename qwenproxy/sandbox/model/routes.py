"""The model list, in both wrappers of protocol 2.1. Needs no login."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from qwenproxy.sandbox.envelope import json_response, success
from qwenproxy.sandbox.state import current_state

bp = Blueprint("models", __name__)


@bp.get("/api/models")
async def older_list() -> Response:
    """List the models the way the older page asked for them."""
    return json_response({"data": _cards()})


@bp.get("/api/v2/models/")
async def newer_list() -> Response:
    """List the models in the envelope."""
    return success({"data": _cards()})


def _cards() -> list[dict[str, Any]]:
    return [card.json() for card in current_state().models]
