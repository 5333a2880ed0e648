"""llm, the command line by Simon Willison."""

from __future__ import annotations

from qwenproxy.connect.program import PROVIDER, Entries, Location, Program, Settings, Target, Way

_FOLDER = "io.datasette.llm"


def _file(name: str) -> Location:
    return Location(
        f".config/{_FOLDER}",
        name,
        "LLM_USER_PATH",
        on_mac=f"Library/Application Support/{_FOLDER}",
        on_windows=f"AppData/Roaming/{_FOLDER}",
    )


def _settings(target: Target) -> tuple[Settings, ...]:
    model = {
        "model_id": PROVIDER,
        "model_name": target.model,
        "api_base": target.v1,
        "api_key_name": PROVIDER,
        "supports_tools": True,
        "supports_schema": True,
        "vision": True,
    }
    return (
        Settings(_file("extra-openai-models.yaml"), "yaml", Entries("model_id", (model,))),
        Settings(_file("keys.json"), "json", {PROVIDER: target.key}),
    )


PROGRAM = Program("llm", "llm", (Way("chat", settings=_settings),), ("note_llm_model",))
