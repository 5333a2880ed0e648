"""Models as Google's Gemini API lists them. Pure. The shapes are those of its API reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qwenproxy.api.models.openai_form import display_name

if TYPE_CHECKING:
    from qwenproxy.upstream.models import Model
    from qwenproxy.upstream.variants import Variant

COLLECTION = "models/"
_METHODS = ("generateContent", "streamGenerateContent", "countTokens")


def model_list(rows: Sequence[tuple[str, Variant]], size: int | None, start: int) -> dict[str, Any]:
    """Return `size` models (None: all) from the place `start`, and the token of the next page if there is one."""
    end = len(rows) if size is None else start + size
    models = [model_object(name, variant.model) for name, variant in rows[start:end]]
    return {"models": models, **({"nextPageToken": str(end)} if end < len(rows) else {})}


def model_object(name: str, model: Model) -> dict[str, Any]:
    """Return the object of a model under `name`; leave out what the site does not say."""
    lengths = {"inputTokenLimit": model.context_length, "outputTokenLimit": model.output_length}
    return {
        "name": f"{COLLECTION}{name}",
        "version": model.id,
        "displayName": display_name(name, model),
        "description": f"{model.name}, of the Qwen chat site",
        **{field: length for field, length in lengths.items() if length},
        "supportedGenerationMethods": list(_METHODS),
        "thinking": model.thinking,
    }
