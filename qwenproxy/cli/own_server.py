"""How a command asks the running server of this product. Knows no route."""

from __future__ import annotations

import requests


def own_session() -> requests.Session:
    """Return a session for our own server: no proxy of the environment stands between us and it."""
    session = requests.Session()
    session.trust_env = False
    return session
