"""The HTTP face: routes that parse requests and format answers. Gets the relay from the app; holds no state."""

from __future__ import annotations

from flask import Flask, Response, request

from qwenproxy.api import openapi, status
from qwenproxy.api.errors import register_errors
from qwenproxy.api.native import chats, files
from qwenproxy.api.native import routes as native
from qwenproxy.api.openai import routes as openai
from qwenproxy.wsgi.paths import with_meant_paths
from qwenproxy.wsgi.unread import end_unread


def register(app: Flask) -> None:
    """Put every route and error form on the app."""
    app.register_blueprint(openai.blueprint())
    app.register_blueprint(native.blueprint())
    app.register_blueprint(chats.blueprint())
    app.register_blueprint(files.blueprint())
    app.register_blueprint(status.blueprint())
    app.register_blueprint(openapi.blueprint())
    register_errors(app)
    app.wsgi_app = end_unread(with_meant_paths(app.wsgi_app))  # type: ignore[method-assign]

    @app.after_request
    def bare_options(response: Response) -> Response:
        # Flask says text/html of its own empty answer.
        if request.method == "OPTIONS" and not response.content_length:
            response.headers.pop("Content-Type", None)
        return response
