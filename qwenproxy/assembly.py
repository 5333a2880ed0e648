"""The composition root: turns settings into the parts of the product, put together and ready for use.

Used by the server's application and by commands that need the same parts without a server. Nothing else makes them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from qwenproxy.access.admin import AdminKeys
from qwenproxy.access.door import Door
from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.driver_copies import cache_folders
from qwenproxy.browser.kept_page import POLL
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.site import Site
from qwenproxy.config import Config, cache_home
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.disk.state import State
from qwenproxy.history.client_chats import ClientChats
from qwenproxy.history.conversations import Conversations
from qwenproxy.history.site_index import SiteIndex
from qwenproxy.history.store import HistoryStore
from qwenproxy.history.stored import Stored, stored_in
from qwenproxy.logins.settings_watch import SettingsWatch
from qwenproxy.logins.window import LoginWindow
from qwenproxy.relay.attempts import Attempts, go_on
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.filing import Filing
from qwenproxy.relay.questions import Relay, RelaySettings
from qwenproxy.uploads.ledger import Ledger
from qwenproxy.uploads.uploader import Uploader


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the routes stand on."""

    relay: Relay
    conversations: Conversations
    filing: Filing
    door: Door
    stored: Stored
    client_keys: KeyFile
    admin_keys: AdminKeys | None


def assemble(config: Config, relay: Relay | None = None, on_exhausted: Callable[[], None] = go_on) -> Assembly:
    """Return the parts of a server; `relay` None builds the real one, which calls `on_exhausted` without a login.

    Raises SetupError.
    """
    session = SessionFolder(config.session_dir)
    ledger = Ledger.open(session)
    ledger.tidy()
    uploader = Uploader(ledger, config.max_file_size)
    relay = relay or build_relay(config, uploader, on_exhausted=on_exhausted)
    history = HistoryStore.open(session.history, config.max_history_length)
    state = State(session.state)
    client_chats = ClientChats(SiteIndex(state), config.api_chats)
    keys = KeyFile.open(session.keys)
    admin_keys = AdminKeys.open(session.admin_key) if config.admin else None
    return Assembly(
        relay,
        Conversations(relay, history, config.max_history_length, config.queue_wait, client_chats),
        Filing(relay, uploader),
        Door(keys, key_required=not (config.is_loopback or config.insecure), admin_keys=admin_keys),
        stored_in(state, config.responses_days, config.queue_wait),
        keys,
        admin_keys,
    )


def build_relay(
    config: Config,
    uploader: Uploader | None = None,
    *,
    clock: Callable[[], float] = time.time,
    poll: float = POLL,
    on_exhausted: Callable[[], None] = go_on,
) -> Relay:
    """Return a relay over the accounts in the session folder; without `uploader` it takes no images and files.

    `clock` gives seconds since 1970, for logins and rests; pages look at it every `poll` seconds.
    `on_exhausted` runs whenever every account turns out INVALID.
    Raises SetupError if there is no browser.
    """
    session = SessionFolder(config.session_dir)
    registry = Registry.open(session, clock)
    launcher = launcher_for(config)
    launcher.check()
    opener = TabOpener(registry, site_of(config), launcher, clock, poll, SettingsWatch(registry, clock).note_load)
    limits = PoolLimits(config.account_concurrency, config.queue_wait, config.max_browsers, config.idle_browser)
    settings = RelaySettings(
        config.default_model,
        config.unknown_model,
        config.model_variants,
        config.inline_limit,
        config.stall_timeout,
        config.tools,
    )
    deletions = UpstreamDeletions.open(session.deletions, registry, clock)
    pool = AccountPool(registry, deletions.watch(opener), limits, clock=clock)
    pool.start()
    return Relay(Attempts(pool, on_exhausted=on_exhausted), settings, deletions, uploader)


def launcher_for(config: Config, *, headless: bool | None = None) -> LocalLauncher:
    """Return what starts this configuration's browsers; `headless` None leaves that to the configuration."""
    programs = Programs(
        str(config.chrome or ""),
        str(config.chromedriver or ""),
        undetected=config.driver == "undetected",
        caches=cache_folders(cache_home(), SessionFolder(config.session_dir.absolute()).cache),
    )
    return LocalLauncher(programs, config.headless if headless is None else headless, config.base_url_spki)


def opener_for(config: Config, registry: Registry) -> TabOpener:
    """Return what opens the accounts' tabs in headless browsers. Raises SetupError if there is no browser."""
    launcher = launcher_for(config, headless=True)
    launcher.check()
    return TabOpener(registry, site_of(config), launcher)


def login_window(config: Config, login_wait: float, *, headless: bool = False) -> LoginWindow:
    """Return where a person logs in; `login_wait` is in seconds. Raises SetupError if there is no browser."""
    launcher = launcher_for(config, headless=headless)
    launcher.check()
    return LoginWindow(site_of(config), launcher, login_wait)


def site_of(config: Config) -> Site:
    """Return the site these settings name."""
    return Site(config.base_url, config.site_version)
