"""Work that the site does in place of talk, as part of a request. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Work:
    """Work of the site in place of talk; the kinds have the site's names.

    They are a new picture, an edited one, a film from a text or from a picture, and a research. `ratio` (`16:9`) and
    `engine` are those of a picture or film, None for the site's own choice.
    """

    kind: Literal["t2i", "image_edit", "t2v", "i2v", "deep_research"]
    ratio: str | None = None
    engine: str | None = None

    @property
    def is_picture(self) -> bool:
        """Whether a picture comes of it, so that the conversation before and after does not count."""
        return self.kind in ("t2i", "image_edit")

    @property
    def is_film(self) -> bool:
        """Whether a film comes of it, for which the site takes minutes."""
        return self.kind in ("t2v", "i2v")
