"""What the layers below the command line say to the person at the terminal, in English and Russian.

en.py and ru.py are the catalogue; its keys are those of the errors for people and of the settings. The command line
has a catalogue of its own for what it says by itself. Stands below everything: imports nothing of the package.
"""

from __future__ import annotations

from pathlib import PurePath

from qwenproxy.texts.en import EN
from qwenproxy.texts.ru import RU

__all__ = ["EN", "RU", "Phrase"]


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
        values = dict(self.values)
        for name in values.keys() & {"path", "log"}:
            values[name] = PurePath(str(values[name])).name or values[name]
        return Phrase(self.key, **values).say("en")

    def say(self, lang: str) -> str:
        """Return the text in `lang`, en or ru."""
        values = {name: value.say(lang) if isinstance(value, Phrase) else value for name, value in self.values.items()}
        return (RU if lang == "ru" else EN)[self.key].format(**values)
