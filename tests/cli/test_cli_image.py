"""`qwenproxy image`: what it asks the running proxy for, what it writes, and what it refuses before it asks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run_here
from works_server import Works, served_works

from qwenproxy.sandbox.media.png import picture

PNG = picture(32, 16, "a fox")


PAINTED = {"data": [{"b64_json": base64.b64encode(PNG).decode()}], "size": "32x16"}


@pytest.fixture
def works(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Works]:
    """Return a proxy that paints one picture, and a folder to work in."""
    with served_works(session, tmp_path, monkeypatch, (200, PAINTED)) as works:
        yield works


def test_a_picture(works: Works) -> None:
    done = run_here("image", "a red fox", "-o", "fox.png", "--size", "16:9")
    assert (done.status, (works.folder / "fox.png").read_bytes()) == (0, PNG)
    assert done.output == "fox.png  32x16\n"
    ((path, key, body),) = works.asked
    assert (path, key) == ("/v1/images/generations", "")
    assert json.loads(body) == {"prompt": "a red fox", "response_format": "b64_json", "size": "16:9"}


def test_a_name_of_another_type_is_told(works: Works) -> None:
    done = run_here("image", "a red fox", "-o", "fox.jpg")
    assert (done.status, (works.folder / "fox.jpg").read_bytes()) == (0, PNG)
    assert "fox.jpg holds a picture in the format PNG" in done.output


def test_standard_output_takes_no_picture(works: Works) -> None:
    done = run_here("image", "a red fox", "-o", "-")
    assert (done.status, works.asked, list(works.folder.iterdir())) == (1, [], [])
    assert "Name a file" in done.output


def test_free_names(works: Works) -> None:
    for _ in range(2):
        assert run_here("image", "a red fox").status == 0
    assert sorted(path.name for path in works.folder.iterdir()) == ["picture-2.png", "picture.png"]


def test_an_edit(works: Works) -> None:
    (works.folder / "cat.png").write_bytes(PNG)
    assert run_here("image", "make it night", "--edit", "cat.png", "-o", "night.png").status == 0
    ((path, _, body),) = works.asked
    assert path == "/v1/images/edits"
    assert PNG in body
    assert b'name="image"; filename="cat.png"' in body


def test_the_key_of_the_folder(works: Works, session: Path) -> None:
    (session / "Authorization.txt").write_text("key-of-many-letters\n")
    assert run_here("image", "a red fox").status == 0
    assert works.asked[0][1] == "Bearer key-of-many-letters"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["image", " "], "There is no text"),
        (["image", "fox", "-o", "old.png"], "old.png exists"),
        (["image", "fox", "-o", "no/fox.png"], "does not exist"),
        (["image", "fox", "--edit", "none.png"], "none.png cannot be read"),
    ],
)
def test_what_is_refused_before_it_costs_anything(works: Works, words: list[str], told: str) -> None:
    (works.folder / "old.png").write_bytes(b"old")
    done = run_here(*words)
    assert done.status
    assert told in done.output
    assert works.asked == []
    assert (works.folder / "old.png").read_bytes() == b"old"


def test_force_replaces(works: Works) -> None:
    (works.folder / "old.png").write_bytes(b"old")
    assert run_here("image", "fox", "-o", "old.png", "--force").status == 0
    assert (works.folder / "old.png").read_bytes() == PNG


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, {"error": {"message": "no"}}), "asks for a key"),
        ((429, {"error": {"message": "Every account is over its limit."}}), "over its limit"),
    ],
)
def test_the_proxy_refuses(works: Works, answer: Any, told: str) -> None:
    works.answer = answer
    done = run_here("image", "fox")
    assert done.status == 1
    assert told in done.output
    assert not (works.folder / "picture.png").exists()


def test_no_proxy(session: Path) -> None:
    done = run_here("image", "fox")
    assert done.status == 1
    assert "No proxy runs" in done.output
