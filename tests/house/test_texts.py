"""The catalogue of texts: complete in both languages, used in full, and each text given its values."""

from __future__ import annotations

import ast
import importlib
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from sources import ROOT, nodes_of

from qwenproxy.admin.pages import OWN_TEXTS
from qwenproxy.config import SETTINGS, Config
from qwenproxy.errors import ConfigError, SetupError, StorageError
from qwenproxy.logins.check import Kind
from qwenproxy.logins.window import Outcome, Step
from qwenproxy.texts import EN, RU, Phrase, errors_en
from qwenproxy.upstream.quota import KINDS


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _nodes() -> Iterator[ast.AST]:
    for path in sorted(ROOT.rglob("*.py")):
        if path.parent.name != "texts":
            yield from nodes_of(path)


# Keys whose last part is put in at run time.
COMPOSED = {
    *(f"setting_{setting.name.lower()}" for setting in SETTINGS),
    *(f"step_{step}" for step in get_args(Step)),
    *(f"login_{outcome}" for outcome in get_args(Outcome)),
    *(f"check_{kind}" for kind in get_args(Kind)),
    *(f"quota_{kind}" for kind in KINDS),
    *(f"menu_{entry}" for entry in ("add", "relogin", "start", "remove")),
}


def test_both_languages_have_the_same_texts_in_the_same_order() -> None:
    assert list(EN) == list(RU)


def test_no_text_stands_twice() -> None:
    parts = [importlib.import_module(f"qwenproxy.texts.{path.stem}") for path in (ROOT / "texts").glob("*_en.py")]
    assert len(EN) == sum(len(part.EN) for part in parts)


@pytest.mark.parametrize("key", EN)
def test_a_text_has_the_same_placeholders_and_is_in_its_language(key: str) -> None:
    assert _placeholders(EN[key]) == _placeholders(RU[key])
    assert not re.search("[а-яё]", EN[key], re.IGNORECASE)
    commands_alone = re.fullmatch(r"[\x00-\x7f]*", RU[key])
    assert not commands_alone or EN[key] == RU[key], "a Russian text without Russian in it"


@pytest.mark.parametrize("key", EN)
def test_a_text_has_no_more_lines_in_one_language_than_in_the_other(key: str) -> None:
    assert EN[key].count("\n") == RU[key].count("\n")
    assert key not in errors_en.EN or "\n" not in EN[key]


def test_every_text_is_used() -> None:
    named = {node.value for node in _nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    pages = {key for key in EN if key.startswith(OWN_TEXTS)}
    assert set(EN) - named - pages == COMPOSED - named


def test_every_text_the_command_line_asks_for_exists() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cli").glob("*.py"))
    asked = set(re.findall(r"""say\(\s*["']([a-z_]+)["']""", source)) | set(re.findall(r'help="(help_\w+)"', source))
    assert len(asked) > 80
    assert (asked | COMPOSED) - set(EN) == set()


def test_every_phrase_is_in_the_catalogue_and_is_given_its_values() -> None:
    phrases = [node for node in _nodes() if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Phrase"]
    spelled = [(node, node.args[0].value) for node in phrases if isinstance(node.args[0], ast.Constant)]
    assert len(spelled) > 20
    for node, key in spelled:
        assert {each.arg for each in node.keywords} == _placeholders(EN[str(key)])


def _keys(node: ast.expr) -> list[str]:
    """Return the keys that an argument may be: a text, or one of two."""
    if isinstance(node, ast.IfExp):
        return [*_keys(node.body), *_keys(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def test_the_command_line_gives_each_text_its_values() -> None:
    calls = [node for node in _nodes() if isinstance(node, ast.Call) and node.args]
    said = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) == "say"]
    spelled = [(call, key) for call in said for key in _keys(call.args[0]) if key in EN]
    assert len(spelled) > 100
    for call, key in spelled:
        names = {each.arg for each in call.keywords}
        assert names >= _placeholders(EN[key]) or None in names, f"{key} at line {call.lineno}"


def test_no_error_for_people_is_in_one_language_only() -> None:
    """What the layers below raise for the person at the terminal is a phrase, not a text."""
    for path in ROOT.rglob("*.py"):
        if "cli" in path.parts or path.name == "errors.py":
            continue  # the command line's own errors are worded in its catalogue
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                for_people = node.func.id in ("SetupError", "ConfigError", "NoUsableAccount", "ProfileInUse")
                spelled = isinstance(node.args[0], ast.Constant | ast.JoinedStr)
                assert not (for_people and spelled), f"{path}:{node.lineno}"


def test_a_phrase_within_a_phrase_is_said_in_the_same_language() -> None:
    error = SetupError(Phrase("program_fails", path="/x", reason="?", advice=Phrase("install_browser")))
    assert error.message == str(error) == f"/x does not run (?). {EN['install_browser']}"
    assert error.say("ru") == f"/x не работает (?). {RU['install_browser']}"


def test_a_client_is_told_the_name_of_a_file_but_not_where_it_is() -> None:
    error = StorageError(Phrase("write_refused", path=Path("/home/me/session/tokens.json"), reason="full"))
    assert (error.message, error.client_message) == (
        "cannot write /home/me/session/tokens.json: full",
        "cannot write tokens.json: full",
    )
    assert StorageError(Phrase("write_refused", path="/", reason="full")).client_message == "cannot write /: full"
    assert StorageError("in these words").client_message == "in these words"


def test_words_that_are_no_phrase_stay_as_they_are() -> None:
    assert SetupError("Account «я».").say("ru") == "Account «я»."


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"QWENPROXY_PORT": "x"}, "QWENPROXY_PORT: здесь нужно целое число от 0 до 65535, а не 'x'"),
        ({"QWENPROXY_DRIVER": "x"}, "QWENPROXY_DRIVER: здесь нужно undetected или plain, а не 'x'"),
        (
            {"QWENPROXY_PROT": "1"},
            "QWENPROXY_PROT: такой настройки нет; возможно, имелась в виду QWENPROXY_PORT?",
        ),
    ],
    ids=["number", "choice", "unknown name"],
)
def test_what_is_wrong_with_a_setting_is_said_in_russian(environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({}, environ)
    assert caught.value.say("ru") == said
