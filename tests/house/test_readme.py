"""What the READMEs and `start --sandbox` show works when pasted: only host and port are changed.

Blocks marked bash and python run; those marked sh are commands for a machine of one's own, which test_docs.py looks up.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from readmes import READMES, all_blocks, blocks

from qwenproxy.config import SETTINGS

OUR_ADDRESS = "127.0.0.1:3264"
GREETING = re.compile(r'(?:"(?:content|message)": |\b(?:input|contents)=)"(.+?)"')
CURLS = list(dict.fromkeys(all_blocks("bash")))  # many are the same in both languages
PROGRAMS = list(dict.fromkeys(all_blocks("python")))


def first_path(block: str) -> str:
    """Return the first path that a block asks for."""
    match = re.search(r"127\.0\.0\.1:\d+(/[\w./-]*)", block)
    return match[1] if match else "no path"


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
def address(printed: str) -> str:
    """Host and port the running server printed."""
    found = re.search(r"http://(127\.0\.0\.1:\d+)", printed)
    assert found, printed
    return found[1]


def run(command: list[str], text: str, folder: Path) -> str:
    """Run a program in a folder, which reads `text` from its standard input; return what it printed."""
    done = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def paragraph(printed: str, start: str) -> str:
    """Return the paragraph of the printed text that begins with `start`."""
    return next(part for part in printed.split("\n\n") if part.lstrip().startswith(start))


@pytest.mark.parametrize("text", READMES.values(), ids=READMES)
def test_the_readme_shows_both_ways_to_ask(text: str) -> None:
    assert blocks(text, "bash")
    assert blocks(text, "python")
    assert all(OUR_ADDRESS in block for block in blocks(text, "bash", "python"))


@pytest.mark.browser
@pytest.mark.parametrize("command", CURLS, ids=first_path)
def test_curl_of_the_readme(address: str, command: str, tmp_path: Path) -> None:
    strict = command.replace(OUR_ADDRESS, address).replace("curl ", "curl -f ")  # an HTTP error is a failure
    answer = run(["bash", "-eo", "pipefail"], strict, tmp_path)
    assert answer
    if '"stream":true' in command:
        assert answer.count("\n\n") > 1 and answer.endswith("\n\n")
        assert answer.endswith("data: [DONE]\n\n") or not re.search(r"/api/chat |/completions ", command)
    if re.search(r"/api/chat |/completions ", command):
        assert re.search(r"works\.|all is well", answer), "the model has not answered"


@pytest.mark.browser
@pytest.mark.parametrize("program", PROGRAMS, ids=first_path)
def test_program_of_the_readme(address: str, program: str, tmp_path: Path) -> None:
    program = program.replace(OUR_ADDRESS, address)
    if "client.images" in program:
        run([sys.executable, "-"], program, tmp_path)
        assert [(tmp_path / name).read_bytes()[:4] for name in ("fox.png", "night.png")] == [b"\x89PNG"] * 2
        return
    [greeting] = GREETING.findall(program)
    if "response_format=Place" in program:
        place = r"{\"city\": \"Paris\", \"country\": \"France\"}"
        program = program.replace(greeting, f"{greeting} {{{{say {place} }}}}")
        assert run([sys.executable, "-"], program, tmp_path) == "city='Paris' country='France'\n"
    else:
        assert f'You said: "{greeting}" Everything works.' in run([sys.executable, "-"], program, tmp_path)


@pytest.mark.browser
def test_printed_curl(printed: str, address: str, tmp_path: Path) -> None:
    command = paragraph(printed, "curl ")
    assert shlex.split(command)[2].startswith(f"http://{address}/")
    assert run(["bash", "-e"], command, tmp_path).endswith("data: [DONE]\n\n")


@pytest.mark.browser
def test_printed_program(printed: str, tmp_path: Path) -> None:
    program = paragraph(printed, "from openai import")
    assert 'You said: "Hello!" Everything works.' in run([sys.executable, "-"], program, tmp_path)
