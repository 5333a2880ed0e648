"""The logins of `start --sandbox`: opens for each account the link with which the stand-in logs it in.

Logs in as a person does, in a browser on the account's own profile, but without a window, because the links ask for no
password. The real site has no such links.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from qwenproxy.accounts.registry import Registry
from qwenproxy.assembly import login_window, unseen_screen
from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.config import Config
from qwenproxy.disk import files
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.logins.window import Step, add_account, renew_account

AT_ONCE = 4  # browsers at once
ENTRY_WAIT = 60.0  # seconds
LOOK_EVERY = 0.05  # seconds


def enter_sandbox(config: Config, address: SandboxAddress) -> None:
    """Log in every account of the stand-in, and remove accounts that it does not have. Raises SetupError."""
    registry = Registry.open(SessionFolder(config.session_dir))
    for account in registry.all():
        if account.id not in address.entrances:
            registry.remove(account.id)
    window = login_window(config, ENTRY_WAIT, screen=unseen_screen(config))

    def enter(account_id: str) -> None:
        entrance = replace(window, sign_in=address.entrances[account_id])
        account = registry.get(account_id)
        if account is None:
            add_account(registry, entrance, _NoPerson(), account_id)
        else:
            files.delete(registry.folder(account_id).rests)  # a new stand-in has counted nothing yet
            renew_account(registry, entrance, _NoPerson(), account)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="entering") as threads:
        list(threads.map(enter, address.entrances))


class _NoPerson:
    """The Person of logins/watch.py where nobody sits at the window."""

    present = False

    def show(self, step: Step, remaining: float) -> None:
        """Show nothing."""

    def pause(self, seconds: float) -> bool:
        """Wait a moment."""
        time.sleep(min(seconds, LOOK_EVERY))
        return False
