"""curl, which shows that the proxy answers at all."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

from qwenproxy.connect.program import Program, Target, Way

_MESSAGES = [{"role": "user", "content": "Hello!"}]


def _sample(path: str, body: Callable[[Target], dict[str, object]]) -> Callable[[Target], str]:
    def sample(target: Target) -> str:
        data = shlex.quote(json.dumps(body(target)))
        key = shlex.quote(f"Authorization: Bearer {target.key}")
        address = shlex.quote(target.address + path.format(model=target.model))
        return f"curl {address} -H {key} \\\n  -H 'Content-Type: application/json' -d {data}"

    return sample


PROGRAM = Program(
    "curl",
    "curl",
    (
        Way("chat", sample=_sample("/v1/chat/completions", lambda to: {"model": to.model, "messages": _MESSAGES})),
        Way("responses", sample=_sample("/v1/responses", lambda to: {"model": to.model, "input": "Hello!"})),
        Way(
            "messages",
            sample=_sample("/v1/messages", lambda to: {"model": to.model, "max_tokens": 1000, "messages": _MESSAGES}),
        ),
        Way(
            "gemini",
            sample=_sample(
                "/v1beta/models/{model}:generateContent", lambda _: {"contents": [{"parts": [{"text": "Hello!"}]}]}
            ),
        ),
        Way(
            "ollama",
            sample=_sample("/ollama/api/chat", lambda to: {"model": to.model, "stream": False, "messages": _MESSAGES}),
        ),
    ),
)
