"""Work that the site does in place of talk, as part of a request. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Work:
    """Work of the site in place of talk: a new picture, an edited one, or a research; the kinds have the site's names.

    `ratio` (`16:9`) and `engine` are those of a picture, None for the site's own choice.
    """

    kind: Literal["t2i", "image_edit", "deep_research"]
    ratio: str | None = None
    engine: str | None = None

    @property
    def is_picture(self) -> bool:
        """Whether a picture comes of it, so that the conversation before and after does not count."""
        return self.kind in ("t2i", "image_edit")
