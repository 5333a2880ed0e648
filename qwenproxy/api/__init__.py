"""The HTTP side: routes that parse requests and format answers. Gets the relay from the app; holds no state."""

from __future__ import annotations

from flask import Flask, Response, request

from qwenproxy.api import (
    anthropic,
    audio,
    completions,
    gemini,
    images,
    native,
    ollama,
    openai,
    openapi,
    responses,
    status,
    videos,
)
from qwenproxy.api.errors import register_errors
from qwenproxy.api.ollama.addresses import MOUNT
from qwenproxy.api.wire import WireApi
from qwenproxy.wsgi.mounts import with_mount
from qwenproxy.wsgi.paths import with_canonical_paths
from qwenproxy.wsgi.unread import closing_unread


def wire_apis() -> tuple[WireApi, ...]:
    """Return all wire APIs. A path without a route is that of the most exact address; of equal ones the last counts."""
    return (
        openai.wire_api(),
        completions.wire_api(),
        images.wire_api(),
        videos.wire_api(),
        audio.wire_api(),
        responses.wire_api(),
        anthropic.wire_api(),
        gemini.wire_api(),
        ollama.wire_api(),
        native.wire_api(),
    )


def register(app: Flask, ollama_port: int | None = None) -> None:
    """Put every route and error form on the app. On `ollama_port` Ollama's API is at the root (None: on no port)."""
    apis = wire_apis()
    for api in apis:
        for routes in api.routes:
            app.register_blueprint(routes)
    app.register_blueprint(status.blueprint())
    app.before_request(status.answer_probe)
    app.register_blueprint(openapi.blueprint())
    register_errors(app, apis)
    roots = [root for api in apis for root in api.roots]
    serve = with_mount(with_canonical_paths(app.wsgi_app, roots), MOUNT, ollama_port)
    app.wsgi_app = closing_unread(serve)  # type: ignore[method-assign]

    @app.after_request
    def drop_content_type(response: Response) -> Response:
        # Flask calls its own empty answer to OPTIONS text/html.
        if request.method == "OPTIONS" and not response.content_length:
            response.headers.pop("Content-Type", None)
        return response
