"""Addresses as people write them: which route a path means. Around the whole application; knows no route. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

_TWICE = re.compile(r"((?:/api)?/v1)(?:/v1)+(?=/|$)")


def meant_path(path: str, roots: Sequence[str]) -> str:
    """Return the path a client meant: clients put base URL and address together in more ways than one.

    Two slashes count as one, one at the end not at all; `/v1` may stand there twice, or be missing before `roots`.
    """
    path = re.sub("/{2,}", "/", path)
    path = path.rstrip("/") or path[:1]
    path = _TWICE.sub(r"\1", path, count=1) if _TWICE.match(path) else path
    return f"/v1{path}" if any(path[1:] == root or path[1:].startswith(f"{root}/") for root in roots) else path


def with_meant_paths(serve: Callable[..., Iterable[bytes]], roots: Sequence[str]) -> Callable[..., Iterable[bytes]]:
    """Serve each request under the path it meant: few clients follow redirects."""

    def serve_meant(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["PATH_INFO"] = meant_path(environ.get("PATH_INFO", ""), roots)
        return serve(environ, start_response)

    return serve_meant
