"""Browsers on a Selenium Grid, over a hub that a test plays: what is asked of it, and what its failures become."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import DEAD_NODE, NO_CHROME, NO_SLOT, FakeHub, FakeNode

from local_grid.servers import free_port
from qwenproxy.browser import grid_hub, grid_sessions
from qwenproxy.browser.grid import ANSWER_WAIT, GATHER, GridBrowser, GridLauncher
from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.profile import ProfileInUse, profile_owner
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import BrowserError, GridError, GridFull
from qwenproxy.sandbox.tls import new_identity

PASSWORD = "s3cret-of-the-grid"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with two nodes of two slots each; nobody waits long for a slot."""
    monkeypatch.setattr(grid_sessions, "SLOT_WAIT", 0.0)
    monkeypatch.setattr(grid_sessions, "LOOK_AGAIN", 0.001)
    with FakeHub().running() as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> AccountFolder:
    return AccountFolder(tmp_path / "accounts" / "acc_1")


def launched(hub: GridHub, folder: AccountFolder) -> GridBrowser:
    return GridLauncher(hub).launch(folder)


def test_a_session_has_the_accounts_name_and_chrome_a_port_of_its_own(fake: FakeHub, folder: AccountFolder) -> None:
    launcher = GridLauncher(fake.hub(), headless=True, spki="abc=")
    browser = launcher.launch(folder)
    browser.open_tab()
    browser.close()
    flags = [set(asked["goog:chromeOptions"]["args"]) for asked in fake.asked]
    assert [asked["se:name"] for asked in fake.asked] == ["acc_1", "acc_1"]
    assert {asked["pageLoadStrategy"] for asked in fake.asked} == {"none"}
    assert all({"--headless=new", "--ignore-certificate-errors-spki-list=abc="} <= each for each in flags)
    assert not any("--user-data-dir" in flag or flag == "--no-sandbox" for each in flags for flag in each)
    ports = [next(flag for flag in each if flag.startswith("--remote-debugging-port=")) for each in flags]
    assert ports[0] != ports[1] and not any(port.endswith("=0") for port in ports)


def test_windows_are_asked_for_where_a_person_wants_them(fake: FakeHub, folder: AccountFolder) -> None:
    GridLauncher(fake.hub(), headless=False).launch(folder).close()
    assert "--headless=new" not in fake.asked[0]["goog:chromeOptions"]["args"]


def test_the_pace_is_that_of_a_grid_and_of_its_time_limit(fake: FakeHub, folder: AccountFolder) -> None:
    fake.nodes[0].session_timeout = 100
    browser = launched(fake.hub(), folder)
    pace = browser.tab.pace
    assert (pace.gather, pace.answer_wait, pace.ping, pace.renews_session) == (GATHER, ANSWER_WAIT, 25, False)
    assert (browser.has_profile, browser.shares_login) == (False, False)
    browser.close()


def test_closing_ends_every_session_once_and_frees_the_account(fake: FakeHub, folder: AccountFolder) -> None:
    browser = launched(fake.hub(), folder)
    browser.open_tab()
    assert browser.is_running and profile_owner(folder) is not None
    browser.close()
    browser.close(politely=False)
    browser.tab.close()
    assert fake.ended == ["s1", "s2"] and not fake.sessions
    assert not browser.is_running and profile_owner(folder) is None


def test_a_tab_ends_alone_and_the_last_one_ends_the_browser(fake: FakeHub, folder: AccountFolder) -> None:
    browser = launched(fake.hub(), folder)
    second = browser.open_tab()
    browser.tab.close()
    browser.tab.close()
    assert fake.ended == ["s1"] and browser.is_running
    second.close(politely=False)
    assert fake.ended == ["s1", "s2"] and not browser.is_running


def test_an_account_has_one_browser_at_a_time(fake: FakeHub, folder: AccountFolder) -> None:
    browser = launched(fake.hub(), folder)
    with pytest.raises(ProfileInUse):
        launched(fake.hub(), folder)
    browser.close()
    launched(fake.hub(), folder).close()
    assert len(fake.asked) == 2


