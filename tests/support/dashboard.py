"""A server whose dashboard watches the journal, and its person: with the admin key, or logged in as a page is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from flask.testing import FlaskClient
from kept_chats import KeptChats
from werkzeug.test import TestResponse

from qwenproxy.admin.office import OFFICE, Office
from qwenproxy.api.auth import PAGE_HEADER

LOGIN = "/admin/api/login"


class Dashboard:
    """`client` has no key; `page` is the token of its page once it logged in."""

    def __init__(self, chats: KeptChats) -> None:
        self.chats = chats
        self.client: FlaskClient = chats.app.test_client()
        self.office = replace(cast(Office, chats.app.extensions[OFFICE]), clock=chats.clock)
        chats.app.extensions[OFFICE] = self.office
        self.key = self.office.admin_keys.first()
        self.bearer = {"Authorization": f"Bearer {self.key}"}

    def log_in(self) -> str:
        """Log the client in; return the page's token."""
        response = self.client.post(LOGIN, json={"key": self.key})
        assert response.status_code == 200, response.text
        return str(response.get_json()["pageToken"])

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        """Return an answer to the admin key."""
        return self.chats.app.test_client().open(path, method=method, headers=self.bearer, **more)

    def read(self, path: str) -> Any:
        """Return what the admin key reads."""
        response = self.ask("GET", path)
        assert response.status_code == 200, response.text
        return response.get_json()

    def as_page(self, token: str) -> dict[str, str]:
        """Return the headers of the page with this token."""
        return {PAGE_HEADER: token}

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the requests, the newest first."""
        return cast("list[dict[str, Any]]", self.read("/admin/api/requests")["requests"])


@contextmanager
def dashboard_of(chats: KeptChats) -> Iterator[Dashboard]:
    """Let the dashboard of the server as it is now watch the journal."""
    dashboard = Dashboard(chats)
    dashboard.office.start()
    try:
        yield dashboard
    finally:
        dashboard.office.close()
