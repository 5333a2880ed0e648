"""Which of a browser's pages the person sees: the newest pop-up, and its opener again when that has gone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class PageInView:
    """A page: Chrome's id of it, the DevTools session on it, where it is and what it is called."""

    target: str
    session: str
    url: str = ""
    title: str = ""


class Pages:
    """The pages of one browser that belong to the person's tab, the newest last."""

    def __init__(self) -> None:
        self._pages: list[PageInView] = []

    def __iter__(self) -> Iterator[PageInView]:
        return iter(tuple(self._pages))

    def __len__(self) -> int:
        return len(self._pages)

    @property
    def shown(self) -> PageInView | None:
        """The page that the person sees."""
        return self._pages[-1] if self._pages else None

    def add(self, page: PageInView) -> None:
        """Add a page, which comes to the front."""
        self._pages.append(page)

    def remove(self, target: str) -> None:
        """Take a page out that has gone."""
        self._pages = [each for each in self._pages if each.target != target]

    def of_target(self, target: str) -> PageInView | None:
        """Return the page with this id."""
        return next((each for each in self._pages if each.target == target), None)
