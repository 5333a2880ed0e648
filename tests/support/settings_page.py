"""An account's page that knows settings and quota, as the site keeps them: for the rooms that ask without a browser."""

from __future__ import annotations

import json
from typing import Any

from fake_site import FakeResponse
from replies import JSON, Reply

from qwenproxy.browser.page import PageRequest

SETTINGS = "/api/v2/users/user/settings"
UPDATE = f"{SETTINGS}/update"
QUOTA = "/api/v2/users/user/entitlement_quota"
PROFILE = "/api/v1/auths/"
SECRET = "I am Ada and I like short answers."
PERSONAL = {"name": "Ada", "description": "", "style": "", "instruction": SECRET, "enable_for_new_chat": True}


def enveloped(data: object) -> Reply:
    """Return a success of the site."""
    return Reply((json.dumps({"success": True, "request_id": "r", "data": data}),), headers=JSON)


class SettingsPage:
    """A page whose site replaces the sections that it is sent. `troubles` gives a path another answer."""

    origin = "https://site.example"
    renewable = True
    unrenewed = False

    def __init__(self, name: str = "a", **sections: object) -> None:
        self.name = name
        self.settings: dict[str, Any] = dict(sections)
        self.quota: dict[str, Any] = {"user_tier": "free", "t2i": {"times_left": 3}, "thinking": {"times_left": -1}}
        self.troubles: dict[str, Reply | Exception] = {}
        self.updates: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.responses: list[FakeResponse] = []
        self.closed = 0
        self.loads = 0

    def fetch(self, request: PageRequest) -> FakeResponse:
        self.calls.append(f"{request.method} {request.path}")
        trouble = self.troubles.get(request.path)
        if isinstance(trouble, Exception):
            raise trouble
        self.responses.append(FakeResponse(trouble or self._answer(request)))
        return self.responses[-1]

    def send(self, request: PageRequest) -> None:
        raise AssertionError("nothing is sent without its answer being read")

    def renew(self, loads: int, *, suspect: bool = False) -> bool:
        self.loads += 1
        return True

    def close(self) -> None:
        self.closed += 1

    def _answer(self, request: PageRequest) -> Reply:
        if request.path == SETTINGS:
            return enveloped(self.settings)
        if request.path == UPDATE:
            assert request.headers["content-type"] == "application/json"
            sections = json.loads(request.body or "")
            self.updates.append(sections)
            self.settings.update(sections)
            return enveloped(True)
        if request.path == QUOTA:
            features = json.loads(request.body or "")["features"]
            return enveloped({name: value for name, value in self.quota.items() if name in (*features, "user_tier")})
        assert request.path == PROFILE, request.path
        return Reply((json.dumps({"id": "u1", "role": "user"}),), headers=JSON)
