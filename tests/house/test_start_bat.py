"""start.bat as far as it can be judged without Windows: what cmd would stumble over, and what it makes Python run."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RAW = (ROOT / "start.bat").read_bytes()
LINES = [line for line in RAW.decode("ascii").split("\r\n") if not line.startswith("rem ")]
CODE = "\n".join(LINES)
LABELS = re.findall(r"^:(\w+)$", CODE, re.MULTILINE)
# What may hold spaces, "&" and brackets wherever it is expanded; the rest are numbers and this file's own words.
PATHS = (r"%~[a-z]*0", r"%SUPPORTED%", r"%PYTHON%", r"\.venv\\[\w.\\]+")


def test_its_lines_end_as_cmd_needs_it_in_every_checkout() -> None:
    assert RAW.count(b"\n") == RAW.count(b"\r\n") > 20
    assert "*.bat text eol=crlf" in (ROOT / ".gitattributes").read_text().splitlines()


@pytest.mark.parametrize("path", PATHS)
def test_what_may_hold_spaces_is_quoted(path: str) -> None:
    # The substitution in the last lines is by delayed expansion, which cmd parses no more.
    text = CODE.replace("!cmdcmdline:%~nx0=!", "")
    found = re.findall(rf"(.?){path}(.?)", text)
    assert found
    assert {(before, after) for before, after in found} == {('"', '"')}


def test_every_label_is_there_once_and_gone_to() -> None:
    gone_to = re.findall(r"(?:goto |call :)(\w+)", CODE)
    assert sorted(LABELS) == sorted(set(gone_to))
    assert len(set(LABELS)) == len(LABELS)


def test_nothing_runs_into_a_label_that_is_called() -> None:
    """Each part ends with a jump or an exit, but for those above the labels that all go to next."""
    for label in set(LABELS) - {"install", "start"}:
        before = [line for line in LINES[: LINES.index(f":{label}")] if line][-1]
        assert re.match(r"goto |exit /b ", before), f"{before!r} runs into {label}"


def test_arguments_and_exclamation_marks_reach_python_as_they_were_typed() -> None:
    before, run, after = CODE.partition('".venv\\Scripts\\python.exe" -m qwenproxy start %*\n')
    assert run
    assert "enabledelayedexpansion" not in before
    assert after.startswith('set "STATUS=%errorlevel%"\n')


def test_every_way_out_has_a_status() -> None:
    assert set(re.findall(r"exit /b ?(\S*)", CODE)) == {"0", "1", "%errorlevel%", "%STATUS%"}
    assert 'set "STATUS=1"' in CODE.partition("pushd")[0], "a way to :end before anything ran is a failure"


def test_no_echo_is_cut_short() -> None:
    """Outside of quotes these would redirect, chain, or be expanded."""
    for line in LINES:
        if line.startswith("echo "):
            assert not re.search(r"[<>|&^%!]", re.sub(r'"[^"]*"', "", line)), line


@pytest.mark.parametrize(("version", "status"), [((3, 9), 1), ((3, 10), 0), ((3, 13), 0), ((3, 14), 1)], ids=str)
def test_the_pythons_it_takes_are_those_the_package_takes(version: tuple[int, int], status: int) -> None:
    found = re.search(r'^set "SUPPORTED=(.*)"$', CODE, re.MULTILINE)
    assert found
    pretended = f"import sys; sys.version_info = {(*version, 1)}; {found[1]}"
    assert subprocess.run([sys.executable, "-c", pretended], check=False).returncode == status
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["options"]["python_requires"] == ">=3.10"
    named = re.findall(r"Python :: (3\.\d+)", setup["metadata"]["classifiers"])
    assert (".".join(map(str, version)) in named) is (status == 0)


def test_what_it_installs_is_enough_for_the_sandbox_on_windows() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    [extra] = re.findall(r'--editable "\.\[(\w+)\]"', CODE)
    assert extra in setup["options.extras_require"]
    required = setup["options"]["install_requires"].splitlines()
    assert any(line.startswith("waitress") and ";" not in line for line in required)
    assert any(line.startswith("gunicorn") and 'sys_platform != "win32"' in line for line in required)
