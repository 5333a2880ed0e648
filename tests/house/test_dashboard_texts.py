"""The texts that the dashboard's scripts ask for: all there, all used, each given its values."""

from __future__ import annotations

import re
import string
from importlib import resources
from typing import get_args

from qwenproxy.admin.pages import OWN_TEXTS, STATIC
from qwenproxy.chat import Role
from qwenproxy.history.kept_answer import Context
from qwenproxy.observe.inspector import State
from qwenproxy.texts import EN
from qwenproxy.upstream.dialects import Way

SOURCE = "\n".join(
    each.read_text(encoding="utf-8") for each in resources.files(STATIC).iterdir() if each.name.endswith(".js")
)
LISTS = " ".join(re.findall(r"const (?:PAGES|INNER) = \{(.*?)\}", SOURCE))
PAGES = re.findall(r"\w+", re.sub(r": \w+", "", LISTS))
# Keys whose last part is put in at run time.
COMPOSED = {
    *(f"page_{page}" for page in PAGES),
    *(f"state_{state}" for state in get_args(State)),
    *(f"context_{context}" for context in get_args(Context)),
    *(f"thinking_{level}" for level in ("auto", "none", "low", "medium", "high")),
    *(f"role_{role}" for role in get_args(Role)),
    *(f"functions_{way}" for way in get_args(Way)),
    *(f"search_{kind}" for kind in ("off", "allowed", "forced", "function")),
    *(f"file_{way}" for way in ("held", "upload", "copy", "fetch", "link")),
    *(f"stage_{lap}" for lap in ("account", "files", "chat", "first")),
    *(f"kind_{kind}{end}" for kind in ("talk", "search", "picture", "edit", "research") for end in ("", "_how")),
    *(f"kind_{kind}" for kind in ("t2i", "image_edit", "t2v", "i2v", "deep_research", "tts", "upload")),
    *(f"origin_{origin}" for origin in ("default", "option")),
}
PREFIXES = {key.partition("_")[0] for key in COMPOSED}


def placeholders(key: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(EN[OWN_TEXTS + key]) if name}


def test_every_text_of_the_dashboard_is_used() -> None:
    words = set(re.findall(r'"(\w+)"', SOURCE)) | COMPOSED
    assert {key.removeprefix(OWN_TEXTS) for key in EN if key.startswith(OWN_TEXTS)} - words == set()


def test_every_text_the_dashboard_asks_for_exists() -> None:
    asked = set(re.findall(r'\bt\("(\w+)"', SOURCE))
    asked |= {
        key for choice in re.findall(r'\bt\([^()"`]+\? ("\w+" : "\w+")', SOURCE) for key in choice.split('"')[1::2]
    }
    assert len(asked) > 80
    assert {OWN_TEXTS + key for key in asked | COMPOSED} - set(EN) == set()
    assert set(re.findall(r"\bt\(`(\w+)_\$", SOURCE)) == PREFIXES


def test_the_dashboard_gives_each_text_its_values() -> None:
    for key, given in re.findall(r'\bt\("(\w+)"(?:, \{([^}]*)\})?', SOURCE):
        names = set(re.findall(r"(?:^|,)\s*(\w+)", given))
        assert names == placeholders(key), key
