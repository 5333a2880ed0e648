"""Give an API a root of its own: below a prefix, and on a port. Rewrites paths, so that no route is registered twice.

Stands around paths.py, which then finds the route. Knows no route. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mount:
    """An API with its routes below `prefix`, such as `/ollama`.

    `own` matches the paths below the prefix that are this API's; any other path there means what it means without the
    prefix. `elsewhere` matches the paths that are this API's without the prefix, too.
    """

    prefix: str
    own: re.Pattern[str]
    elsewhere: re.Pattern[str]


def mounted_path(path: str, mount: Mount, *, is_at_root: bool = False) -> str:
    """Return the path of the route that a client means; `is_at_root`: it takes the mount's prefix for the root."""
    path = re.sub("/{2,}", "/", path)
    if is_at_root:
        path = mount.prefix + path
    if path == mount.prefix or path.startswith(f"{mount.prefix}/"):
        inner = path[len(mount.prefix) :]
        return path if mount.own.match(inner) else inner
    return mount.prefix + path if mount.elsewhere.match(path) else path


def with_mount(serve: Callable[..., Iterable[bytes]], mount: Mount, port: int | None) -> Callable[..., Iterable[bytes]]:
    """Serve an API at its own root, too: below its prefix, and on `port` (None: on no port)."""

    def serve_mounted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Both servers name the port of the socket that took the connection; a client cannot choose it.
        is_at_root = port is not None and environ.get("SERVER_PORT") == str(port)
        environ["PATH_INFO"] = mounted_path(environ.get("PATH_INFO", ""), mount, is_at_root=is_at_root)
        return serve(environ, start_response)

    return serve_mounted
