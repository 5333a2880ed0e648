"""Continue: one file for its command line and its extensions."""

from __future__ import annotations

from qwenproxy.connect.program import PROVIDER, Entries, Location, Program, Settings, Target, Way


def _settings(target: Target) -> tuple[Settings, ...]:
    model = {
        "name": PROVIDER,
        "provider": "openai",
        "model": target.model,
        "apiBase": target.v1,
        "apiKey": target.key,
        "roles": ["chat", "edit", "apply"],
        "capabilities": ["tool_use"],
        "defaultCompletionOptions": {"contextLength": target.context_length, "maxTokens": target.output_length},
    }
    head = {"name": "Local", "version": "1.0.0", "schema": "v1"}
    location = Location(".continue", "config.yaml", "CONTINUE_GLOBAL_DIR")
    return (Settings(location, "yaml", {"models": Entries("name", (model,))}, head),)


PROGRAM = Program("continue", "Continue", (Way("chat", settings=_settings),), ("note_continue_first",))
