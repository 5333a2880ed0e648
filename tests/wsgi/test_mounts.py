"""Which path is meant where an API has a root of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.api.ollama.addresses import MOUNT
from qwenproxy.wsgi.mounts import mounted_path, with_mount


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/ollama", "/ollama"),
        ("/ollama/", "/ollama/"),
        ("//ollama//api/tags", "/ollama/api/tags"),
        ("/ollama/api/chat", "/ollama/api/chat"),
        ("/ollama/api/chat/", "/ollama/api/chat/"),
        ("/ollama/api/nothing", "/ollama/api/nothing"),
        ("/ollama/v1/chat/completions", "/v1/chat/completions"),
        ("/ollama/chat/completions", "/chat/completions"),
        ("/ollama/v1/messages", "/v1/messages"),
        ("/ollama/health", "/health"),
        ("/ollama/apis", "/apis"),
        ("/ollamas/api/chat", "/ollamas/api/chat"),
        ("/api/tags", "/ollama/api/tags"),
        ("/api/version/", "/ollama/api/version/"),
        ("/api/generate", "/ollama/api/generate"),
        ("/api/chat", "/api/chat"),
        ("/api/status", "/api/status"),
        ("/api/chats", "/api/chats"),
        ("/api/embeddings", "/api/embeddings"),
        ("/v1/models", "/v1/models"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_below_its_prefix(path: str, meant: str) -> None:
    assert mounted_path(path, MOUNT) == meant


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/", "/ollama/"),
        ("", "/ollama"),
        ("/api/chat", "/ollama/api/chat"),
        ("//api/chat", "/ollama/api/chat"),
        ("/api/status", "/ollama/api/status"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/chat/completions", "/chat/completions"),
        ("/health", "/health"),
        ("/ollama/api/chat", "/ollama/api/chat"),
        ("/ollama/v1/models", "/ollama/v1/models"),
    ],
)
def test_at_its_own_root(path: str, meant: str) -> None:
    assert mounted_path(path, MOUNT, is_at_root=True) == meant


@given(st.text("/ollamapivchts1", max_size=30))
def test_the_root_of_the_port_is_the_prefix(path: str) -> None:
    assert mounted_path(f"/{path}", MOUNT, is_at_root=True) == mounted_path(f"/ollama/{path}", MOUNT)


@pytest.mark.parametrize(
    ("port", "taken_by", "meant"),
    [
        (11434, "11434", "/ollama/api/chat"),
        (11434, "3264", "/api/chat"),
        (None, "11434", "/api/chat"),
        (None, "None", "/api/chat"),
    ],
)
def test_the_port_that_took_the_connection_counts(port: int | None, taken_by: str, meant: str) -> None:
    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return [environ["PATH_INFO"].encode()]

    environ = {"PATH_INFO": "/api/chat", "SERVER_PORT": taken_by, "HTTP_HOST": "localhost:11434"}
    assert list(with_mount(serve, MOUNT, port)(environ, None)) == [meant.encode()]
