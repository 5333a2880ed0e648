"""The Anthropic SDKs, and every program that reads their variables."""

from __future__ import annotations

from qwenproxy.connect.program import Program, Target, Way


def _variables(target: Target) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": target.address, "ANTHROPIC_API_KEY": target.key}


PROGRAM = Program("anthropic-sdk", "Anthropic SDK", (Way("messages", _variables),), ("note_no_v1", "note_sdk_model"))
