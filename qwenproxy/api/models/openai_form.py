"""Models as OpenAI lists them: OpenAI's fields, and further ones that clients read. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qwenproxy.upstream.models import Model
    from qwenproxy.upstream.variants import Variant

_PARAMETERS = (
    *("max_tokens", "max_completion_tokens", "stop", "stream", "tools", "tool_choice", "parallel_tool_calls"),
    *("response_format", "structured_outputs"),
)
_SEARCH_PARAMETERS = ("web_search_options", "enable_search")
_THINKING_PARAMETERS = ("reasoning", "reasoning_effort", "enable_thinking", "thinking_budget")


def model_list(rows: list[tuple[str, Variant]], *, for_codex: bool) -> dict[str, Any]:
    """Return the list of models.

    Codex also wants its own list, `models`. Each entry there would bring instructions in place of Codex's own, so it is
    empty: then Codex keeps its own.
    """
    listing = {"object": "list", "data": [model_object(name, variant.model) for name, variant in rows]}
    return {**listing, "models": []} if for_codex else listing


def model_object(name: str, model: Model) -> dict[str, Any]:
    """Return the object of a model under `name`; leave out what the site does not say (contract 7.1)."""
    lengths = {"context_length": model.context_length, "max_completion_tokens": model.output_length}
    return {
        "id": name,
        "object": "model",
        "created": model.created or int(time.time()),
        "owned_by": "qwen",
        "name": display_name(name, model),
        **{field: length for field, length in lengths.items() if length},
        "architecture": {"input_modalities": _modalities(model), "output_modalities": ["text"]},
        "supported_parameters": [
            *_PARAMETERS,
            *(_THINKING_PARAMETERS if model.thinking else ()),
            *(_SEARCH_PARAMETERS if model.search else ()),
        ],
        "capabilities": {
            "vision": model.vision,
            "tools": True,
            "reasoning": model.thinking,
            "search": model.search,
            "image_output": "t2i" in model.chat_types,
            "video_output": "t2v" in model.chat_types,
        },
    }


def display_name(name: str, model: Model) -> str:
    """Return the name to show: the site's own for a model under its own id."""
    return model.name if name == model.id else name


def _modalities(model: Model) -> list[str]:
    kinds = {
        "text": True,
        "image": model.vision,
        "audio": model.audio,
        "video": model.video,
        "file": model.document,
    }
    return [kind for kind, able in kinds.items() if able]
