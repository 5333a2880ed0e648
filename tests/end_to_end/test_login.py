"""A person logs in: a real window on a virtual screen, and a second program that types into it as a person would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from cli_runner import CHECKOUT, Terminal, clean_environment
from login_screen import Screen
from proxy_servers import ProxyServer
from session_files import account_of

from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.profile import ProfileClaim
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Fault, Sandbox

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the virtual screen is an X server on Linux"),
]

PROFILE_CALL = "/api/v1/auths/"


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.close()


@pytest.fixture(scope="module")
def door() -> Iterator[Sandbox]:
    """The site of these tests alone: they change passwords."""
    with Sandbox(accounts=2) as site:
        yield site


@pytest.fixture(autouse=True)
def no_faults(door: Sandbox) -> None:
    door.clear()


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.open(SessionFolder(tmp_path / "session"))


@pytest.fixture
def environment(tmp_path: Path, door: Sandbox, screen: Screen) -> dict[str, str]:
    return clean_environment(
        tmp_path / "session",
        DISPLAY=screen.display,
        QWENPROXY_BASE_URL=door.base_url,
        QWENPROXY_BASE_URL_SPKI=door.spki,
    )


@pytest.fixture(autouse=True)
def no_browser_left(tmp_path: Path) -> Iterator[None]:
    """Fail a test after which a browser still runs on one of its profiles."""
    yield
    mark = f"--user-data-dir={tmp_path}"
    left = [one.pid for one in psutil.process_iter(["cmdline"]) if mark in " ".join(one.info["cmdline"] or ())]
    assert not left, f"browsers left: {left}"


@pytest.fixture
def way() -> Iterator[ProxyServer]:
    with ProxyServer("socks5", "anna", "pl4nted").running() as proxy:
        yield proxy


def _sign_in_shown(door: Sandbox) -> None:
    door.wait_for(lambda site: any(one.path == "/auth" for one in site.requests), 60)


def _folders(registry: Registry) -> list[str]:
    return [path.name for path in registry.folder("x").path.parent.iterdir()]


def _log_in(screen: Screen, door: Sandbox, number: int = 0) -> None:
    """Log in as a person does, who fills the form again where the page has missed the keys."""
    _sign_in_shown(door)
    before = _sign_ins(door)
    for _ in range(6):
        screen.log_in(door.accounts[number].email, door.accounts[number].password)
        with suppress(TimeoutError):
            door.wait_for(lambda site: _sign_ins(site) > before, 6)
            return
    raise AssertionError("the page never sent the form")


def _sign_ins(door: Sandbox) -> int:
    return sum(one.path == "/api/v2/auths/signin" for one in door.requests)


def _check(environment: dict[str, str], account_id: str) -> int:
    """Ask the site through the account's headless browser, on no screen at all."""
    without = {name: value for name, value in environment.items() if name != "DISPLAY"}
    command = [sys.executable, "-m", "qwenproxy", "account", "check", account_id]
    return subprocess.run(command, env=without, cwd=CHECKOUT, timeout=90, check=False, capture_output=True).returncode


def test_a_login_is_noticed_stored_and_good_for_the_headless_browser(
    door: Sandbox, screen: Screen, registry: Registry, environment: dict[str, str], way: ProxyServer
) -> None:
    with Terminal(["account", "add", "--proxy", way.url], environment) as terminal:
        terminal.expect("1. ")
        terminal.expect("3. ")
        terminal.expect("Waiting for your login")
        _log_in(screen, door)
        terminal.expect(" is added and ready.")
        assert terminal.end() == 0
    (account,) = registry.all()
    assert door.peers and door.peers <= way.ports  # window, sign-in host and all
    assert way.password not in terminal.text
    assert account.token == door.accounts[0].token
    assert account.token not in terminal.text
    assert account.status(time.time()) == "OK"
    assert registry.folder(account.id).token.read_text() == account.token
    door.clear()
    assert _check(environment, account.id) == 0
    asked = [one for one in door.requests if one.path == PROFILE_CALL]
    assert asked and all(one.account_id == door.accounts[0].id for one in asked)


