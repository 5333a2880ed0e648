"""What is known of a program: the APIs it can use, the variables and settings files of each, and notes for people.

The files in `programs/` fill this table; the command line and the README show it. Values only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Api = Literal["chat", "responses", "messages", "gemini", "ollama"]
Format = Literal["json", "yaml", "toml", "env"]

API_NAMES: Mapping[Api, str] = {
    "chat": "OpenAI chat completions",
    "responses": "OpenAI Responses",
    "messages": "Anthropic Messages",
    "gemini": "Gemini",
    "ollama": "Ollama",
}

# Our name in the settings of other programs.
PROVIDER = "qwenproxy"
# The variable that holds the key where a program reads it from one. Not QWENPROXY_...: those are our own settings.
KEY_VARIABLE = "QP_API_KEY"
# Any text will do while there are no keys, but most programs refuse an empty one.
ANY_KEY = "not-needed"
FAST_MODEL = "qwen-turbo"

# Tokens, where neither the server nor our own list knows them: those of the site's smaller models.
CONTEXT_LENGTH = 262_144
OUTPUT_LENGTH = 32_768


@dataclass(frozen=True, slots=True)
class Target:
    """What a program is pointed to. Addresses have no slash at the end; lengths are in tokens."""

    address: str
    ollama: str
    key: str
    model: str
    fast_model: str
    context_length: int
    output_length: int

    @property
    def v1(self) -> str:
        """The base of OpenAI's APIs."""
        return f"{self.address}/v1"


def target_of(address: str, ollama: str, key: str, model: str, lengths: tuple[int | None, int | None]) -> Target:
    """Return the target for a key ("" for none) and a model; `lengths` are None where they are not known."""
    context, output = lengths
    return Target(
        address, ollama, key or ANY_KEY, model, FAST_MODEL, context or CONTEXT_LENGTH, output or OUTPUT_LENGTH
    )


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of a list in a settings file, told apart by the value of `key`; others in that list stay."""

    key: str
    entries: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Default:
    """A value that is written only where there is none."""

    value: object


@dataclass(frozen=True, slots=True)
class Location:
    """Where a settings file is: `name` in `folder`, a path below the home folder, or in the folder a variable names.

    `below` is what stands between the variable's folder and `name`. Of `others` the first that exists is taken instead.
    """

    folder: str
    name: str
    variable: str = ""
    below: str = ""
    others: tuple[str, ...] = ()
    on_mac: str = ""  # another `folder` there
    on_windows: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to write into a settings file: `changes` into any, below what `new` holds into one that is made."""

    location: Location
    format: Format
    changes: Mapping[str, object] | Entries
    new: Mapping[str, object] = field(default_factory=dict)

    @property
    def whole(self) -> Mapping[str, object] | Entries:
        """What a file that is made holds."""
        return self.changes if isinstance(self.changes, Entries) else {**self.new, **self.changes}


def _no_variables(_target: Target) -> dict[str, str]:
    return {}


def _no_settings(_target: Target) -> tuple[Settings, ...]:
    return ()


def _no_sample(_target: Target) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Way:
    """How a program uses one API: variables of its environment, settings files, and code or a command to copy.

    Variables and files are alternatives; a program that needs both has only the files.
    """

    api: Api
    variables: Callable[[Target], Mapping[str, str]] = _no_variables
    settings: Callable[[Target], tuple[Settings, ...]] = _no_settings
    sample: Callable[[Target], str] = _no_sample


@dataclass(frozen=True, slots=True)
class Program:
    """A program: its name on the command line, what people call it, its ways (the best first), and notes.

    `notes` are keys of the catalogue of texts: what the program needs beside the address.
    """

    name: str
    title: str
    ways: tuple[Way, ...]
    notes: tuple[str, ...] = ()

    def way(self, api: Api | None) -> Way | None:
        """Return the way that uses an API, the best one for None; None when the program does not speak it."""
        return next((way for way in self.ways if api in (None, way.api)), None)


def plain(value: object) -> object:
    """Return a value as lists and dicts, which every format can write."""
    if isinstance(value, Entries):
        return [plain(entry) for entry in value.entries]
    if isinstance(value, Default):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def without_emphasis(note: str) -> str:
    """Return a note as a terminal shows it: the names of buttons and pages stand between *stars* in the catalogue."""
    return note.replace("*", '"')
