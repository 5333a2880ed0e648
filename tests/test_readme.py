"""What the README and `start --sandbox` show works when pasted: only host and port are changed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwenproxy.config import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
OUR_ADDRESS = "http://127.0.0.1:3264"
HELLO = 'You said: "Hello!" Everything works.'


def blocks(language: str) -> list[str]:
    """Return the README's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


CURLS = [block for block in blocks("bash") if block.startswith("curl ")]
PROGRAMS = blocks("python")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run `qwenproxy start --sandbox` for all tests of this file; return what it printed once it was ready."""
    folder = tmp_path_factory.mktemp("readme")
    known = {name for one in SETTINGS for name in (f"QWENPROXY_{one.name}", *one.older)}
    environment = {name: value for name, value in os.environ.items() if name not in known}
    environment.update(QWENPROXY_SESSION_DIR=str(folder / "session"), QWENPROXY_PORT="0", QWENPROXY_LANG="en")
    with open(folder / "log", "w") as log:
        command = [sys.executable, "-m", "qwenproxy", "start", "--sandbox"]
        server = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if line.startswith("print("):
                break
        yield "".join(lines)
        server.terminate()
        server.communicate(timeout=60)
        assert server.returncode == 0, (folder / "log").read_text()
    finally:
        server.kill()
        server.communicate()


@pytest.fixture
def url(printed: str) -> str:
    """The address the running server printed."""
    found = re.search(r"http://127\.0\.0\.1:\d+", printed)
    assert found, printed
    return found[0]


def run(command: list[str], text: str) -> str:
    """Run a program that reads `text` from its standard input; return what it printed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def paragraph(printed: str, start: str) -> str:
    """Return the paragraph of the printed text that begins with `start`."""
    return next(part for part in printed.split("\n\n") if part.lstrip().startswith(start))


def test_the_readme_shows_both_ways_to_ask() -> None:
    assert CURLS
    assert PROGRAMS


def test_what_the_readme_names_exists() -> None:
    for script in set(re.findall(r"\bscripts/\w+", README)):
        assert os.access(ROOT / script, os.X_OK), f"{script} cannot be run"
    settings = {f"QWENPROXY_{setting.name}" for setting in SETTINGS}
    assert set(re.findall(r"\bQWENPROXY_[A-Z_]+\b", README)) <= settings


@pytest.mark.browser
@pytest.mark.parametrize("command", CURLS)
def test_curl_of_the_readme(url: str, command: str) -> None:
    assert OUR_ADDRESS in command
    answer = run(["bash", "-e"], command.replace(OUR_ADDRESS, url))
    assert '"error"' not in answer
    if '"stream":true' in command:
        assert answer.endswith("data: [DONE]\n\n")


@pytest.mark.browser
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_of_the_readme(url: str, program: str) -> None:
    assert OUR_ADDRESS in program
    assert HELLO in run([sys.executable, "-"], program.replace(OUR_ADDRESS, url))


@pytest.mark.browser
def test_printed_curl(printed: str, url: str) -> None:
    command = paragraph(printed, "curl ")
    assert shlex.split(command)[2].startswith(url)
    assert run(["bash", "-e"], command).endswith("data: [DONE]\n\n")


@pytest.mark.browser
def test_printed_program(printed: str) -> None:
    assert HELLO in run([sys.executable, "-"], paragraph(printed, "from openai import"))
