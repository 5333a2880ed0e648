"""Reach the objects that the routes use through the Flask app: the relay, the kept conversations, the uploads, what
clients store."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from qwenproxy.accounts.proxies import Proxies
    from qwenproxy.history.conversations import Conversations
    from qwenproxy.history.stored import Stored
    from qwenproxy.media.films import Films
    from qwenproxy.media.hearing import Hearing
    from qwenproxy.media.pictures import Pictures
    from qwenproxy.relay.filing import Filing
    from qwenproxy.relay.questions import Relay
    from qwenproxy.relay.speaking import SpeechSite

RELAY = "qwenproxy.relay"
CONVERSATIONS = "qwenproxy.conversations"
FILING = "qwenproxy.filing"
STORED = "qwenproxy.stored"
PROXIES = "qwenproxy.proxies"
PICTURES = "qwenproxy.pictures"
FILMS = "qwenproxy.films"
SPEECH = "qwenproxy.speech"
HEARING = "qwenproxy.hearing"


def relay() -> Relay:
    """Return the relay of the app that serves this request."""
    return cast("Relay", current_app.extensions[RELAY])


def conversations() -> Conversations:
    """Return the kept conversations of the app that serves this request."""
    return cast("Conversations", current_app.extensions[CONVERSATIONS])


def stored() -> Stored:
    """Return the responses and conversations that clients store in the app that serves this request."""
    return cast("Stored", current_app.extensions[STORED])


def proxies() -> Proxies:
    """Return the accounts' outgoing proxies of the app that serves this request."""
    return cast("Proxies", current_app.extensions[PROXIES])


def pictures() -> Pictures:
    """Return the painter of pictures of the app that serves this request."""
    return cast("Pictures", current_app.extensions[PICTURES])


def films() -> Films:
    """Return the films of the app that serves this request."""
    return cast("Films", current_app.extensions[FILMS])


def speech() -> SpeechSite:
    """Return what reads texts aloud in the app that serves this request."""
    return cast("SpeechSite", current_app.extensions[SPEECH])


def hearing() -> Hearing:
    """Return what writes down sound files in the app that serves this request."""
    return cast("Hearing", current_app.extensions[HEARING])


def filing() -> Filing:
    """Return the uploads of the app that serves this request."""
    return cast("Filing", current_app.extensions[FILING])