def test_a_wrong_password_is_for_the_person_to_mend(
    door: Sandbox, screen: Screen, registry: Registry, environment: dict[str, str]
) -> None:
    with Terminal(["account", "add", "--id", "mine"], environment) as terminal:
        _sign_in_shown(door)
        screen.log_in(door.accounts[0].email, "wrong")
        door.wait_for(lambda site: any(one.path == "/api/v2/auths/signin" for one in site.requests), 30)
        screen.turn_to("Sign in")
        # from the empty part of the page: address, then password, which is typed over
        screen.hands("key", "Tab", "Tab", "ctrl+a")
        screen.hands("type", "--delay", "15", door.accounts[0].password)
        screen.hands("key", "Return")
        terminal.expect("Account mine is added and ready.")
        assert terminal.end() == 0
    assert account_of(registry, "mine").token == door.accounts[0].token


def test_relogin_heals_an_account_whose_password_changed(
    door: Sandbox, screen: Screen, registry: Registry, environment: dict[str, str]
) -> None:
    registry.add(door.accounts[1].token, "mine")
    assert _check(environment, "mine") == 0  # the profile carries the old token from here on
    door.accounts[1].revoke()
    assert _check(environment, "mine") == 3
    assert account_of(registry, "mine").status(time.time()) == "INVALID"
    door.clear()
    with Terminal(["account", "relogin"], environment) as terminal:
        _log_in(screen, door, 1)
        terminal.expect("Account mine is logged in again.")
        assert terminal.end() == 0
    assert account_of(registry, "mine").token == door.accounts[1].token
    assert account_of(registry, "mine").status(time.time()) == "OK"
    assert _check(environment, "mine") == 0


def test_a_relogin_as_somebody_else_changes_nothing(
    door: Sandbox, screen: Screen, registry: Registry, environment: dict[str, str]
) -> None:
    hers, his = door.accounts
    registry.add(hers.renew(), "hers")
    registry.add(his.renew(), "his")
    assert _check(environment, "hers") == 0  # its profile is logged in
    registry.mark_invalid("hers")
    hers.revoke()
    before = registry.all()
    with Terminal(["account", "relogin", "hers"], environment) as terminal:
        _log_in(screen, door, 1)
        terminal.expect("This login belongs to account his, so account hers stays")
        assert terminal.end() == 1
    assert registry.all() == before
    door.clear()
    assert _check(environment, "hers") == 1  # its own login still, which has ended
    # A page whose login has ended asks once more without it before it leaves for sign-in.
    assert {one.account_id for one in door.requests if one.path == PROFILE_CALL} <= {hers.id, None}
    # Once more as oneself: nothing in the profile is the other's any more.
    door.clear()
    with Terminal(["account", "relogin", "hers"], environment) as terminal:
        _log_in(screen, door, 0)
        terminal.expect("Account hers is logged in again.")
        assert terminal.end() == 0
    assert account_of(registry, "hers").token == hers.token
    door.clear()
    assert _check(environment, "hers") == 0
    assert {one.account_id for one in door.requests if one.path == PROFILE_CALL} == {hers.id}


def test_a_user_who_is_here_already_is_not_added_again(
    door: Sandbox, screen: Screen, registry: Registry, environment: dict[str, str]
) -> None:
    registry.add(door.accounts[0].renew(), "mine")
    before = registry.all()
    with Terminal(["account", "add"], environment) as terminal:
        _log_in(screen, door)
        terminal.expect("qwenproxy account relogin mine")
        assert terminal.end() == 1
    assert registry.all() == before
    assert _folders(registry) == ["mine"]


def test_a_window_that_is_closed_leaves_nothing(
    door: Sandbox, screen: Screen, registry: Registry, environment: dict[str, str]
) -> None:
    with Terminal(["account", "add"], environment) as terminal:
        _sign_in_shown(door)
        screen.turn_to("Sign in")
        screen.hands("key", "ctrl+w")
        terminal.expect("The window was closed before you were logged in. No account was added.")
        assert terminal.end() == 1
    assert registry.all() == ()
    assert _folders(registry) == []


