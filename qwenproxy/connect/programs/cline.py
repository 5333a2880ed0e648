"""Cline: its command line; the extension of VS Code has the same fields in its settings page."""

from __future__ import annotations

from qwenproxy.connect.program import Location, Program, Settings, Target, Way


def _settings(target: Target) -> tuple[Settings, ...]:
    provider = "openai-compatible"
    values = {"provider": provider, "apiKey": target.key, "model": target.model, "baseUrl": target.v1}
    changes = {"lastUsedProvider": provider, "providers": {provider: {"settings": values, "tokenSource": "manual"}}}
    return (Settings(Location(".cline/data/settings", "providers.json"), "json", changes, {"version": 1}),)


def _command(target: Target) -> str:
    return f"cline auth openai-compatible -b {target.v1} -k {target.key} -m {target.model}"


PROGRAM = Program("cline", "Cline", (Way("chat", settings=_settings, sample=_command),), ("note_cline_extension",))
