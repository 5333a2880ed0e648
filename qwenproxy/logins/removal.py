"""Deletes an account from the disk: its browser ends first, because it would write the folder again.

Used by the login (what an unfinished one left) and by the command line. Knows folders and processes, not the site.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator

from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.profile import ProfileClaim, ProfileInUse
from qwenproxy.disk.folder import AccountFolder

LOOK_EVERY = 0.2  # seconds between two looks whether a profile is free


def remove_account(
    registry: Registry, account_id: str, release_wait: float = 0.0, on_held: Callable[[], None] = lambda: None
) -> bool:
    """Delete an account, or what an unfinished login left; False when there was neither.

    Record and token go at once, which makes a running server close the account's browser; the folder goes after that,
    within `release_wait` seconds. Calls `on_held` once if it has to wait.
    Raises ProfileInUse if the profile stays in use (then only the folder of an account is left), SetupError.
    """
    folder = registry.folder(account_id)
    was_known = registry.get(account_id) is not None and registry.forget(account_id)
    if folder.path.exists():
        _await_release(folder, release_wait if was_known else 0.0, on_held)
    return registry.remove(account_id) or was_known


@contextlib.contextmanager
def abandoned_on_failure(registry: Registry, account_id: str) -> Iterator[None]:
    """Delete the account's folder if the block fails, unless a browser uses it or it is an account by now."""
    try:
        yield
    except ProfileInUse:
        raise
    except BaseException:
        if registry.get(account_id) is None:
            remove_account(registry, account_id)
        raise


def forget_profile(folder: AccountFolder) -> None:
    """Delete the browser profile in an account's folder, unless a browser has it open again."""
    with contextlib.suppress(ProfileInUse):
        claim = ProfileClaim.take(folder)
        try:
            # Leftovers do no harm: the next browser puts the account's own token over them.
            shutil.rmtree(folder.profile, ignore_errors=True)
        finally:
            claim.release()


def _await_release(folder: AccountFolder, release_wait: float, on_held: Callable[[], None]) -> None:
    """Claim the profile, which ends browsers of a killed process: they would write during the deletion."""
    try:
        ProfileClaim.take(folder).release()
        return
    except ProfileInUse:
        if not release_wait:
            raise
    on_held()
    deadline = time.monotonic() + release_wait
    while True:
        try:
            ProfileClaim.take(folder).release()
            return
        except ProfileInUse:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_EVERY)
