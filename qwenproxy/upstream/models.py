"""The model catalogue: which models the site offers, and which of them a client's name means (protocol 2).

The relay resolves the client's model name here before it asks; the api lists the catalogue. Takes the site's model list
as text and knows nothing of the call for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream.aliases import ALIASES, DOCUMENTED
from qwenproxy.upstream.bodies import object_in

Kind = Literal["general", "coder", "vision", "fast"]

LONGEST_THINKING = 163_840  # tokens; the largest budget that was seen (protocol 4.4)


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the site. Lengths are in tokens, `created` in Unix seconds; None if the site does not say."""

    id: str
    name: str
    vision: bool = False
    audio: bool = False
    video: bool = False
    document: bool = False
    thinking: bool = False
    always_thinks: bool = False
    search: bool = False
    chat_types: tuple[str, ...] = ("t2t",)
    context_length: int | None = None
    output_length: int | None = None
    thinking_length: int | None = None
    created: int | None = None

    @property
    def kind(self) -> Kind:
        """The main use of the model."""
        return _kind_of(self.id)

    def thinking_budget(self, wish: int | None) -> int | None:
        """Return the tokens of thinking to ask for, None for no limit: no more than the model ever thinks."""
        return None if wish is None else min(wish, self.thinking_length or LONGEST_THINKING)


class Catalogue:
    """The live models, and every name that means one of them. Immutable."""

    def __init__(self, live: tuple[Model, ...]) -> None:
        self.live = live
        self._models: dict[str, Model] = {model.id: model for model in live}
        if live:
            by_id = dict(self._models)
            for name, target in ALIASES.items():
                self._models.setdefault(name, by_id.get(target) or _substitute(_kind_of(name, target), by_id))
        self._spellings: dict[str, Model] = {}
        for name, model in self._models.items():
            self._spellings.setdefault(name.casefold(), model)

    @property
    def fast(self) -> Model | None:
        """The best model for quick answers, None if the catalogue is empty."""
        return _substitute("fast", {model.id: model for model in self.live}) if self.live else None

    def resolve(self, name: str) -> Model | None:
        """Return the model that `name` means, by its live id or an alias; None for an unknown name.

        Case does not matter. Other servers put vendors and a slash before a name, or a colon and a tag after it: both
        are ignored.
        """
        plain = name.strip()
        bare = without_vendor(plain)
        for spelling in (plain, bare, bare.partition(":")[0]):
            model = self._models.get(spelling) or self._spellings.get(spelling.casefold())
            if model:
                return model
        return None

    def listing(self) -> list[tuple[str, Model]]:
        """Return the names to list, with their models: the site's own ids, then the documented names, each once."""
        names = dict.fromkeys(model.id for model in self.live)
        spellings = {name.casefold() for name in names}
        if self.live:
            names.update(dict.fromkeys(name for name in DOCUMENTED if name.casefold() not in spellings))
        return [(name, self._models[name]) for name in names]


def without_vendor(name: str) -> str:
    """Return what stands behind the last slash of a name."""
    return name.rpartition("/")[2]


def parse_models(body_text: str) -> tuple[Model, ...]:
    """Return the models of the site's list in order; read both envelopes of protocol 2.1. Raises ProtocolChanged."""
    entries = (object_in(body_text) or {}).get("data")
    if isinstance(entries, dict):
        entries = entries.get("data")
    if not isinstance(entries, list):
        raise ProtocolChanged("The site's model list has an unknown form. A newer qwenproxy may know it.")
    models: dict[str, Model] = {}
    for entry in entries:
        model = _parse_model(_dict(entry))
        if model is not None:
            models.setdefault(model.id, model)
    if not models:
        raise ProtocolChanged("The site's model list names no model. A newer qwenproxy may know its form.")
    return tuple(models.values())


# The best first. If the site has none of them, we take the first live model that fits.
_CANDIDATES: dict[Kind, tuple[str, ...]] = {
    "general": (
        "qwen3.8-max",
        "qwen3.7-max",
        "qwen3.7-plus",
        "qwen3.6-max-preview",
        "qwen3-max",
        "qwen3.6-plus",
        "qwen3.5-max-2026-03-08",
        "qwen3.5-plus",
        "qwen3-max-2026-01-23",
        "qwen3.5-397b-a17b",
        "qwen-max-latest",
        "qwen3-235b-a22b",
        "qwen-plus-2025-09-11",
        "qwen-plus-2025-07-28",
    ),
    "coder": (
        "qwen3-coder-plus",
        "qwen3-coder-30b-a3b-instruct",
        "qwen3.7-max",
        "qwen3.8-max",
        "qwen3.7-plus",
        "qwen3.6-plus",
        "qwen3.5-plus",
        "qwen3-max",
        "qwen2.5-coder-32b-instruct",
    ),
    "vision": (
        "qwen3-vl-plus",
        "qwen3.7-plus",
        "qwen3.6-plus",
        "qwen3.5-omni-plus",
        "qwen3.5-plus",
        "qwen3.5-omni-flash",
        "qwen3-omni-flash-2025-12-01",
        "qwen3-omni-flash",
        "qwen2.5-vl-32b-instruct",
    ),
    "fast": (
        "qwen3.5-flash",
        "qwen3.6-35b-a3b",
        "qwen3.5-35b-a3b",
        "qwen3-30b-a3b",
        "qwen3.6-plus",
        "qwen3.5-plus",
        "qwen-turbo-2025-02-11",
    ),
}

