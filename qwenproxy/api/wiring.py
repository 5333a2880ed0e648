"""What the routes need from outside, kept on the Flask app: the relay, the client keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from qwenproxy.relay import Relay

RELAY = "qwenproxy.relay"


def relay() -> Relay:
    """Return the relay of the app that serves this request."""
    return cast("Relay", current_app.extensions[RELAY])
