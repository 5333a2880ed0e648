"""Translate the images and files of Gemini's parts: data in the request, or an address. Pure; part of contents.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from qwenproxy.api.gemini.spelling import object_at
from qwenproxy.chat import FilePart, ImagePart
from qwenproxy.errors import RequestError
from qwenproxy.uploads.file_types import clean_name, content_type_of_name


def media_part(part: Mapping[str, Any], where: str) -> ImagePart | FilePart | None:
    """Return the image or file of a part, None if it has none. Raises RequestError naming the field."""
    if "inlineData" in part:
        return _inline(object_at(part["inlineData"], f"{where}.inlineData"), f"{where}.inlineData")
    if "fileData" in part:
        return _by_address(object_at(part["fileData"], f"{where}.fileData"), f"{where}.fileData")
    return None


def _inline(blob: Mapping[str, Any], where: str) -> ImagePart | FilePart:
    data, kind = blob.get("data"), _content_type(blob, where)
    if not isinstance(data, str) or not data:
        raise RequestError(f"{where}.data must be a base64 string.", param=f"{where}.data")
    url = f"data:{kind};base64,{data}"
    return ImagePart(url) if kind.startswith("image/") else FilePart(url, _name(blob, where))


def _by_address(file: Mapping[str, Any], where: str) -> ImagePart | FilePart:
    url = file.get("fileUri")
    if not isinstance(url, str) or not url.strip():
        raise RequestError(f"{where}.fileUri must be a URL.", param=f"{where}.fileUri")
    url = url.strip()
    kind = _content_type(file, where) or content_type_of_name(_path(url))
    return ImagePart(url) if kind.startswith("image/") else FilePart(url, _name(file, where))


def _content_type(holder: Mapping[str, Any], where: str) -> str:
    value = holder.get("mimeType", "")
    if not isinstance(value, str):
        raise RequestError(f"{where}.mimeType must be a string.", param=f"{where}.mimeType")
    return value.partition(";")[0].strip().lower().replace(",", "")


def _name(holder: Mapping[str, Any], where: str) -> str | None:
    name = holder.get("displayName")
    if name is not None and not isinstance(name, str):
        raise RequestError(f"{where}.displayName must be a string.", param=f"{where}.displayName")
    return clean_name(name) if name else None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
