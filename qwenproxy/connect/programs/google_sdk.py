"""The Google Gen AI SDKs."""

from __future__ import annotations

from qwenproxy.connect.program import Program, Target, Way


def _variables(target: Target) -> dict[str, str]:
    return {"GOOGLE_GEMINI_BASE_URL": target.address, "GEMINI_API_KEY": target.key}


PROGRAM = Program("google-sdk", "Google Gen AI SDK", (Way("gemini", _variables),), ("note_no_v1", "note_sdk_model"))
