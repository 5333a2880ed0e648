"""The calls of the corpus, read from its wheel. Knows the form of its files, and no notation."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwenproxy.chat import Tool

_PACKAGE = "bfcl-eval"
_DATA = "bfcl_eval/data/"
# The files whose answers are calls, not programs.
_FILES = (
    "simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple", "live_simple",
    "live_multiple", "live_parallel", "live_parallel_multiple",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One call, and the tools on offer."""

    id: str
    tools: tuple[Tool, ...]
    tool: Tool
    arguments: dict[str, Any]


def download(folder: Path) -> Path:
    """Return the wheel of the corpus, fetched into `folder`."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), _PACKAGE]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def read_cases(wheel: Path) -> Iterator[Case]:
    """Yield the calls of the corpus."""
    with zipfile.ZipFile(wheel) as archive:
        for path in _paths(archive):
            questions = {each["id"]: each for each in _lines(archive, _DATA + path)}
            for answer in _lines(archive, f"{_DATA}possible_answer/{path}"):
                yield from _cases(questions[answer["id"]], answer["ground_truth"])


def _paths(archive: zipfile.ZipFile) -> Iterator[str]:
    names = [Path(name).name for name in archive.namelist() if name.startswith(f"{_DATA}possible_answer/")]
    yield from (name for name in names if name.split("_", 2)[-1].removesuffix(".json") in _FILES)


def _lines(archive: zipfile.ZipFile, path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(path).decode().splitlines() if line.strip()]


def _cases(question: dict[str, Any], calls: list[dict[str, Any]]) -> Iterator[Case]:
    tools = {each["name"]: Tool(each["name"], each["description"], each["parameters"]) for each in question["function"]}
    for call in calls:
        for name, allowed in call.items():
            required = tools[name].parameters.get("required", [])
            yield Case(question["id"], tuple(tools.values()), tools[name], _chosen(allowed, required))


def _chosen(allowed: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Return arguments: of each the first value that counts as right. An empty one stands for none at all."""
    values = {key: choices[0] if isinstance(choices, list) and choices else choices for key, choices in allowed.items()}
    return {key: _value(value) for key, value in values.items() if value != "" or key in required}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return _chosen(value, [])
    return [_value(each) for each in value] if isinstance(value, list) else value
