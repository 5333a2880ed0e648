"""Settings of opencode and of what grew out of it: a provider of the AI SDK, in a JSON file. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qwenproxy.connect.program import PROVIDER, Api, Location, Settings, Target

PACKAGES: Mapping[Api, str] = {
    "chat": "@ai-sdk/openai-compatible",
    "responses": "@ai-sdk/openai",
    "messages": "@ai-sdk/anthropic",
}


def ai_sdk_settings(api: Api, location: Location, schema: str) -> Callable[[Target], tuple[Settings, ...]]:
    """Return what makes the settings for an API; `schema` is the address that a new file names."""

    def settings(target: Target) -> tuple[Settings, ...]:
        limits = {"context": target.context_length, "output": target.output_length}
        models = {target.fast_model: {"name": target.fast_model}, target.model: {"name": target.model, "limit": limits}}
        provider = {
            "npm": PACKAGES[api],
            "name": PROVIDER,
            "options": {"baseURL": target.v1, "apiKey": target.key},
            "models": models,
        }
        changes = {
            "provider": {PROVIDER: provider},
            "model": f"{PROVIDER}/{target.model}",
            "small_model": f"{PROVIDER}/{target.fast_model}",
        }
        return (Settings(location, "json", changes, {"$schema": schema}),)

    return settings
