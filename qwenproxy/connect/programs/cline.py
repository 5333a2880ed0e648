"""Cline: its command line; the extension of VS Code has the same fields in its settings page."""

from __future__ import annotations

from qwenproxy.connect.program import Default, Location, Program, Settings, Target, Way

# When the provider was last changed. Without a moment Cline takes the whole file for spoilt and writes it anew; which
# one it is does not matter.
_MOMENT = "2026-01-01T00:00:00.000Z"


def _settings(target: Target) -> tuple[Settings, ...]:
    provider = "openai-compatible"
    values = {"provider": provider, "apiKey": target.key, "model": target.model, "baseUrl": target.v1}
    entry = {"settings": values, "updatedAt": Default(_MOMENT), "tokenSource": "manual"}
    changes = {"lastUsedProvider": provider, "providers": {provider: entry}}
    return (Settings(Location(".cline/data/settings", "providers.json"), "json", changes, {"version": 1, "modes": {}}),)


def _command(target: Target) -> str:
    return f"cline auth openai-compatible -b {target.v1} -k {target.key} -m {target.model}"


PROGRAM = Program("cline", "Cline", (Way("chat", settings=_settings, sample=_command),), ("note_cline_extension",))
