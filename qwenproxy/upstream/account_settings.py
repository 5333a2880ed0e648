"""The settings of an account on the site that change what it answers (protocol 11.1). Pure.

The logins room asks for them and keeps them, the command line shows them and lets their person change them. The values
here hold names and switches, never a person's text. Forms that nobody knows are passed over, not refused: settings are
news about an account, and no answer depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream.bodies import object_in

PERSONALIZATION = "personalization"
MEMORY = "memory"
HISTORY_MEMORY = "history_memory"
CODE_PROMPT = "code_prompt"  # no switch: it is on while it holds text
SERVER = "mcp:"  # begins the name of a hosted server's switch
TOOLS = (
    *("web_search", "web_extractor", "web_search_image", "image_search", "image_gen_tool", "image_edit_tool"),
    *("image_zoom_in_tool", "code_interpreter", "bio", "history_retriever"),
)

_ENABLED = "enable_for_new_chat"
_PLACES = {
    PERSONALIZATION: ("personalization", _ENABLED),
    MEMORY: ("memory", "enable_memory"),
    HISTORY_MEMORY: ("memory", "enable_history_memory"),
}
_SECTIONS = ("personalization", "memory", "tools_enabled", "mcp", "code_settings")
_LONGEST_NAME = 64  # characters
_NO_STYLE = "default"


@dataclass(frozen=True, slots=True)
class Switch:
    """A setting that is on or off; `on` is None if the site does not say."""

    name: str
    on: bool | None


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What an account's settings say. `personal_fields` names the parts of its personalization that hold text.

    `voice` reads its texts aloud, "" if the site does not say.
    """

    switches: tuple[Switch, ...] = ()
    personal_fields: tuple[str, ...] = ()
    code_prompt: bool = False
    voice: str = ""

    def is_on(self, name: str) -> bool | None:
        """Return the state of a switch, None if the site does not say."""
        return next((switch.on for switch in self.switches if switch.name == name), None)

    @property
    def changing(self) -> tuple[str, ...]:
        """The names of the settings that change answers now, whatever is asked; built-in tools do not count."""
        names = [switch.name for switch in self.switches if switch.on and switch.name not in self.tools_on]
        if not self.personal_fields:
            names = [name for name in names if name != PERSONALIZATION]
        return (*names, CODE_PROMPT) if self.code_prompt else tuple(names)

    @property
    def tools_on(self) -> tuple[str, ...]:
        """The names of the site's own tools that are on."""
        return tuple(switch.name for switch in self.switches if switch.on and is_tool(switch.name))


def is_tool(name: str) -> bool:
    """Tell whether a switch is that of one of the site's own tools."""
    return name not in _PLACES and not name.startswith(SERVER)


def settings_in(body_text: str) -> dict[str, Any]:
    """Return the settings object of the site's answer as it is, a person's texts included. Raises ProtocolChanged."""
    answer = object_in(body_text)
    data = (answer or {}).get("data")
    inner = data.get("settings") if isinstance(data, dict) else None
    candidates = [each for each in (inner, data, answer) if isinstance(each, dict)]
    for candidate in candidates:
        if any(section in candidate for section in _SECTIONS):
            return candidate
    if isinstance(data, dict):
        return data  # an account that never changed a setting
    raise ProtocolChanged("The site's account settings have an unknown form. A newer qwenproxy may know it.")


def read_settings(settings: Mapping[str, Any]) -> AccountSettings:
    """Return what an object of `settings_in` says."""
    personal = _section(settings, "personalization")
    tools = _named_flags(_section(settings, "tools_enabled"))
    servers = _named_flags(_section(settings, "mcp"))
    return AccountSettings(
        (
            *(Switch(name, _flag(_section(settings, section).get(key))) for name, (section, key) in _PLACES.items()),
            *(Switch(name, tools.pop(name, None)) for name in TOOLS),
            *(Switch(name, on) for name, on in tools.items() if is_tool(name)),
            *(Switch(SERVER + name, on) for name, on in servers.items()),
        ),
        tuple(key for key, value in personal.items() if key != _ENABLED and _is_name(key) and _holds_text(value)),
        _holds_text(_section(settings, "code_settings").get("custom_prompt")),
        _name(_section(settings, "tts_speaker_v2").get("speaker")),
    )


def changed_sections(settings: Mapping[str, Any], wishes: Mapping[str, bool]) -> dict[str, Any]:
    """Return the sections to send so that switches get these states.

    Each section is whole, as the site has it but for the switches: a site that replaces sections loses nothing of it.
    Raises ProtocolChanged if a section has an unknown form.
    """
    sections: dict[str, Any] = {}
    for name, on in wishes.items():
        section, key = _place(name)
        if not isinstance(settings.get(section, {}), Mapping | None):
            raise ProtocolChanged(f"The site has {name} in an unknown form. A newer qwenproxy may know it.")
        fields = sections.setdefault(section, dict(_section(settings, section)))
        before = fields.get(key)
        fields[key] = {**before, "enabled": on} if isinstance(before, dict) else on
    return sections


def format_settings(settings: AccountSettings) -> dict[str, Any]:
    """Return a JSON object for a file or a program."""
    return {
        "changesAnswers": list(settings.changing),
        "switches": {switch.name: switch.on for switch in settings.switches},
        "personalizationFields": list(settings.personal_fields),
        "codePrompt": settings.code_prompt,
        "voice": settings.voice,
    }


def parse_settings(value: object) -> AccountSettings | None:
    """Read what `format_settings` wrote; return None for anything else."""
    if not isinstance(value, dict):
        return None
    switches, fields = value.get("switches"), value.get("personalizationFields")
    if not isinstance(switches, dict) or not isinstance(fields, list):
        return None
    return AccountSettings(
        tuple(Switch(name, on if isinstance(on, bool) else None) for name, on in switches.items() if _is_name(name)),
        tuple(field for field in fields if _is_name(field)),
        value.get("codePrompt") is True,
        _name(value.get("voice")),
    )


def _place(name: str) -> tuple[str, str]:
    """Return section and key of a switch."""
    if name.startswith(SERVER):
        return "mcp", name.removeprefix(SERVER)
    return _PLACES.get(name, ("tools_enabled", name))


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name)
    return section if isinstance(section, dict) else {}


def _named_flags(section: Mapping[str, Any]) -> dict[str, bool]:
    flags = {name: _flag(value) for name, value in section.items() if _is_name(name)}
    return {name: on for name, on in flags.items() if on is not None}


def _flag(value: object) -> bool | None:
    """Read a switch: a bool, 0 or 1, or an object with `enabled`."""
    if isinstance(value, dict):
        value = value.get("enabled")
    return bool(value) if isinstance(value, bool | int) else None


def _holds_text(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().casefold() not in ("", _NO_STYLE)
    return isinstance(value, list | dict) and bool(value)


def _name(value: object) -> str:
    return value if isinstance(value, str) and _is_name(value) else ""


def _is_name(name: object) -> bool:
    """Tell whether a key can be shown as a name: it comes from the site and goes to terminals and logs."""
    return isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and name.isprintable() and not set(name) & set(" ,")
