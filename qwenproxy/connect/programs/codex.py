"""Codex (OpenAI)."""

from __future__ import annotations

from qwenproxy.connect.program import PROVIDER, Location, Program, Settings, Target, Way


def _settings(target: Target) -> tuple[Settings, ...]:
    provider = {
        "name": PROVIDER,
        "base_url": target.v1,
        "wire_api": "responses",
        "experimental_bearer_token": target.key,
    }
    changes = {
        "model": target.model,
        "model_provider": PROVIDER,
        "model_context_window": target.context_length,
        "model_providers": {PROVIDER: provider},
    }
    return (Settings(Location(".codex", "config.toml", "CODEX_HOME"), "toml", changes),)


PROGRAM = Program(
    "codex", "Codex", (Way("responses", settings=_settings),), ("note_slots", "note_codex_provider", "note_codex_model")
)
