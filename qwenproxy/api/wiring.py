"""Reach the objects that the routes use through the Flask app: the relay, the kept conversations, the uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from qwenproxy.history.conversations import Conversations
    from qwenproxy.relay.filing import Filing
    from qwenproxy.relay.questions import Relay

RELAY = "qwenproxy.relay"
CONVERSATIONS = "qwenproxy.conversations"
FILING = "qwenproxy.filing"


def relay() -> Relay:
    """Return the relay of the app that serves this request."""
    return cast("Relay", current_app.extensions[RELAY])


def conversations() -> Conversations:
    """Return the kept conversations of the app that serves this request."""
    return cast("Conversations", current_app.extensions[CONVERSATIONS])


def filing() -> Filing:
    """Return the uploads of the app that serves this request."""
    return cast("Filing", current_app.extensions[FILING])
