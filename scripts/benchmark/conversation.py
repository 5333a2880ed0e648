"""A conversation as a coding agent holds it: what each step costs the site in characters, and the client in time.

Every request carries the whole conversation, as the wire API wants it; what counts is what reaches the site.
"""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections import Counter
from typing import Any

from benchmark.servers import control
from qwenproxy.cli.sandbox import SandboxAddress

SYSTEM_SIZE = 20_000  # characters of the system text
RESULT_SIZE = 1_200  # characters of each tool's result
QUESTIONS = "/api/v2/chat/completions"
_TOOL = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Read a file of the project.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
}


def hold_conversation(port: int, address: SandboxAddress, steps: int) -> None:
    """Let the model make a call in each of so many steps, and print what they cost."""
    chain = [{"call": "read_file", "arguments": {"path": f"tests/test_{step}.py"}} for step in range(steps)]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": _filler("You work on a project.", SYSTEM_SIZE)},
        {"role": "user", "content": f"{{{{chain {json.dumps(chain)}}}}} Mend the tests."},
    ]
    contexts: Counter[str] = Counter()
    firsts: list[float] = []
    plain_firsts: list[float] = []
    sizes: list[int] = []
    for step in range(steps):
        sizes.append(sum(len(json.dumps(message)) for message in messages))
        context, first, call = _ask(port, messages)
        contexts[context] += 1
        firsts.append(first)
        plain_firsts.append(_ask(port, [{"role": "user", "content": "{{say Yes.}}"}], tools=False)[1])
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": _filler(f"file {step}", RESULT_SIZE)},
        ]
    sent = _sent(address)
    print(f"\n{steps} steps of a conversation that grows to {sizes[-1]:,} characters")
    print(f"x-qwenproxy-context: {', '.join(f'{count} {name}' for name, count in contexts.items())}")
    print(f"characters of the client's messages, all steps together: {sum(sizes):,}")
    print(f"characters of questions that reached the site: {sent:,} ({sent / sum(sizes):.3f} of them)")
    print(
        f"first sign of an answer: the first step {firsts[0]:.0f} ms, later ones {statistics.median(firsts[1:]):.0f} "
        f"ms, plain questions {statistics.median(plain_firsts):.0f} ms (medians)"
    )


def _ask(port: int, messages: list[dict[str, Any]], *, tools: bool = True) -> tuple[str, float, dict[str, Any]]:
    """Return the context of a streamed answer, the ms until its first word or call, and its call."""
    body = {"model": "qwen3.7-plus", "stream": True, "messages": messages, **({"tools": [_TOOL]} if tools else {})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.monotonic()
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    first = 0.0
    call: dict[str, Any] = {"type": "function", "function": {"name": "", "arguments": ""}}
    while line := response.readline():
        if not line.startswith(b"data: {"):
            continue
        frame = json.loads(line[6:])
        delta = frame["choices"][0]["delta"] if "choices" in frame else {}
        if not first and (delta.get("content") or "tool_calls" in delta):
            first = (time.monotonic() - begun) * 1000
        for piece in delta.get("tool_calls", ()):
            call["id"] = piece.get("id", call.get("id"))
            call["function"]["name"] += piece["function"].get("name", "")
            call["function"]["arguments"] += piece["function"].get("arguments", "")
    connection.close()
    if not first:
        raise SystemExit(f"a step failed: {response.status}")
    return response.headers.get("x-qwenproxy-context", "none"), first, call


def _sent(address: SandboxAddress) -> int:
    """Return how many characters the questions with functions had on the site, the offers of functions included."""
    bodies = [row["body"] for row in control(address, f"requests?path={QUESTIONS}")]
    messages = [body["messages"][0] for body in bodies]
    with_tools = [message for message in messages if "mcp" in message["feature_config"]]
    offers = (json.dumps(message["feature_config"].get("local_mcp", "")) for message in with_tools)
    return sum(len(message["content"]) for message in with_tools) + sum(map(len, offers))


def _filler(begin: str, size: int) -> str:
    return f"{begin} " + "Some words that fill the space. " * (size // 32)