@pytest.mark.parametrize("way", ["ctrl-c", "ctrl-d", "hangup"])
def test_a_login_that_is_cancelled_leaves_nothing(
    door: Sandbox, registry: Registry, environment: dict[str, str], way: str
) -> None:
    with Terminal(["account", "add"], environment) as terminal:
        _sign_in_shown(door)
        terminal.expect("Waiting for your login")
        if way.startswith("ctrl"):
            terminal.type("\x03" if way == "ctrl-c" else "\x04")
        else:
            terminal.process.send_signal(signal.SIGHUP)
        terminal.expect("Cancelled. No account was added.")
        assert terminal.end() == 1
    assert registry.all() == ()
    assert _folders(registry) == []


def test_a_login_that_takes_too_long_leaves_the_account_as_it_was(
    door: Sandbox, registry: Registry, environment: dict[str, str]
) -> None:
    registry.add(door.accounts[0].token, "mine")
    registry.mark_invalid("mine")
    before = registry.get("mine")
    door.accounts[0].revoke()
    with Terminal(["account", "relogin", "mine", "--wait", "2"], environment) as terminal:
        terminal.expect("The time for the login is over (see --wait). Account mine is as it was.")
        assert terminal.end() == 1
    assert registry.get("mine") == before


def test_a_verification_page_waits_for_the_person(
    door: Sandbox, screen: Screen, registry: Registry, environment: dict[str, str]
) -> None:
    door.add_fault(Fault("waf_page"))
    with Terminal(["account", "add"], environment) as terminal:
        terminal.expect("The site wants to see a human: solve its check in the window")
        screen.turn_to("Verification")
        screen.hands("key", "F5")
        terminal.expect("Waiting for your login")
        _log_in(screen, door)
        terminal.expect(" is added and ready.")
        assert terminal.end() == 0
    assert len(registry.all()) == 1


def test_a_check_leaves_verify_and_enter_ends_it_when_the_page_works(
    door: Sandbox, registry: Registry, environment: dict[str, str]
) -> None:
    registry.add(door.accounts[0].renew(), "mine")
    registry.rest("mine", time.time() + 600, reason="verification")
    before = registry.get("mine")
    assert _check(environment, "mine") == 0
    assert registry.get("mine") == before, "a check of the login says nothing of the questions"
    with Terminal(["account", "relogin"], environment) as terminal:
        terminal.expect("The page works")
        terminal.type("\n")
        terminal.expect("Account mine is logged in again.")
        assert terminal.end() == 0
    assert account_of(registry, "mine").status(time.time()) == "OK"


def test_a_profile_in_use_is_one_line_with_the_process(
    registry: Registry, door: Sandbox, environment: dict[str, str]
) -> None:
    registry.add(door.accounts[0].token, "mine")
    claim = ProfileClaim.take(registry.folder("mine"))
    try:
        with Terminal(["account", "relogin", "mine"], environment) as terminal:
            assert terminal.end() == 1
    finally:
        claim.release()
    assert f"in use by process {os.getpid()}. Stop that process" in terminal.text
    assert "A browser window" not in terminal.text


def test_a_site_that_is_down_is_named(registry: Registry, environment: dict[str, str]) -> None:
    with Terminal(["account", "add"], {**environment, "QWENPROXY_BASE_URL": "https://localhost:9"}) as terminal:
        terminal.expect("The browser cannot reach https://localhost:9")
        assert terminal.end() == 1
    assert _folders(registry) == []


def test_a_display_that_is_not_there_says_what_else_to_do(registry: Registry, environment: dict[str, str]) -> None:
    with Terminal(["account", "add"], {**environment, "DISPLAY": ":987"}) as terminal:
        terminal.expect("--token")
        terminal.expect("No account was added.")
        assert terminal.end() == 1
    assert "A browser window" not in terminal.text
    assert _folders(registry) == []


def test_the_menu_adds_an_account_and_starts_with_it(
    door: Sandbox, screen: Screen, registry: Registry, environment: dict[str, str]
) -> None:
    with Terminal(["start"], {**environment, "QWENPROXY_PORT": "0"}) as terminal:
        terminal.expect("[3]: ")
        terminal.type("1\n")
        _log_in(screen, door)
        terminal.expect(" is added and ready.")
        terminal.expect("✅ OK")
        terminal.expect("[3]: ")
        terminal.type("\n")
        terminal.expect("qwenproxy listens on")
        terminal.expect("browser opened in")
        terminal.process.terminate()
        assert terminal.end() == 0
    assert len(registry.all()) == 1
