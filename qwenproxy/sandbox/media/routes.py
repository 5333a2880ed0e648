"""The routes of films under way: both addresses at which the site tells how a task stands (protocol 8.3)."""

from __future__ import annotations

from quart import Blueprint, Response

from qwenproxy.sandbox.envelope import json_response, success
from qwenproxy.sandbox.media.filming import status_of
from qwenproxy.sandbox.state import current_state, logged_in

bp = Blueprint("media", __name__)


@bp.get("/api/v2/task/status/<task_id>")
async def task_status(task_id: str) -> Response:
    """Return how a task stands, in the envelope."""
    return success(status_of(current_state(), logged_in().id, task_id))


@bp.get("/api/v1/tasks/status/<task_id>")
async def flat_task_status(task_id: str) -> Response:
    """Return how a task stands, without an envelope."""
    status = status_of(current_state(), logged_in().id, task_id)
    return json_response(status, headers={"x-actual-status-code": "200"})
