"""One more try for an answer that does not do what the request demands: a stage asks for it, the run makes it.

A stage raises NeedsCorrection at the end of an answer; the run puts its text to the model in the same chat, and the
events of the new answer take the place of the first ones. That is possible once, and only before the client has seen
anything.
"""

from __future__ import annotations


class NeedsCorrection(Exception):
    """The answer must be corrected; `text` tells the model how. Raise it only while `Corrections.available`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Corrections:
    """Whether an answer can still be corrected. One for each answer, shared by its stages."""

    def __init__(self) -> None:
        self._is_over = False

    @property
    def available(self) -> bool:
        """False after one correction, and once the client has seen text or a call."""
        return not self._is_over

    def end(self) -> None:
        """Note that nothing can be corrected from now on."""
        self._is_over = True
