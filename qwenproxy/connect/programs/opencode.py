"""opencode."""

from __future__ import annotations

from qwenproxy.connect.ai_sdk import PACKAGES, ai_sdk_settings
from qwenproxy.connect.program import Location, Program, Way

_LOCATION = Location(".config/opencode", "opencode.json", "XDG_CONFIG_HOME", "opencode", ("opencode.jsonc",))

PROGRAM = Program(
    "opencode",
    "opencode",
    tuple(Way(api, settings=ai_sdk_settings(api, _LOCATION, "https://opencode.ai/config.json")) for api in PACKAGES),
    ("note_slots", "note_opencode_limits"),
)