def test_a_node_that_died_just_now_costs_one_more_try(fake: FakeHub, folder: AccountFolder) -> None:
    fake.creations = [DEAD_NODE, None]
    launched(fake.hub(), folder).close()
    assert len(fake.asked) == 2


def test_a_port_that_is_taken_costs_one_more_try_with_another_one(fake: FakeHub, folder: AccountFolder) -> None:
    fake.creations = [NO_CHROME, None]
    launched(fake.hub(), folder).close()
    ports = [re.findall(r"debugging-port=(\d+)", str(asked)) for asked in fake.asked]
    assert len(ports) == 2 and ports[0] != ports[1]


def test_a_chrome_that_another_session_has_is_left_alone(fake: FakeHub, folder: AccountFolder) -> None:
    fake.addresses = ["https://site.test/"]
    browser = launched(fake.hub(), folder)
    assert fake.ended == ["s1"]
    browser.close()
    assert fake.ended == ["s1", "s2"]


def test_no_two_of_our_browsers_have_the_same_port(
    fake: FakeHub, folder: AccountFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid_sessions, "PORTS", (20_000, 20_001))
    browser = launched(fake.hub(), folder)
    second = browser.open_tab()
    second.close()
    browser.open_tab()
    browser.close()
    ports = [str(re.findall(r"debugging-port=(\d+)", str(asked))) for asked in fake.asked]
    assert ports[0] != ports[1] == ports[2]


def test_an_accounts_proxy_is_for_its_own_browsers_alone(fake: FakeHub, tmp_path: Path) -> None:
    proxies = {"one": ProxyAddress.parse("socks5://10.0.0.7:1080")}
    launcher = GridLauncher(fake.hub(), proxy_of=lambda folder: proxies.get(folder.id))
    browsers = [launcher.launch(AccountFolder(tmp_path / "accounts" / name)) for name in ("one", "two")]
    flags = [[flag for flag in asked["goog:chromeOptions"]["args"] if "prox" in flag] for asked in fake.asked]
    assert flags[0][0] == "--proxy-server=socks5://10.0.0.7:1080" and "--proxy-bypass-list=<-loopback>" in flags[0]
    assert flags[1] == []
    assert [browser.is_current for browser in browsers] == [True, True]
    proxies["one"] = ProxyAddress.parse("socks5://10.0.0.8:1080")
    assert [browser.is_current for browser in browsers] == [False, True]
    for browser in browsers:
        browser.close()


def test_a_proxy_with_a_password_is_refused_before_anything_opens(fake: FakeHub, folder: AccountFolder) -> None:
    launcher = GridLauncher(fake.hub(), proxy_of=lambda _: ProxyAddress.parse("http://me@10.0.0.7:8080"))
    with pytest.raises(BrowserError, match=r"proxy http://10.0.0.7:8080 of account acc_1 has a password"):
        launcher.launch(folder)
    assert not fake.asked and profile_owner(folder) is None


def test_a_grid_that_starts_no_browser_is_quoted(fake: FakeHub, folder: AccountFolder) -> None:
    fake.creations = [NO_CHROME] * 3
    with pytest.raises(GridError, match=r"did not start a browser\. .*Chrome instance exited.* qwenproxy doctor"):
        launched(fake.hub(), folder)
    assert len(fake.asked) == 3
    assert profile_owner(folder) is None


def test_a_full_grid_is_named_so_and_nothing_waits_in_its_queue(fake: FakeHub, folder: AccountFolder) -> None:
    fake.sessions = {f"other{number}": {} for number in range(4)}
    with pytest.raises(GridError, match="All 4 slots") as caught:
        launched(fake.hub(), folder)
    assert (caught.value.status, caught.value.code) == (503, "browser_error")
    assert caught.value.retry_after
    assert not fake.asked


def test_the_hubs_own_word_for_no_slot_is_understood(fake: FakeHub, folder: AccountFolder) -> None:
    fake.creations = [NO_SLOT]
    with pytest.raises(GridError, match="All 4 slots"):
        launched(fake.hub(), folder)
    assert len(fake.asked) == 1


def test_a_slot_that_becomes_free_is_waited_for(
    fake: FakeHub, folder: AccountFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid_sessions, "SLOT_WAIT", 20.0)
    fake.sessions = {f"other{number}": {} for number in range(4)}
    fake.on_look = lambda: fake.sessions.pop("other0", None) if fake.looks == 3 else None
    launched(fake.hub(), folder).close()
    assert fake.looks == 3 and len(fake.asked) == 1


