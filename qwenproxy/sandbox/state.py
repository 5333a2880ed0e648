"""All that a sandbox knows, in one value: its accounts, chats, files, faults, switches, and what happened so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from quart import current_app, g

from qwenproxy.sandbox.accounts import Accounts, SandboxAccount
from qwenproxy.sandbox.chats import Chats
from qwenproxy.sandbox.envelope import SiteError, unauthorized
from qwenproxy.sandbox.faults import FaultBook
from qwenproxy.sandbox.generations import Generations
from qwenproxy.sandbox.journal import Journal
from qwenproxy.sandbox.model_cards import ModelCard, default_cards
from qwenproxy.sandbox.stored_files import StoredFiles
from qwenproxy.sandbox.switches import Switches


@dataclass(slots=True)
class SiteState:
    """The state of one sandbox; it outlives restarts of the server.

    `blocked` are accounts that must solve a captcha first; `puzzles` maps a captcha's secret to its account;
    `settings` are the users' settings as they were posted.
    """

    accounts: Accounts
    switches: Switches
    models: list[ModelCard] = field(default_factory=default_cards)
    chats: Chats = field(default_factory=Chats)
    files: StoredFiles = field(default_factory=StoredFiles)
    faults: FaultBook = field(default_factory=FaultBook)
    journal: Journal = field(default_factory=Journal)
    blocked: set[str] = field(default_factory=set)
    puzzles: dict[str, str] = field(default_factory=dict)
    settings: dict[str, dict[str, object]] = field(default_factory=dict)
    generations: Generations = field(init=False)

    def __post_init__(self) -> None:
        self.generations = Generations(self.journal)

    def now(self) -> float:
        """Return the time (s since 1970) by which uploads and signed addresses expire."""
        return time.time() + self.switches.clock_ahead_s

    def clear(self) -> None:
        """Forget requests, faults and captchas; accounts, chats, files and switches stay."""
        self.faults.clear()
        self.blocked.clear()
        self.puzzles.clear()
        self.journal.clear()


def current_state() -> SiteState:
    """Return the state of the sandbox that serves the current request."""
    state = current_app.extensions["sandbox"]
    assert isinstance(state, SiteState)
    return state


def logged_in() -> SandboxAccount:
    """Return the account the current request belongs to. Raises SiteError (401)."""
    login: SandboxAccount | SiteError | None = g.get("login")
    if isinstance(login, SandboxAccount):
        return login
    raise login or unauthorized()
