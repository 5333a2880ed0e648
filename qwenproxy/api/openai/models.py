"""A model as an object of the list of models: OpenAI's fields, and further ones that clients read. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qwenproxy.upstream.models import Model

_PARAMETERS = ("max_tokens", "response_format", "stop", "stream", "structured_outputs", "tools", "tool_choice")
_THINKING_PARAMETERS = ("reasoning", "reasoning_effort", "enable_thinking", "thinking_budget")
_SEARCH_PARAMETERS = ("web_search_options", "enable_search")


def model_object(name: str, model: Model) -> dict[str, Any]:
    """Return the object of a model under `name`; leave out what the site does not say (contract 7.1)."""
    lengths = {"context_length": model.context_length, "max_completion_tokens": model.output_length}
    searches = "search" in model.chat_types
    kinds = [("text", True), ("image", model.vision), ("file", model.document)]
    return {
        "id": name,
        "object": "model",
        "created": model.created or int(time.time()),
        "owned_by": "qwen",
        "name": model.name if name == model.id else name,
        **{field: length for field, length in lengths.items() if length},
        "architecture": {"input_modalities": [kind for kind, able in kinds if able], "output_modalities": ["text"]},
        "supported_parameters": [
            *_PARAMETERS,
            *(_THINKING_PARAMETERS if model.thinking else ()),
            *(_SEARCH_PARAMETERS if searches else ()),
        ],
        "capabilities": {
            "vision": model.vision,
            "tools": True,
            "reasoning": model.thinking,
            "search": searches,
            "image_output": "t2i" in model.chat_types,
            "video_output": "t2v" in model.chat_types,
        },
    }
