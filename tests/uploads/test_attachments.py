"""The attachments of one request: found out once, and given up when nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qwenproxy.chat import ImagePart, waiting
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import ClientGone, RequestError
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.ledger import Ledger
from qwenproxy.uploads.remote import Unreachable
from qwenproxy.uploads.uploader import Uploader


@pytest.fixture
def answered() -> Iterator[threading.Event]:
    """Whether the host of an image has answered."""
    event = threading.Event()
    yield event
    event.set()


def test_a_picture_of_the_site_goes_by_its_address_and_an_unknown_one_does_not(tmp_path: Path) -> None:
    painted, foreign = "https://127.0.0.1:1/output/1.png?key=k", "https://127.0.0.1:1/output/2.png"
    uploader = Uploader(Ledger.open(SessionFolder(tmp_path)), 1000)
    uploader.pictures.note([painted], "a")
    Attachments(uploader).read([ImagePart(painted)])
    with pytest.raises(RequestError, match="not public"):
        Attachments(uploader).read([ImagePart(foreign)])


def test_a_client_that_leaves_while_an_image_is_fetched_is_noticed(
    tmp_path: Path, answered: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, most: int) -> Any:
        answered.wait(10)
        raise Unreachable("slow")

    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.01)
    fetcher: Any = SimpleNamespace(fetch=fetch)
    uploader = Uploader(Ledger.open(SessionFolder(tmp_path)), 1000, fetcher=fetcher)
    with pytest.raises(ClientGone):
        Attachments(uploader, lambda: True).read([ImagePart("https://slow.example/cat.png")])
    assert not answered.is_set()
