"""Files that a viewer gives to a page: bounded, in one folder of their own, which goes with the look at the tab."""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qwenproxy.browser.view.inputs import InputRefused, text_of

MOST_FILES = 5
MOST_BYTES = 5 << 20  # of all files that one viewer gives at once
_BAD = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


class GivenFiles:
    """The files, on this machine's disk until `close`."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._rounds = 0

    def keep(self, event: Mapping[str, Any]) -> list[str]:
        """Write the files of a viewer's message down, and return their paths. Raises InputRefused, OSError."""
        contents = _contents(event.get("files"))
        # The page learns the names, so each round has a folder of its own.
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="qwenproxy-")
        self._rounds += 1
        folder = Path(self._folder.name, str(self._rounds))
        folder.mkdir(mode=0o700)
        paths = []
        for number, (name, data) in enumerate(contents):
            path = folder / name
            path = path if not path.exists() else folder / f"{number}-{name}"
            path.write_bytes(data)
            paths.append(str(path))
        return paths

    def close(self) -> None:
        """Delete them. Idempotent."""
        if self._folder:
            self._folder.cleanup()
        self._folder = None


def _contents(files: object) -> list[tuple[str, bytes]]:
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise InputRefused("files is no list, or too long")
    contents, room = [], MOST_BYTES
    for each in files:
        if not isinstance(each, Mapping):
            raise InputRefused("a file is no object")
        try:
            data = base64.b64decode(text_of(each, "data", MOST_BYTES * 2), validate=True)
        except (binascii.Error, ValueError):
            raise InputRefused("a file is no base64, or too long") from None
        room -= len(data)
        if room < 0:
            raise InputRefused("the files are too long")
        contents.append((_safe(text_of(each, "name", 1000)), data))
    return contents


def _safe(name: str) -> str:
    """Return a name without folders, short enough for any disk."""
    return _BAD.sub("_", name).strip(" .")[-100:] or "file"
