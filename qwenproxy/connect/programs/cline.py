"""Cline: its command line; the extension of VS Code has the same fields in its settings page."""

from __future__ import annotations

from datetime import datetime, timezone

from qwenproxy.connect.program import Default, Location, Program, Settings, Target, Way


def _settings(target: Target) -> tuple[Settings, ...]:
    provider = "openai-compatible"
    values = {"provider": provider, "apiKey": target.key, "model": target.model, "baseUrl": target.v1}
    # Without the moment Cline takes the whole file for spoilt, and writes it anew without any provider.
    entry = {"settings": values, "updatedAt": Default(_now()), "tokenSource": "manual"}
    changes = {"lastUsedProvider": provider, "providers": {provider: entry}}
    return (Settings(Location(".cline/data/settings", "providers.json"), "json", changes, {"version": 1, "modes": {}}),)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _command(target: Target) -> str:
    return f"cline auth openai-compatible -b {target.v1} -k {target.key} -m {target.model}"


PROGRAM = Program("cline", "Cline", (Way("chat", settings=_settings, sample=_command),), ("note_cline_extension",))
