"""What README, docs/api.md and docs/running.md say is so, and both languages say the same."""

from __future__ import annotations

import os
import re
import shlex

import click
import pytest
from cli_runner import commands_of
from promises import NEVER_SENT, described_routes, on_every_prefix, statuses_of_codes
from readmes import BLOCK, READMES, ROOT, all_blocks, blocks, marked, prose, quoted, rows

from qwenproxy.api.openapi.schemas import ERROR_CODES
from qwenproxy.cli import cli
from qwenproxy.config import SETTINGS
from qwenproxy.connect.program import API_NAMES
from qwenproxy.connect.programs import PROGRAMS
from qwenproxy.texts import EN, RU, speaker

# what a reader's language changes in a program: comments, and the texts that are said or named
SAID = re.compile(
    r"""((?:"(?:content|message|text|name|input|prompt)": ?"|\b(?:input|contents)="|printf '))[^"']*(?=["'])|#.*"""
)

# what stands for the variables of the code blocks in the routes
PLACES = {
    "CHAT": "{chatId}",
    "RESPONSE": "{response_id}",
    "JOB": "{response_id}",
    "CONVERSATION": "{conversation_id}",
    "ITEM": "{item_id}",
    "VIDEO": "{video_id}",
}

both = pytest.mark.parametrize("lang", READMES)


def settings_table(lang: str) -> list[str]:
    """Return the rows that the settings table of a README must have."""
    return [
        f"| `QWENPROXY_{one.name}` | {', '.join(f'`{older}`' for older in one.older)} "
        f"| {f'`{one.default}`' if one.default else ''} | {one.meaning.say(lang)} |"
        for one in SETTINGS
    ]


def programs_table(lang: str) -> list[str]:
    """Return the rows that the table of programs of a README must have."""
    say = speaker(lang)
    return [
        f"| `{program.name}` | {program.title} | {', '.join(API_NAMES[way.api] for way in program.ways)} "
        f"| {' '.join(say(note) for note in program.notes)} |"
        for program in PROGRAMS.values()
    ]


def asked_routes() -> set[tuple[str, str]]:
    """Return method and path of everything that the code blocks ask for."""
    found = {("GET", path) for block in all_blocks("python") for path in re.findall(r"ws://[^/]+(/[\w/]+)", block)}
    for line in "\n".join(all_blocks("bash")).replace("\\\n", " ").splitlines():
        for address, rest in re.findall(r"curl (?:.*?)http://[^/]+(/[\w./$:-]+)(.*)", line):
            method = re.search(r"-X (\w+)", line)
            sends = re.search(r" -[dF] ", line)
            path = re.sub(r"\$([A-Z]+)", lambda name: PLACES[name[1]], address)
            path = re.sub(r"/models/[^:]+$", "/models/{name}", path)
            path = re.sub(r"/models/[^:]+:", "/models/{model}:", path)
            found.add((method[1] if method else "POST" if sends else "GET", path))
            assert "curl" not in rest, f"two requests on one line: {line}"
    return found


@both
def test_the_settings_table_is_that_of_the_code(lang: str) -> None:
    shown = marked(READMES[lang], "settings").strip().splitlines()
    assert shown[2:] == settings_table(lang)


@both
def test_the_table_of_programs_is_that_of_the_code(lang: str) -> None:
    shown = marked(READMES[lang], "programs").strip().splitlines()
    assert shown[2:] == programs_table(lang)


@both
def test_the_endpoints_are_those_of_the_server(lang: str) -> None:
    listed = [route.split(" ", 1) for row in rows(marked(READMES[lang], "endpoints")) for route in quoted(row[:1])]
    named = {(method, path.replace("<", "{").replace(">", "}")) for method, path in listed}
    assert len(named) == len(listed), "a route is listed twice"
    assert set().union(*(on_every_prefix(*route) for route in named)) == described_routes()


def test_every_endpoint_is_shown_in_use() -> None:
    refused = on_every_prefix("GET", "/v1/responses")  # only says that there is no WebSocket
    assert set().union(*(on_every_prefix(*route) for route in asked_routes())) == described_routes() - refused


