"""What people set for their accounts, and what the site remembers of them: both change answers (protocol 11.1)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

_TOOLS = (
    *("web_search", "web_extractor", "web_search_image", "image_search", "image_gen_tool", "image_edit_tool"),
    *("image_zoom_in_tool", "code_interpreter", "bio", "history_retriever"),
)
_DEFAULTS: Mapping[str, Any] = {
    "personalization": {"name": "", "description": "", "style": "", "instruction": "", "enable_for_new_chat": False},
    "memory": {"enable_memory": False, "enable_history_memory": False},
    "tools_enabled": dict.fromkeys(_TOOLS, True),
    "mcp": {},
    "mcp_remind": True,
    "ui": {"largeTextAsFile": True, "splitLargeChunks": False, "autoTags": True, "title": {"auto": True}},
    "code_settings": {"custom_prompt": ""},
    "tts_speaker_v2": {"speaker": "Cherry"},
}
# servers that the site hosts; an account switches them on in its settings
HOSTED_SERVERS = ("amap", "image-generation", "code-interpreter")


class UserSettings:
    """The settings and memories of all accounts."""

    def __init__(self) -> None:
        self._settings: dict[str, dict[str, Any]] = {}
        self._memories: dict[str, list[str]] = {}

    def of(self, account_id: str) -> dict[str, Any]:
        """Return the account's settings; change them at will."""
        return self._settings.setdefault(account_id, copy.deepcopy(dict(_DEFAULTS)))

    def memories(self, account_id: str) -> list[str]:
        """Return what the site remembers of the account's person; change it at will."""
        return self._memories.setdefault(account_id, [])

    def update(self, account_id: str, changes: Mapping[str, Any]) -> None:
        """Merge a part of the settings into the account's."""
        _merge(self.of(account_id), changes)

    def personal_text(self, account_id: str) -> str:
        """Return what stands before the messages of a new chat; empty when that is off."""
        personal = self.of(account_id)["personalization"]
        if not isinstance(personal, dict) or personal.get("enable_for_new_chat") is not True:
            return ""
        texts = [personal.get(key) for key in ("name", "description", "style", "instruction")]
        return "\n".join(text for text in texts if isinstance(text, str) and text)


def _merge(settings: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        old_value = settings.get(key)
        if isinstance(old_value, dict) and isinstance(value, Mapping):
            _merge(old_value, value)
        else:
            settings[key] = value
