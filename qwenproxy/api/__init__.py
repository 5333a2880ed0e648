"""The HTTP face: routes that parse requests and format answers. Gets the relay from the app; holds no state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request

from qwenproxy.api import chats, files, native, openai, openapi, status
from qwenproxy.api.errors import register_errors
from qwenproxy.api.unread import end_unread


def register(app: Flask) -> None:
    """Put every route and error form on the app."""
    app.register_blueprint(openai.blueprint())
    app.register_blueprint(native.blueprint())
    app.register_blueprint(chats.blueprint())
    app.register_blueprint(files.blueprint())
    app.register_blueprint(status.blueprint())
    app.register_blueprint(openapi.blueprint())
    register_errors(app)
    app.wsgi_app = end_unread(_single_slashes(app.wsgi_app))  # type: ignore[method-assign]

    @app.after_request
    def bare_options(response: Response) -> Response:
        # Flask says text/html of its own empty answer.
        if request.method == "OPTIONS" and not response.content_length:
            response.headers.pop("Content-Type", None)
        return response


def _single_slashes(serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Read `//` in a path as `/`: base URLs that end in a slash bring it about, and few clients follow redirects."""

    def with_single_slashes(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["PATH_INFO"] = re.sub("/{2,}", "/", environ.get("PATH_INFO", ""))
        return serve(environ, start_response)

    return with_single_slashes
