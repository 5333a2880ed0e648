"""Every program of the table, every API it can use: settings files as people have them keep all that is theirs."""

from __future__ import annotations

import json
import re

import pytest
from ruamel.yaml import YAML
from settings_files import SETTINGS_FILES
from tomlkit import parse as parse_toml

from qwenproxy.connect.formats import FORMATS
from qwenproxy.connect.formats.jsonc import parse as parse_json
from qwenproxy.connect.program import Default, Entries, Format, Program, Target, Way, plain
from qwenproxy.connect.programs import PROGRAMS

TARGET = Target(
    address="http://127.0.0.1:3264",
    ollama="http://127.0.0.1:11434",
    key="qp-key",
    model="qwen3-coder-plus",
    fast_model="qwen-turbo",
    context_length=262_144,
    output_length=65_536,
)
WAYS = [(program, way) for program in PROGRAMS.values() for way in program.ways]
FILES = [
    (program, way, number)
    for program, way in WAYS
    for number in range(len(way.settings(TARGET)))
    if program.name in SETTINGS_FILES
]

every_way = pytest.mark.parametrize(("program", "way"), WAYS, ids=[f"{one.name} {way.api}" for one, way in WAYS])
every_file = pytest.mark.parametrize(
    ("program", "way", "number"), FILES, ids=[f"{one.name} {way.api} {number}" for one, way, number in FILES]
)


def read(text: str, form: Format) -> object:
    """Return what a settings file says."""
    if form == "json":
        return parse_json(text).value
    if form == "yaml":
        return YAML(typ="safe").load(text)
    if form == "toml":
        return parse_toml(text).unwrap()
    return dict(re.findall(r"^(?:export )?(\w+)=(.*)$", text, re.MULTILINE))


def holds(value: object, changes: object) -> bool:
    """Tell whether a file's value has all changes in it."""
    if isinstance(changes, Entries):
        entries = value if isinstance(value, list) else []
        return all(any(holds(entry, each) for entry in entries) for each in changes.entries)
    if isinstance(changes, dict):
        return isinstance(value, dict) and all(name in value and holds(value[name], changes[name]) for name in changes)
    return value == plain(changes) or (isinstance(changes, Default) and value is not None)


def comments(text: str) -> list[str]:
    return re.findall(r"(?:^|\s)(?:#|//|/\*) ?\w.*?(?= \*/|$)", text, re.MULTILINE)


def test_every_program_with_settings_files_is_tried_on_real_ones() -> None:
    assert set(SETTINGS_FILES) == {program.name for program, way in WAYS if way.settings(TARGET)}


@every_way
def test_a_program_is_told_address_and_model(program: Program, way: Way) -> None:
    files = [json.dumps(plain(each.whole)) for each in way.settings(TARGET)]
    everything = "\n".join([*files, *way.variables(TARGET).values(), way.sample(TARGET)])
    assert TARGET.address in everything or TARGET.ollama in everything
    names_no_model = (program.name.endswith("-sdk") and program.name != "ai-sdk") or program.name == "ollama"
    assert TARGET.model in everything or names_no_model
    assert TARGET.key in everything


@every_way
def test_no_variable_is_taken_for_a_setting_of_ours(program: Program, way: Way) -> None:
    assert not [name for name in way.variables(TARGET) if name.startswith("QWENPROXY_")]


@every_file
def test_a_settings_file_gets_the_changes_and_keeps_the_rest(program: Program, way: Way, number: int) -> None:
    settings, text = way.settings(TARGET)[number], SETTINGS_FILES[program.name][number]
    merged = FORMATS[settings.format](text, settings.changes)
    assert holds(read(merged, settings.format), settings.changes)
    assert comments(merged) == comments(text)
    untouched = [line for line in text.splitlines() if re.search(r"mine|[Oo]ffice\b|theme|Bash|share|11434", line)]
    assert untouched
    changed = [line for line in untouched if line.rstrip(" \n}") not in merged and "KEY=" not in line]
    assert not changed
    assert FORMATS[settings.format](merged, settings.changes) == merged


@every_file
def test_a_file_that_is_made_says_the_same(program: Program, way: Way, number: int) -> None:
    settings = way.settings(TARGET)[number]
    made = FORMATS[settings.format]("", settings.whole)
    assert holds(read(made, settings.format), settings.changes)
    assert made.endswith("\n")
    assert FORMATS[settings.format](made, settings.changes) == made
