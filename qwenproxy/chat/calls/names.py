"""Which tool a name means: exactly, or in the only way in which it can be meant.

Models change case and dashes, and the site puts the name of a server before the tool's (protocol 4.6). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from qwenproxy.chat import Tool

_PREFIXES = ("functions.", "function.", "tools.", "tool.", "default_api.", "functions:")


class Offer:
    """The tools that a call may name. `anything` takes any name for a tool: where no call may come out."""

    def __init__(self, tools: Iterable[Tool], *, anything: bool = False) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self.anything = anything

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names."""
        return tuple(self._tools)

    def tool(self, name: str) -> Tool | None:
        """Return the tool that is meant, None if there is none or more than one."""
        name = name.strip()
        if self.anything:
            return Tool(name)
        if name in self._tools:
            return self._tools[name]
        for spelling in _spellings(name):
            meant = [tool for tool in self._tools.values() if _plain(spelling) in (_plain(tool.name), _alone(tool))]
            if meant:
                return meant[0] if len(meant) == 1 else None
        return None


def _spellings(name: str) -> Iterable[str]:
    """Yield a name, and what is left of it without a prefix."""
    yield name
    for prefix in _PREFIXES:
        if name.lower().startswith(prefix):
            yield name[len(prefix) :]
    at = name.find("-")
    while at >= 0:
        yield name[at + 1 :]
        at = name.find("-", at + 1)


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_")


def _alone(tool: Tool) -> str:
    """Return a tool's name without its namespace."""
    return _plain(tool.name.removeprefix(tool.namespace).lstrip(".:_-/")) if tool.namespace else _plain(tool.name)
