"""The catalogue of all that is said to the person at the terminal, in English and Russian.

errors_*.py holds the errors for people and what the settings mean, commands_*.py what the command line says by itself.
Stands below everything: imports nothing of the package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Protocol

from qwenproxy.texts import commands_en, commands_ru, errors_en, errors_ru

__all__ = ["EN", "RU", "Phrase", "Speaker", "speaker"]

EN = errors_en.EN | commands_en.EN
RU = errors_ru.RU | commands_ru.RU

# A path inside a text: in quotes to their end, else to the next space, and on over a space or two where a slash follows
# in the next word. The address of a site is no path.
_PATH = re.compile(
    r"""
    (?P<quote>['"]) (?:file://|[A-Za-z]:|~)? [/\\] [^'"\n]* (?P=quote)
    |
    (?<! [\w/.\\~] ) (?:file://|[A-Za-z]:|~|\.\.?)? (?:[/\\][^\s/\\:'"()]+)+
    (?: (?:[ ](?![.~])[^\s/\\:'"()]+){1,2} (?:[/\\][^\s/\\:'"()]+)+ )*
    """,
    re.VERBOSE,
)


class Phrase:
    """A text of the catalogue with its values, not yet in any language; as a string it is English."""

    def __init__(self, key: str, /, **values: object) -> None:
        """`values` fill the placeholders; a phrase among them is said in the same language."""
        self.key = key
        self.values = values

    def __str__(self) -> str:
        """Return the English text."""
        return self.say("en")

    def without_folders(self) -> str:
        """Return the English text with the names of files in place of their paths."""
        return Phrase(self.key, **self._reduced()).say("en")

    def to_json(self) -> dict[str, Any]:
        """Return a form that can be kept in a file, with the names of files in place of their paths."""
        return {"key": self.key, "values": {name: _as_json(value) for name, value in self._reduced().items()}}

    @classmethod
    def from_json(cls, value: object) -> Phrase | None:
        """Read what `to_json` wrote; None for anything else, such as a text of another version."""
        if not isinstance(value, Mapping) or value.get("key") not in EN or not isinstance(value.get("values"), Mapping):
            return None
        phrase = cls(value["key"], **{name: cls.from_json(each) or each for name, each in value["values"].items()})
        try:
            return phrase if phrase.say("en") and phrase.say("ru") else None
        except (LookupError, ValueError):
            return None

    def say(self, lang: str) -> str:
        """Return the text in `lang`, en or ru."""
        values = {name: value.say(lang) if isinstance(value, Phrase) else value for name, value in self.values.items()}
        return (RU if lang == "ru" else EN)[self.key].format(**values)

    def _reduced(self) -> dict[str, object]:
        """Return the values, paths reduced to the names of their files."""
        return {name: _placeless(name, value) for name, value in self.values.items()}


def _as_json(value: object) -> object:
    if isinstance(value, Phrase):
        return value.to_json()
    return value if isinstance(value, int | float) else str(value)


def _placeless(name: str, value: object) -> object:
    """Return a phrase's value without what tells where things are on this machine."""
    if isinstance(value, Phrase):
        return Phrase(value.key, **value._reduced())
    if isinstance(value, OSError):
        return value.strerror or type(value).__name__  # its own text names the file
    if isinstance(value, PurePath) or name in ("path", "log"):
        return PurePath(str(value)).name or value
    return _PATH.sub(_last_name, value) if isinstance(value, str) else value


def _last_name(path: re.Match[str]) -> str:
    return re.split(r"[/\\]", path[0].strip("'\"").rstrip("/\\"))[-1]


class Speaker(Protocol):
    """Says a text in the person's language."""

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of that key with its placeholders filled."""


def speaker(lang: str) -> Speaker:
    """Return what says the texts in `lang`, en or ru."""

    def say(key: str, /, **values: object) -> str:
        return Phrase(key, **values).say(lang)

    return say
