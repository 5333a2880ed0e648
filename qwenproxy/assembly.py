"""The composition root: turns settings into the parts of the product, put together and ready for use.

Used by the server's application and by commands that need the same parts without a server. Nothing else makes them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from qwenproxy.access.admin import AdminKeys
from qwenproxy.access.door import Door
from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.proxies import Proxies, default_proxy
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.display import Screen
from qwenproxy.browser.driver_copies import cache_folders
from qwenproxy.browser.grid import GridLauncher
from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.launching import Launcher
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.proxies import proxy_of
from qwenproxy.browser.shared import SharedLauncher
from qwenproxy.browser.site import Site
from qwenproxy.browser.upkeep import POLL
from qwenproxy.browser.way_out import WayOut
from qwenproxy.config import Config, cache_home, inherited_environment
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.disk.state import State
from qwenproxy.errors import ConfigError, SetupError, StorageError
from qwenproxy.history.client_chats import ClientChats
from qwenproxy.history.conversations import Conversations
from qwenproxy.history.site_index import SiteIndex
from qwenproxy.history.store import HistoryStore
from qwenproxy.history.stored import Stored, stored_in
from qwenproxy.logins.settings_watch import SettingsWatch
from qwenproxy.logins.window import LoginWindow
from qwenproxy.media.fetching import WorkFetcher
from qwenproxy.media.film_files import FilmFiles
from qwenproxy.media.film_jobs import FilmJobs
from qwenproxy.media.films import Films
from qwenproxy.media.hearing import Hearing
from qwenproxy.media.pictures import Pictures
from qwenproxy.media.store import MediaStore
from qwenproxy.relay.attempts import Attempts, go_on
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.filing import Filing
from qwenproxy.relay.films import FilmSite
from qwenproxy.relay.questions import Relay, RelaySettings
from qwenproxy.relay.speaking import SpeechSite
from qwenproxy.texts import Phrase
from qwenproxy.uploads.ledger import Ledger
from qwenproxy.uploads.object_store import ObjectStore
from qwenproxy.uploads.uploader import Uploader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the routes stand on."""

    relay: Relay
    conversations: Conversations
    filing: Filing
    door: Door
    stored: Stored
    pictures: Pictures
    films: Films
    speech: SpeechSite
    hearing: Hearing
    proxies: Proxies
    client_keys: KeyFile
    admin_keys: AdminKeys | None


def assemble(config: Config, relay: Relay | None = None, on_exhausted: Callable[[], None] = go_on) -> Assembly:
    """Return the parts of a server; `relay` None builds the real one, which calls `on_exhausted` without a login.

    Raises SetupError.
    """
    session = SessionFolder(config.session_dir)
    ledger = Ledger.open(session)
    ledger.tidy()
    uploader = Uploader(ledger, config.max_file_size, put=store_of(config).put)
    relay = relay or build_relay(config, uploader, on_exhausted=on_exhausted)
    if relay.spare_chats:
        relay.spare_chats.prepare()
    history = HistoryStore.open(session.history, config.max_history_length)
    state = State(session.state)
    media, fetcher = MediaStore(session.media), WorkFetcher(ways_out(config), is_local=site_of(config).is_local)
    client_chats = ClientChats(SiteIndex(state), config.api_chats)
    keys = KeyFile.open(session.keys)
    admin_keys = _admin_keys(session) if config.admin else None
    return Assembly(
        relay,
        Conversations(relay, history, config.max_history_length, config.queue_wait, client_chats),
        Filing(relay, uploader),
        Door(keys, key_required=not (config.is_loopback or config.insecure), admin_keys=admin_keys),
        stored_in(state, config.responses_days, config.queue_wait),
        Pictures(relay, media, fetcher),
        Films(FilmSite(relay), FilmJobs(state), FilmFiles(media, fetcher), config.responses_days),
        SpeechSite(relay),
        Hearing(relay),
        Proxies(relay.pool.registry, default_proxy(config.proxy)),
        keys,
        admin_keys,
    )


def _admin_keys(session: SessionFolder) -> AdminKeys | None:
    """Return the admin keys; None, without a dashboard, while the disk takes no file for them."""
    try:
        return AdminKeys.open(session.admin_key)
    except StorageError as error:
        log.error("there is no dashboard until the next start: %s", error.message)
        return None


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
    note_load = SettingsWatch(registry, clock).note_load
    opener = TabOpener(registry, site_of(config), launcher, clock, poll, note_load, profiles_for(config))
    limits = PoolLimits(config.account_concurrency, config.queue_wait, open_accounts(config), config.idle_browser)
    settings = RelaySettings(
        config.default_model,
        config.unknown_model,
        config.model_variants,
        config.inline_limit,
        config.stall_timeout,
        config.tools,
        session.spare_chats if config.spare_chats else None,
    )
    deletions = UpstreamDeletions.open(session.deletions, registry, clock)
    pool = AccountPool(registry, deletions.watch(opener), limits, clock=clock)
    pool.start()
    return Relay(Attempts(pool, on_exhausted=on_exhausted), settings, deletions, uploader, grid_of(config))


