"""What `qwenproxy connect` points a program to: the address of the running server, a key, a model and its lengths."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import requests

from qwenproxy.cli.keys import read_keys
from qwenproxy.cli.own_server import own_session
from qwenproxy.cli.session import server_of
from qwenproxy.config import Config
from qwenproxy.connect.program import ANY_KEY, Target, target_of
from qwenproxy.disk.claim import local_url, ollama_url
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.upstream.models import FALLBACK

SERVER_WAIT = 5.0  # seconds for the running server to say what it knows of a model


@dataclass(frozen=True, slots=True)
class Found:
    """The target, the key of ours in it ("" for none), and what is known of the server."""

    target: Target
    key: str
    is_running: bool
    knows_model: bool


def find_target(config: Config, model: str | None) -> Found:
    """Return what to point a program to; the model is DEFAULT_MODEL unless named. Raises SetupError."""
    server = server_of(SessionFolder(config.session_dir))
    url = server.url if server else ""
    address = url or local_url(config.host, config.port)
    key = next(iter(read_keys(config)), "")
    name = (model or "").strip() or config.default_model
    answer = _ask(address, key, name) if url else None
    ollama = server.ollama_url if server and url else ollama_url(config.host, config.port, config.ollama_port)
    target = target_of(address, ollama, key, name, _lengths(name, answer))
    return Found(target, key, bool(url), answer is None or answer.status_code != 404)


def _ask(address: str, key: str, name: str) -> requests.Response | None:
    """Return what the server says of a model, None where it does not answer."""
    try:
        with own_session() as session:
            headers = {"Authorization": f"Bearer {key or ANY_KEY}"}
            address = f"{address}/v1/models/{quote(name, safe='')}"
            return session.get(address, headers=headers, timeout=SERVER_WAIT)
    except requests.RequestException:
        return None


def _lengths(name: str, answer: requests.Response | None) -> tuple[int | None, int | None]:
    """Return how many tokens the model reads and writes: as the server says, else as our own list has it, or None."""
    known = FALLBACK.resolve(name)
    context, output = (known.context_length, known.output_length) if known else (None, None)
    if answer is not None and answer.ok:
        entry = answer.json()
        context = entry.get("context_length") or context
        output = entry.get("max_completion_tokens") or output
    return context, output
