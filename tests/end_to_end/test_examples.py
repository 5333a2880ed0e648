"""The programs of scripts/examples do what they say, each run as its user does."""

from __future__ import annotations

import ast
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from asking import ANSWER_WAIT
from proxy_process import Proxy, environment

from qwenproxy.access.keys import KeyFile
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parent.parent.parent / "scripts" / "examples"
MOST_LINES = 50
PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(64))
NOTE = b"The meeting is on Friday."
NAME = "My name is Алексей."
ENDLESS = "{{stream chunks=100000 interval_ms=20}}"
NAMES = sorted(str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.*") if path.suffix in (".py", ".mjs"))
FILE_OF = {"openai_image.py": ["picture.jpg"], "openai_upload.py": ["note.txt"]}
# these send their key as openai_simple.py does
SAME_CLIENT = {"openai_streaming.py", "openai_conversation.py", "openai_system_prompt.py", "openai_image.py"}
WITH_PACKAGES = "javascript/chat.mjs"


class Desk:
    """Where a user sits: a copy of the examples and two files, and the address to send questions to."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def command(self, name: str, *arguments: str, key: str = "") -> list[str]:
        """Return what the user types."""
        program = [sys.executable] if name.endswith(".py") else ["node"]
        given = [*FILE_OF.get(name, ()), *arguments]
        return [*program, name, *given, "--url", self.url, *(["--key", key] if key else [])]

    def run(self, name: str, *arguments: str, typed: str = "", key: str = "") -> subprocess.CompletedProcess[str]:
        """Run an example to its end."""
        return subprocess.run(
            self.command(name, *arguments, key=key),
            input=typed,
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=ANSWER_WAIT,
            check=False,
        )

    def printed(self, name: str, *arguments: str, typed: str = "", key: str = "") -> str:
        """Run an example that shall succeed; return what it printed."""
        done = self.run(name, *arguments, typed=typed, key=key)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def running(self, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run an example for as long as the context lasts."""
        process = subprocess.Popen(
            self.command(name, *arguments),
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def until(process: subprocess.Popen[str], text: str) -> str:
    """Read what a running example prints up to `text`; return all of that."""
    assert process.stdout is not None
    so_far = ""
    while not so_far.endswith(text):
        letter = process.stdout.read(1)
        assert letter, f"{text!r} never came: {so_far!r}"
        so_far += letter
    return so_far


@pytest.fixture
def desk(proxy: Proxy, javascript: tuple[Path, str], tmp_path: Path) -> Desk:
    return Desk(laid_out(tmp_path, javascript[0]), proxy.url)


def laid_out(folder: Path, packages: Path) -> Path:
    """Copy the examples and what they need into a folder and return it."""
    copied = folder / "examples"
    shutil.copytree(EXAMPLES, copied, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    if (packages / "node_modules").is_dir():
        (copied / "javascript" / "node_modules").symlink_to(packages / "node_modules")
    (copied / "picture.jpg").write_bytes(PICTURE)
    (copied / "note.txt").write_bytes(NOTE)
    return copied


def need(name: str, javascript: tuple[Path, str]) -> None:
    """Skip the test where an example cannot run on this machine."""
    if name.endswith(".mjs") and not shutil.which("node"):
        pytest.skip("node is not installed")
    if name == WITH_PACKAGES and javascript[1]:
        pytest.skip(javascript[1])


def test_every_example_is_short_and_listed() -> None:
    listed = re.findall(r"^\| \[(.+?)\]\((.+?)\)", (EXAMPLES / "README.md").read_text("utf-8"), re.M)
    assert sorted(target for _, target in listed) == NAMES
    assert all(title == target for title, target in listed)
    for name in NAMES:
        lines = (EXAMPLES / name).read_text("utf-8").splitlines()
        assert len(lines) <= MOST_LINES, name


@pytest.mark.parametrize("name", NAMES)
def test_help(name: str, javascript: tuple[Path, str], tmp_path: Path) -> None:
    need(name, javascript)
    done = Desk(laid_out(tmp_path, javascript[0]), "").run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(word in done.stdout for word in ("--url", "--key"))


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".py")])
def test_a_program_uses_no_package_but_those_it_names(name: str) -> None:
    program = ast.parse((EXAMPLES / name).read_text("utf-8"))
    used = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(program)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    } - sys.stdlib_module_names
    [named] = re.findall(r"^pip install (.+)$", ast.get_docstring(program) or "", re.M)
    assert used == {"websocket" if package == "websocket-client" else package for package in named.split()}
    [listed] = re.findall(rf"{name}\) \| `pip install (.+?)`", (EXAMPLES / "README.md").read_text("utf-8"))
    assert listed == named


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SAME_CLIENT])
def test_nothing_answers(name: str, javascript: tuple[Path, str], tmp_path: Path) -> None:
    need(name, javascript)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = Desk(laid_out(tmp_path, javascript[0]), url).run(name, typed="Hello\n")
    assert done.returncode == 1
    assert done.stderr == f"Nothing answers at {url}. Start it with scripts/start, or scripts/start --sandbox.\n"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SAME_CLIENT])
