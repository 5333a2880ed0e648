"""The options that put a model behind the stand-in, for `qwenproxy sandbox` and `qwenproxy start --sandbox`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from qwenproxy.cli.terminal.help import WordedUsageError, help_speaker, option
from qwenproxy.errors import SetupError

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class BrainOptions:
    """Where an OpenAI-compatible model is, as the command line names it: all None without one."""

    url: str | None = None
    model: str | None = None
    key_file: str | None = None

    @classmethod
    def take(cls, options: dict[str, Any]) -> BrainOptions:
        """Take them out of a command's options. Raises WordedUsageError unless they make sense together."""
        brain = cls(*(options.pop(name, None) for name in ("brain", "brain_model", "brain_key_file")))
        say = help_speaker()
        if brain.url and not brain.model:
            raise WordedUsageError(say("brain_without_model"))
        if not brain.url and (brain.model or brain.key_file):
            raise WordedUsageError(say("brain_without_url"))
        if brain.url and not brain.url.startswith(("http://", "https://")):
            raise WordedUsageError(say("brain_url_wrong", url=brain.url))
        return brain

    def key(self) -> str:
        """Return the key in the file, empty without one. Raises SetupError."""
        if self.key_file is None:
            return ""
        try:
            return Path(self.key_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SetupError(help_speaker()("brain_key_unreadable", path=self.key_file, reason=reason)) from error

    def arguments(self) -> list[str]:
        """Return the options as words of a command line."""
        pairs = (("--brain", self.url), ("--brain-model", self.model), ("--brain-key-file", self.key_file))
        return [word for name, value in pairs if value is not None for word in (name, value)]


def brain_options(command: F) -> F:
    """Give a command the three options."""
    for name, metavar, text in (
        ("--brain-key-file", "FILE", "help_brain_key_file"),
        ("--brain-model", "NAME", "help_brain_model"),
        ("--brain", "URL", "help_brain"),
    ):
        command = option(name, metavar=metavar, help=text)(command)
    return command
