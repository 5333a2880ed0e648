"""How a client of each wire API asks for a stream, and by what it sees that the stream is whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MODEL = "qwen3.7-plus"

Body = dict[str, Any]


@dataclass(frozen=True)
class WireApi:
    """One wire API. `body` makes a request from its prompt.

    `end` stands in a stream that is whole, and in no other. From `repeats` on a stream says its text a second time.
    """

    path: str
    body: Callable[[str], Body]
    end: bytes
    repeats: bytes = b""

    def request(self, prompt: str) -> bytes:
        """Return a request as it goes over a connection of its own."""
        body = json.dumps(self.body(prompt)).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def _chat(prompt: str) -> Body:
    return {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": prompt}]}


WIRE_APIS: Mapping[str, WireApi] = {
    "chat": WireApi("/v1/chat/completions", _chat, b"data: [DONE]"),
    "responses": WireApi(
        "/v1/responses",
        lambda prompt: {"model": MODEL, "stream": True, "input": prompt},
        b"event: response.completed",
        repeats=b"event: response.output_text.done",
    ),
    "messages": WireApi("/v1/messages", lambda prompt: {**_chat(prompt), "max_tokens": 32000}, b"event: message_stop"),
    "ollama": WireApi("/ollama/api/chat", _chat, b'"done":true'),
    "gemini": WireApi(
        f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse",
        lambda prompt: {"contents": [{"role": "user", "parts": [{"text": prompt}]}]},
        b'"finishReason":"STOP"',
    ),
    "completions": WireApi(
        "/v1/completions",
        lambda prompt: {"model": MODEL, "stream": True, "prompt": prompt, "max_tokens": 32000},
        b"data: [DONE]",
    ),
}
