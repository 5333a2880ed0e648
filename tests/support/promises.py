"""The routes and codes that the code has, for comparison with the papers."""

from __future__ import annotations

from qwenproxy.api.openapi import dashboard, document, explaining, windows
from qwenproxy.api.openapi.gemini import GEMINI_PREFIXES, SHARED_PREFIXES
from qwenproxy.api.openapi.paths import OPENAI_PREFIXES
from qwenproxy.errors import ProxyError

METHODS = ("get", "post", "put", "delete")
NEVER_SENT = {"client_gone"}  # nobody is there to read it


def described_routes() -> set[tuple[str, str]]:
    """Return method and path of all routes in the OpenAPI document but the dashboard's."""
    return _routes() - dashboard_routes()


def dashboard_routes() -> set[tuple[str, str]]:
    """Return method and path of the dashboard's routes: people see its pages, and only the contract lists these."""
    paths = dashboard.PATHS | explaining.PATHS | windows.PATHS
    return {(method.upper(), path) for path, item in paths.items() for method in item if method in METHODS}


def _routes() -> set[tuple[str, str]]:
    return {
        (method.upper(), path) for path, item in document()["paths"].items() for method in item if method in METHODS
    }


def on_every_prefix(method: str, path: str) -> set[tuple[str, str]]:
    """Return a route under all the addresses that the READMEs promise for it."""
    if path.startswith("/v1beta/"):
        gemini = (*GEMINI_PREFIXES, *SHARED_PREFIXES) if method == "POST" else GEMINI_PREFIXES
        return {(method, prefix + path.removeprefix("/v1beta")) for prefix in gemini}
    prefixes = OPENAI_PREFIXES if path.startswith("/v1/") else ("",)
    return {(method, prefix + path.removeprefix("/v1" if prefix else "")) for prefix in prefixes}


def statuses_of_codes() -> set[tuple[int, str]]:
    """Return all pairs of HTTP status and code that a client can get."""
    kinds = [ProxyError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return {(kind.status, kind.code) for kind in kinds if kind.code not in NEVER_SENT}
