"""What the routes need from outside, kept on the Flask app: the relay, the kept conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from qwenproxy.conversation import Conversations
    from qwenproxy.relay import Relay

RELAY = "qwenproxy.relay"
CONVERSATIONS = "qwenproxy.conversations"


def relay() -> Relay:
    """Return the relay of the app that serves this request."""
    return cast("Relay", current_app.extensions[RELAY])


def conversations() -> Conversations:
    """Return the kept conversations of the app that serves this request."""
    return cast("Conversations", current_app.extensions[CONVERSATIONS])
