"""Kilo CLI, which has its settings from opencode."""

from __future__ import annotations

from qwenproxy.connect.ai_sdk import PACKAGES, ai_sdk_settings
from qwenproxy.connect.program import Location, Program, Way

_LOCATION = Location(".config/kilo", "kilo.json", "XDG_CONFIG_HOME", "kilo", ("kilo.jsonc",))

PROGRAM = Program(
    "kilo",
    "Kilo Code CLI",
    tuple(Way(api, settings=ai_sdk_settings(api, _LOCATION, "https://app.kilo.ai/config.json")) for api in PACKAGES),
    ("note_slots",),
)
