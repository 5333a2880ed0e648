"""Find the route that a path means, because people write addresses in many ways. Knows no route. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

# The last version counts: a client puts its own behind the one of its base URL.
_TWICE = re.compile(r"((?:/api)?)(?:/v1(?:beta)?)+(/v1(?:beta)?)(?=/|$)")


def canonical_path(path: str, roots: Sequence[str]) -> str:
    """Return the path of the route that a client means: clients join base URL and address in different ways.

    Merge double slashes and drop a slash at the end; `/v1` may be doubled, or missing before one of `roots`.
    """
    path = re.sub("/{2,}", "/", path)
    path = path.rstrip("/") or path[:1]
    path = _TWICE.sub(r"\1\2", path, count=1) if _TWICE.match(path) else path
    return f"/v1{path}" if any(path[1:] == root or path[1:].startswith(f"{root}/") for root in roots) else path


def with_canonical_paths(serve: Callable[..., Iterable[bytes]], roots: Sequence[str]) -> Callable[..., Iterable[bytes]]:
    """Serve each request under its canonical path; a redirect would not do, because few clients follow one."""

    def serve_canonical(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["PATH_INFO"] = canonical_path(environ.get("PATH_INFO", ""), roots)
        return serve(environ, start_response)

    return serve_canonical
