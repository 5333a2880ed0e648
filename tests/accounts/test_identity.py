"""The login beside a profile: what was kept comes back, and whatever else lies there is of no use and no harm."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clocks import NOW, FakeClock
from hypothesis import given
from hypothesis import strategies as st
from jwts import jwt
from session_files import account_of

from qwenproxy.accounts import identity
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.page_login import Login, Storage
from qwenproxy.browser.site import Site
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder, SessionFolder

TEXT = st.text(max_size=8)
COOKIE = {"name": "refresh", "value": "secret", "domain": "site.test", "httpOnly": True}
LOGIN = Login("t1", (COOKIE,), Storage("https://site.test", (("id", "1"),)))


@pytest.fixture
def folder(tmp_path: Path) -> AccountFolder:
    return AccountFolder(tmp_path)


def test_what_was_kept_comes_back(folder: AccountFolder) -> None:
    identity.write(folder, LOGIN)
    assert identity.read(folder, "t1") == LOGIN
    if os.name == "posix":
        assert folder.login.stat().st_mode & 0o777 == 0o600


def test_the_file_is_playwrights_storage_state_with_the_token(folder: AccountFolder) -> None:
    identity.write(folder, LOGIN)
    assert json.loads(folder.login.read_text()) == {
        "token": "t1",
        "cookies": [COOKIE],
        "origins": [{"origin": "https://site.test", "localStorage": [{"name": "id", "value": "1"}]}],
    }


def test_a_file_of_an_earlier_version_is_read(folder: AccountFolder) -> None:
    folder.login.write_text(json.dumps({"token": "t1", "cookies": [COOKIE]}))
    assert identity.read(folder, "t1") == Login("t1", (COOKIE,))


@given(
    cookies=st.lists(st.fixed_dictionaries({"name": TEXT, "value": TEXT, "domain": TEXT, "secure": st.booleans()})),
    items=st.dictionaries(TEXT, TEXT),
)
def test_any_login_survives_the_file(cookies: list[dict[str, Any]], items: dict[str, str]) -> None:
    login = Login("t", tuple(cookies), Storage("https://site.test", tuple(items.items())))
    assert identity.parse(files.parse_json(files.format_json(identity.to_json(login)))) == login


def test_what_is_the_same_is_not_written_again(folder: AccountFolder) -> None:
    identity.write(folder, LOGIN)
    before = folder.login.stat()
    identity.write(folder, LOGIN)
    after = folder.login.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    identity.write(folder, Login("t2", (COOKIE,)))
    assert identity.read(folder, "t2").token == "t2"


def test_a_login_without_cookies_does_not_replace_one_that_has_them(folder: AccountFolder) -> None:
    identity.write(folder, LOGIN)
    identity.write(folder, Login("t2"))
    assert identity.read(folder, "t1") == LOGIN


def test_what_a_crash_left_is_cleared(folder: AccountFolder) -> None:
    leftover = folder.path / ".state.json.1234.tmp"
    leftover.write_text("half")
    identity.write(folder, LOGIN)
    assert not leftover.exists()


class TestTheTokenOfTheRecord:
    OLD, NEW = (jwt(id="u", exp=NOW + left) for left in (20, 900))

    def test_that_is_another_persons_gets_nothing(self, folder: AccountFolder) -> None:
        other = jwt(id="v", exp=NOW + 900)
        identity.write(folder, replace(LOGIN, token=self.OLD))
        assert identity.read(folder, other) == Login(other)
        identity.write(folder, LOGIN)
        assert identity.read(folder, "t2") == Login("t2"), "nobody knows whose these are"

    def test_that_is_older_gives_way(self, folder: AccountFolder) -> None:
        login = replace(LOGIN, token=self.NEW)
        identity.write(folder, login)
        assert identity.read(folder, self.OLD) == login

    def test_that_is_newer_makes_the_cookies_outdated(self, folder: AccountFolder) -> None:
        identity.write(folder, replace(LOGIN, token=self.OLD))
        assert identity.read(folder, self.NEW) == replace(LOGIN, token=self.NEW, outdated=True)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"token":1}',
        '{"token":"t1","cookies":"x"}',
        '{"token":"t1","cookies":[{"name":1}]}',
        '{"token":"t1","origins":{}}',
        '{"token":"t1","origins":[{}]}',
        '{"token":"t1","origins":[{"origin":"o","localStorage":[{"name":"n"}]}]}',
        " " * (identity.SIZE_LIMIT + 1),
    ],
    ids=[
        "empty", "cut off", "a list", "a number for a token", "a text for cookies", "a cookie of no form",
        "an object for origins", "a nameless origin", "an entry without a value", "too big",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_set_aside(
    folder: AccountFolder, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder.login.write_text(content)
    assert identity.read(folder, "t1") == Login("t1")
    assert not folder.login.exists()
    [aside] = folder.path.glob("state.json.corrupt-*")
    assert aside.read_text() == content
    assert "state.json is unreadable" in caplog.text


def test_an_interrupted_file_is_set_aside_wherever_it_ends(folder: AccountFolder) -> None:
    whole = files.format_json(identity.to_json(LOGIN)).rstrip()
    for end in range(1, len(whole)):
        folder.login.write_bytes(whole[:end])
        assert identity.read(folder, "t1") == Login("t1")
        assert not folder.login.exists()


def test_a_login_is_shown_to_nobody() -> None:
    assert "secret" not in repr(Login("secret", (COOKIE,)))


def test_an_older_token_never_replaces_a_newer_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    newer, older = (jwt(id="u", exp=NOW + left) for left in (900, 20))
    registry = Registry.open(SessionFolder(tmp_path / "session"), FakeClock())
    registry.add(newer, "a")
    opener = TabOpener(registry, Site("https://site.test"), LocalLauncher(Programs()))
    opener._keep("a", Login(older))
    assert account_of(registry, "a").token == newer
    assert "renewed" not in caplog.text
    opener._keep("a", Login(jwt(id="u", exp=NOW + 901), (COOKIE,)))
    assert account_of(registry, "a").renewable
    content = json.loads(registry.folder("a").login.read_text())
    assert content == {"token": account_of(registry, "a").token, "cookies": [COOKIE], "origins": []}


def test_a_reading_of_the_same_token_renews_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry.open(SessionFolder(tmp_path / "session"), FakeClock())
    registry.add("t1", "a")
    opener = TabOpener(registry, Site("https://site.test"), LocalLauncher(Programs()))
    opener._keep("a", LOGIN)
    assert identity.read(registry.folder("a"), "t1") == LOGIN
    assert not account_of(registry, "a").renewable
    assert not registry.folder("a").planted.exists()
    assert "renewed" not in caplog.text


def test_a_removed_account_does_not_come_back_by_a_reading(tmp_path: Path) -> None:
    registry = Registry.open(SessionFolder(tmp_path / "session"), FakeClock())
    TabOpener(registry, Site("https://site.test"), LocalLauncher(Programs()))._keep("a", LOGIN)
    assert not registry.folder("a").path.exists()
