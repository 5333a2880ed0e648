"""Making, listing, reading, changing and deleting projects (protocol 11.2)."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, g

from qwenproxy.sandbox.chats.projects import change
from qwenproxy.sandbox.envelope import success
from qwenproxy.sandbox.state import current_state, logged_in

bp = Blueprint("projects", __name__, url_prefix="/api/v2/projects")


@bp.post("/")
async def new_project() -> Response:
    """Make a project."""
    return success(current_state().projects.new(logged_in().id, _body()).json())


@bp.get("/")
async def list_projects() -> Response:
    """List the account's projects."""
    return success([project.json() for project in current_state().projects.of(logged_in().id)])


@bp.get("/<project_id>")
async def read_project(project_id: str) -> Response:
    """Return a project."""
    return success(current_state().projects.get(logged_in().id, project_id).json())


@bp.put("/<project_id>")
async def change_project(project_id: str) -> Response:
    """Change a project."""
    project = current_state().projects.get(logged_in().id, project_id)
    change(project, _body())
    return success(project.json())


@bp.delete("/<project_id>")
async def delete_project(project_id: str) -> Response:
    """Delete a project."""
    projects = current_state().projects
    projects.delete(projects.get(logged_in().id, project_id))
    return success({"status": True})


def _body() -> dict[str, Any]:
    return g.body if isinstance(g.body, dict) else {}
