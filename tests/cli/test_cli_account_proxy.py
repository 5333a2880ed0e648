"""`qwenproxy account proxy`, and the proxy where other commands show it: never with its password."""

from __future__ import annotations

import json
import stat
import sys
import time
from pathlib import Path

import pytest
from cli_runner import new_token, run_here
from session_files import account_of
from spelling import spelled

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.texts import Phrase

URL = "socks5://dora:pl4nted@proxy.example"
SHOWN = "socks5://proxy.example:1080"


@pytest.fixture
def registry(session: Path) -> Registry:
    registry = Registry.open(SessionFolder(session))
    registry.add(new_token(), "mine")
    return registry


def run(*args: str, text: str = "") -> tuple[int, str]:
    ended = run_here("account", *args, text=text)
    assert "pl4nted" not in ended.output and "dora" not in ended.output
    return ended.status, ended.output.strip()


def test_a_proxy_is_set_shown_and_cleared(registry: Registry) -> None:
    file = registry.folder("mine").proxy
    assert run("proxy", "mine") == (0, "mine uses no proxy")
    assert run("proxy", "mine", URL) == (0, f"mine uses the proxy {SHOWN}")
    assert file.read_text() == "socks5://dora:pl4nted@proxy.example:1080\n"
    assert sys.platform == "win32" or stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("proxy", "mine") == (0, f"mine uses the proxy {SHOWN}")
    assert run("proxy", "mine", "--clear") == (0, "mine uses no proxy")
    assert not file.exists()
    assert run("proxy", "mine", "--clear") == (0, "mine uses no proxy")


def test_an_address_from_standard_input_is_in_no_process_list(registry: Registry) -> None:
    assert run("proxy", "mine", "-", text=f"{URL}\n") == (0, f"mine uses the proxy {SHOWN}")


def test_the_setting_is_for_accounts_without_a_proxy(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_PROXY", "http://dora:pl4nted@default:8080")
    assert run("proxy", "mine") == (0, "mine uses the proxy http://default:8080 of QWENPROXY_PROXY")
    assert run("proxy", "mine", URL) == (0, f"mine uses the proxy {SHOWN}")
    assert run("proxy", "mine", "--clear") == (0, "mine uses the proxy http://default:8080 of QWENPROXY_PROXY")
    ended = run_here("config")
    assert "http://...@default:8080" in ended.output and "pl4nted" not in ended.output


def test_a_password_that_no_browser_on_a_grid_can_use_is_said(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENPROXY_GRID_URL", "http://hub.test:4444")
    assert "the account rests" in run("proxy", "mine", URL)[1]
    assert "the account rests" in run("list")[1]
    assert "rests" not in run("proxy", "mine", "http://proxy.example:1")[1]


@pytest.mark.parametrize("words", [("config",), ("config", "--json"), ("start",), ("doctor",)], ids=spelled)
def test_settings_that_do_not_go_together_are_refused_by_every_command(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("QWENPROXY_GRID_URL", "http://me:pl4nted@hub.test:4444")
    monkeypatch.setenv("QWENPROXY_ACCOUNTS_PER_BROWSER", "2")
    ended = run_here(*words)
    assert ended.status == 2
    assert "QWENPROXY_ACCOUNTS_PER_BROWSER is for browsers on this machine" in ended.output
    assert "pl4nted" not in ended.output


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_setting_that_cannot_be_read_is_named(registry: Registry, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    monkeypatch.setenv("QWENPROXY_PROXY", "socks5://dora:@proxy:1")
    status, output = run("proxy", "mine")
    assert status == 2
    assert output.startswith("QWENPROXY_PROXY: ")


@pytest.mark.parametrize(
    ("args", "words", "ends"),
    [
        (["mine", "proxy.example:1"], "scheme://user:password@host:port", 2),
        (["mine", "ftp://dora:pl4nted@host"], "scheme ftp is unknown", 2),
        (["yours", URL], 'no account "yours"', 1),
    ],
    ids=["no-scheme", "scheme", "account"],
)
def test_what_does_not_fit_is_named(registry: Registry, args: list[str], words: str, ends: int) -> None:
    status, output = run("proxy", *args)
    assert (status, words.lower() in output.lower()) == (ends, True), output
    assert not registry.folder("mine").proxy.exists()


def test_an_address_and_clear_exclude_each_other(registry: Registry) -> None:
    status, output = run("proxy", "mine", URL, "--clear")
    assert (status, "either an address or --clear" in output) == (2, True)


def test_list_and_json_show_it(registry: Registry) -> None:
    run("proxy", "mine", URL)
    assert f"mine uses the proxy {SHOWN}" in run("list")[1]
    assert json.loads(run("list", "--json")[1])[0]["proxy"] == SHOWN
    registry.folder("mine").proxy.write_text("http://dora:pl4nted@")
    assert "mine: its proxy cannot be read" in run("list")[1]
    assert json.loads(run("list", "--json")[1])[0]["proxy"] == "unreadable"


def test_a_new_proxy_ends_a_rest_that_the_last_one_caused(registry: Registry) -> None:
    registry.rest("mine", time.time() + 600, "browser", Phrase("browser_late", path="x", seconds="1", cure="y"))
    run("proxy", "mine", URL)
    assert account_of(registry, "mine").status(time.time()) == "OK"
    registry.rest("mine", time.time() + 600)
    run("proxy", "mine", "--clear")
    assert account_of(registry, "mine").status(time.time()) == "WAIT"  # the site's own limit


def test_an_account_can_be_added_with_its_proxy(registry: Registry) -> None:
    status, _ = run("add", "--token", new_token("other"), "--id", "other", "--proxy", URL)
    assert (status, registry.folder("other").proxy.read_text()) == (0, "socks5://dora:pl4nted@proxy.example:1080\n")
    assert run("add", "--token", new_token("other"), "--proxy", "nonsense")[0] == 2
    assert run("add", "--token", "-", "--proxy", "-")[0] == 2


def test_an_account_that_is_not_added_leaves_no_proxy(registry: Registry) -> None:
    before = sorted(registry.folder("mine").path.parent.iterdir())
    assert run("add", "--token", new_token(), "--proxy", URL)[0] == 1  # this token has an account
    assert run("add", "--token", new_token("somebody", 4_100_000_000), "--proxy", URL)[0] == 1  # this person, too
    assert sorted(registry.folder("mine").path.parent.iterdir()) == before


def test_a_proxy_comes_along_with_an_imported_account(registry: Registry, tmp_path: Path) -> None:
    source = Registry.open(SessionFolder(tmp_path / "old"))
    source.add(new_token("other"), "other")
    source.folder("other").proxy.write_text(URL)
    assert run("import", str(tmp_path / "old"))[0] == 0
    assert registry.folder("other").proxy.read_text() == "socks5://dora:pl4nted@proxy.example:1080\n"
