"""The texts of menu, account and key commands and doctor, asked for by key in the language of the settings.

English is in texts_en.py, Russian in texts_ru.py. Errors of the layers below keep their own words.
"""

from __future__ import annotations

from typing import Protocol

from qwenproxy.cli.texts_en import EN
from qwenproxy.cli.texts_ru import RU

__all__ = ["EN", "RU", "Speaker", "speaker"]


class Speaker(Protocol):
    """Says a text in the person's language."""

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of that key with its placeholders filled."""


def speaker(lang: str) -> Speaker:
    """Return what says the texts in `lang`, en or ru."""
    texts = RU if lang == "ru" else EN

    def say(key: str, /, **values: object) -> str:
        return texts[key].format(**values)

    return say
