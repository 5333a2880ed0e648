"""Gemini CLI (Google)."""

from __future__ import annotations

from qwenproxy.connect.program import Location, Program, Settings, Target, Way


def _settings(target: Target) -> tuple[Settings, ...]:
    variables = {"GOOGLE_GEMINI_BASE_URL": target.address, "GEMINI_API_KEY": target.key}
    choices = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "model": {"name": target.model}}
    return (
        Settings(Location(".gemini", ".env", "GEMINI_CLI_HOME", ".gemini"), "env", variables),
        Settings(Location(".gemini", "settings.json", "GEMINI_CLI_HOME", ".gemini"), "json", choices),
    )


PROGRAM = Program(
    "gemini-cli",
    "Gemini CLI",
    (Way("gemini", settings=_settings),),
    ("note_gemini_model", "note_gemini_env", "note_gemini_https"),
)
