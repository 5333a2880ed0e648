"""What the routes need from outside, kept on the Flask app: the relay, the client keys."""

from __future__ import annotations

from typing import cast

from flask import current_app

from qwenproxy.relay import Relay

RELAY = "qwenproxy.relay"


def relay() -> Relay:
    """Return the relay of the app that serves this request."""
    return cast(Relay, current_app.extensions[RELAY])
