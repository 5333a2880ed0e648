"""A screen of its own for one Chrome: an Xvfb that nobody else may look at, and that ends with its Chrome.

local.py starts one before each Chrome that shall have real windows where no person sees them. profile.py ends what a
killed server left, by the record and by the authority file on the command line. Knows no Chrome and no site.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from qwenproxy.browser.start_failures import Started, has_ended
from qwenproxy.browser.starting import private, start_program
from qwenproxy.disk.folder import BrowserFolder
from qwenproxy.errors import BrowserError, SetupError
from qwenproxy.texts import Phrase

Screen = Literal["none", "person", "virtual"]  # no windows, windows on the screen there is, windows on one of our own

SIZE = (1280, 800)  # pixels of the screen, and of the window that fills it
START_WAIT = 10.0  # seconds for Xvfb to say which display it has
END_WAIT = 4.0  # seconds for an Xvfb that was ended to be gone
COOKIE = b"MIT-MAGIC-COOKIE-1"
ANY_HOST = 0xFFFF  # the family of an entry that fits every host and, with an empty number, every display

# A package of Debian's for each kind of text that a machine without a desktop shows as boxes, and how fontconfig
# asks for a font that has it.
FONTS = {"fonts-noto-cjk": ":lang=zh-cn", "fonts-noto-color-emoji": ":lang=und-zsye"}
FONTS_WAIT = 20  # seconds for fontconfig, which may have to read all fonts first

FLAGS = (
    "--ozone-platform=x11",  # also where the environment speaks of Wayland
    f"--window-size={SIZE[0]},{SIZE[1]}",
    "--window-position=0,0",
    # Xvfb has no graphics card, and without one Chrome shows pages no WebGL at all. A person's browser has it, and so
    # has the one without windows: by the same software, which Chrome otherwise no longer offers to pages.
    "--enable-unsafe-swiftshader",
)


class Display:
    """A running Xvfb."""

    def __init__(self, process: subprocess.Popen[bytes], authority: Path) -> None:
        """`authority` is the file with the cookie that lets programs in."""
        self._process = process
        self._authority = authority
        self._name = ""

    @classmethod
    def start(cls, folder: BrowserFolder, record: Callable[[int], None]) -> Display:
        """Start Xvfb with its files in the account's folder; `record` gets its process id at once.

        Raises SetupError (there is no Xvfb), BrowserError (it does not start), OSError.
        """
        xvfb, authority = find_xvfb(), folder.display_authority.resolve()
        _write_authority(authority)
        read_end, write_end = os.pipe()
        with open(read_end, "rb", buffering=0) as said:
            with open(write_end, "wb", buffering=0):  # the only other end is Xvfb's
                line = _command(xvfb, write_end, authority)
                started = start_program(line, folder.display_log, pass_fds=[write_end])
            display = cls(started.process, authority)
            try:
                record(started.process.pid)
                display._name = _await_name(said.fileno(), started)
            except BaseException:
                display.close()
                raise
        return display

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return a Chrome's environment: the one that we inherited, with this screen in place of a person's."""
        kept = {name: value for name, value in inherited.items() if name != "WAYLAND_DISPLAY"}
        return {**kept, "DISPLAY": self._name, "XAUTHORITY": str(self._authority)}

    def close(self) -> None:
        """End it, if its Chrome has not done so by ending. Bounded in time, idempotent."""
        for end in (self._process.terminate, self._process.kill):  # one that hangs may not hear the first
            if self._process.poll() is None:
                end()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(END_WAIT)
        with contextlib.suppress(OSError):  # harmless: nothing listens there any more
            self._authority.unlink(missing_ok=True)


def find_xvfb() -> str:
    """Return the path of Xvfb. Raises SetupError with the packages that have it."""
    if not sys.platform.startswith("linux"):
        raise SetupError(Phrase("virtual_needs_linux"))
    path = shutil.which("Xvfb")
    if not path:
        raise SetupError(Phrase("no_xvfb"))
    return path


def missing_fonts() -> list[str]:
    """Return Debian's names of the packages whose text would be boxes on this machine.

    Without fontconfig's own program nobody can tell, so that is the missing package then.
    """
    lister = shutil.which("fc-list")
    if not lister:
        return ["fontconfig"]
    return [package for package, pattern in FONTS.items() if not _has_font(lister, pattern)]


def _has_font(lister: str, pattern: str) -> bool:
    try:
        done = subprocess.run([lister, pattern, "file"], capture_output=True, timeout=FONTS_WAIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return bool(done.stdout.strip())


def _command(xvfb: str, name_to: int, authority: Path) -> list[str]:
    screen = ["-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"]
    # Xvfb chooses a free number itself, so that no two start on one. It ends with its last program, however that ends.
    return [xvfb, "-displayfd", str(name_to), "-auth", str(authority), *screen, "-nolisten", "tcp", "-terminate"]


def _write_authority(path: Path) -> None:
    """Write a file with a new cookie, in the format of X authority files: only programs that can read it get in."""
    fields = (b"", b"", COOKIE, secrets.token_bytes(16))  # host, display, kind of secret, secret
    entry = struct.pack(">H", ANY_HOST) + b"".join(struct.pack(">H", len(field)) + field for field in fields)
    path.unlink(missing_ok=True)  # one that somebody made readable would keep its rights
    with open(path, "wb", opener=private) as file:
        file.write(entry)


def _await_name(descriptor: int, started: Started) -> str:
    """Return the display that Xvfb names on the pipe. Raises BrowserError."""
    deadline, said = time.monotonic() + START_WAIT, b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not said.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                wait = f"{START_WAIT:.0f}"
                raise BrowserError(Phrase("display_late", path=started.path, seconds=wait, log=started.log))
            piece = os.read(descriptor, 64)
            if not piece:  # the end of the pipe is the end of Xvfb
                with contextlib.suppress(subprocess.TimeoutExpired):
                    started.process.wait(END_WAIT)
                raise has_ended(started)
            said += piece
    return f":{int(said)}"
