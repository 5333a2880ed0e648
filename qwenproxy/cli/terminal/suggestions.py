"""The name a person probably meant: for mistyped commands and account ids."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(word: str, names: Iterable[str]) -> str | None:
    """Return the name most like `word`, whatever its case; None when none is alike."""
    by_folded = {name.casefold(): name for name in names}
    folded = word.casefold()
    begun = [name for name in by_folded if name.startswith(folded)]
    if len(begun) == 1:
        return by_folded[begun[0]]
    alike = difflib.get_close_matches(folded, by_folded, n=1)
    return by_folded[alike[0]] if alike else None
