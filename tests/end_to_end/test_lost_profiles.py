"""A profile that was lost or damaged: its account goes on with the login kept beside it, and renews that as before."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run_here
from logins import config_for, enter
from session_files import account_of

from qwenproxy.accounts.registry import Registry
from qwenproxy.app import create_app
from qwenproxy.assembly import build_relay, login_window
from qwenproxy.browser import local, tab
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.logins.window import renew_account
from qwenproxy.sandbox import Sandbox, Switches

pytestmark = pytest.mark.browser

TOKEN_LIFE = Switches().token_life_s
DEVICE_IDS = ("cna", "lswusea")


@pytest.fixture(scope="module")
def site() -> Iterator[Sandbox]:
    """A stand-in of these tests' own, whose clock is moved."""
    with Sandbox(accounts=1) as site:
        yield site


@pytest.fixture(scope="module")
def session_dir(site: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session folder whose account is logged in; each test leaves it in order, with the newest login."""
    session_dir = tmp_path_factory.mktemp("healing") / "session"
    enter(site, session_dir)
    return session_dir


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Chrome write its profile on a busy machine, too: else it is ended, and the profile has lost its cookies."""
    monkeypatch.setattr(local, "QUIT_WAIT", 30.0)
    monkeypatch.setattr(tab, "CLOSE_WAIT", 60.0)


def device_ids(folder: AccountFolder) -> dict[str, str]:
    """Return the ids of the device in the kept login, from cookies and storage."""
    state = json.loads(folder.login.read_text())
    [storage] = state["origins"]
    pairs: list[dict[str, Any]] = [*state["cookies"], *storage["localStorage"]]
    return {one["name"]: one["value"] for one in pairs if one["name"] in DEVICE_IDS}


def serve(site: Sandbox, session_dir: Path) -> None:
    """Have a question answered after the token has run out, and close the browser."""
    site.advance(TOKEN_LIFE + 1)
    config = config_for(site, session_dir)
    relay = build_relay(config, clock=site.now, poll=0.02)
    try:
        body = {"messages": [{"role": "user", "content": "{{say fine}}"}]}
        answer = create_app(config, relay).test_client().post("/v1/chat/completions", json=body)
    finally:
        relay.close()
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.text)["choices"][0]["message"]["content"] == "fine"


def test_an_account_goes_on_without_its_profile(
    site: Sandbox, session_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = SessionFolder(session_dir).account("sandbox1")
    ids = device_ids(folder)
    assert set(ids) == set(DEVICE_IDS)
    site.clear()
    shutil.rmtree(folder.profile)
    serve(site, session_dir)
    assert "starts with the login kept beside it" in caplog.text

    caplog.clear()
    cookies = folder.profile / "Default" / "Cookies"
    cookies.write_bytes(cookies.read_bytes()[: cookies.stat().st_size // 2])
    serve(site, session_dir)
    assert "it has lost its cookies" in caplog.text
    assert len(list(folder.path.glob("profile.corrupt-*"))) == 1

    def keeps_cookies() -> bool:
        caplog.clear()
        serve(site, session_dir)
        return not any(words in caplog.text for words in ("lost its cookies", "kept beside"))

    # On a busy machine Chrome may end before it has written the cookies of a profile that is seconds old.
    assert any(keeps_cookies() for _ in range(3)), "the new profile never keeps its cookies"
    assert device_ids(folder) == ids
    assert {(one.outcome, one.by_page_script) for one in site.refreshes} == {("ok", True)}
    assert len(site.refreshes) >= 3


class Looker:
    """A person who looks at the window of a login and says that all is done once the page works."""

    present = True

    def __init__(self) -> None:
        self.steps: list[str] = []

    def show(self, step: str, remaining: float) -> None:
        if self.steps[-1:] != [step]:
            self.steps.append(step)

    def pause(self, seconds: float) -> bool:
        time.sleep(seconds)
        return self.steps[-1] == "works"


# A Chrome that ends when its profile is seconds old may not have written its storage yet.
@pytest.mark.parametrize("lost", ["", "Default/Local Storage"], ids=["all of it", "its storage"])
def test_a_window_is_logged_in_without_its_profile(site: Sandbox, session_dir: Path, lost: str) -> None:
    serve(site, session_dir)
    registry, looker = Registry.open(SessionFolder(session_dir)), Looker()
    shutil.rmtree(registry.folder("sandbox1").profile / lost)
    window = replace(login_window(config_for(site, session_dir), 60.0, screen="none"), stays=True)
    site.clear()
    renew_account(registry, window, looker, account_of(registry, "sandbox1"))
    assert looker.steps == ["opening", "waiting", "works", "closing"]
    assert [one.path for one in site.requests if "signin" in one.path] == []


def test_an_exported_account_answers_where_it_is_imported(site: Sandbox, session_dir: Path, tmp_path: Path) -> None:
    file, elsewhere = str(tmp_path / "sandbox1.qwenproxy"), tmp_path / "elsewhere"
    ids = device_ids(SessionFolder(session_dir).account("sandbox1"))
    site.clear()
    for command, place in (("export sandbox1", session_dir), ("import", elsewhere)):
        words = ["account", *command.split(), file, "--session-dir", str(place)]
        ended = run_here(*words, text="correct horse battery\n")
        assert ended.status == 0, ended.output
    serve(site, elsewhere)
    folder = SessionFolder(elsewhere).account("sandbox1")
    assert device_ids(folder) == ids
    assert folder.profile.is_dir()
    assert {(one.outcome, one.by_page_script) for one in site.refreshes} == {("ok", True)}
