"""The site's answer envelope: status 200 with the real status in a header and in the body.

Source: protocol 3 and 6.1. Routes return success(...) or raise SiteError; nothing else makes JSON answers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from quart import Response, current_app, request
from werkzeug.exceptions import HTTPException

GENERIC_FAILURE = "Internal error, please try again later."


class SiteError(Exception):
    """A refusal in the site's own words. `status` is the real one; `extra` joins code and details in the body."""

    def __init__(self, status: int, code: str, details: str, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.details = details
        self.extra = dict(extra or {})

    @property
    def data(self) -> dict[str, Any]:
        """The `data` object of the body."""
        return {"code": self.code, "details": self.details, **self.extra}


def bad_request(details: str = GENERIC_FAILURE) -> SiteError:
    """Return the refusal that the site uses for most mistakes of a client."""
    return SiteError(400, "Bad_Request", details)


def unauthorized(details: str = "Unauthorized") -> SiteError:
    """Return the refusal for a missing or dead login."""
    return SiteError(401, "Unauthorized", details)


def compact(value: Any) -> str:
    """Return JSON without spaces, text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `body` as a JSON answer."""
    data = compact(body).encode("utf-8", "replace")
    return Response(data, status=status, content_type="application/json", headers=dict(headers or {}))


def success(data: Any) -> Response:
    """Return `data` in the envelope of a success."""
    body = {"success": True, "request_id": request_id(), "data": data}
    return json_response(body, headers={"x-actual-status-code": "200"})


def failure(error: SiteError) -> Response:
    """Return the envelope of a failure; the HTTP status is 200 unless the sandbox shows real ones."""
    if current_app.extensions["sandbox"].switches.refusal_form == "problem":
        problem = {"type": "about:blank", "title": error.code, "status": error.status, "explanation": error.details}
        return disguised_response(problem, error.status)
    return disguised_response({"success": False, "request_id": request_id(), "data": error.data}, error.status)


def disguised_response(body: Any, status: int) -> Response:
    """Return a JSON body whose real status stands only in a header, unless the sandbox shows real ones."""
    shown_status = status if current_app.extensions["sandbox"].switches.real_status else 200
    return json_response(body, shown_status, {"x-actual-status-code": str(status)})


def html_response(body: str, status: int = 200) -> Response:
    """Return a page."""
    return Response(body, status=status, content_type="text/html; charset=utf-8")


def unknown_path(error: HTTPException) -> Response:
    """Return the answer for an unknown or retired path, such as /api/v2/user."""
    if request.path.startswith("/api/"):
        return failure(SiteError(404, "not found", "Not Found"))
    return html_response("<html><head><title>404</title></head><body>Not found</body></html>", 404)


def request_id() -> str:
    """Return the id the client gave this request, else a new one."""
    return str(request.headers.get("x-request-id") or uuid.uuid4())