@both
def test_the_error_codes_are_those_of_the_server(lang: str) -> None:
    table = rows(marked(READMES[lang], "errors"))
    listed = [(statuses.split(", "), quoted([codes])) for statuses, codes, _ in table]
    assert sorted(code for _, codes in listed for code in codes) == sorted(set(ERROR_CODES) - NEVER_SENT)
    for statuses, codes in listed:
        each = statuses if len(statuses) > 1 else statuses * len(codes)
        assert {(int(status), code) for status, code in zip(each, codes, strict=True)} <= statuses_of_codes()
    assert {int(status) for statuses, _ in listed for status in statuses} == {each for each, _ in statuses_of_codes()}


@both
def test_statuses_beside_codes_in_the_text_are_right(lang: str) -> None:
    for status, code in re.findall(r"\b([45]\d\d) `([a-z_]+)`", READMES[lang]):
        assert (int(status), code) in statuses_of_codes()


@both
def test_every_command_exists(lang: str) -> None:
    text = READMES[lang]
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    written = [line.split("qwenproxy ", 1)[1] for line in lines if re.match(r"(\S*/)?qwenproxy ", line)]
    inline = re.findall(r"`(?:\S*/)?qwenproxy ([^`]+)`", prose(text).split("<!-- trouble -->")[0])
    assert written
    assert inline
    for words in [*written, *inline]:
        check_command(words)


def check_command(words: str) -> None:
    """Walk down the command line as far as it names commands and options."""
    command: click.Command = cli
    arguments = []
    rest = iter(shlex.split(words.replace("…", "")))
    for word in rest:
        if word.startswith("-"):
            options = [each for each in command.params if word in each.opts]
            assert word == "--help" or options, f"{words}: no {word}"
            if any(isinstance(each, click.Option) and not each.is_flag for each in options):
                next(rest, None)  # its value
        elif isinstance(command, click.Group):
            assert word in commands_of(command), f"{words}: no command {word}"
            command = commands_of(command)[word]
        else:
            arguments.append(word)
    takes = sum(isinstance(each, click.Argument) or "--token" in each.opts for each in command.params)
    assert len(arguments) <= takes, f"{words}: {command.name} takes no {arguments[-1]}"


@both
def test_what_it_names_exists(lang: str) -> None:
    text = READMES[lang]
    for script in set(re.findall(r"\bscripts/[\w-]+", text)):
        assert os.access(ROOT / script, os.X_OK), f"{script} cannot be run"
    assert set(re.findall(r"\bQWENPROXY_[A-Z_]+\b", text)) <= {f"QWENPROXY_{one.name}" for one in SETTINGS}


@both
def test_messages_it_explains_are_said(lang: str) -> None:
    said = "\n".join({"en": EN, "ru": RU}[lang].values())
    messages = [cell for cell in quoted(row[0] for row in rows(marked(READMES[lang], "trouble"))) if " " in cell]
    assert messages
    for message in messages:
        assert message.removesuffix(" …") in said, message


@both
def test_the_menu_is_shown_as_it_is(lang: str) -> None:
    say = speaker(lang)
    [menu] = [block for block in blocks(READMES[lang], "text") if "===" in block]
    entries = [
        f"{number} - {say(f'menu_{name}')}" for number, name in enumerate(("add", "relogin", "start", "remove"), 1)
    ]
    wanted = [say("menu_accounts"), say("menu_no_accounts"), "", f"=== {say('menu_title')} ===", *entries]
    assert [line.strip() for line in menu.splitlines()] == [*wanted, f"{say('menu_choice')} [3]:"]


@both
def test_the_ready_line_is_shown_as_it_is(lang: str) -> None:
    line = speaker(lang)("start_ready", url="http://127.0.0.1:3264")
    assert f"{line}\n" in blocks(READMES[lang], "text")


def test_both_languages_have_the_same_parts() -> None:
    shapes = [
        [line.split(" ")[0] for line in prose(text).splitlines() if re.match(r"#+ |\|", line)]
        for text in READMES.values()
    ]
    assert shapes[0] == shapes[1], "headings or table rows differ"
    codes = [[(language, SAID.sub(r"\1", code)) for _, language, code in BLOCK.findall(t)] for t in READMES.values()]
    shown = [[block for block in each if block[0] != "text"] for each in codes]
    assert shown[0] == shown[1]
    assert [language for language, _ in codes[0]] == [language for language, _ in codes[1]]
    words = [
        {word for word in quoted([prose(text)]) if word.isascii() and " " not in word} for text in READMES.values()
    ]
    assert words[0] == words[1], words[0] ^ words[1]
