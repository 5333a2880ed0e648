"""Qwen Code."""

from __future__ import annotations

from collections.abc import Callable

from qwenproxy.connect.program import KEY_VARIABLE, PROVIDER, Entries, Location, Program, Settings, Target, Way

# By itself it tries for minutes, in silence and whatever the answer says; without retries of this kind for one.
RETRIES = 0


def _settings(auth_type: str, target: Target, base: str) -> tuple[Settings, ...]:
    def model(name: str, **limits: int) -> dict[str, object]:
        place = {"id": name, "name": f"{name} ({PROVIDER})", "baseUrl": base, "envKey": KEY_VARIABLE}
        return {**place, "generationConfig": {**limits, "maxRetries": RETRIES}}

    fast = (model(target.fast_model),) if target.fast_model != target.model else ()
    models = (model(target.model, contextWindowSize=target.context_length), *fast)
    changes = {
        "env": {KEY_VARIABLE: target.key},
        "modelProviders": {auth_type: Entries("name", models)},
        "security": {"auth": {"selectedType": auth_type}},
        "model": {"name": target.model},
        "fastModel": target.fast_model,
    }
    return (Settings(Location(".qwen", "settings.json", "QWEN_HOME"), "json", changes, {"$version": 4}),)


def _by(auth_type: str, base: Callable[[Target], str]) -> Callable[[Target], tuple[Settings, ...]]:
    return lambda target: _settings(auth_type, target, base(target))


PROGRAM = Program(
    "qwen-code",
    "Qwen Code",
    (
        Way("chat", settings=_by("openai", lambda target: target.v1)),
        Way("messages", settings=_by("anthropic", lambda target: target.address)),
        Way("gemini", settings=_by("gemini", lambda target: target.address)),
    ),
    ("note_slots", "note_qwen_background", "note_qwen_retries"),
)
