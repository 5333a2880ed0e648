"""GitHub Copilot CLI, with a provider of one's own and no login."""

from __future__ import annotations

from collections.abc import Callable

from qwenproxy.connect.program import Program, Target, Way


def _variables(kind: str, wire: str = "") -> Callable[[Target], dict[str, str]]:
    def variables(target: Target) -> dict[str, str]:
        base = target.address if kind == "anthropic" else target.v1
        return {
            "COPILOT_OFFLINE": "true",
            "COPILOT_PROVIDER_TYPE": kind,
            "COPILOT_PROVIDER_BASE_URL": base,
            "COPILOT_PROVIDER_API_KEY": target.key,
            **({"COPILOT_PROVIDER_WIRE_API": wire} if wire else {}),
            "COPILOT_MODEL": target.model,
            "COPILOT_PROVIDER_MAX_PROMPT_TOKENS": str(target.context_length),
        }

    return variables


PROGRAM = Program(
    "copilot-cli",
    "GitHub Copilot CLI",
    (
        Way("chat", _variables("openai", "completions")),
        Way("responses", _variables("openai", "responses")),
        Way("messages", _variables("anthropic")),
    ),
    ("note_copilot_offline",),
)