def open_accounts(config: Config) -> int:
    """Return how many accounts may have a page open at once: MAX_BROWSERS counts browsers, whoever shares them."""
    return config.max_browsers * config.accounts_per_browser


def launcher_for(config: Config, *, screen: Screen | None = None, for_login: bool = False) -> Launcher:
    """Return what starts this configuration's browsers; `screen` None leaves that to the configuration.

    `for_login`: a person uses them. Raises ConfigError.
    """
    hub = grid_of(config)
    if hub is None:
        local = replace(local_launcher_for(config, screen=screen), for_login=for_login)
        if config.accounts_per_browser == 1:
            return local
        return SharedLauncher(replace(local, shared=True), config.accounts_per_browser)
    default = default_proxy(config.proxy)
    return GridLauncher(
        hub,
        # What screen a node has is the node's own matter.
        headless=(screen or config.headless) in ("none", "1"),
        spki=config.base_url_spki,
        proxy_of=lambda folder: proxy_of(folder, default),
        for_login=for_login,
    )


def local_launcher_for(config: Config, *, screen: Screen | None = None) -> LocalLauncher:
    """Return what starts browsers on this machine, each on a profile; `screen` as for `launcher_for`."""
    return LocalLauncher(
        programs_of(config),
        screen or ("person" if config.headless == "0" else unseen_screen(config)),
        config.base_url_spki,
        inherited_environment(),
        default_proxy(config.proxy),
    )


def unseen_screen(config: Config) -> Screen:
    """Return where browsers have their windows that no person is to see, whatever else the configuration shows."""
    return "virtual" if config.headless == "virtual" else "none"


def programs_of(config: Config) -> Programs:
    """Return the browser and the driver of this machine."""
    return Programs(
        str(config.chrome or ""),
        str(config.chromedriver or ""),
        undetected=config.driver == "undetected",
        caches=cache_folders(cache_home(), SessionFolder(config.session_dir.absolute()).cache),
    )


def grid_of(config: Config) -> GridHub | None:
    """Return the Selenium Grid that browsers open on, None if they open on this machine."""
    return GridHub(GridAddress.parse(config.grid_url)) if config.grid_url else None


def profiles_for(config: Config) -> LocalLauncher | None:
    """Return what opens profiles that are used no more, to take logins out of them; None while they are in use."""
    return None if config.accounts_per_browser == 1 else local_launcher_for(config, screen=unseen_screen(config))


def opener_for(config: Config, registry: Registry, *, as_server: bool = False) -> TabOpener:
    """Return what opens the accounts' tabs: where nobody sees them, or exactly as the server does.

    Raises SetupError if there is no browser.
    """
    launcher = launcher_for(config, screen=None if as_server else unseen_screen(config))
    launcher.check()
    return TabOpener(registry, site_of(config), launcher, profiles=profiles_for(config))


def store_of(config: Config) -> ObjectStore:
    """Return the site's object store as accounts reach it."""
    return ObjectStore(ways_out(config))


def ways_out(config: Config) -> Callable[[str], WayOut]:
    """Return what gives the way out of an account, by its id."""
    session, proxy = SessionFolder(config.session_dir), default_proxy(config.proxy)
    return lambda account_id: WayOut(session.account(account_id), proxy)


def login_window(config: Config, login_wait: float, *, screen: Screen = "person") -> LoginWindow:
    """Return where somebody logs in; `login_wait` is in seconds. Raises SetupError if there is no browser.

    Always in a browser of this machine on the account's profile: a person needs a window here, also where the accounts'
    browsers are on a Grid or shared. Those get the login from the account's file.
    """
    launcher: Launcher = replace(local_launcher_for(config, screen=screen), for_login=True)
    if screen != "person" and config.grid_url:
        launcher = launcher_for(config, screen=screen, for_login=True)
    try:
        launcher.check()
    except SetupError as error:
        if config.grid_url:
            raise SetupError(Phrase("grid_no_window")) from error
        raise
    return LoginWindow(site_of(config), launcher, login_wait)


def site_of(config: Config) -> Site:
    """Return the site these settings name. Raises ConfigError if they take the stand-in's accounts to the real one."""
    refuse_sandbox_folder(config)
    return Site(config.base_url, config.site_version)


def refuse_sandbox_folder(config: Config) -> None:
    """Raise ConfigError if accounts of the stand-in would be taken to the real site."""
    if SessionFolder(config.session_dir).sandbox_mark.exists() and config.set_by.get("BASE_URL") == "default":
        command = f'qwenproxy start --sandbox --session-dir "{config.session_dir.parent}"'
        raise ConfigError(Phrase("start_sandbox_folder", folder=config.session_dir, command=command))