def test_keys(name: str, desk: Desk, proxy: Proxy, javascript: tuple[Path, str]) -> None:
    need(name, javascript)
    keys = KeyFile.open(proxy.session_dir / "Authorization.txt")
    key = keys.add()
    try:
        stranger = desk.run(name, typed="Hello\n")
        assert stranger.returncode == 1
        assert len(stranger.stderr.splitlines()) == 1, stranger.stderr
        assert "Send a valid key" in stranger.stderr
        assert "Everything works." in desk.printed(name, typed="Hello\n", key=key)
    finally:
        keys.remove(key)


def test_simple(desk: Desk) -> None:
    done = desk.run("openai_simple.py", "{{say One two three.}}", "--model", "qwen3.7-plus")
    assert (done.returncode, done.stdout) == (0, "One two three.\n")
    assert re.fullmatch(r"\(qwen3\.7-plus, \d+ tokens\)\n", done.stderr)


def test_streaming(desk: Desk, site: Sandbox) -> None:
    with desk.running("openai_streaming.py", ENDLESS) as process:
        until(process, "chunk-00001")
        assert len(site.running_generations()) == 1, "the answer was printed only at its end"
    site.wait_idle(15)


def test_streaming_with_thoughts(desk: Desk) -> None:
    done = desk.run("openai_streaming.py", "{{say One two three four.}}", "--think")
    assert (done.returncode, done.stdout) == (0, "One two three four.\n")
    assert "I look at what is asked." in done.stderr


def test_conversation(desk: Desk) -> None:
    printed = desk.printed("openai_conversation.py", typed=f"{NAME} {{{{say Hello!}}}}\n{{{{echo}}}}\n\n")
    assert printed.startswith("> Hello!\n> ")
    assert NAME in printed
    assert printed.endswith("\n> ")


def test_system_prompt(desk: Desk) -> None:
    printed = desk.printed("openai_system_prompt.py", "--system", "Answer as a pirate.", "{{echo}}")
    assert "Answer as a pirate." in printed


def test_image(desk: Desk, site: Sandbox) -> None:
    stored = len(site.files)
    printed = desk.printed("openai_image.py", "{{echo}}")
    [file] = site.files[stored:]
    assert file.data == PICTURE
    assert file.id in printed


def test_upload(desk: Desk, site: Sandbox) -> None:
    stored = len(site.files)
    first, second = desk.printed("openai_upload.py", "{{echo}}", "And? {{echo}}").splitlines()
    [file] = site.files[stored:]
    assert file.data == NOTE
    assert file.id in first
    assert file.id in second


def test_upload_of_a_picture(desk: Desk, site: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FILE_OF, "openai_upload.py", ["picture.jpg"])
    stored = len(site.files)
    printed = desk.printed("openai_upload.py", "{{echo}}")
    [file] = site.files[stored:]
    assert (file.data, file.id in printed) == (PICTURE, True)


@pytest.mark.parametrize("name", ["plain_requests.py", "javascript/fetch.mjs", WITH_PACKAGES])
def test_two_questions(name: str, desk: Desk, javascript: tuple[Path, str]) -> None:
    need(name, javascript)
    first, second = desk.printed(name, f"{NAME} {{{{say Hello!}}}}", "Who am I? {{echo}}").splitlines()
    assert first == "Hello!"
    assert NAME in second
    assert second.index(NAME) < second.index("Who am I?")


@pytest.mark.parametrize("name", ["plain_requests.py", "javascript/fetch.mjs", WITH_PACKAGES])
def test_pieces_arrive_while_the_site_still_answers(
    name: str, desk: Desk, site: Sandbox, javascript: tuple[Path, str]
) -> None:
    need(name, javascript)
    with desk.running(name, "{{say Hello!}}", ENDLESS) as process:
        assert until(process, "chunk-00001").startswith("Hello!\n")
        assert len(site.running_generations()) == 1
    site.wait_idle(15)


def test_an_answer_that_breaks_off(desk: Desk) -> None:
    cut = "{{stream chunks=50}}{{fault internal_error_frame after=4}}"
    for name in ("plain_requests.py", "openai_streaming.py"):
        done = desk.run(name, cut)
        assert (done.returncode, "chunk-000" in done.stdout) == (1, True), done
        assert "Internal" in done.stderr.splitlines()[-1]


def test_socket(desk: Desk, site: Sandbox) -> None:
    with desk.running("websocket_chat.py") as process:
        assert process.stdin is not None
        process.stdin.write(f"{NAME} {ENDLESS}\n")
        process.stdin.flush()
        until(process, "chunk-00001")
        process.send_signal(signal.SIGINT)
        until(process, "[cancelled]\n> ")
        site.wait_idle(15)
        printed, failed = process.communicate("{{say And on we go.}}\nStill there? {{echo}}\n\n", timeout=ANSWER_WAIT)
        assert (process.returncode, failed) == (0, "")
        assert printed.startswith("And on we go.  [stop]\n> ")
        assert "And on we go." in printed.splitlines()[1], "the second question began another chat"
