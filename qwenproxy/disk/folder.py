"""The one map of the session folder: which file and which folder lies where (contract 3).

assembly.py and the commands hand it in, so that no other module joins such a name to a path. Makes nothing and
opens no file; at most it checks what exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BrowserFolder:
    """What lies in the folder of one browser: an account's own, or one that accounts share."""

    path: Path

    @property
    def id(self) -> str:
        """The account's id, or the number of the shared browser: the folder's name."""
        return self.path.name

    @property
    def session(self) -> SessionFolder:
        """The session folder that it belongs to."""
        return SessionFolder(self.path.parent.parent)

    @property
    def profile(self) -> Path:
        """The folder of the Chrome profile."""
        return self.path / "profile"

    @property
    def proxy(self) -> Path:
        """The address of its own outgoing proxy, with its password."""
        return self.path / "proxy.txt"

    @property
    def browser_lock(self) -> Path:
        """The lock that says whether the profile, or the account in another browser, is held."""
        return self.path / "browser.lock"

    @property
    def browser_note(self) -> Path:
        """The processes that hold the profile."""
        return self.path / "browser.json"

    @property
    def chrome_log(self) -> Path:
        """What Chrome wrote since its last start."""
        return self.path / "chrome.log"

    @property
    def driver_log(self) -> Path:
        """What chromedriver wrote since its last start."""
        return self.path / "chromedriver.log"

    @property
    def display_log(self) -> Path:
        """What Xvfb wrote since its last start."""
        return self.path / "xvfb.log"

    @property
    def display_authority(self) -> Path:
        """The cookie that lets Chrome onto its virtual screen."""
        return self.path / "xvfb.auth"


@dataclass(frozen=True, slots=True)
class AccountFolder(BrowserFolder):
    """What lies in the folder of one account, beside its browser's."""

    @property
    def token(self) -> Path:
        """The login token."""
        return self.path / "token.txt"

    @property
    def login(self) -> Path:
        """The login with its cookies and storage, as the page had it last."""
        return self.path / "state.json"

    @property
    def site_report(self) -> Path:
        """What the site said of the account last: its settings and what is left of its quota."""
        return self.path / "site.json"

    @property
    def rests(self) -> Path:
        """For which kinds of work the site limits the account, and until when."""
        return self.path / "rests.json"

    @property
    def planted(self) -> Path:
        """The mark of the token that the profile carries."""
        return self.path / "planted"

    @property
    def has_login(self) -> bool:
        """Whether there is anything that may renew a token: a profile, or a login beside it."""
        return self.profile.exists() or self.login.exists()

    @property
    def unfinished_profile(self) -> Path:
        """A profile that is still being copied: half of one must not count."""
        return self.path / "profile.new"


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """What lies in the folder of all state."""

    root: Path

    @property
    def tokens(self) -> Path:
        """The records of all accounts."""
        return self.root / "tokens.json"

    @property
    def accounts(self) -> Path:
        """The folder with one folder an account."""
        return self.root / "accounts"

    def account(self, account_id: str) -> AccountFolder:
        """Return the folder of an account; the id has to be valid."""
        return AccountFolder(self.accounts / account_id)

    def account_folders(self) -> list[AccountFolder]:
        """Return the folders there are, of accounts and of logins that did not end, in the order of their names."""
        return [AccountFolder(path) for path in sorted(self.accounts.glob("*")) if path.is_dir()]

    def shared_browser(self, number: int) -> BrowserFolder:
        """Return the folder of a browser that accounts share; they are numbered from 1."""
        return BrowserFolder(self.root / "browsers" / str(number))

    def browser_folders(self) -> list[BrowserFolder]:
        """Return the folders there are in which a browser may run: those of accounts, then the shared ones."""
        shared = [BrowserFolder(path) for path in sorted((self.root / "browsers").glob("*")) if path.is_dir()]
        return [*self.account_folders(), *shared]

    @property
    def keys(self) -> Path:
        """The API keys of clients."""
        return self.root / "Authorization.txt"

    @property
    def admin_key(self) -> Path:
        """The key of whoever runs the proxy."""
        return self.root / "Admin.txt"

    @property
    def dashboard_page(self) -> Path:
        """A page that leads to the dashboard's link, for the person's browser."""
        return self.root / "dashboard.html"

    @property
    def history(self) -> Path:
        """The folder of the kept chats, one file a chat."""
        return self.root / "history"

    @property
    def uploads(self) -> Path:
        """The list of uploads."""
        return self.root / "uploads.json"

    @property
    def upload_contents(self) -> Path:
        """The folder of the uploads' bytes."""
        return self.root / "uploads"

    @property
    def media(self) -> Path:
        """The folder of pictures and films that the site made."""
        return self.root / "media"

    @property
    def deletions(self) -> Path:
        """The chats that the site still has to delete."""
        return self.root / "upstream-deletions.json"

    @property
    def spare_chats(self) -> Path:
        """The chats of the site that were made ahead of need."""
        return self.root / "spare-chats.json"

    @property
    def state(self) -> Path:
        """The database: what is kept in tables."""
        return self.root / "state.db"

    @property
    def server_lock(self) -> Path:
        """The lock that keeps a second server away."""
        return self.root / "server.lock"

    @property
    def server_note(self) -> Path:
        """Where the server listens."""
        return self.root / "server.json"

    @property
    def cache(self) -> Path:
        """The folder for what can be made again, if the user has no other."""
        return self.root / "cache"

    @property
    def sandbox_mark(self) -> Path:
        """Says that its accounts are those of the stand-in."""
        return self.root / "stand-in"

    @property
    def sandbox(self) -> SessionFolder:
        """The session folder that `start --sandbox` uses."""
        return SessionFolder(self.root / "sandbox")

    @property
    def is_one(self) -> bool:
        """Whether it holds something that only a session folder has."""
        return any(path.exists() for path in (self.tokens, self.accounts, self.history))
