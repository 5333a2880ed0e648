"""The answer to a question for a picture: signs of life, then its address (protocol 8.1, 8.2 and 5.4).

Checks the question as severely as the site does. Between the completions route and the gallery; knows no routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.sandbox.envelope import SiteError, bad_request
from qwenproxy.sandbox.faults.oddities import Frames
from qwenproxy.sandbox.media.png import picture
from qwenproxy.sandbox.model.stream import FrameWriter
from qwenproxy.sandbox.model.view import text_of
from qwenproxy.sandbox.state import SiteState

PICTURES = ("t2i", "image_edit")
RATIOS = {
    "1:1": (2048, 2048),
    "2:3": (1696, 2528),
    "3:2": (2528, 1696),
    "3:4": (1728, 2368),
    "4:3": (2368, 1728),
    "16:9": (2688, 1536),
    "9:16": (1536, 2688),
}
_DEFAULT_RATIO = "16:9"
_TALK_ONLY = ("local_mcp", "function_calling", "enable_tools", "mcp")  # switches that a picture does not take


def check_picture(body: Mapping[str, Any], message: Mapping[str, Any]) -> None:
    """Raise SiteError for a question that the site would not paint."""
    check_media(body, message, needs_image=message["chat_type"] == "image_edit")


def check_media(body: Mapping[str, Any], message: Mapping[str, Any], *, needs_image: bool) -> None:
    """Raise SiteError for what no question for a picture or a film may hold, or must."""
    extra = message["extra"] if isinstance(message["extra"], dict) else {}
    meta, size = extra.get("meta"), body.get("size")
    inner = meta.get("size", size) if isinstance(meta, dict) else size
    if size != inner:
        raise bad_request("Invalid input the two sizes differ.")
    if size is not None and size not in RATIOS and size != "auto":
        raise SiteError(500, "internal_error", "Internal error!")
    features = message["feature_config"] if isinstance(message["feature_config"], dict) else {}
    if any(features.get(name) not in (None, False) for name in _TALK_ONLY):
        raise bad_request("Invalid input functions are not supported here.")
    if not text_of(message["content"]).strip():
        raise bad_request("Invalid input the content is empty.")
    if needs_image and not any(map(_is_image, message["files"])):
        raise bad_request("Invalid input there is no image.")


def paint(
    state: SiteState, account_id: str, body: Mapping[str, Any], message: Mapping[str, Any], writer: FrameWriter
) -> Frames:
    """Yield the frames of a picture, or the refusal inside the stream; it counts as made once its address is out."""
    kind, prompt = message["chat_type"], text_of(message["content"])
    width, height = RATIOS.get(body.get("size") or _DEFAULT_RATIO, RATIOS["1:1"])
    yield 0.0, writer.created()
    try:
        state.quotas.check(account_id, kind, state.now())
    except SiteError as refusal:
        yield 0.0, writer.frame({"error": {"code": "quota_limit", "details": refusal.details}})
        return
    waited, every = 0.0, state.switches.keep_alive_s
    while waited + every < state.switches.picture_s:
        waited += every
        yield every, writer.keep_alive()
    owner = {
        "resource_user_id": account_id,
        "resource_id": writer.response_id,
        "resource_chat_id": writer.chat_id,
    }
    path = f"output/{account_id}/{kind}/{writer.response_id}/{len(prompt):x}.png"
    dead = state.switches.dead_pictures > 0
    state.switches.dead_pictures -= dead
    # the site calls a picture by its kind or just bytes
    data, content_type = picture(width, height, prompt), state.switches.picture_type
    address = state.gallery.add(path, data, content_type, owner, dead=dead)
    if kind == "image_edit":
        yield 0.0, writer.pictures([file["url"] for file in message["files"] if _is_image(file)])
    # the site repeats an address
    for gap in (max(0.0, state.switches.picture_s - waited), 0.0):
        yield gap, writer.picture(address, width, height)
    state.quotas.spend(account_id, kind, state.now())
    yield 0.0, writer.finished("image_gen")


def _is_image(entry: Any) -> bool:
    return isinstance(entry, dict) and (entry.get("type") == "image" or entry.get("showType") == "image")
