"""The models the sandbox offers, as the site describes them (protocol 2.2 and 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_TEXT_TYPES = ("t2t", "search", "artifacts", "web_dev", "deep_research", "travel", "learn", "slides")
_MEDIA_TYPES = ("t2i", "image_edit", "t2v", "i2v")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model. `thinking` is "no", "optional" or "always"; `media` says whether it makes images and video.

    An `audio` one hears sound files.
    """

    id: str
    name: str
    context_length: int = 262_144
    thinking: str = "optional"
    vision: bool = True
    media: bool = False
    audio: bool = False

    @property
    def chat_types(self) -> tuple[str, ...]:
        """The chat types that the model takes."""
        return (*_TEXT_TYPES, *_MEDIA_TYPES) if self.media else _TEXT_TYPES

    def json(self) -> dict[str, Any]:
        """Return the model as the list shows it."""
        info = {
            "id": self.id,
            "user_id": "5f000000-0000-4000-8000-000000000000",
            "base_model_id": None,
            "name": self.name,
            "meta": self._meta(),
            "access_control": None,
            "is_active": True,
            "is_visitor_active": True,
            "updated_at": 1770000000,
            "created_at": 1770000000,
        }
        return {
            "id": self.id,
            "name": self.name,
            "object": "model",
            "owned_by": "qwen",
            "info": info,
            "preset": True,
            "action_ids": [],
        }

    def _meta(self) -> dict[str, Any]:
        thinks = self.thinking != "no"
        capabilities = {"document": True, "citations": True, "search": True}
        abilities = {"document": 1, "citations": 1}
        if self.vision:
            capabilities["vision"], abilities["vision"] = True, 1
        if self.audio:
            capabilities["audio"], abilities["audio"] = True, 1
        if thinks:
            capabilities["thinking"] = capabilities["thinking_budget"] = True
            abilities["thinking"] = 2 if self.thinking == "always" else 1
        return {
            "profile_image_url": "/favicon.ico",
            "description": f"{self.name}, as the sandbox plays it.",
            "short_description": self.name,
            "capabilities": capabilities,
            "abilities": abilities,
            "max_context_length": self.context_length,
            "max_generation_length": 65_536,
            **({"max_thinking_generation_length": 81_920, "thinking_format": "summary"} if thinks else {}),
            "auto_thinking": self.thinking == "optional",
            "auto_search": True,
            "think_skip": {"enable": self.thinking == "optional"},
            "chat_type": list(self.chat_types),
            "mcp": ["image-generation", "code-interpreter"],
            "modality": ["text", "image", "video"] if self.vision else ["text"],
        }


def default_cards() -> list[ModelCard]:
    """Return the models that a new sandbox offers."""
    million = 1_000_000
    return [
        ModelCard("qwen3.7-plus", "Qwen3.7-Plus", million, media=True),
        ModelCard("qwen3.8-max", "Qwen3.8-Max", million, media=True),
        ModelCard("qwen3.8-max-preview", "Qwen3.8-Max-Preview", thinking="always"),
        ModelCard("qwen3.7-max", "Qwen3.7-Max", million, vision=False),
        ModelCard("qwen3.6-plus", "Qwen3.6-Plus", million, media=True),
        ModelCard("qwen3.5-plus", "Qwen3.5-Plus", million),
        ModelCard("qwen3.5-flash", "Qwen3.5-Flash", million, thinking="no"),
        ModelCard("qwen3.5-omni-plus", "Qwen3.5-Omni-Plus", audio=True),
        ModelCard("qwen3-coder-plus", "Qwen3-Coder-Plus", 1_048_576, thinking="no", vision=False),
        ModelCard("qwen3-vl-plus", "Qwen3-VL-Plus"),
        ModelCard("qwen-plus-2025-07-28", "Qwen3-235B-A22B-2507", 131_072),
    ]
