"""How functions are offered to the model, and how a call is written in a folded conversation (protocol 4.6 and 4.8).

There are three ways to offer them: natively, as local tools of the site; in the notation on which the models were
trained; and in a neutral notation that the site does not take for its own. What the model writes in any of them is read
by the stage of calls. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from qwenproxy.chat import ChatRequest, Tool, ToolCall
from qwenproxy.chat.calls.draft import FREEFORM
from qwenproxy.chat.calls.schema import Schema
from qwenproxy.upstream.schemas import compact

Way = Literal["native", "trained", "neutral"]

SERVER = "client"  # the site groups local tools by server; any name will do

_FORMS: Mapping[Way, tuple[str, str]] = {
    "trained": ("tools", '<tool_call>\n{"name": "<function name>", "arguments": {<arguments as JSON>}}\n</tool_call>'),
    "neutral": (
        "functions",
        '<use_function name="<function name>">\n<argument name="<parameter name>">value</argument>\n</use_function>\n'
        "with one argument element for each parameter: a string as it is, without quotes and without escapes, any "
        "other value as JSON. A string that begins with a line break gets one more before it and one behind it",
    ),
}


def offer(way: Way, request: ChatRequest, *, is_known: bool = False) -> str:
    """Return the text that offers the request's tools, "" if nothing needs to be said.

    `is_known` says that the model has read the offer earlier in the same chat: only a duty is said again.
    """
    if not request.tools or request.tool_choice == "none":
        return ""
    duty = _duty(request)
    if way == "native" or is_known:
        return duty
    tag, form = _FORMS[way]
    tools = "\n".join(_json(_declaration(tool)) for tool in request.tools)
    return (
        "You can call functions of the person's program. These are on offer, each as a JSON object with a JSON "
        f"schema of its parameters:\n\n<{tag}>\n{tools}\n</{tag}>\n\n"
        "To call one, write a block of exactly this form, as plain text and without a code fence:\n"
        f"{form}\n"
        f"{_number(request)} Write nothing after the last block: the results come with the next message. "
        "Never make up a result, and use no functions but these.\n"
        f"{duty or 'Call a function only where it helps; otherwise answer as usual.'}"
    )


def local_tools(tools: Sequence[Tool]) -> dict[str, Any]:
    """Return the site's form of the tools on offer (protocol 4.8)."""
    return {SERVER: {tool.name: _local_tool(tool) for tool in tools}}


def writer(way: Way | None, tools: Sequence[Tool]) -> Callable[[ToolCall], str]:
    """Return what writes a call of the conversation so far as the model would have written it.

    With `way` None, where no functions are on offer, and with native tools the call is described without the signs of
    any notation, so that the model does not imitate them.
    """
    offered = {tool.name: tool for tool in tools}

    def write(call: ToolCall) -> str:
        tool = offered.get(call.name)
        arguments = _json({"input": call.arguments}) if tool and tool.freeform else call.arguments or "{}"
        if way == "trained":
            return f'<tool_call>\n{{"name": {_json(call.name)}, "arguments": {arguments}}}\n</tool_call>'
        if way == "neutral":
            return f"<use_function name={_json(call.name)}>\n{_elements(arguments, tool)}</use_function>"
        return f"{call.name} {arguments}"

    return write


def _elements(arguments: str, tool: Tool | None) -> str:
    """Return arguments as elements; a string stands bare only where the schema says that it is one."""
    try:
        values = json.loads(arguments, strict=False)
    except (ValueError, RecursionError):
        values = arguments
    pairs = values.items() if isinstance(values, dict) else [("input", values)]
    schema = Schema(_schema(tool) if tool else {})
    return "".join(
        f"<argument name={_json(name)}>{_inline(_bare(value, schema.member(name).types))}</argument>\n"
        for name, value in pairs
    )


def _bare(value: Any, types: object) -> str:
    return value if isinstance(value, str) and types is not None else _json(value)


def _inline(text: str) -> str:
    # Readers take off one line break behind an opening tag together with one before the closing tag.
    return f"\n{text}\n" if text.startswith(("\n", "\r\n")) else text


def _declaration(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        **({"description": tool.description} if tool.description else {}),
        "parameters": compact(_schema(tool)),
    }


def _local_tool(tool: Tool) -> dict[str, Any]:
    # Clients leave the type out where a function has no parameters; the site wants one.
    schema = {"type": "object", "properties": {}, **compact(_schema(tool))}
    return {"description": tool.description, "input_schema": schema}


def _schema(tool: Tool) -> dict[str, Any]:
    return FREEFORM if tool.freeform else tool.parameters


def _duty(request: ChatRequest) -> str:
    """Return what the request demands; "" if the model may choose."""
    if request.tool_choice == "auto":
        return "" if request.parallel_calls else "Call at most one function at a time."
    if request.tool_choice == "required":
        return "This time you must call at least one function."
    return f"This time you must call the function {_json(request.tool_choice)}."


def _number(request: ChatRequest) -> str:
    if request.parallel_calls:
        return "Several calls are several blocks, one after the other."
    return "Write one block at most."


def _json(value: Any) -> str:
    # Not orjson, because whole numbers over 64 bits must survive.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
