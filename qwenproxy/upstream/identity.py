"""Read from the answer to `calls.profile()` whose login it is. Pure."""

from __future__ import annotations

from qwenproxy.browser.page import Head
from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream import refusals
from qwenproxy.upstream.bodies import object_in


def user_id_from(head: Head, body: str) -> str:
    """Return the id of the user who is logged in. Raises the error behind a failed answer, ProtocolChanged."""
    refusals.check(head, body)
    profile = object_in(body) or {}
    for place in (profile, profile.get("data")):
        if isinstance(place, dict) and place.get("id"):
            return str(place["id"])
    raise ProtocolChanged("The site did not say who is logged in. A newer qwenproxy may know the new form.")
