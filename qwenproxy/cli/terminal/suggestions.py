"""The name a person probably meant: for mistyped commands and account ids."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(word: str, names: Iterable[str]) -> str | None:
    """Return the name most like `word`, in any case; None when none is similar."""
    by_folded = {name.casefold(): name for name in names}
    folded = word.casefold()
    completions = [name for name in by_folded if name.startswith(folded)]
    if len(completions) == 1:
        return by_folded[completions[0]]
    matches = difflib.get_close_matches(folded, by_folded, n=1)
    return by_folded[matches[0]] if matches else None
