"""The OpenAI SDKs, and every program that reads their variables."""

from __future__ import annotations

from qwenproxy.connect.program import Program, Target, Way


def _variables(target: Target) -> dict[str, str]:
    return {"OPENAI_BASE_URL": target.v1, "OPENAI_API_KEY": target.key}


PROGRAM = Program(
    "openai-sdk", "OpenAI SDK", (Way("chat", _variables), Way("responses", _variables)), ("note_sdk_model",)
)
