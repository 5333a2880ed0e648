"""The catalogue of all texts for the person at the terminal, in English and Russian.

errors_*.py has the errors for people and the meanings of the settings, commands_*.py the texts of the command line,
connect_*.py those of `qwenproxy connect`, moving_*.py those of `account export` and `import`, probe_*.py those of
`doctor --probe`, proxies_*.py what is said about outgoing proxies, grid_*.py about a Selenium Grid, media_*.py those of
`image` and `speech`, dashboard_*.py those of the dashboard, whose keys begin with `ui_`, window_*.py those about a
person's window there.
Stands below everything: imports nothing of the package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Protocol

from qwenproxy.texts import (
    commands_en,
    commands_ru,
    connect_en,
    connect_ru,
    dashboard_en,
    dashboard_ru,
    errors_en,
    errors_ru,
    grid_en,
    grid_ru,
    media_en,
    media_ru,
    moving_en,
    moving_ru,
    probe_en,
    probe_ru,
    proxies_en,
    proxies_ru,
    window_en,
    window_ru,
)

__all__ = ["EN", "RU", "Phrase", "Speaker", "speaker"]

EN = (
    errors_en.EN
    | commands_en.EN
    | connect_en.EN
    | dashboard_en.EN
    | grid_en.EN
    | media_en.EN
    | moving_en.EN
    | probe_en.EN
    | proxies_en.EN
    | window_en.EN
)
RU = (
    errors_ru.RU
    | commands_ru.RU
    | connect_ru.RU
    | dashboard_ru.RU
    | grid_ru.RU
    | media_ru.RU
    | moving_ru.RU
    | probe_ru.RU
    | proxies_ru.RU
    | window_ru.RU
)

# A path inside a text ends with its quotes, without quotes at the next space; one or two spaces belong to it if a slash
# follows in the next word. The address of a site is not a path.
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
    """A text of the catalogue with its values, in any language; `str` gives the English text."""

    def __init__(self, key: str, /, **values: object) -> None:
        """`values` fill the placeholders; a phrase among them takes the language of the whole."""
        self.key = key
        self.values = values

    def __str__(self) -> str:
        """Return the English text."""
        return self.say("en")

    def without_folders(self) -> str:
        """Return the English text with file names instead of paths."""
        return Phrase(self.key, **self._reduced()).say("en")

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object for a file on disk, with file names instead of paths."""
        return {"key": self.key, "values": {name: _as_json(value) for name, value in self._reduced().items()}}

    @classmethod
    def from_json(cls, value: object) -> Phrase | None:
        """Read what `to_json` wrote; return None for anything else, such as a text of another version."""
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
        """Return the values with file names instead of paths."""
        return {name: _placeless(name, value) for name, value in self.values.items()}


def _as_json(value: object) -> object:
    if isinstance(value, Phrase):
        return value.to_json()
    return value if isinstance(value, int | float) else str(value)


def _placeless(name: str, value: object) -> object:
    """Return a phrase's value without the folders of this machine."""
    if isinstance(value, Phrase):
        return Phrase(value.key, **value._reduced())
    if isinstance(value, OSError):
        return value.strerror or type(value).__name__  # the full text of the error has the path
    if isinstance(value, PurePath) or name in ("path", "log"):
        return PurePath(str(value)).name or value
    return _PATH.sub(_last_name, value) if isinstance(value, str) else value


def _last_name(path: re.Match[str]) -> str:
    return re.split(r"[/\\]", path[0].strip("'\"").rstrip("/\\"))[-1]


class Speaker(Protocol):
    """A function that returns a text in the person's language."""

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of the key with its placeholders filled."""


def speaker(lang: str) -> Speaker:
    """Return the speaker of `lang`, en or ru."""

    def say(key: str, /, **values: object) -> str:
        return Phrase(key, **values).say(lang)

    return say
