"""The error of all formats."""

from __future__ import annotations

from qwenproxy.texts import Phrase


class Unreadable(ValueError):
    """A settings file has a fault, or no place for the changes; `reason` says which, for people."""

    def __init__(self, reason: Phrase) -> None:
        """Keep the reason."""
        super().__init__(str(reason))
        self.reason = reason

    @classmethod
    def at(cls, line: int) -> Unreadable:
        """Return the error of a text that has a fault on a line, counted from 1."""
        return cls(Phrase("connect_fault_at", line=line))

    @classmethod
    def kind(cls, name: str) -> Unreadable:
        """Return the error of a member that is neither an object nor a list, where the changes need one."""
        return cls(Phrase("connect_fault_kind", name=name))
