"""The doctor's findings, one problem at a time, and what `account check` records of the site's answer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn, cast

import pytest
from cli_runner import new_token, run_here
from fake_site import FakeResponse
from replies import GATEWAY_DOWN, Reply
from session_files import account_of
from settings_page import PROFILE
from spelling import spelled

from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.account import Account
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.page import PageRequest, PageResponse
from qwenproxy.browser.profile import ProfileClaim
from qwenproxy.cli import doctor
from qwenproxy.cli.account import check
from qwenproxy.cli.console import Console, open_console
from qwenproxy.cli.finding import Finding
from qwenproxy.cli.findings import (
    browser_findings,
    clock_finding,
    door_findings,
    folder_findings,
    ollama_port_findings,
    port_finding,
    profile_findings,
    sandbox_findings,
    screen_findings,
)
from qwenproxy.config import Config
from qwenproxy.disk.claim import RunningServer, claimed_session
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import (
    BrowserError,
    NetworkFailed,
    NotLoggedIn,
    ProxyError,
    SetupError,
    StorageError,
    TabLost,
    VerificationRequired,
)
from qwenproxy.logins import site_report
from qwenproxy.logins.check import Check, check_account
from qwenproxy.texts import Phrase
from qwenproxy.upstream.account_settings import AccountSettings, Switch

posix = pytest.mark.skipif(os.name != "posix", reason="rights and shell scripts are POSIX")


NewConsole = Callable[[], Console]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """Return settings that a test may add to before it asks for the console."""
    return {
        "QWENPROXY_SESSION_DIR": str(tmp_path / "session"),
        "QWENPROXY_LANG": "en",
        "QWENPROXY_PORT": "0",
        "QWENPROXY_DRIVER": "plain",
    }


@pytest.fixture
def new_console(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> NewConsole:
    """Return a maker of consoles."""

    def make() -> Console:
        # Leave the logging of the test process alone.
        monkeypatch.setattr("qwenproxy.observe.logs.configure", lambda *_: None)
        (tmp_path / "session").mkdir(mode=0o700, exist_ok=True)
        return open_console(Config.load(environ=settings))

    return make


def _levels(findings: Iterable[Finding]) -> list[str]:
    findings = list(findings)
    assert all(bool(one.remedy) == (one.level != "ok") for one in findings), (
        "every problem has a remedy, and nothing else has"
    )
    return [one.level for one in findings]


def _program(folder: Path, name: str, version: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho 'Program {version} built yesterday'\n")
    path.chmod(0o755)
    return str(path)


# browser


@posix
@pytest.mark.parametrize(("driver", "level"), [("156.0.1.1", "ok"), ("155.9.9.9", "wrong")])
def test_browser_and_driver_must_be_of_one_version(
    new_console: NewConsole, settings: dict[str, str], tmp_path: Path, driver: str, level: str
) -> None:
    settings["QWENPROXY_CHROME"] = _program(tmp_path, "chrome", "156.0.1.2")
    settings["QWENPROXY_CHROMEDRIVER"] = _program(tmp_path, "driver", driver)
    findings = list(browser_findings(new_console()))
    assert _levels(findings) == ["ok", "ok", level]
    assert "156.0.1.2" in findings[0].text
    assert driver in findings[1].text


def test_a_missing_browser_comes_with_the_way_to_install_one(
    new_console: NewConsole, settings: dict[str, str], tmp_path: Path
) -> None:
    settings["QWENPROXY_CHROME"] = str(tmp_path / "nowhere")
    (finding,) = browser_findings(new_console())
    assert finding.level == "wrong"
    assert "QWENPROXY_CHROME" in finding.remedy


# session folder


def test_a_server_on_the_sandboxs_folder_is_pointed_out(new_console: NewConsole) -> None:
    console = new_console()
    sandbox = SessionFolder(console.config.session_dir / "sandbox")
    assert list(sandbox_findings(console)) == []
    with claimed_session(sandbox):
        (finding,) = sandbox_findings(console)
        assert (finding.level, finding.remedy) == ("warning", f'qwenproxy doctor --session-dir "{sandbox.root}"')
        assert str(sandbox.root) in finding.text
        assert str(finding) in run_here("doctor", "--session-dir", str(console.config.session_dir)).output


def test_a_fresh_folder_is_right(new_console: NewConsole) -> None:
    assert _levels(folder_findings(new_console())) == ["ok"]


@posix
def test_a_public_file_is_named_with_the_command_that_makes_it_private(new_console: NewConsole) -> None:
    console = new_console()
    secret = console.config.session_dir / "Authorization.txt"
    secret.write_text("key")
    secret.chmod(0o644)
    (finding,) = folder_findings(console)
    assert (finding.level, str(secret) in finding.text) == ("wrong", True)
    subprocess.run(["sh", "-c", finding.remedy], check=True, timeout=10)
    assert _levels(folder_findings(console)) == ["ok"]


@posix
def test_a_gitignore_may_be_public(new_console: NewConsole) -> None:
    console = new_console()
    for name, level in ((".gitignore", "ok"), ("server.json", "wrong")):
        (console.config.session_dir / name).write_text("")
        (console.config.session_dir / name).chmod(0o644)
        assert _levels(folder_findings(console)) == [level]


def test_a_file_that_cannot_be_written_is_named(new_console: NewConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    console = new_console()
    locked = console.config.session_dir / "tokens.json"
    console.registry.add(new_token(), "mine")
    # Root can write everything, and may run the tests.
    monkeypatch.setattr("qwenproxy.cli.findings.os.access", lambda path, mode: path != locked)
    (finding,) = folder_findings(console)
    assert (finding.level, str(locked) in finding.text) == ("wrong", True)


def test_files_that_were_set_aside_are_shown(new_console: NewConsole) -> None:
    console = new_console()
    broken = console.config.session_dir / "tokens.json"
    broken.write_text("{")
    broken.chmod(0o600)
    console.registry.all()
    findings = list(folder_findings(console))
    assert _levels(findings) == ["ok", "warning"]
    assert "tokens.json.corrupt-" in findings[1].text


# profiles


def test_unused_profiles_are_ok(new_console: NewConsole) -> None:
    console = new_console()
    console.registry.add(new_token(), "mine")
    assert _levels(profile_findings(console)) == ["ok"]


def test_a_profile_in_use_is_named_with_its_process(new_console: NewConsole) -> None:
    console = new_console()
    console.registry.add(new_token(), "mine")
    claim = ProfileClaim.take(console.registry.folder("mine"))
    try:
        (finding,) = profile_findings(console)
    finally:
        claim.release()
    assert (finding.level, str(os.getpid()) in finding.text) == ("ok", True)


@posix
def test_a_browser_opened_by_hand_is_named_with_its_process(new_console: NewConsole, tmp_path: Path) -> None:
    console = new_console()
    console.registry.add(new_token(), "mine")
    console.registry.folder("mine").profile.mkdir()
    sleep = shutil.which("sleep")
    assert sleep
    program = shutil.copy(sleep, tmp_path / "chromium")
    process = subprocess.Popen([program, "60"])
    try:
        (console.registry.folder("mine").profile / "SingletonLock").symlink_to(f"{socket.gethostname()}-{process.pid}")
        (finding,) = profile_findings(console)
        assert (finding.level, str(process.pid) in finding.remedy) == ("wrong", True)
    finally:
        process.kill()
        process.wait()
    assert _levels(profile_findings(console)) == ["ok"]


def test_the_remedy_removes_the_folder_of_an_unfinished_login(new_console: NewConsole) -> None:
    console = new_console()
    account_id = console.registry.new_id()
    (finding,) = profile_findings(console)
    assert (finding.level, finding.remedy) == ("warning", f"qwenproxy account remove {account_id}")


# port and server


def test_a_taken_port_is_wrong_unless_our_own_server_has_it(new_console: NewConsole, settings: dict[str, str]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        settings["QWENPROXY_PORT"] = str(listener.getsockname()[1])
        console = new_console()
        assert _levels([port_finding(console, None)]) == ["wrong"]
        assert _levels([port_finding(console, RunningServer(4711))]) == ["ok"]
    assert _levels([port_finding(console, None)]) == ["ok"]


def test_the_second_port_is_looked_at_where_there_is_one(new_console: NewConsole, settings: dict[str, str]) -> None:
    assert list(ollama_port_findings(new_console(), None)) == []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = settings["QWENPROXY_OLLAMA_PORT"] = str(listener.getsockname()[1])
        console = new_console()
        [taken] = ollama_port_findings(console, None)
        assert (taken.level, f"port {port}" in taken.text) == ("wrong", True)
        assert "perhaps Ollama itself" in taken.remedy
        assert "QWENPROXY_OLLAMA_PORT" in taken.remedy
        assert list(ollama_port_findings(console, RunningServer(4711))) == []
    assert _levels(ollama_port_findings(console, None)) == ["ok"]


def test_one_port_cannot_be_both(new_console: NewConsole, settings: dict[str, str]) -> None:
    settings.update(QWENPROXY_PORT="3264", QWENPROXY_OLLAMA_PORT="3264")
    [finding] = ollama_port_findings(new_console(), None)
    assert (finding.level, "are both 3264" in finding.text, "11434" in finding.remedy) == ("wrong", True, True)
    settings.update(QWENPROXY_PORT="0", QWENPROXY_OLLAMA_PORT="0")
    assert _levels(ollama_port_findings(new_console(), None)) == ["ok"]


@pytest.mark.parametrize("host", ["203.0.113.9", "a..b", ".é"])
def test_an_address_of_another_machine_is_wrong(new_console: NewConsole, settings: dict[str, str], host: str) -> None:
    settings["QWENPROXY_HOST"] = host
    finding = port_finding(new_console(), None)
    assert (finding.level, host in finding.text) == ("wrong", True)
    assert f"{host} is not an address of this machine" in finding.remedy


@pytest.mark.parametrize("host", ["127.0.0.1", "nonsense.invalid", "0.0.0.0"])
def test_an_address_for_other_machines_needs_a_key(
    new_console: NewConsole, settings: dict[str, str], host: str
) -> None:
    settings["QWENPROXY_HOST"] = host
    console = new_console()
    findings = list(door_findings(console))
    assert _levels(findings) == (["wrong"] if host == "0.0.0.0" else [])
    if findings:
        assert findings[0].remedy == "qwenproxy keys add"
        KeyFile.open(console.config.session_dir / "Authorization.txt").add()
        assert list(door_findings(console)) == []


def test_a_running_server_is_named_with_its_address_once_it_listens(new_console: NewConsole) -> None:
    console = new_console()
    silent = port_finding(console, RunningServer(4711))
    assert (silent.level, "4711" in silent.text, "not listen yet" in silent.text) == ("ok", True, True)
    listening = port_finding(console, RunningServer(4711, "0.0.0.0", 3270))
    assert (listening.level, "4711" in listening.text) == ("ok", True)
    assert "http://127.0.0.1:3270" in listening.text


# clock


@pytest.mark.parametrize(
    ("error", "level"), [(0.0, "ok"), (-90.0, "ok"), (600.0, "wrong"), (-600.0, "wrong"), (None, "warning")]
)
def test_the_clock_may_be_off_a_little(new_console: NewConsole, error: float | None, level: str) -> None:
    assert _levels([clock_finding(new_console(), error)]) == [level]


def test_a_clock_that_only_a_running_server_could_compare_is_ok(new_console: NewConsole) -> None:
    (level,) = _levels([clock_finding(new_console(), None, in_use=True)])
    assert level == "ok"
    assert _levels([clock_finding(new_console(), 600.0, in_use=True)]) == ["wrong"]


# the answer of the site


class FakeTab:
    """A tab whose page answers the profile call."""

    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.responses: list[FakeResponse] = []
        self.closed = 0
        self.loads = 0
        self.renewable = self.unrenewed = False

    def renew(self, seen: int, *, suspect: bool) -> bool:
        assert suspect
        self.loads += 1
        return True

    def fetch(self, request: PageRequest) -> PageResponse:
        reply = Reply((self.body,), self.status, self.headers)
        if (request.method, request.path) != ("GET", PROFILE):
            reply = GATEWAY_DOWN  # settings and quota: no verdict on the account
        response = FakeResponse(reply)
        self.responses.append(response)
        return response

    def close(self) -> None:
        self.closed += 1


def _tab(body: str, status: int = 200, **headers: str) -> FakeTab:
    return FakeTab(status, {"content-type": "application/json", **headers}, body)


IN = '{"id":"u1","role":"user"}'
OUT = '{"success":false,"data":{"code":"Unauthorized"}}'
CAPTCHA = '{"ret":["FAIL_SYS_USER_VALIDATE","RGV587_ERROR"],"data":{"url":"/punish"}}'
LIMIT = '{"success":false,"data":{"code":"RateLimited","num":3}}'


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry.open(SessionFolder(tmp_path / "session"))
    registry.add(new_token(), "mine")
    return registry


def _check(registry: Registry, tab: FakeTab) -> Check:
    result = _check_with(registry, lambda account: tab)
    assert tab.closed == 1
    return result


def _check_with(registry: Registry, open_tab: Callable[[Account], object], checked: Account | None = None) -> Check:
    """Check an account as it was, or else `mine`, through what opens its tab."""
    return check_account(registry, cast(TabOpener, open_tab), checked or account_of(registry, "mine"))


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(IN, "ok", "OK"), (OUT, "invalid", "INVALID"), (CAPTCHA, "verify", "WAIT"), (LIMIT, "limited", "WAIT")],
)
def test_a_check_records_what_the_site_says(registry: Registry, body: str, kind: str, status: str) -> None:
    assert _check(registry, _tab(body)).kind == kind
    assert account_of(registry, "mine").status(time.time()) == status


@pytest.mark.parametrize("body", ["", "{}", "[]", "null", "not json", '{"id":""}'])
def test_an_answer_that_names_nobody_changes_nothing(registry: Registry, body: str) -> None:
    assert _check(registry, _tab(body)).kind == "unreachable"
    assert account_of(registry, "mine").status(time.time()) == "OK"


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (NotLoggedIn("out"), "invalid", "INVALID"),
        (VerificationRequired("human?"), "verify", "WAIT"),
        (NetworkFailed("down"), "unreachable", "OK"),
        (TabLost("gone"), "lost", "OK"),
        (BrowserError("no"), "browser", "OK"),
        (SetupError("no browser"), "browser", "OK"),
    ],
    ids=spelled,
)
def test_a_check_tells_failures_of_the_browser_apart(
    registry: Registry, error: ProxyError, kind: str, status: str
) -> None:
    def failing(account: Account) -> NoReturn:
        raise error

    result = _check_with(registry, failing)
    assert (result.kind, result.detail) == (kind, error.message)
    assert account_of(registry, "mine").status(time.time()) == status


def test_a_good_login_ends_invalid(registry: Registry) -> None:
    registry.mark_invalid("mine")
    _check(registry, _tab(IN))
    assert account_of(registry, "mine").status(time.time()) == "OK"


@pytest.mark.parametrize("reason", [None, "verification"])
@pytest.mark.parametrize("invalid", [False, True])
def test_a_good_login_ends_no_rest(registry: Registry, invalid: bool, reason: str | None) -> None:
    until = time.time() + 3600
    registry.rest("mine", until, reason)
    if invalid:
        registry.mark_invalid("mine")
    assert _check(registry, _tab(IN)).kind == "ok"
    account = account_of(registry, "mine")
    assert account.status(time.time()) == "WAIT"
    assert account.reset_at == pytest.approx(until, abs=0.01)
    assert account.reason == reason


def test_a_login_renewed_during_the_check_is_not_marked_invalid(registry: Registry) -> None:
    tab = _tab(OUT)
    old_record = account_of(registry, "mine")
    registry.renew("mine", new_token("renewed"))
    assert _check_with(registry, lambda account: tab, old_record).kind == "invalid"
    assert account_of(registry, "mine").status(time.time()) == "OK"


def test_the_clock_is_compared_with_the_sites(registry: Registry) -> None:
    ahead = _check(registry, _tab(IN, date=formatdate(time.time() - 600, usegmt=True)))
    assert ahead.clock_error == pytest.approx(600, abs=5)
    assert _check(registry, _tab(IN)).clock_error is None
    assert _check(registry, _tab(IN, date="some day")).clock_error is None


# the command


@posix
def test_the_doctor_exits_with_1_and_counts_the_problems(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QWENPROXY_CHROME", _program(tmp_path, "chrome", "156.0.1.2"))
    monkeypatch.setenv("QWENPROXY_CHROMEDRIVER", _program(tmp_path, "driver", "100.0.1.2"))
    ended = run_here("doctor")
    assert ended.status == 1
    assert "-> qwenproxy account add" in ended.output
    assert "Problems found: 2." in ended.output
    elsewhere = tmp_path / "my folder"
    assert (
        f'-> qwenproxy account --session-dir "{elsewhere}" add\n'
        in run_here("doctor", "--session-dir", str(elsewhere)).output
    )


def test_the_doctor_names_a_missing_browser_and_asks_no_account(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QWENPROXY_CHROME", str(tmp_path / "nowhere"))
    Registry.open(SessionFolder(tmp_path / "session")).add(new_token(), "mine")
    ended = run_here("doctor", "--roundtrip")
    assert (ended.status, "no working browser" in ended.output) == (1, True)
    assert "Round trip" not in ended.output


@pytest.fixture
def beside_a_server(settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Return the registry whose only account "mine" a running server has open, which does not listen yet."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QWENPROXY_CHROME", _program(tmp_path, "chrome", "156.0.1.2"))
    monkeypatch.setenv("QWENPROXY_CHROMEDRIVER", _program(tmp_path, "driver", "156.0.1.2"))
    registry = Registry.open(SessionFolder(tmp_path / "session"))
    registry.add(new_token(), "mine")
    claim = ProfileClaim.take(registry.folder("mine"))
    with claimed_session(SessionFolder(tmp_path / "session")):
        yield registry
    claim.release()


@posix
def test_beside_a_server_that_has_the_accounts_open_nothing_is_wrong(beside_a_server: Registry) -> None:
    ended, early = run_here("doctor"), run_here("doctor", "--roundtrip")
    assert ended.status == 0, ended.output
    *findings, last = ended.output.splitlines()
    assert all(line.startswith("✅") for line in findings), ended.output
    assert last == "Nothing is wrong."
    assert (early.status, "does not listen yet" in early.output) == (1, True)


@posix
def test_settings_that_change_answers_are_a_warning_and_no_problem(beside_a_server: Registry) -> None:
    settings = AccountSettings((Switch("memory", True),))
    site_report.write(beside_a_server.folder("mine"), site_report.SiteReport(settings, 1.0))
    ended = run_here("doctor")
    warning = (
        "⚠️  mine: settings on the site change this account's answers: memory.\n   -> qwenproxy account settings mine"
    )
    assert warning in ended.output
    assert (ended.status, ended.output.splitlines()[-1]) == (0, "Nothing is wrong; warnings: 1.")


@posix
def test_a_virtual_screen_is_shown_with_what_its_windows_lack(
    new_console: NewConsole, settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(screen_findings(new_console())) == [], "nothing is said of a screen that nobody asked for"
    settings["QWENPROXY_HEADLESS"] = "virtual"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    findings = list(screen_findings(new_console()))
    assert _levels(findings) == ["wrong", "warning"]
    assert "apt-get install xvfb" in findings[0].remedy
    assert "fontconfig" in findings[1].remedy
    _program(tmp_path, "Xvfb", "1")
    (tmp_path / "fc-list").write_text("#!/bin/sh\n[ $1 = :lang=zh-cn ] && echo /usr/share/fonts/cjk.ttc\n")
    (tmp_path / "fc-list").chmod(0o755)
    findings = list(screen_findings(new_console()))
    assert _levels(findings) == ["ok", "warning"]
    assert str(tmp_path / "Xvfb") in findings[0].text
    assert findings[1].remedy.endswith("apt-get install fonts-noto-color-emoji")
    (tmp_path / "fc-list").write_text("#!/bin/sh\necho /usr/share/fonts/all.ttc\n")
    assert _levels(screen_findings(new_console())) == ["ok", "ok"]


@posix
def test_windows_without_a_screen_to_be_on_are_a_fault(
    new_console: NewConsole, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    settings["QWENPROXY_HEADLESS"] = "0"
    monkeypatch.setenv("DISPLAY", ":7")
    assert list(screen_findings(new_console())) == []
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert _levels(screen_findings(new_console())) == ["wrong"]
    settings["QWENPROXY_GRID_URL"] = "http://127.0.0.1:4444"
    assert list(screen_findings(new_console())) == [], "windows on a Grid are on its nodes"


@posix
@pytest.mark.parametrize(("headless", "advised"), [("1", True), ("0", False), ("virtual", False)])
def test_windows_are_suggested_where_a_browser_without_them_was_asked_for_a_human(
    beside_a_server: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headless: str, advised: bool
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("QWENPROXY_HEADLESS", headless)
    _program(tmp_path, "Xvfb", "1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    hint = "   -> If that happens again and again, try QWENPROXY_HEADLESS=virtual"
    assert hint not in run_here("doctor").output
    beside_a_server.rest("mine", LATER, "verification")
    assert (hint in run_here("doctor").output) == advised


LATER = 4_000_000_000.0  # a rest that no run of these tests outlasts
Change = Callable[[Registry], object]
STANDINGS: list[tuple[Change, tuple[int, str, str]]] = [
    (lambda registry: registry.rest("mine", LATER), (0, "⚠️  mine: ⏳ WAIT (until 2", "It returns by itself")),
    (lambda registry: registry.rest("mine", LATER, "verification"), (1, "❌ mine: ⏳ WAIT", "relogin mine")),
    (lambda registry: registry.mark_invalid("mine"), (1, "❌ mine: ❌ INVALID", "relogin mine")),
]


@posix
@pytest.mark.parametrize(("change", "expected"), STANDINGS, ids=["limited", "verify", "invalid"])
@pytest.mark.parametrize("held", [True, False])
def test_the_status_of_an_account_counts_with_and_without_a_check(
    beside_a_server: Registry,
    monkeypatch: pytest.MonkeyPatch,
    held: bool,
    change: Change,
    expected: tuple[int, str, str],
) -> None:
    status, beginning, remedy = expected
    if not held:
        # A login that the site confirms does not end a rest.
        answer = OUT if "INVALID" in beginning else IN
        monkeypatch.setattr(doctor, "opener_for", lambda *_: lambda account: _tab(answer))
    change(beside_a_server)
    ended = run_here("doctor")
    lines = ended.output.splitlines()
    [number] = [number for number, line in enumerate(lines) if "mine: " in line]
    assert lines[number].startswith(beginning)
    assert remedy in lines[number + 1]
    assert ended.status == status
    assert lines[-1] != "Nothing is wrong."


@posix
@pytest.mark.parametrize(
    ("change", "command"), [(STANDINGS[0][0], "add"), (STANDINGS[2][0], "relogin mine")], ids=["limited", "invalid"]
)
def test_the_remedy_for_an_account_uses_the_same_folder(
    beside_a_server: Registry, tmp_path: Path, change: Change, command: str
) -> None:
    change(beside_a_server)
    folder = tmp_path / "session"
    remedy = f'qwenproxy account --session-dir "{folder}" {command}\n'
    assert remedy in run_here("doctor", "--session-dir", str(folder)).output
    output = run_here("account", "check", "--session-dir", str(folder)).output
    assert (remedy in output) == (command != "add")


@posix
def test_a_failing_disk_is_not_blamed_on_the_site(beside_a_server: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(account: Account) -> NoReturn:
        raise StorageError("cannot write tokens.json: No space left on device")

    monkeypatch.setattr(doctor, "opener_for", lambda *_: refusing)
    ended = run_here("doctor")
    assert ended.status == 1
    assert "mine: the check failed: cannot write tokens.json: No space left on device\n   -> Make room" in ended.output


ABOUT_THE_SITE = "opens in a browser on this machine"


@posix
@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (BrowserError(Phrase("driver_cannot_attach", words="No.", cure=Phrase("cure_disk"))), "No. Make room"),
        (SetupError(Phrase("no_browser", advice=Phrase("install_browser"))), "There is no Chrome or Chromium"),
        (TabLost("The browser went away."), "Run the doctor again"),
        (NetworkFailed("The site cannot be reached."), ABOUT_THE_SITE),
    ],
    ids=["does not start", "missing", "lost", "the site"],
)
def test_the_advice_fits_the_cause(
    beside_a_server: Registry, monkeypatch: pytest.MonkeyPatch, error: ProxyError, remedy: str
) -> None:
    def failing(account: Account) -> NoReturn:
        raise error

    monkeypatch.setattr(doctor, "opener_for", lambda *_: failing)
    monkeypatch.setattr(check, "opener_for", lambda *_: failing)
    ended = run_here("doctor")
    lines = ended.output.splitlines()
    [number] = [number for number, line in enumerate(lines) if "mine: " in line]
    assert ended.status == 1
    assert lines[number].startswith("❌ mine: ")
    assert remedy in lines[number + 1]
    assert (ABOUT_THE_SITE in ended.output) == isinstance(error, NetworkFailed)
    checked = run_here("account", "check")
    assert (checked.status, checked.output.count("\n")) == (1, 1)
    assert checked.output.startswith("❌ mine: the check failed")
    assert error.message in checked.output


@posix
def test_versions_that_do_not_fit_are_not_blamed_on_the_site(
    beside_a_server: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENPROXY_CHROMEDRIVER", _program(tmp_path, "driver", "140.0.1.2"))

    def ask(account: Account) -> NoReturn:
        raise AssertionError("a browser was started all the same")

    monkeypatch.setattr(doctor, "opener_for", lambda *_: ask)
    ended = run_here("doctor", "--roundtrip")
    assert ended.status == 1
    assert "The browser has version 156.0.1.2, its driver 140.0.1.2.\n   -> Set QWENPROXY_CHROMEDRIVER" in ended.output
    assert ended.output.splitlines()[-1] == "Problems found: 1."


@posix
def test_a_driver_that_a_start_would_fetch_is_the_one_that_counts(
    new_console: NewConsole, settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = _program(tmp_path, "fitting", "156.9.9.9")
    (tmp_path / "path").mkdir()
    settings["QWENPROXY_CHROME"] = _program(tmp_path, "chrome", "156.0.1.2")
    _program(tmp_path / "path", "chromedriver", "140.0.1.2")
    monkeypatch.setenv("PATH", str(tmp_path / "path"), prepend=os.pathsep)
    answer = {"browser_path": settings["QWENPROXY_CHROME"], "driver_path": fitting}
    monkeypatch.setattr("selenium.webdriver.common.selenium_manager.SeleniumManager.binary_paths", lambda *_: answer)
    findings = list(browser_findings(new_console()))
    assert _levels(findings) == ["ok", "ok", "ok"]
    assert fitting in findings[1].text


@posix
def test_a_browser_that_cannot_say_its_version_says_why(
    new_console: NewConsole, settings: dict[str, str], tmp_path: Path
) -> None:
    broken = tmp_path / "chrome"
    broken.write_text("#!/bin/sh\necho 'chrome: error while loading shared libraries: libnss3.so' >&2; exit 127\n")
    broken.chmod(0o755)
    settings["QWENPROXY_CHROME"] = str(broken)
    settings["QWENPROXY_CHROMEDRIVER"] = _program(tmp_path, "driver", "156.0.1.2")
    (finding,) = browser_findings(new_console())
    assert (finding.level, "libnss3.so" in finding.remedy) == ("wrong", True)


@posix
def test_beside_a_server_a_full_disk_is_named(beside_a_server: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    ended = run_here("doctor")
    assert ended.status == 1
    assert "❌ There is no room left on the disk of" in ended.output
    assert ended.output.splitlines()[-1] == "Problems found: 1."


@pytest.mark.parametrize(
    "words", [("doctor",), ("account", "list"), ("account", "check"), ("keys", "list"), ("config",)], ids=spelled
)
def test_looking_makes_no_session_folder(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    ended = run_here(*words)
    assert (ended.status in (0, 1, 3), str(tmp_path / "session") in ended.output) == (True, True)
    assert not (tmp_path / "session").exists()


def test_a_session_folder_that_is_a_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QWENPROXY_SESSION_DIR", str(tmp_path / "file"))
    ended = run_here("doctor")
    assert ended.status == 1
    assert ended.output.count("\n") == 1
    assert sys.exc_info() == (None, None, None)
