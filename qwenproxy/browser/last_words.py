"""Pick the sentence that matters from the output of a browser or driver that ended, and the cure for it.

Pure functions on text, used by start_failures.py. Knows the words of Chrome, chromedriver, the loader of programs and
the launchers of Linux distributions. Starts and reads nothing.
"""

from __future__ import annotations

import re

LENGTH = 400  # characters of a sentence at most
TAIL = 16_384  # bytes at the end of the output that we read

# A pattern in the output, and the key of its cure in the catalogue; the first row that fits decides.
CURES = tuple(
    (re.compile(words, re.IGNORECASE), cure)
    for words, cure in (
        (r"No usable sandbox|SUID sandbox|without --no-sandbox|move to new namespace", "cure_sandbox"),
        (r"error while loading shared libraries|symbol lookup error|version .GLIBC\S* not found", "cure_libraries"),
        (r"Missing X server|open X display|cannot open display|can't open display: \S", "cure_display"),
        (r"platform failed to initialize", "cure_display"),
        (r"profile appears to be in use|ProcessSingleton|SingletonLock|existing browser session", "cure_profile"),
        (r"/dev/shm", "cure_shm"),
        (r"No space left on device|Read-only file system|quota exceeded", "cure_disk"),
        (r"Exec format error|cannot execute binary|hardware .*lacks support", "cure_architecture"),
        (r"Cannot allocate memory|out of memory|Resource temporarily unavailable", "cure_memory"),
        (r"Failed to get the path|cannot create .*director|data directory", "cure_rights"),
        (r"\b(?:mkdir|create|open|write|lock)\b.*(?:Permission denied|not permitted)", "cure_rights"),
    )
)
# Lines that also come when all is well, or with any failure.
_NOISE = re.compile(
    r"dbus|D-Bus|bus\.cc|dconf|Fontconfig|Gtk-|vaapi|DevTools listening|unexpected operator|crashpad"
    r"|zygote_linux|^#\d+ |^Received signal|stack trace|^\s*\w{1,3}: [0-9a-f]{16}|core dumped"
    r"|^Trace/breakpoint trap|^Aborted|^Killed|^Starting ChromeDriver|^Only local connections|^Please (see|protect)"
    r"|ChromeDriver was started successfully",
    re.IGNORECASE,
)
_LOG_HEAD = re.compile(r"^\[[^\]]*:(?:VERBOSE\d*|INFO|WARNING|ERROR|FATAL):[^\]]*\]\s*")
_CONTROLS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_SECRETS = (
    (re.compile(r"eyJ[\w-]+(?:\.[\w-]*)*"), "..."),
    (re.compile(r"(\w+://)[^\s/@]+@"), r"\1...@"),
    (re.compile(r"(\w+://[^\s?]+)\?\S+"), r"\1"),
    (re.compile(r"((?:token|cookie|authorization|password|secret|key)\s*[=:]\s*)\S+", re.IGNORECASE), r"\1..."),
)


def last_words(output: str) -> tuple[str, str]:
    """Return the sentence of an output that explains most, and the key of its cure; each "" for none."""
    lines = [line for line in output.splitlines() if line.strip()]
    for words, cure in CURES:
        for line in reversed(lines):
            if words.search(line) and not _NOISE.search(line):
                return as_sentence(line), cure
    messages = [line for line in lines if not _NOISE.search(line)]
    fatal = [line for line in messages if ":FATAL:" in line]
    return as_sentence((fatal or messages or [""])[-1]), ""


def as_sentence(line: str) -> str:
    """Return a line with a full stop and without log head, control characters and secrets; "" for an empty line."""
    line = _LOG_HEAD.sub("", _CONTROLS.sub("", line).strip()).strip()
    for secret, mask in _SECRETS:
        line = secret.sub(mask, line)
    if len(line) > LENGTH:
        whole = line[:LENGTH].rpartition(". ")[0]  # as many sentences as fit
        return f"{whole}." if whole else line[:LENGTH].rstrip() + " ..."
    return line if not line or line.endswith((".", "!", "?")) else f"{line}."
