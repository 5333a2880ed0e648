"""Decide which names of the site a report may show: those of the protocol, and those that read like one. Pure.

A key or a code comes from the site, and might be an id, an address, or a word of a person's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST = 48  # characters of a name
_MOST_WORDS = 7
_DIGITS = 6  # digits that a name may have in all; ids have more
_BREAKS = 4  # changes from small to capital letters inside a word
# a word of letters, maybe with a short number behind it; or a short number alone
_WORD = re.compile(r"[A-Za-z]{1,20}\d{0,3}|[a-z]\d[a-z]{1,2}|\d{1,4}")
_SEPARATOR = re.compile(r"[._:/-]")
_CAPITAL_AFTER_SMALL = re.compile(r"[a-z][A-Z]")
# Ids of models are public, and have digits anywhere.
_MODEL = re.compile(r"(?:qwen|qwq|qvq|wan)[a-z0-9]{0,8}(?:[.-][a-z0-9]{1,12}){0,8}")


def shown(name: str, known: Iterable[str] = ()) -> str:
    """Return a name as a report shows it: as it is, or in its place only how long it is."""
    return name if name in known or is_name(name) else hidden(name)


def hidden(text: str) -> str:
    """Return what stands in the place of a text that must not be shown."""
    return f"<{len(text)} characters>"


def is_name(text: str) -> bool:
    """Tell whether a text reads like a name of a protocol, and not like an id, an address or a secret."""
    words = _SEPARATOR.split(text)
    return (
        0 < len(text) <= _LONGEST
        and len(words) <= _MOST_WORDS
        and sum(map(str.isdigit, text)) <= _DIGITS
        and all(_WORD.fullmatch(word) for word in words if word)
        and any(map(str.isalpha, text))
        and not any(len(_CAPITAL_AFTER_SMALL.findall(word)) > _BREAKS for word in words)
    )


def shown_model(model_id: str) -> str:
    """Return the id of a model as a report shows it."""
    is_public = len(model_id) <= _LONGEST and _MODEL.fullmatch(model_id) and not re.search(r"[0-9a-f]{9,}", model_id)
    return model_id if is_public else shown(model_id)