def test_nobody_waits_for_a_slot_that_nothing_frees(
    fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid_sessions, "SLOT_WAIT", 20.0)
    launcher = GridLauncher(fake.hub())
    launcher.sessions._freed_at -= 20.0
    fake.sessions = {f"other{number}": {} for number in range(4)}
    with pytest.raises(GridFull, match="All 4 slots"):
        launcher.launch(AccountFolder(tmp_path / "a" / "one"))
    assert fake.looks == 1
    del fake.sessions["other0"]
    launcher.launch(AccountFolder(tmp_path / "a" / "one")).close()


def test_two_who_want_the_last_slot_do_not_both_ask_for_it(
    fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.nodes = [FakeNode(5571, slots=1)]
    fake.gate = threading.Event()
    launcher = GridLauncher(fake.hub())
    browsers: list[GridBrowser] = []
    first = threading.Thread(target=lambda: browsers.append(launcher.launch(AccountFolder(tmp_path / "a" / "one"))))
    first.start()
    assert fake.waiting.wait(10)
    with pytest.raises(GridError, match="All 1 slots"):
        launcher.launch(AccountFolder(tmp_path / "a" / "two"))
    fake.gate.set()
    first.join()
    browsers[0].close()
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "nodes",
    [[], [FakeNode(5571, availability="DOWN")], [FakeNode(5571, browser="firefox")], [FakeNode(1, 1, "DRAINING")]],
    ids=["none", "down", "firefox", "draining"],
)
def test_a_grid_without_a_node_for_chrome(fake: FakeHub, folder: AccountFolder, nodes: list[FakeNode]) -> None:
    fake.nodes = nodes
    with pytest.raises(GridError, match="no node for Chrome that is up"):
        launched(fake.hub(), folder)


def test_a_hub_that_is_silent_stops_no_start_and_is_used_once_it_answers(folder: AccountFolder) -> None:
    fake, port = FakeHub(), free_port()
    launcher = GridLauncher(fake.hub(f"http://localhost:{port}"))
    launcher.check()
    with pytest.raises(GridError, match=rf"at http://localhost:{port} does not answer \(\w+\)\. .*QWENPROXY_GRID_URL"):
        launcher.launch(folder)
    with fake.running(port):
        launcher.launch(folder).close()
    assert fake.ended == ["s1"]


def test_a_failed_browser_on_a_node_that_hangs_holds_its_account_up_for_a_moment_only(
    fake: FakeHub, folder: AccountFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(grid_hub, "END_TIMEOUT", 0.01)
    browser = launched(fake.hub(), folder)
    fake.end_gate = threading.Event()
    browser.close(politely=False)
    assert not fake.ended
    assert "was not ended" in caplog.text
    assert profile_owner(folder) is None, "the account is free"
    fake.end_gate.set()


def test_ending_a_session_of_a_hub_that_is_gone_is_no_error(fake: FakeHub, folder: AccountFolder) -> None:
    browser = launched(GridHub(GridAddress(f"http://localhost:{fake.port}")), folder)
    browser._launcher.hub.address = GridAddress(f"http://localhost:{free_port()}")
    browser.close()
    assert profile_owner(folder) is None


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"value":{}}', b'{"value":{"nodes":[{}]}}', b'{"value":null}'])
def test_what_is_no_grid_is_named_so(fake: FakeHub, folder: AccountFolder, answer: bytes) -> None:
    fake.answers = {"/status": answer, "/graphql": answer}
    with pytest.raises(GridError, match="is no Selenium Grid 4"):
        launched(fake.hub(), folder)
    with pytest.raises(GridError, match="is no Selenium Grid 4"):
        fake.hub().report()


