"""What the site makes besides talk: its names for pictures and research, their ratios and engines (protocol 8).

The wire APIs read a client's size here, the relay picks the model. Pure.
"""

from __future__ import annotations

import math
import re
from typing import Any

from qwenproxy.chat.works import Work
from qwenproxy.upstream.models import Catalogue, Model, without_vendor

FILMS = ("t2v", "i2v")  # from a text, from a picture
RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "16:9", "9:16")
# What OpenAI's clients ask for by these names is a picture of any engine.
_ANY_ENGINE = re.compile(r"(?:gpt-image|chatgpt-image|dall-e|imagen|gemini-.*image|flux|stable-diffusion|sdxl?)", re.I)
_ENGINE = re.compile(r"(?:qwen-image|wanx?[\d.]+-t2i)[\w.-]*\Z", re.I)
_FILM_ENGINE = re.compile(r"(?:sora|veo|kling|hailuo|runway|wanx?[\d.]+(?:-\w+)*-[ti]2v)[\w.-]*\Z", re.I)
_SIZE = re.compile(r"\s*(\d{1,5})\s*[x*×:]\s*(\d{1,5})\s*\Z", re.I)


def nearest_ratio(size: str) -> str | None:
    """Return the site's ratio for a size (`1536x1024`) or a ratio (`3:2`), `1:1` for `auto`; None for anything else."""
    if size.strip().lower() in ("", "auto"):
        return "1:1"
    match = _SIZE.match(size)
    if match is None or not int(match[1]) or not int(match[2]):
        return None
    wish = math.log(int(match[1]) / int(match[2]))
    return min(RATIOS, key=lambda ratio: abs(wish - _log_of(ratio)))


def bare_name(name: str | None) -> str:
    """Return a client's name for an engine without a vendor before it, "" for none."""
    return without_vendor((name or "").strip())


def engine_of(name: str | None) -> str | None:
    """Return the picture engine that a model name means, None if it means none."""
    bare = bare_name(name)
    return bare.lower() if _ENGINE.match(bare) else None


def means_pictures(name: str | None) -> bool:
    """Tell whether a model name means an engine for pictures, the site's or another vendor's."""
    bare = bare_name(name)
    return bool(_ENGINE.match(bare) or _ANY_ENGINE.match(bare))


def means_films(name: str | None) -> bool:
    """Tell whether a model name means an engine for films, the site's or another vendor's."""
    return bool(_FILM_ENGINE.match(bare_name(name)))


def model_for(work: Work, wanted: Model, catalogue: Catalogue) -> Model | None:
    """Return the model for a work: the wanted one if it is able, else the first that is; None if none is."""
    able = [model for model in (wanted, *catalogue.live) if work.kind in model.chat_types]
    return able[0] if able else None


def meta_of(work: Work) -> dict[str, Any]:
    """Return what stands in `extra.meta` of a question for this work."""
    meta: dict[str, Any] = {"subChatType": work.kind}
    if work.ratio:
        meta["size"] = work.ratio
    if work.engine:
        meta["model"] = work.engine
    return meta


def without_key(address: str) -> str:
    """Return an address without its query, which holds a key or a signature that changes."""
    return address.partition("#")[0].partition("?")[0]


def _log_of(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return math.log(int(width) / int(height))
