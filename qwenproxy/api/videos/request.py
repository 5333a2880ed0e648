"""Read a request of OpenAI's Videos API, from JSON or from a form. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.api.fields import read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.images.request import image_of_form
from qwenproxy.chat import ImagePart
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.media.film_jobs import JobPageWish
from qwenproxy.media.films import DEFAULT_MODEL, FilmOrder
from qwenproxy.upstream.works import nearest_ratio

LONGEST_PROMPT = 32_000  # characters
LONGEST_NAME = 200  # characters of a model's name
MOST_JOBS = 100  # of a page
DEFAULT_SIZE = "1280x720"
_FIELDS = frozenset({"prompt", "model", "n", "size", "seconds", "input_reference"})
_REFERENCE = "input_reference"


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """A request for a film."""

    order: FilmOrder
    ignored: Ignored


def parse_video(body: Mapping[str, Any], file: bytes | None = None) -> VideoRequest:
    """Return the request; `file` is the picture of a form. Raises RequestError, UnsupportedParameter."""
    ignored = Ignored()
    prompt = (read_text(body, "prompt") or "").strip()
    if not prompt:
        raise RequestError("prompt must say what to film.", param="prompt")
    if len(prompt) > LONGEST_PROMPT:
        raise RequestError(f"prompt must have at most {LONGEST_PROMPT} characters.", param="prompt")
    model = read_text(body, "model") or DEFAULT_MODEL
    if len(model) > LONGEST_NAME:
        raise RequestError(f"model must have at most {LONGEST_NAME} characters.", param="model")
    size = (read_text(body, "size") or "").strip()
    size = DEFAULT_SIZE if size.lower() in ("", "auto") else size
    ratio = nearest_ratio(size)
    if ratio is None:
        raise RequestError("size must be like 1280x720.", param="size")
    _check_seconds(body)
    if str(body.get("n") or 1) != "1":
        raise UnsupportedParameter("n must be 1: the site makes one film at a time.", param="n")
    ignored.add_fields(body, _FIELDS)
    images = (image_of_form(file, _REFERENCE),) if file is not None else _from_json(body.get(_REFERENCE))
    return VideoRequest(FilmOrder(prompt, images, model, ratio, size), ignored)


def read_wish(query: Mapping[str, str]) -> JobPageWish:
    """Return the page that a query asks for. Raises RequestError."""
    limit, order = query.get("limit", "20"), query.get("order", "desc")
    if not re.fullmatch(r"[0-9]{1,3}", limit) or int(limit) > MOST_JOBS:
        raise RequestError(f"limit must be a whole number from 0 to {MOST_JOBS}.", param="limit")
    if order not in ("asc", "desc"):
        raise RequestError("order must be asc or desc.", param="order")
    return JobPageWish(int(limit), newest_first=order == "desc", after=query.get("after") or None)


def check_variant(query: Mapping[str, str]) -> None:
    """Raise UnsupportedParameter unless the film itself is wanted."""
    if query.get("variant", "video") != "video":
        raise UnsupportedParameter("The site makes only the video: variant must be video.", param="variant")


def _check_seconds(body: Mapping[str, Any]) -> None:
    """Check the form of `seconds`: any number will do, since the answer says the true one."""
    value = body.get("seconds")
    if value is not None and not re.fullmatch(r"[1-9][0-9]{0,2}", str(value)):
        raise RequestError("seconds must be a whole number. The site's films last about 5.", param="seconds")


def _from_json(value: Any) -> tuple[ImagePart, ...]:
    if value in (None, "", {}):
        return ()
    if isinstance(value, Mapping):
        if value.get("file_id") is not None:
            where = f"{_REFERENCE}.file_id"
            raise UnsupportedParameter(f"{where} is not supported. Send image_url.", param=where)
        value = value.get("image_url")
        value = value.get("url") if isinstance(value, Mapping) else value
    if not isinstance(value, str) or not value.strip():
        raise RequestError(f"{_REFERENCE} must have an image_url.", param=_REFERENCE)
    return (ImagePart(value.strip()),)
