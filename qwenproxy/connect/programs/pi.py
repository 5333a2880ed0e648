"""pi, the coding agent."""

from __future__ import annotations

from collections.abc import Callable

from qwenproxy.connect.program import PROVIDER, Entries, Location, Program, Settings, Target, Way


def _settings(api: str, base: Callable[[Target], str]) -> Callable[[Target], tuple[Settings, ...]]:
    def settings(target: Target) -> tuple[Settings, ...]:
        model = {
            "id": target.model,
            "name": target.model,
            "reasoning": True,
            "input": ["text", "image"],
            "contextWindow": target.context_length,
            "maxTokens": target.output_length,
        }
        provider = {"baseUrl": base(target), "api": api, "apiKey": target.key, "models": Entries("id", (model,))}
        return (
            Settings(_file("models.json"), "json", {"providers": {PROVIDER: provider}}),
            Settings(_file("settings.json"), "json", {"defaultProvider": PROVIDER, "defaultModel": target.model}),
        )

    return settings


def _file(name: str) -> Location:
    return Location(".pi/agent", name, "PI_CODING_AGENT_DIR")


PROGRAM = Program(
    "pi",
    "pi",
    (
        Way("chat", settings=_settings("openai-completions", lambda target: target.v1)),
        Way("responses", settings=_settings("openai-responses", lambda target: target.v1)),
        Way("messages", settings=_settings("anthropic-messages", lambda target: target.address)),
        Way("gemini", settings=_settings("google-generative-ai", lambda target: f"{target.address}/v1beta")),
    ),
)
