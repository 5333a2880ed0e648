"""All that a sandbox knows, in one value: its accounts, chats, files, faults, switches, and what happened so far."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from quart import current_app, g

from qwenproxy.sandbox.accounts.account import Accounts, SandboxAccount
from qwenproxy.sandbox.accounts.logins import Logins
from qwenproxy.sandbox.accounts.settings import UserSettings
from qwenproxy.sandbox.chats.chat import Chats
from qwenproxy.sandbox.chats.generations import Generations
from qwenproxy.sandbox.chats.projects import Projects
from qwenproxy.sandbox.clock import Clock
from qwenproxy.sandbox.envelope import SiteError, unauthorized
from qwenproxy.sandbox.faults.fault import FaultBook
from qwenproxy.sandbox.files.file import StoredFiles
from qwenproxy.sandbox.journal import Journal
from qwenproxy.sandbox.media.gallery import Gallery
from qwenproxy.sandbox.media.quotas import Quotas
from qwenproxy.sandbox.media.tasks import Tasks
from qwenproxy.sandbox.model.brain import Brain
from qwenproxy.sandbox.model.cards import ModelCard, default_cards
from qwenproxy.sandbox.switches import Switches


@dataclass(slots=True)
class SiteState:
    """The state of one sandbox; it outlives restarts of the server.

    The ports are 0 until it listens. Our page's script sends `page_mark`, which no other script knows.
    `blocked` are accounts that must solve a captcha first; `puzzles` maps a captcha's secret to its account;
    `brain` answers in the model's place, if there is one.
    """

    switches: Switches
    clock: Clock
    accounts: Accounts
    logins: Logins
    chat_port: int = 0
    sign_in_port: int = 0
    page_mark: str = field(default_factory=lambda: secrets.token_hex(8))
    models: list[ModelCard] = field(default_factory=default_cards)
    chats: Chats = field(default_factory=Chats)
    files: StoredFiles = field(default_factory=StoredFiles)
    faults: FaultBook = field(default_factory=FaultBook)
    journal: Journal = field(default_factory=Journal)
    blocked: set[str] = field(default_factory=set)
    puzzles: dict[str, str] = field(default_factory=dict)
    settings: UserSettings = field(default_factory=UserSettings)
    projects: Projects = field(default_factory=Projects)
    gallery: Gallery = field(default_factory=Gallery)
    tasks: Tasks = field(default_factory=Tasks)
    brain: Brain | None = None
    generations: Generations = field(init=False)
    quotas: Quotas = field(init=False)

    def __post_init__(self) -> None:
        self.quotas = Quotas(self.switches)
        self.generations = Generations(self.journal)

    @classmethod
    def new(cls, accounts: int, switches: Switches) -> SiteState:
        """Return the state of a site with that many accounts."""
        clock = Clock(switches)
        people = Accounts(accounts, clock, switches)
        return cls(switches, clock, people, Logins(people, switches))

    @property
    def chat_origin(self) -> str:
        """The chat's origin."""
        return f"https://localhost:{self.chat_port}"

    @property
    def sign_in_origin(self) -> str:
        """The sign-in host's origin: to a browser another one on the same site, as the real ones are."""
        return f"https://localhost:{self.sign_in_port}"

    def now(self) -> float:
        """Return the site's time in seconds since 1970; everything ages by it."""
        return self.clock.now()

    def entrance(self, account: SandboxAccount) -> str:
        """Return a new link that logs in the first browser that opens it, without a password."""
        return f"{self.sign_in_origin}/__sandbox/enter/{self.logins.new_ticket(account)}"

    def clear(self) -> None:
        """Forget requests, refreshes, faults, captchas, used quotas; accounts, logins, chats, files, switches stay."""
        self.faults.clear()
        self.blocked.clear()
        self.puzzles.clear()
        self.quotas.clear()
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
