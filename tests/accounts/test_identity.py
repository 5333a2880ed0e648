"""The login beside a profile: what was kept comes back, and whatever else lies there is of no use and no harm."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from clocks import NOW, FakeClock
from jwts import jwt
from session_files import account_of

from qwenproxy.accounts import identity
from qwenproxy.accounts.opening import TabOpener
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.page_login import Login
from qwenproxy.browser.site import Site
from qwenproxy.disk.folder import AccountFolder, SessionFolder

COOKIE = {"name": "refresh", "value": "secret", "domain": "site.test", "httpOnly": True}


@pytest.fixture
def folder(tmp_path: Path) -> AccountFolder:
    return AccountFolder(tmp_path)


def test_what_was_kept_comes_back(folder: AccountFolder) -> None:
    login = Login("t1", (COOKIE,))
    identity.write(folder, login)
    assert identity.read(folder, "t1") == login
    if os.name == "posix":
        assert folder.login.stat().st_mode & 0o777 == 0o600


def test_cookies_of_another_token_are_of_no_use(folder: AccountFolder) -> None:
    identity.write(folder, Login("t1", (COOKIE,)))
    assert identity.read(folder, "t2") == Login("t2")
    identity.write(folder, Login("t2"))
    assert identity.read(folder, "t1") == Login("t1")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"token":"t1"}', '{"token":"t1","cookies":"x"}', '{"token":"t1","cookies":[{"name":1}]}'],
    ids=["empty", "cut off", "a list", "no cookies", "a text for cookies", "a cookie of no form"],
)
def test_what_cannot_be_read_is_no_obstacle(folder: AccountFolder, content: str) -> None:
    folder.login.write_text(content)
    assert identity.read(folder, "t1") == Login("t1")


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
    assert content == {"token": account_of(registry, "a").token, "cookies": [COOKIE]}
