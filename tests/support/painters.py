"""An account's painter at the fake site, and a fetcher that gives the files of its pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from replies import JSON, Reply
from transcripts import CREATED, delta, end

from qwenproxy.api.wiring import PICTURES, RELAY
from qwenproxy.media.fetching import WorkFetcher
from qwenproxy.media.pictures import Pictures
from qwenproxy.media.store import MediaStore
from qwenproxy.sandbox.media.png import picture

PNG = picture(32, 16, "a fox")
URL = "https://media.example/output/1.png?key=k"
KINDS = ["t2t", "t2i", "image_edit"]
PAINTERS = Reply(
    (
        json.dumps(
            {
                "data": {
                    "data": [
                        {"id": "qwen3.8-max", "info": {"is_active": True, "meta": {"chat_type": ["t2t"]}}},
                        {"id": "qwen3.7-plus", "info": {"is_active": True, "meta": {"chat_type": KINDS}}},
                    ]
                }
            }
        ),
    ),
    headers=JSON,
)


def painted(*urls: str) -> Reply:
    size = {"output_image_hw": [[16, 32]]}
    return Reply((CREATED, *(delta(url, "image_gen", extra=size) for url in urls), end("image_gen")))


class FakeFetcher(WorkFetcher):
    """Gives each address the next of its files; an exception is raised."""

    files: list[Any] = []  # noqa: RUF012

    def fetch(self, address: str, account_id: str, most_bytes: int) -> bytes:
        self.fetched.append((address, account_id))
        data = self.files.pop(0) if self.files else PNG
        if isinstance(data, Exception):
            raise data
        return bytes(data)

    fetched: list[tuple[str, str]] = []  # noqa: RUF012


def use_fetcher(client: FlaskClient, folder: Path) -> FakeFetcher:
    """Let the app's pictures come from a new fetcher, and be kept below a folder."""
    fetcher = FakeFetcher()
    FakeFetcher.files, FakeFetcher.fetched = [], []
    extensions = client.application.extensions
    store = MediaStore(folder / "media")
    extensions[PICTURES] = Pictures(extensions[RELAY], store, fetcher, pause=lambda seconds: None)
    return fetcher
