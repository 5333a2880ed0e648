"""Read OpenAI's hosted tool `image_generation`, and make a request for a picture of it where it is forced. Pure.

Part of request.py. Alone in a request the site's model decides by itself, with its own painter; beside functions the
site has no painter, so there the tool is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qwenproxy.api.fields import read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.picture_talk import picture_message
from qwenproxy.api.searching import can_be_called, is_search
from qwenproxy.chat import ChatRequest
from qwenproxy.chat.works import Work
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.upstream.works import engine_of, means_pictures, nearest_ratio

KIND = "image_generation"
_ACTIONS = ("auto", "generate", "edit")


@dataclass(frozen=True, slots=True)
class PaintingTool:
    """The hosted tool of a request: where it is not `forced`, the model paints if it wants to."""

    forced: bool
    ratio: str = "1:1"
    engine: str | None = None
    action: str = "auto"


def take_painting(body: Mapping[str, Any], ignored: Ignored) -> tuple[PaintingTool | None, Mapping[str, Any]]:
    """Return the hosted tool, None if the request has none that can be used, and the body without it.

    Forced by `tool_choice` it takes the place of all other tools. Raises RequestError, UnsupportedParameter.
    """
    tools = body.get("tools")
    tools = tools if isinstance(tools, list) else []
    place = next((index for index, tool in enumerate(tools) if _is_hosted(tool)), None)
    if place is None:
        return None, body
    others = [tool for tool in tools if not _is_hosted(tool)]
    choice = body.get("tool_choice")
    if _is_forced(choice, others):
        tool = _read(tools[place], f"tools[{place}]", ignored, forced=True)
        return tool, {name: value for name, value in body.items() if name not in ("tools", "tool_choice")}
    if any(can_be_called(tool) and not is_search(tool) for tool in others) or body.get("functions"):
        return None, body
    rest = {**body, "tools": others}
    if choice == "none":
        return None, rest
    return _read(tools[place], f"tools[{place}]", ignored, forced=False), rest


def as_picture(chat: ChatRequest, tool: PaintingTool) -> ChatRequest:
    """Return the request for a picture that a forced tool makes of a conversation. Raises RequestError."""
    message = picture_message(chat.messages, with_images=tool.action != "generate")
    if message is None:
        raise RequestError("The last message must say what to paint.", param="input")
    if tool.action == "edit" and not message.images:
        raise RequestError("There is no image to edit. Send one in the input.", param="input")
    return replace(
        chat,
        messages=(message,),
        model=None if means_pictures(chat.model) else chat.model,
        thinking=None,
        thinking_budget=None,
        stop=(),
        max_tokens=None,
        tools=(),
        tool_choice="auto",
        document=None,
        search=None,
        work=Work("image_edit" if message.images else "t2i", tool.ratio, tool.engine or engine_of(chat.model)),
    )


def _read(tool: Mapping[str, Any], where: str, ignored: Ignored, *, forced: bool) -> PaintingTool:
    if tool.get("input_image_mask"):
        param = f"{where}.input_image_mask"
        raise UnsupportedParameter("A mask is not supported: the site edits by the text alone.", param=param)
    action = read_text(tool, "action", within=f"{where}.") or "auto"
    if action not in _ACTIONS:
        raise RequestError(f"{where}.action must be one of {', '.join(_ACTIONS)}.", param=f"{where}.action")
    size = read_text(tool, "size", within=f"{where}.") or "auto"
    ratio = nearest_ratio(size)
    if ratio is None:
        raise RequestError(f"{where}.size must be like 1024x1024, or auto.", param=f"{where}.size")
    honoured = ("type", "size", "action", "model") if forced else ("type",)
    plain = {name: value for name, value in tool.items() if value not in ("auto", "low", "png")}
    ignored.add_fields(plain, honoured, "tools", KIND)
    return PaintingTool(forced, ratio, engine_of(read_text(tool, "model", within=f"{where}.")), action)


def _is_forced(choice: Any, others: Sequence[Any]) -> bool:
    if choice in ("required", "any"):
        return not others
    if not isinstance(choice, Mapping):
        return False
    if choice.get("type") == "allowed_tools":
        names = choice.get("tools")
        is_alone = isinstance(names, list) and bool(names) and all(map(_is_hosted, names))
        return is_alone and choice.get("mode") == "required"
    return _is_hosted(choice)


def _is_hosted(tool: Any) -> bool:
    return isinstance(tool, Mapping) and tool.get("type") == KIND
