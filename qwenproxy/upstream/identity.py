"""Who the site says is logged in: the answer to `calls.profile()`. Pure."""

from __future__ import annotations

import json

from qwenproxy.browser.page import Head
from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream import refusals


def judge_profile(head: Head, body: str) -> str:
    """Return the user id of who is logged in. Raises what the site's refusal means, ProtocolChanged."""
    refusals.check(head, body)
    try:
        profile = json.loads(body)
    except ValueError:
        profile = None
    data = profile.get("data") if isinstance(profile, dict) else None
    for place in (profile, data):
        if isinstance(place, dict) and place.get("id"):
            return str(place["id"])
    raise ProtocolChanged("The site did not say who is logged in. A newer qwenproxy may know the new form.")
