"""`qwenproxy image`: what it asks the running proxy for, what it writes, and what it refuses before it asks."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run_here

from qwenproxy.disk.claim import claimed_session
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox.media.png import picture

PNG = picture(32, 16, "a fox")


class Painter(BaseHTTPRequestHandler):
    """Paints one picture, or says what `answer` says."""

    answer: tuple[int, Any] = (200, None)
    asked: list[tuple[str, str, bytes]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, self.headers.get("Authorization", ""), body))
        status, told = self.answer
        told = told or {"data": [{"b64_json": base64.b64encode(PNG).decode()}], "size": "32x16"}
        data = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def here(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder to work in, beside a running proxy."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Painter.answer, Painter.asked = (200, None), []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Painter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with claimed_session(SessionFolder(session)) as claim:
        claim.announce("127.0.0.1", server.server_address[1])
        yield folder
    server.shutdown()
    server.server_close()


def test_a_picture(here: Path) -> None:
    done = run_here("image", "a red fox", "-o", "fox.png", "--size", "16:9")
    assert (done.status, (here / "fox.png").read_bytes()) == (0, PNG)
    assert done.output == "fox.png  32x16\n"
    ((path, key, body),) = Painter.asked
    assert (path, key) == ("/v1/images/generations", "")
    assert json.loads(body) == {"prompt": "a red fox", "response_format": "b64_json", "size": "16:9"}


def test_free_names(here: Path) -> None:
    for _ in range(2):
        assert run_here("image", "a red fox").status == 0
    assert sorted(path.name for path in here.iterdir()) == ["picture-2.png", "picture.png"]


def test_an_edit(here: Path) -> None:
    (here / "cat.png").write_bytes(PNG)
    assert run_here("image", "make it night", "--edit", "cat.png", "-o", "night.png").status == 0
    ((path, _, body),) = Painter.asked
    assert path == "/v1/images/edits"
    assert PNG in body
    assert b'name="image"; filename="cat.png"' in body


def test_the_key_of_the_folder(here: Path, session: Path) -> None:
    (session / "Authorization.txt").write_text("key-of-many-letters\n")
    assert run_here("image", "a red fox").status == 0
    assert Painter.asked[0][1] == "Bearer key-of-many-letters"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["image", " "], "There is no text"),
        (["image", "fox", "-o", "old.png"], "old.png exists"),
        (["image", "fox", "-o", "no/fox.png"], "does not exist"),
        (["image", "fox", "--edit", "none.png"], "none.png cannot be read"),
    ],
)
def test_what_is_refused_before_it_costs_anything(here: Path, words: list[str], told: str) -> None:
    (here / "old.png").write_bytes(b"old")
    done = run_here(*words)
    assert done.status
    assert told in done.output
    assert Painter.asked == []
    assert (here / "old.png").read_bytes() == b"old"


def test_force_replaces(here: Path) -> None:
    (here / "old.png").write_bytes(b"old")
    assert run_here("image", "fox", "-o", "old.png", "--force").status == 0
    assert (here / "old.png").read_bytes() == PNG


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, {"error": {"message": "no"}}), "asks for a key"),
        ((429, {"error": {"message": "Every account is over its limit."}}), "over its limit"),
    ],
)
def test_the_proxy_refuses(here: Path, answer: Any, told: str) -> None:
    Painter.answer = answer
    done = run_here("image", "fox")
    assert done.status == 1
    assert told in done.output
    assert not (here / "picture.png").exists()


def test_no_proxy(session: Path) -> None:
    done = run_here("image", "fox")
    assert done.status == 1
    assert "No proxy runs" in done.output
