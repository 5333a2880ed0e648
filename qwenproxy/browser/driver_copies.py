"""The patched copies of drivers, in the first folder that is writable and lets programs run.

Called by binaries.py at each browser start. undetected-chromedriver patches a driver file in place, so we give it a
copy. Knows nothing of browsers.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from qwenproxy.browser.start_failures import forbids_programs
from qwenproxy.errors import BrowserError
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

UNUSED = 30 * 86400.0  # seconds without use after which we delete a copy: an upgrade has replaced its driver
LOCK_WAIT = 60.0  # seconds for another process to make the same copy


def cache_folders(cache_home: str, own: Path) -> tuple[Path, ...]:
    """Return the folders for files that can be made again, the best one first: the user's cache, then `own`.

    `cache_home` is the value of XDG_CACHE_HOME, "" for none.
    """
    folders = [Path(cache_home) / "qwenproxy"] if cache_home and Path(cache_home).is_absolute() else []
    home = home_cache()
    return (*folders, *([home] if home else []), own)


def home_cache() -> Path | None:
    """Return the platform's own cache folder below the user's home, None if there is no home."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if not home.is_absolute():
        return None
    if sys.platform == "win32":
        return home / "AppData" / "Local" / "qwenproxy"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "qwenproxy"
    return home / ".cache" / "qwenproxy"


def usable_folder(folders: Sequence[Path]) -> Path | None:
    """Return the first folder that is writable and lets programs run; make it if it is missing."""
    for folder in folders:
        with contextlib.suppress(OSError):
            _make(folder)
            if os.access(folder, os.W_OK | os.X_OK) and not forbids_programs(folder):
                return folder
    return None


def patched_copy(driver: Path, folders: Sequence[Path]) -> str:
    """Return undetected-chromedriver's patched form of `driver`, made once per driver version under a lock.

    Raises BrowserError if no folder can hold it, FileNotFoundError if the driver is gone.
    """
    original = driver.resolve()
    stat = original.stat()
    mark = hashlib.sha256(f"{original}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()[:16]
    refusal = None
    for folder in folders:
        try:
            copy = _copy_in(folder, original, f"chromedriver-{mark}{driver.suffix}")
        except OSError as error:
            refusal = refusal or Phrase(
                "driver_copy_refused", path=folder, reason=error.strerror or error, cure=Phrase("cure_cache")
            )
            continue
        if os.access(copy, os.X_OK):
            return str(copy)
        reason = Phrase("folder_forbids_programs")
        refusal = Phrase("driver_copy_refused", path=folder, reason=reason, cure=Phrase("cure_noexec"))
    assert refusal is not None, "there is always the session folder"
    raise BrowserError(refusal)


def _copy_in(cache: Path, original: Path, name: str) -> Path:
    folder = cache / "drivers"
    copy = folder / name
    if not copy.exists():
        _make(cache)
        folder.mkdir(mode=0o700, exist_ok=True)
        with FileLock(folder / "patch.lock", timeout=LOCK_WAIT):
            if not copy.exists():
                _delete_unused(folder)
                # Patch under another name and rename, so that no process starts a half-written driver.
                draft = copy.with_name(f"new-{copy.name}")
                shutil.copy2(original, draft)
                _patch(draft, folder)
                os.utime(draft)  # copy2 also copied the original's age
                os.replace(draft, copy)
                log.info("patched driver copy made: %s", copy)
    with contextlib.suppress(OSError):
        os.utime(copy)  # mark it as used
    return copy


def _make(folder: Path) -> None:
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)


def _delete_unused(folder: Path) -> None:
    for copy in folder.glob("*chromedriver-*"):
        with contextlib.suppress(OSError):
            if time.time() - copy.stat().st_mtime > UNUSED:
                copy.unlink()


def _patch(draft: Path, folder: Path) -> None:
    from undetected_chromedriver.patcher import Patcher  # noqa: PLC0415 - slow to import, needed once per driver

    class QuietPatcher(Patcher):  # type: ignore[misc]
        data_path = str(folder)  # the original makes a folder of its own in the home directory

    draft.chmod(0o755)
    patcher = QuietPatcher(executable_path=str(draft))
    patcher.patch_exe()
    if not patcher.is_binary_patched():
        log.warning("undetected-chromedriver found nothing to patch in %s; using it as it is", draft.name)
