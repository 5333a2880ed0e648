"""Droid (Factory), with models of one's own."""

from __future__ import annotations

from collections.abc import Callable

from qwenproxy.connect.program import PROVIDER, Entries, Location, Program, Settings, Target, Way


def _settings(provider: str) -> Callable[[Target], tuple[Settings, ...]]:
    def settings(target: Target) -> tuple[Settings, ...]:
        model = {
            "displayName": PROVIDER,
            "model": target.model,
            "provider": provider,
            "baseUrl": target.address if provider == "anthropic" else target.v1,
            "apiKey": target.key,
            "maxOutputTokens": target.output_length,
        }
        changes = {"customModels": Entries("displayName", (model,))}
        return (Settings(Location(".factory", "settings.json"), "json", changes),)

    return settings


PROGRAM = Program(
    "droid",
    "Factory Droid",
    (
        Way("chat", settings=_settings("generic-chat-completion-api")),
        Way("responses", settings=_settings("openai")),
        Way("messages", settings=_settings("anthropic")),
    ),
    ("note_droid_model",),
)
