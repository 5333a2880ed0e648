"""Projects: their instruction stands before the messages of every chat that is made in them (protocol 11.2)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.envelope import SiteError

_TEXTS = ("name", "description", "custom_instruction")


@dataclass(slots=True)
class Project:
    """A project of one account; `fields` are its name, description and custom_instruction."""

    id: str
    account_id: str
    fields: dict[str, str]

    @property
    def instruction(self) -> str:
        """What the model is told in its chats."""
        return self.fields["custom_instruction"]

    def json(self) -> dict[str, Any]:
        """Return this project as the site shows it."""
        return {"id": self.id, **self.fields}


class Projects:
    """The projects of all accounts."""

    def __init__(self) -> None:
        self._projects: dict[str, Project] = {}

    def new(self, account_id: str, body: dict[str, Any]) -> Project:
        """Make a project. Raises SiteError when it has no name."""
        project = Project(str(uuid.uuid4()), account_id, dict.fromkeys(_TEXTS, ""))
        change(project, body)
        if not project.fields["name"]:
            raise SiteError(400, "RequestValidationError", "Field 'name': Field required")
        self._projects[project.id] = project
        return project

    def get(self, account_id: str, project_id: object) -> Project:
        """Return a project of this account. Raises SiteError (404)."""
        project = self._projects.get(project_id) if isinstance(project_id, str) else None
        if project is None or project.account_id != account_id:
            raise SiteError(404, "Not_Found", f"The project {project_id} is not exist")
        return project

    def of(self, account_id: str) -> list[Project]:
        """Return the account's projects, oldest first."""
        return [one for one in self._projects.values() if one.account_id == account_id]

    def delete(self, project: Project) -> None:
        """Forget a project; its chats stay, without its instruction."""
        self._projects.pop(project.id, None)


def change(project: Project, body: dict[str, Any]) -> None:
    """Change those texts of a project that the body has. Raises SiteError for what is no text."""
    for name in _TEXTS:
        value = body.get(name, project.fields[name])
        if not isinstance(value, str):
            raise SiteError(400, "RequestValidationError", f"Field '{name}': Input should be a valid string")
        project.fields[name] = value
