"""The stand-in site in the test process, and a real server with real browsers beside it, for this whole folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest
from dashboard_browser import Person, key_of
from filelock import FileLock
from openai import OpenAI
from proxy_process import ACCOUNT_CONCURRENCY, Proxy, eventually, family

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Sandbox, Switches

SERVED = 2  # accounts the shared server knows; the site has one more, for tests with a server of their own
LONG_LIFE = 30 * 86400.0  # seconds; of tokens without a refresh, which have to outlive the run
JAVASCRIPT_PACKAGES = ("openai", "axios", "form-data")
NODE_WITH_FETCH = 18
INSTALL_WAIT = 100  # seconds


@pytest.fixture(scope="session")
def stand_in() -> Iterator[Sandbox]:
    """The site, running for all tests; use `site`."""
    with Sandbox(accounts=SERVED + 1, switches=Switches(token_life_s=LONG_LIFE)) as site:
        yield site


@pytest.fixture(scope="session")
def server(stand_in: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The shared server; use `proxy`. It must not have leaked a token into its log, nor leave a process behind."""
    session_dir = tmp_path_factory.mktemp("shared") / "session"
    settings = {"account_concurrency": ACCOUNT_CONCURRENCY, "on_no_accounts": "wait", "ollama_port": 0}
    proxy = Proxy(stand_in, session_dir, **settings)
    for account in stand_in.accounts[:SERVED]:
        proxy.registry.add(account.token, account.id)
    with proxy:
        yield proxy
        assert proxy.end() == 0
        assert eventually(lambda: not family(session_dir)), "the server left processes behind"
        assert "eyJ" not in proxy.log(), "a token is in the log"
        assert "unexpected" not in proxy.log(), proxy.log()


@pytest.fixture
def site(stand_in: Sandbox) -> Iterator[Sandbox]:
    """The site as at its start: no faults, no recorded requests, every switch at its default, but for long tokens."""
    stand_in.clear()
    for name, value in asdict(Switches(token_life_s=LONG_LIFE)).items():
        setattr(stand_in.switches, name, value)
    yield stand_in
    stand_in.clear()
    stand_in.wait_idle(30)


@pytest.fixture
def proxy(server: Proxy, site: Sandbox) -> Proxy:
    """The shared server, every account of it OK."""
    for account in site.accounts[:SERVED]:
        server.registry.renew(account.id, account.token)
    return server


@pytest.fixture
def registry(proxy: Proxy) -> Registry:
    """The accounts of the shared server, as they are on disk."""
    return proxy.registry


@pytest.fixture
def only_account(registry: Registry) -> str:
    """Leave one account to the shared server; return its id."""
    first, *others = registry.all()
    for account in others:
        registry.rest(account.id, until=4e9)
    return first.id


@pytest.fixture
def new_proxy(site: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Return a maker of further servers, one account each, not yet started; settings as keywords."""
    made: list[Proxy] = []

    def make(**settings: object) -> Proxy:
        proxy = Proxy(site, tmp_path / f"session{len(made)}", **settings)
        proxy.registry.add(site.accounts[0].token, site.accounts[0].id)
        made.append(proxy)
        return proxy

    yield make
    for proxy in made:
        proxy.close()


@pytest.fixture
def sdk() -> Iterator[Callable[[Proxy], OpenAI]]:
    """Return a maker of clients of OpenAI's package for a server; they are closed with the test."""
    with ExitStack() as clients:
        yield lambda proxy: clients.enter_context(OpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0))


@pytest.fixture(scope="session")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with the JavaScript packages that programs import; and why it lacks them, empty where it does not."""
    folder = tmp_path_factory.mktemp("javascript")
    for program in ("node", "npm"):
        if not shutil.which(program):
            return folder, f"{program} is missing: apt-get install -y nodejs npm"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    if int(version[1:].partition(".")[0]) < NODE_WITH_FETCH:
        return folder, f"node {version.strip()} is too old: version {NODE_WITH_FETCH} or later is needed"
    return installed(tmp_path_factory, *JAVASCRIPT_PACKAGES)


@pytest.fixture(scope="session")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    person = Person(tmp_path_factory.mktemp("person"))
    yield person
    person.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker of barriers, of the version that npm has."""
    if not shutil.which("npm"):
        pytest.skip("npm is missing, so nobody looks for barriers: apt-get install -y nodejs npm")
    folder, failed = installed(tmp_path_factory, "axe-core")
    if failed:
        pytest.skip(f"nobody looks for barriers: {failed}")
    return folder / "node_modules/axe-core/axe.min.js"


def installed(tmp_path_factory: pytest.TempPathFactory, *packages: str) -> tuple[Path, str]:
    """Return a folder with packages of npm, installed once for all workers; and why it lacks them, if it does."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / f"npm-{packages[0]}"
    with FileLock(f"{folder}.lock", timeout=2 * INSTALL_WAIT):
        if folder.exists():
            return folder, ""
        drafts = tmp_path_factory.mktemp("npm")
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(drafts), *packages]
        done = subprocess.run(command, cwd=drafts, capture_output=True, text=True, timeout=INSTALL_WAIT, check=False)
        if done.returncode:
            return drafts, f"npm cannot install {', '.join(packages)}:\n{done.stderr[-1000:]}"
        drafts.rename(folder)
    return folder, ""


@pytest.fixture
def url(proxy: Proxy, person: Person) -> str:
    person.look(width=1200, dark=False)
    person.forget(proxy.url)
    return proxy.url


@pytest.fixture
def link(url: str, proxy: Proxy) -> str:
    """The link that the proxy prints."""
    return f"{url}/ui/#key={key_of(proxy)}"
