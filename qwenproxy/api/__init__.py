"""The HTTP face: routes that parse requests and format answers. Gets the relay from the app; holds no state."""

from __future__ import annotations

from flask import Flask

from qwenproxy.api import chats, files, native, openai, openapi, status
from qwenproxy.api.errors import register_errors


def register(app: Flask) -> None:
    """Put every route and error form on the app."""
    app.register_blueprint(openai.blueprint())
    app.register_blueprint(native.blueprint())
    app.register_blueprint(chats.blueprint())
    app.register_blueprint(files.blueprint())
    app.register_blueprint(status.blueprint())
    app.register_blueprint(openapi.blueprint())
    register_errors(app)
