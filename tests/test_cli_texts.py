"""The catalogue of texts: complete in both languages, used in full, and read well as help."""

from __future__ import annotations

import re
import string
from pathlib import Path

import click
import pytest
from cli_runner import help_of

from qwenproxy.accounts.login import Outcome, Step
from qwenproxy.cli import account, doctor, keys
from qwenproxy.cli.checking import Kind
from qwenproxy.cli.texts import EN, RU, speaker

CLI = Path(__file__).parent.parent / "qwenproxy" / "cli"
# Keys whose last part is put in at run time.
COMPOSED = {
    *(f"step_{step}" for step in Step.__args__),
    *(f"login_{outcome}" for outcome in Outcome.__args__),
    *(f"check_{kind}" for kind in Kind.__args__),
    *(f"menu_{entry}" for entry in ("add", "relogin", "start", "remove")),
}


def _placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_texts_in_the_same_order():
    assert list(EN) == list(RU)


@pytest.mark.parametrize("key", EN)
def test_a_text_has_the_same_placeholders_in_both_languages(key):
    assert _placeholders(EN[key]) == _placeholders(RU[key])


@pytest.mark.parametrize("key", EN)
def test_a_text_is_in_its_language(key):
    assert not re.search("[а-яё]", EN[key], re.IGNORECASE)
    commands_alone = re.fullmatch(r"[\x00-\x7f]*", RU[key])
    assert not commands_alone or EN[key] == RU[key], "a Russian text without Russian in it"


@pytest.mark.parametrize("key", EN)
def test_a_text_has_no_more_lines_in_one_language_than_in_the_other(key):
    assert EN[key].count("\n") == RU[key].count("\n")


def test_every_text_is_used_and_every_used_text_exists():
    source = "\n".join(path.read_text(encoding="utf-8") for path in CLI.glob("*.py") if "texts" not in path.name)
    named = set(re.findall(r'"([a-z]+(?:_[a-z]+)*)"', source)) | COMPOSED | set(re.findall(r"'([a-z_]+)'", source))
    assert set(EN) - named == set()
    asked = set(re.findall(r"""say\(\s*["']([a-z_]+)["']""", source)) | set(re.findall(r'help="(help_\w+)"', source))
    assert (asked | COMPOSED) - set(EN) == set()


def test_the_speaker_fills_placeholders_in_the_language_asked_for():
    assert speaker("en")("removed", id="acc_1") == "Account acc_1 is removed."
    assert speaker("ru")("removed", id="acc_1") == "Аккаунт acc_1 удалён."
    assert speaker("")("column_status") == "status"


def _commands(command: click.Command, path: tuple[str, ...]):
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _commands(child, (*path, name))


COMMANDS = [
    found
    for name, command in (("account", account), ("keys", keys), ("doctor", doctor))
    for found in _commands(command, (name,))
]


@pytest.mark.parametrize(
    ("path", "command"), COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_help_tells_what_a_command_does_and_shows_an_example(path, command, monkeypatch):
    monkeypatch.setenv("QWENPROXY_LANG", "en")
    text = help_of(*path)
    assert EN[command.help].partition("\n")[0][:40] in text
    examples = text.partition("Examples:")[2]
    assert f"qwenproxy {' '.join(path)}" in examples
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in text
    assert "help_" not in text


@pytest.mark.parametrize(
    ("path", "command"), COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_help_speaks_russian(path, command, monkeypatch):
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    text = help_of(*path)
    assert RU[command.help].partition("\n")[0][:40] in text
    assert "Примеры:" in text


def test_help_survives_settings_that_cannot_be_read(monkeypatch):
    monkeypatch.setenv("QWENPROXY_LANG", "tlh")
    assert EN["help_keys"] in help_of("keys")
