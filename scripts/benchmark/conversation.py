"""A conversation as a coding agent holds it: what each step costs the site in characters, and the client in time.

Every request carries the whole conversation, as the wire API wants it; what counts is what reaches the site.
"""

from __future__ import annotations

import http.client
import json
import ssl
import statistics
import time
import urllib.request
from collections import Counter
from typing import Any

SYSTEM_SIZE = 20_000  # characters of the system text
RESULT_SIZE = 1_200  # characters of each tool's result
QUESTIONS = "/api/v2/chat/completions"
_TOOL = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Read a file of the project. " * 20,
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
}


def hold_conversation(port: int, base_url: str, steps: int) -> None:
    """Go through a conversation of so many steps and print what each kind of step cost."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": _filler("You work on a project.", SYSTEM_SIZE)},
        {"role": "user", "content": "{{say I go on.}} Mend the tests."},
    ]
    contexts: Counter[str] = Counter()
    firsts: list[float] = []
    plain_firsts: list[float] = []
    sizes: list[int] = []
    for step in range(steps):
        context, first = _ask(port, messages)
        contexts[context] += 1
        firsts.append(first)
        plain_firsts.append(_ask(port, [{"role": "user", "content": "{{say Yes.}}"}], tools=False)[1])
        sizes.append(sum(len(json.dumps(message)) for message in messages))
        call = {"name": "read_file", "arguments": json.dumps({"path": f"tests/test_{step}.py"})}
        messages += [
            {"role": "assistant", "content": "I go on."},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": f"call_{step}", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": f"call_{step}", "content": _filler(f"file {step}", RESULT_SIZE)},
            {"role": "user", "content": f"{{{{say I go on.}}}} Step {step + 2}."},
        ]
    sent = _sent(base_url)
    print(f"\n{steps} steps of a conversation that grows to {sizes[-1]:,} characters")
    print(f"x-qwenproxy-context: {', '.join(f'{count} {name}' for name, count in contexts.items())}")
    print(f"characters of the client's messages, all steps together: {sum(sizes):,}")
    print(f"characters of questions that reached the site: {sent:,} ({sent / sum(sizes):.3f} of them)")
    print(
        f"first word: begin {firsts[0]:.0f} ms, later steps {statistics.median(firsts[1:]):.0f} ms, "
        f"plain questions {statistics.median(plain_firsts):.0f} ms (medians)"
    )


def _ask(port: int, messages: list[dict[str, Any]], *, tools: bool = True) -> tuple[str, float]:
    """Return the context of a streamed answer, and the ms until its first word."""
    body = {"model": "qwen3.7-plus", "stream": True, "messages": messages, **({"tools": [_TOOL]} if tools else {})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.monotonic()
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    first = 0.0
    while line := response.readline():
        if not first and b'"content":"' in line and b'"content":""' not in line:
            first = (time.monotonic() - begun) * 1000
    connection.close()
    if not first:
        raise SystemExit(f"a step failed: {response.status}")
    return response.headers.get("x-qwenproxy-context", "none"), first


def _sent(base_url: str) -> int:
    """Return how many characters the questions of tool requests had on the site, local tools included."""
    address = f"{base_url}/__sandbox/requests?path={QUESTIONS}"
    with urllib.request.urlopen(address, context=ssl._create_unverified_context()) as response:
        bodies = [
            json.loads(row["body"]) if isinstance(row["body"], str) else row["body"] for row in json.load(response)
        ]
    messages = [body["messages"][0] for body in bodies]
    return sum(len(message["content"]) for message in messages if "mcp" in message["feature_config"])


def _filler(begin: str, size: int) -> str:
    return f"{begin} " + "Some words that fill the space. " * (size // 32)
