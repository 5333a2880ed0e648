"""Help and usage errors in both languages."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_runner import Terminal, clean_environment, commands_of, help_of, run_here
from spelling import spelled

from qwenproxy.cli import cli
from qwenproxy.config import SETTINGS
from qwenproxy.texts import EN, RU, speaker


def test_the_speaker_fills_placeholders_in_the_language_asked_for() -> None:
    assert speaker("en")("removed", id="acc_1") == "Account acc_1 is removed."
    assert speaker("ru")("removed", id="acc_1") == "Аккаунт acc_1 удалён."
    assert speaker("")("column_status") == "status"


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in commands_of(command).items():
            yield from _commands(child, (*path, name))


COMMANDS = list(_commands(cli, ()))


@pytest.mark.parametrize(
    ("path", "command"), COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_help_tells_what_a_command_does_and_shows_an_example(
    path: tuple[str, ...], command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "en")
    text = help_of(*path)
    assert EN[command.help or ""].partition("\n")[0][:40] in text
    examples = text.partition("Examples:")[2]
    assert " ".join(["qwenproxy", *path]) in examples
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.opts[0] in text
    assert "help_" not in text


@pytest.mark.parametrize(
    ("path", "command"), COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_help_speaks_russian(path: tuple[str, ...], command: click.Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    text = help_of(*path)
    assert RU[command.help or ""].partition("\n")[0][:40] in text
    assert "Примеры:" in text


@pytest.mark.parametrize(
    ("lang", "port"), [("en", "Port to listen on"), ("ru", "Порт, на котором работает прокси")], ids=spelled
)
def test_help_of_a_setting_tells_its_default_and_its_variable(
    monkeypatch: pytest.MonkeyPatch, lang: str, port: str
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    text = " ".join(help_of("start").split())
    assert f"--port PORT {port}" in text
    assert "[3264; QWENPROXY_PORT]" in text
    assert "TEXT" not in text


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS], ids=" ".join)
def test_no_part_of_the_help_stays_english(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    for words in ("Usage", "Options:", "OPTIONS", "COMMAND", "ARGS", "Commands:", "Examples", "Show ", "default"):
        assert words not in help_of(*path)


def test_help_works_with_invalid_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "tlh")
    assert EN["help_keys"] in help_of("keys")


NO_VALUE_EN, NO_VALUE_RU = "has an invalid value: use", "Недопустимое значение"
MISTYPED = [
    (
        "start --prot 1",
        "There is no option --prot. Did you mean --port?",
        "Параметра --prot нет. Возможно, имелся в виду --port?",
    ),
    ("start --port", "The option --port needs a value.", "Параметру --port нужно значение."),
    ("config --json=1", "The option --json takes no value.", "Параметр --json пишется без значения."),
    (
        "start --server nginx",
        f"--server {NO_VALUE_EN} one of gunicorn, waitress.",
        f"{NO_VALUE_RU} --server: нужно одно из gunicorn, waitress.",
    ),
    (
        "start --sandbox-accounts 1x",
        f"--sandbox-accounts {NO_VALUE_EN} a whole number from 1 to 100.",
        f"{NO_VALUE_RU} --sandbox-accounts: нужно целое число от 1 до 100.",
    ),
    (
        "sandbox --port 65536",
        f"--port {NO_VALUE_EN} a whole number from 0 to 65535.",
        f"{NO_VALUE_RU} --port: нужно целое число от 0 до 65535.",
    ),
    (
        "sandbox --brain http://127.0.0.1:9/v1",
        "--brain needs the name of the model: add --brain-model NAME.",
        "Для --brain нужно имя модели: добавьте --brain-model NAME.",
    ),
    (
        "sandbox --brain-model small",
        "--brain-model and --brain-key-file belong to a server: add --brain URL.",
        "--brain-model и --brain-key-file относятся к серверу: добавьте --brain URL.",
    ),
    (
        "sandbox --brain localhost --brain-model small",
        "localhost is no URL of a server: --brain takes one that begins with http:// or https://.",
        "localhost - не URL сервера: --brain принимает адрес, который начинается с http:// или https://.",
    ),
    (
        "start --brain http://127.0.0.1:9/v1 --brain-model small",
        "--brain answers for the stand-in only: add --sandbox.",
        "--brain отвечает только за имитацию: добавьте --sandbox.",
    ),
    (
        "account add --wait 0",
        f"--wait {NO_VALUE_EN} a number from 1 up.",
        f"{NO_VALUE_RU} --wait: нужно число от 1.",
    ),
    (
        "account import ./nowhere",
        f"PATH {NO_VALUE_EN} a file or folder that exists and can be read.",
        f"{NO_VALUE_RU} PATH: нужны файл или папка, которые существуют и которые можно читать.",
    ),
    ("account remove", "ID is missing.", "Не хватает ID."),
    ("account remove one two", "Too many arguments: two", "Лишние аргументы: two"),
    ("config extra more", "Too many arguments: extra more", "Лишние аргументы: extra more"),
    (
        "account --session-dir x",
        "A command is missing; --help lists the commands.",
        "Не хватает команды; список покажет --help.",
    ),
    (
        "strat",
        'There is no command "strat". Did you mean "start"?',
        "Команды «strat» нет. Возможно, имелась в виду «start»?",
    ),
    ("keys xyz", 'There is no command "xyz"; --help lists them.', "Команды «xyz» нет; список покажет --help."),
]
# What stays as it is typed: the program, its commands and options, the names of places in a command, values.
TYPED = re.compile(r"qwenproxy|--[a-z-]+|\b(?:PATH|ID|NAME|URL|https?|port|start|gunicorn|waitress)\b")


@pytest.mark.parametrize(("typed", "english", "russian"), MISTYPED, ids=[typed for typed, *_ in MISTYPED])
def test_a_usage_error_is_in_the_persons_language(
    monkeypatch: pytest.MonkeyPatch, typed: str, english: str, russian: str
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "en")
    ended = run_here(*typed.split())
    usage, hint, *rest = ended.output.splitlines()
    assert (ended.status, ended.stdout, rest) == (2, "", ["", f"Error: {english}"])
    assert re.fullmatch(r"Usage: (qwenproxy[a-z ]*) (\[OPTIONS\]) ?(COMMAND \[ARGS\]\.\.\.|PATH|ID)?", usage)
    assert re.fullmatch(r"Help: qwenproxy[a-z ]* --help", hint)
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    ended = run_here(*typed.split())
    assert (ended.status, ended.output.splitlines()[2:]) == (2, ["", f"Ошибка: {russian}"])
    untyped = TYPED.sub("", ended.output)
    for word in typed.split():
        untyped = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "", untyped)
    assert re.findall("[A-Za-z]+", untyped) == []


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("group", ["account", "keys"])
def test_a_group_alone_shows_its_help(monkeypatch: pytest.MonkeyPatch, group: str, lang: str) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    assert run_here(group).output == run_here(group, "--help").output
    assert "qwenproxy" in run_here(group).output


def test_an_invalid_setting_is_reported_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    for lang, message in (("en", "--session-dir must be"), ("ru", "--session-dir: здесь нужно")):
        monkeypatch.setenv("QWENPROXY_LANG", lang)
        ended = run_here("config", "--session-dir", "~nobody-here/x")
        assert (ended.status, ended.output.count("\n")) == (2, 1)
        assert message in ended.output


def test_config_says_where_a_value_comes_from_in_both_languages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QWENPROXY_PORT", "3270")
    for lang, default, option in (("en", "default", "option"), ("ru", "по умолчанию", "параметр")):
        monkeypatch.setenv("QWENPROXY_LANG", lang)
        rows = run_here("config", "--session-dir", str(tmp_path)).stdout.splitlines()
        origins = {row.split()[0]: row for row in rows}
        assert f"  {default}  " in origins["QWENPROXY_HOST"]
        assert f"  {option}  " in origins["QWENPROXY_SESSION_DIR"]
        assert "  QWENPROXY_PORT  " in origins["QWENPROXY_PORT"]


def test_config_tells_what_settings_mean_in_both_languages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for lang, meaning in (("en", "port to listen on"), ("ru", "порт, на котором")):
        monkeypatch.setenv("QWENPROXY_LANG", lang)
        ended = run_here("config", "--session-dir", str(tmp_path), "--json")
        settings = json.loads(ended.stdout)
        assert settings["QWENPROXY_SESSION_DIR"]["value"] == str(tmp_path)
        assert settings["QWENPROXY_SESSION_DIR"]["origin"] == "option"
        assert settings["QWENPROXY_PORT"]["meaning"].startswith(meaning)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(("columns", "rows_per_setting"), [(60, 2), (400, 1)])
def test_config_gives_meanings_lines_of_their_own_where_the_terminal_is_narrow(
    tmp_path: Path, columns: int, rows_per_setting: int
) -> None:
    environment = clean_environment(tmp_path, COLUMNS=str(columns))
    with Terminal(["config"], environment) as terminal:
        assert terminal.end() == 0
    lines = terminal.text.splitlines()
    names = [line for line in lines if line.startswith("QWENPROXY_")]
    assert len(names) == len(SETTINGS)
    assert (len(lines) >= rows_per_setting * len(names), len(lines) == len(names)) == (True, rows_per_setting == 1)
    assert all(len(line) < columns for line in lines if line.startswith(" "))
    [port] = [number for number, line in enumerate(lines) if line.startswith("QWENPROXY_PORT ")]
    assert "port to listen on" in lines[port + rows_per_setting - 1]


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_values_to_type_keep_their_lower_case(monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    text = " ".join(help_of("start").split())
    assert "debug, info, warning " in text
    assert "Debug" not in text