def test_user_and_password_go_with_every_question_and_are_shown_nowhere(
    fake: FakeHub, folder: AccountFolder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.login = f"grid:{PASSWORD}"
    hub = fake.hub()
    browser = launched(hub, folder)
    fake.creations = [NO_CHROME] * 3
    with pytest.raises(GridError) as caught:
        browser.open_tab()
    browser.close()
    assert fake.ended == ["s1"] and hub.report().slots == 4
    shown = f"{caplog.text}{caught.value}{caught.value.say('ru')}{hub.address!r}{hub.address}"
    assert PASSWORD not in shown and "grid:" not in shown


@pytest.mark.parametrize("login", ["", "grid:other@", "other:" + PASSWORD + "@"], ids=["none", "password", "user"])
def test_a_wrong_password_is_named_so(fake: FakeHub, folder: AccountFolder, login: str) -> None:
    fake.login = f"grid:{PASSWORD}"
    with pytest.raises(GridError, match="does not accept this user and password") as caught:
        launched(fake.hub(f"http://{login}localhost:{fake.port}"), folder)
    assert PASSWORD not in str(caught.value)


def test_a_certificate_has_to_be_of_a_known_authority(
    folder: AccountFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = new_identity().write_to(tmp_path)
    with FakeHub(login="a:b").running(tls=tls) as fake:
        with pytest.raises(GridError, match=r"is not trusted \(self.signed certificate\)\. Set SSL_CERT_FILE"):
            launched(fake.hub(), folder)
        monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
        launched(fake.hub(), folder).close()
        assert fake.ended == ["s1"]


def test_a_certificate_for_another_name_needs_another_certificate(
    folder: AccountFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = new_identity().write_to(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    words = r"cannot be accepted \(.*127\.1.*\)\. Give its hub one"
    with FakeHub().running(tls=tls) as fake, pytest.raises(GridError, match=words) as caught:
        launched(fake.hub(f"https://127.1:{fake.port}"), folder)  # this machine by a name that no certificate has
    assert "SSL_CERT_FILE" not in caught.value.message
    assert profile_owner(folder) is None


def test_a_hub_without_tls_is_named_so(fake: FakeHub, folder: AccountFolder) -> None:
    hub = fake.hub(f"https://localhost:{fake.port}")
    with pytest.raises(GridError, match=r"fails at TLS \(\w+\)\. If its hub speaks none, write http://") as caught:
        launched(hub, folder)
    assert "SSL_CERT_FILE" not in caught.value.message
    with pytest.raises(GridError, match="fails at TLS"):
        hub.report()
    assert not fake.asked and profile_owner(folder) is None


def test_a_hub_that_ends_connections_may_speak_no_tls(folder: AccountFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def end() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=end)
        thread.start()
        with pytest.raises(GridError, match=r"(fails at TLS|ends the connection).* write http://"):
            launched(GridHub(GridAddress.parse(f"https://localhost:{listener.getsockname()[1]}")), folder)
        thread.join()


def test_a_hub_with_tls_behind_a_plain_address_is_named_so(folder: AccountFolder, tmp_path: Path) -> None:
    with FakeHub().running(tls=new_identity().write_to(tmp_path)) as fake:
        with pytest.raises(GridError, match="If its hub speaks TLS, write https://"):
            launched(fake.hub(f"http://localhost:{fake.port}"), folder)
        assert not fake.asked


@pytest.mark.parametrize(
    ("text", "url", "user", "password"),
    [
        ("http://grid:4444", "http://grid:4444", "", ""),
        ("https://me:p%40ss%3A@grid.example/sub/", "https://grid.example/sub", "me", "p@ss:"),
        ("http://grid:4444/wd/hub", "http://grid:4444", "", ""),
        ("http://me:a@b@grid:4444", "http://grid:4444", "me", "a@b"),
    ],
)
def test_an_address_is_taken_apart(text: str, url: str, user: str, password: str) -> None:
    address = GridAddress.parse(text)
    assert (address.url, address.user, address.password, str(address)) == (url, user, password, url)
    assert not password or password not in repr(address)


def test_the_report_says_whose_browsers_are_where(fake: FakeHub, folder: AccountFolder) -> None:
    browser = launched(fake.hub(), folder)
    report = fake.hub().report()
    browser.close()
    assert (report.slots, report.sessions, report.queue) == (4, 1, 0)
    assert [(node.sessions, node.max_sessions, node.accounts) for node in report.nodes] == [
        (1, 2, ("acc_1",)),
        (0, 2, ()),
    ]