_ALWAYS_THINKING = ("qwen3.8-max-preview", "qwq", "qvq")


def _kind_of(*names: str) -> Kind:
    """Return the kind of the first name that shows one.

    An alias shows more than its target: the older project sent one coder name to a general model.
    """
    for name in names:
        words = name.lower()
        if "coder" in words:
            return "coder"
        if "-vl" in words or "omni" in words or "qvq" in words:
            return "vision"
        if "flash" in words or "turbo" in words:
            return "fast"
    return "general"


def _substitute(kind: Kind, live: dict[str, Model]) -> Model:
    for candidate in _CANDIDATES[kind]:
        if candidate in live:
            return live[candidate]
    models = list(live.values())
    same_kind = [model for model in models if model.kind == kind]
    able = [model for model in models if model.vision or kind != "vision"]
    return (same_kind or able or models)[0]


def _parse_model(entry: dict[str, Any]) -> Model | None:
    model_id = entry.get("id")
    info = _dict(entry.get("info"))
    if not isinstance(model_id, str) or not model_id or info.get("is_active") is False:
        return None
    meta = _dict(info.get("meta"))
    capabilities, abilities = _dict(meta.get("capabilities")), _dict(meta.get("abilities"))
    thinking_level = _number(abilities.get("thinking")) or 0
    always_thinks = thinking_level >= 2 or model_id.startswith(_ALWAYS_THINKING)
    name = entry.get("name") or info.get("name")
    chat_types = _texts(meta.get("chat_type")) or ("t2t",)
    return Model(
        id=model_id,
        name=name if isinstance(name, str) else model_id,
        vision=capabilities.get("vision") is True,
        audio=capabilities.get("audio") is True,
        video=capabilities.get("video") is True,
        document=capabilities.get("document") is True,
        thinking=capabilities.get("thinking") is True or always_thinks,
        always_thinks=always_thinks,
        search=capabilities.get("search") is True or "search" in chat_types,
        chat_types=chat_types,
        context_length=_number(meta.get("max_context_length")),
        output_length=_number(meta.get("max_generation_length")),
        thinking_length=_number(meta.get("max_thinking_generation_length")),
        created=_number(info.get("created_at")),
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _fallback(model_id: str, context_length: int | None = None) -> Model:
    sees = model_id.endswith("-plus") or _kind_of(model_id) == "vision"
    return Model(
        id=model_id,
        name=model_id,
        vision=sees and _kind_of(model_id) != "coder",
        document=True,
        thinking=_kind_of(model_id) != "coder",
        context_length=context_length,
        output_length=131_072 if model_id == "qwen3.8-max" else 65_536,
    )


# The site's models at the time of writing (protocol 2.3). We use them until we have read its own list.
FALLBACK = Catalogue(
    (
        _fallback("qwen3.7-plus", 1_000_000),
        _fallback("qwen3.8-max"),
        _fallback("qwen3.7-max", 1_000_000),
        _fallback("qwen3.6-plus", 1_000_000),
        _fallback("qwen3.5-plus", 1_000_000),
        _fallback("qwen3.5-omni-plus", 262_144),
        _fallback("qwen3.8-max-preview"),
        _fallback("qwen3.6-max-preview", 262_144),
        _fallback("qwen3.6-plus-preview", 1_000_000),
        _fallback("qwen3.6-27b", 262_144),
        _fallback("qwen3.6-35b-a3b", 262_144),
        _fallback("qwen3.5-flash", 1_000_000),
        _fallback("qwen3.5-max-2026-03-08", 262_144),
        _fallback("qwen3.5-397b-a17b", 262_144),
        _fallback("qwen3.5-122b-a10b", 262_144),
        _fallback("qwen3.5-27b", 262_144),
        _fallback("qwen3.5-35b-a3b", 262_144),
        _fallback("qwen3.5-omni-flash", 262_144),
        _fallback("qwen3-max-2026-01-23", 262_144),
        _fallback("qwen-plus-2025-07-28", 131_072),
        _fallback("qwen3-coder-plus", 1_048_576),
        _fallback("qwen3-vl-plus", 262_144),
        _fallback("qwen3-omni-flash-2025-12-01", 65_536),
        _fallback("qwen-latest-series-invite-beta-v16"),
        _fallback("qwen-latest-series-invite-beta-v24"),
    )
)
