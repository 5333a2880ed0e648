"""aider."""

from __future__ import annotations

from qwenproxy.connect.program import Location, Program, Settings, Target, Way


def _settings(target: Target) -> tuple[Settings, ...]:
    changes = {
        "model": f"openai/{target.model}",
        "weak-model": f"openai/{target.fast_model}",
        "openai-api-base": target.v1,
        "openai-api-key": target.key,
    }
    return (Settings(Location("", ".aider.conf.yml"), "yaml", changes),)


def _variables(target: Target) -> dict[str, str]:
    return {
        "AIDER_MODEL": f"openai/{target.model}",
        "AIDER_WEAK_MODEL": f"openai/{target.fast_model}",
        "OPENAI_API_BASE": target.v1,
        "OPENAI_API_KEY": target.key,
    }


PROGRAM = Program("aider", "aider", (Way("chat", _variables, _settings),), ("note_aider_commit",))
