"""The account commands beside a running server, which has the browsers of the accounts open."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from asking import ask, asked_of, streaming
from proxy_process import Proxy, environment, eventually

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser


DEAD_DISPLAY = ":4711"


def account_command(proxy: Proxy, site: Sandbox, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command on no screen, and without the dashboard, on whose page it would wait for a login."""
    settings = {"session_dir": proxy.session_dir, "base_url": site.base_url, "base_url_spki": site.spki}
    told = environment(**settings, lang="en", no_menu=1, admin=0)
    told["DISPLAY"] = DEAD_DISPLAY
    command = [sys.executable, "-m", "qwenproxy", "account", *args]
    return subprocess.run(command, env=told, capture_output=True, text=True, timeout=90, check=False)


@pytest.fixture(scope="module")
def server(stand_in: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A server of these tests' own; use `two_accounts`."""
    proxy = Proxy(stand_in, tmp_path_factory.mktemp("commands") / "session", on_no_accounts="wait")
    with proxy:
        yield proxy
        assert proxy.end() == 0


@pytest.fixture
def two_accounts(server: Proxy, site: Sandbox) -> Proxy:
    """The server with two accounts, both with an open browser."""
    for person in site.accounts[:2]:
        if not server.registry.renew(person.id, person.token):
            server.registry.add(person.token, person.id)
    notes = [server.registry.folder(person.id).browser_note for person in site.accounts[:2]]
    for _ in range(4):
        assert ask(server.url, "{{say ready}}").text == "ready"
    assert all(note.exists() for note in notes)
    return server


def test_an_account_is_removed_while_the_server_has_its_browser_open(two_accounts: Proxy, site: Sandbox) -> None:
    proxy = two_accounts
    chrome, driver = proxy.browser("sandbox1")
    removed = account_command(proxy, site, "remove", "sandbox1", "--yes")
    assert (removed.returncode, removed.stdout, removed.stderr) == (0, "Account sandbox1 is removed.\n", "")
    assert not proxy.registry.folder("sandbox1").path.exists()
    assert not chrome.is_running() and not driver.is_running()
    site.clear()
    for _ in range(3):
        assert ask(proxy.url, "{{say still here}}").text == "still here"
    assert {one.account_id for one in asked_of(site)} == {"sandbox2"}
    assert not proxy.registry.folder("sandbox1").path.exists()


def test_an_answer_under_way_outlives_the_removal_of_its_account(two_accounts: Proxy, site: Sandbox) -> None:
    proxy = two_accounts
    site.clear()
    with streaming(proxy.url, "{{stream chunks=60 interval_ms=50}}") as answer:
        answer.until_text()
        busy = next(one.account_id for one in site.requests if one.path.endswith("/chat/completions"))
        command = account_command(proxy, site, "remove", str(busy), "--yes")
        reply = answer.rest()
    assert reply.done
    assert reply.text.split()[-1].startswith("chunk-059")
    assert command.returncode == 0, command.stderr
    assert not proxy.registry.folder(str(busy)).path.exists()
    assert ask(proxy.url, "{{say next}}").text == "next"


def test_a_token_that_is_given_while_the_server_runs_is_used_at_once(two_accounts: Proxy, site: Sandbox) -> None:
    proxy, login = two_accounts, site.accounts[0]
    assert account_command(proxy, site, "remove", "sandbox2", "--yes").returncode == 0
    login.revoke()
    assert ask(proxy.url, "{{say never}}").status == 503
    renewed = account_command(proxy, site, "relogin", "--token", login.renew())
    assert (renewed.returncode, renewed.stderr) == (0, "")
    assert ask(proxy.url, "{{say back}}").text == "back"


def test_check_beside_the_server_tells_what_is_on_record(two_accounts: Proxy, site: Sandbox) -> None:
    proxy = two_accounts
    checked = account_command(proxy, site, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    lines = checked.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["sandbox1", "sandbox2"]
    assert all("✅ OK" in line and "watches its login" in line for line in lines)
    proxy.registry.mark_invalid("sandbox2")
    assert eventually(lambda: not proxy.registry.folder("sandbox2").browser_note.exists())
    assert account_command(proxy, site, "check", "sandbox1").returncode == 0


def test_the_process_to_stop_is_the_one_that_frees_the_profile(
    two_accounts: Proxy, site: Sandbox, request: pytest.FixtureRequest
) -> None:
    proxy = two_accounts
    for words in (("check", "sandbox1"), ("relogin", "sandbox1")):
        said = account_command(proxy, site, *words)
        assert re.findall(r"process (\d+)", said.stdout + said.stderr) == [str(proxy.pid)], said
    assert "Stop that process" in said.stderr
    assert proxy.end() == 0
    request.addfinalizer(proxy.start)  # for the tests after this one
    further = account_command(proxy, site, "relogin", "sandbox1")
    assert "no screen" in further.stderr
    assert "process" not in further.stderr
