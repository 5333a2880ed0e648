"""How an account leaves the disk: whatever runs on its profile ends first, or the folder would come back.

Used by the login (what an unfinished one left) and by the command line. Knows folders and processes, not the site.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.profile import ProfileClaim, ProfileInUse, end_processes


def remove_account(registry: Registry, account_id: str) -> bool:
    """Delete an account, or what an unfinished login left; False when there was neither.

    Raises ProfileInUse, SetupError.
    """
    folder = registry.folder(account_id)
    if folder.exists():
        # Claiming ends browsers that a killed process left, which would write into the folder while it is deleted.
        ProfileClaim(folder).release()
        _end_orphans(folder)
    return registry.remove(account_id)


@contextlib.contextmanager
def abandoned_on_failure(registry: Registry, account_id: str) -> Iterator[None]:
    """Delete the account's folder when what runs inside fails, unless it is somebody else's or an account by now."""
    try:
        yield
    except ProfileInUse:
        raise
    except BaseException:
        if registry.get(account_id) is None:
            remove_account(registry, account_id)
        raise


def forget_profile(folder: Path) -> None:
    """Delete the browser profile in an account's folder, unless somebody has it open again by now."""
    with contextlib.suppress(ProfileInUse):
        claim = ProfileClaim(folder)
        try:
            _end_orphans(folder)
            # What cannot be deleted now does no harm: the account's own token is put there over it.
            shutil.rmtree(claim.profile, ignore_errors=True)
        finally:
            claim.release()


def _end_orphans(folder: Path) -> None:
    """End what a browser that died at its start leaves for a moment: its children make the profile's folder anew."""
    mark = f"--user-data-dir={(folder / 'profile').resolve()}"
    running = psutil.process_iter(["cmdline"])
    end_processes([one for one in running if mark in " ".join(one.info["cmdline"] or ())])
