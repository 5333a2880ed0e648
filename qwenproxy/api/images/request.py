"""Read a request of OpenAI's Images API, from JSON or from a form. Pure.

The routes hand the fields in, texts or JSON values alike; the result is a wish for the media room.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwenproxy.api.fields import read_flag, read_text, read_whole
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import ImagePart
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.media.pictures import PictureWish
from qwenproxy.uploads.file_types import image_type
from qwenproxy.upstream.folding import MAX_ATTACHMENTS
from qwenproxy.upstream.works import bare_name, engine_of, means_pictures, nearest_ratio

MOST_PICTURES = 4  # of one request: the site paints them one after the other, half a minute each
LONGEST_PROMPT = 32_000  # characters
_FIELDS = frozenset(
    {"prompt", "model", "n", "size", "response_format", "stream", "image", "images", "output_format", "partial_images"}
)
_OF_FORMS = ("n", "output_compression", "partial_images")  # numbers that a form writes as text


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """A request for pictures. `streamed` ones come as events."""

    wish: PictureWish
    count: int
    streamed: bool
    ignored: Ignored


def parse_generation(body: Mapping[str, Any]) -> PictureRequest:
    """Return the request of …/images/generations. Raises RequestError, UnsupportedParameter naming the field."""
    for name in ("image", "images"):
        if body.get(name):
            raise UnsupportedParameter(f"{name} is not for a new picture. Use POST /v1/images/edits.", param=name)
    return _parse(body, ())


def parse_edit(body: Mapping[str, Any], files: Sequence[bytes] = ()) -> PictureRequest:
    """Return the request of …/images/edits; `files` are the images of a form. Raises as `parse_generation`."""
    if body.get("mask") is not None:
        raise UnsupportedParameter("A mask is not supported: the site edits by the text alone.", param="mask")
    images = (*map(image_of_form, files), *_from_json(body))
    if not images:
        raise RequestError("There is no image to edit. Send it in the field image.", param="image")
    if len(images) > MAX_ATTACHMENTS:
        raise RequestError(f"There must be at most {MAX_ATTACHMENTS} images.", param="image")
    return _parse(body, images)


def form_values(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return a form's texts as the values that JSON would have."""
    values: dict[str, Any] = dict(texts)
    for name in _OF_FORMS:
        if name in texts and not texts[name].strip():
            del values[name]
        elif name in texts and re.fullmatch(r"\s*[0-9]{1,9}(\.0*)?\s*", texts[name]):
            values[name] = int(float(texts[name]))
    if texts.get("stream", "").lower() in ("true", "false"):
        values["stream"] = texts["stream"].lower() == "true"
    return values


def _parse(body: Mapping[str, Any], images: tuple[ImagePart, ...]) -> PictureRequest:
    ignored = Ignored()
    prompt = (read_text(body, "prompt") or "").strip()
    if not prompt:
        raise RequestError("prompt must say what to paint.", param="prompt")
    if len(prompt) > LONGEST_PROMPT:
        raise RequestError(f"prompt must have at most {LONGEST_PROMPT} characters.", param="prompt")
    count = read_whole(body, "n") or 1
    if count > MOST_PICTURES:
        raise RequestError(f"n must be at most {MOST_PICTURES}: the site paints one picture at a time.", param="n")
    model = read_text(body, "model")
    if read_text(body, "output_format") not in (None, "png"):
        ignored.add("output_format")  # the answer names the true one
    if read_whole(body, "partial_images", least=0):
        ignored.add("partial_images")
    ignored.add_fields(body, _FIELDS)
    wish = PictureWish(
        prompt,
        images,
        None if means_pictures(model) else model,
        engine_of(model),
        _ratio(read_text(body, "size")),
        as_bytes=_wants_bytes(read_text(body, "response_format"), model, body),
    )
    return PictureRequest(wish, count, bool(read_flag(body, "stream")), ignored)


def _ratio(size: str | None) -> str | None:
    ratio = nearest_ratio(size or "auto")
    if ratio is None:
        raise RequestError("size must be like 1024x1024, 3:4, or auto.", param="size")
    return ratio


def _wants_bytes(form: str | None, model: str | None, body: Mapping[str, Any]) -> bool:
    """Tell whether the picture itself is wanted: clients that ask for OpenAI's newer models read nothing else."""
    if form not in (None, "url", "b64_json"):
        raise RequestError("response_format must be url or b64_json.", param="response_format")
    reads_bytes = bare_name(model).lower().startswith(("gpt-image", "chatgpt-image")) or body.get("stream") is True
    return form == "b64_json" or (form is None and reads_bytes)


def image_of_form(data: bytes, name: str = "image") -> ImagePart:
    """Return the image in a file of a form. Raises RequestError naming the field."""
    content_type = image_type(data)
    if content_type is None:
        raise RequestError(f"{name} must be a PNG, JPEG, WebP, GIF or BMP file.", param=name)
    return ImagePart(f"data:{content_type};base64,{base64.b64encode(data).decode()}")


def _from_json(body: Mapping[str, Any]) -> list[ImagePart]:
    value = body.get("images", body.get("image"))
    entries = value if isinstance(value, list) else [] if value in (None, "") else [value]
    return [ImagePart(_address(entry, f"images[{index}]")) for index, entry in enumerate(entries)]


def _address(entry: Any, where: str) -> str:
    if isinstance(entry, Mapping):
        if entry.get("file_id") is not None:
            raise UnsupportedParameter(f"{where}.file_id is not supported. Send image_url.", param=f"{where}.file_id")
        entry = entry.get("image_url", entry.get("url"))
        entry = entry.get("url") if isinstance(entry, Mapping) else entry
    if not isinstance(entry, str) or not entry.strip():
        raise RequestError(f"{where} must have an image_url.", param=where)
    return entry.strip()
