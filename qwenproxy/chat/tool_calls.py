"""Function calling by agreement: the site ignores `tools`, so the prompt says how to write a call (protocol 4.6).

`instructions` and `call_block` become part of the folded prompt; chat/calls reads what the model makes of them.
It must not know frames, phases or OpenAI's forms.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from qwenproxy.chat import Tool, ToolCall

_OPEN = "<tool_call>"
_CLOSE = "</tool_call>"


def instructions(tools: Sequence[Tool], tool_choice: str = "auto") -> str:
    """Return the text that offers `tools` to the model; empty when there is none or `tool_choice` is `none`."""
    if not tools or tool_choice == "none":
        return ""
    offers = "\n".join(_offer(tool) for tool in tools)
    return (
        "You can call functions of the person's program. These are on offer, each as a JSON object with a JSON "
        f"schema of its parameters:\n\n{offers}\n\n"
        "To call one, write a block of exactly this form, as plain text and without a code fence:\n"
        f'{_OPEN}{{"name": "<function name>", "arguments": {{<arguments as JSON>}}}}{_CLOSE}\n'
        "Several calls are several blocks, one after the other. Write nothing after the last block: the results "
        "come with the next message. Never make up a result, and use no functions but these.\n"
        f"{_duty(tool_choice)}"
    )


def call_block(call: ToolCall) -> str:
    """Return `call` in the form that `instructions` asks for, its arguments unchanged."""
    return f'{_OPEN}{{"name": {_json(call.name)}, "arguments": {call.arguments or "{}"}}}{_CLOSE}'


def _offer(tool: Tool) -> str:
    return _json({"name": tool.name, "description": tool.description, "parameters": tool.parameters})


def _duty(tool_choice: str) -> str:
    if tool_choice == "auto":
        return "Call a function only where it helps; otherwise answer as usual."
    if tool_choice == "required":
        return "This time you must call at least one function."
    return f"This time you must call the function {_json(tool_choice)}."


def _json(value: Any) -> str:
    # not orjson: whole numbers over 64 bits must survive
    return json.dumps(value, ensure_ascii=False)
