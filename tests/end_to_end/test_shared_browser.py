"""Several accounts in one Chrome: who is who, what others notice, and what is left."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from asking import ask, asked_in_chats, streaming, together
from logins import config_for, enter
from proxy_process import Proxy, eventually, runs, worker
from questions import ask as question
from questions import said

from qwenproxy.assembly import build_relay
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

ENDLESS = "{{stream chunks=100000 interval_ms=20}}"
SAY = "{{say fine}}"
HOUR = 3600


@pytest.fixture
def sharing(new_proxy: Callable[..., Proxy], site: Sandbox) -> Iterator[Proxy]:
    """A running server whose two accounts share a browser."""
    proxy = new_proxy(accounts_per_browser=5, account_concurrency=1)
    proxy.registry.add(site.accounts[1].token, site.accounts[1].id)
    with proxy:
        yield proxy


def chromes(proxy: Proxy) -> list[tuple[psutil.Process, psutil.Process]]:
    """Return browser and driver of each shared Chrome that runs."""
    notes = [json.loads(note.read_text()) for note in proxy.session_dir.glob("browsers/*/browser.json")]
    pairs = [[psutil.Process(int(pid)) for pid, _ in note["processes"]] for note in notes]
    return [(chrome, driver) for chrome, driver in pairs]


def test_people_in_one_browser_are_told_apart_and_leave_no_profile(sharing: Proxy, site: Sandbox) -> None:
    replies = together(*[lambda: ask(sharing.url, "{{stream chunks=20 interval_ms=20}}")] * 2)
    assert [(reply.status, reply.text.count("chunk-")) for reply in replies] == [(200, 20)] * 2
    tokens = {account.id: account.token for account in site.accounts}
    asked = asked_in_chats(site)
    assert {request.account_id for request in asked} == {"sandbox1", "sandbox2"}
    for request in asked:
        assert f"token={tokens[request.account_id or '']}" in request.headers["cookie"]
    assert len(chromes(sharing)) == 1
    assert not list(sharing.session_dir.glob("accounts/*/profile"))
    assert sharing.end(signal.SIGTERM) == 0
    assert eventually(lambda: not sharing.family()), "processes are left behind"
    assert not list(sharing.session_dir.glob("*/*/browser.json"))


def test_one_crash_is_one_for_all_and_heals_as_one(sharing: Proxy, site: Sandbox) -> None:
    with ExitStack() as stack:
        answers = [stack.enter_context(streaming(sharing.url, ENDLESS)) for _ in range(2)]
        for answer in answers:
            answer.until_text()
        [(chrome, driver)] = chromes(sharing)
        family = [chrome, driver, *chrome.children(recursive=True)]
        chrome.kill()
        for answer in answers:
            assert answer.rest().error["code"] == "upstream_error"
    replies = together(*[lambda: ask(sharing.url, SAY)] * 2)
    assert [reply.text for reply in replies] == ["fine", "fine"]
    assert eventually(lambda: not any(map(runs, family))), "processes of the lost browser are left"
    [(new_chrome, _)] = chromes(sharing)
    assert [account.reset_at for account in sharing.registry.all()] == [None, None]
    for process in [psutil.Process(sharing.pid), worker(sharing)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert eventually(lambda: not runs(new_chrome)), "a killed server left its shared browser"


@pytest.fixture
def ageing_site() -> Iterator[Sandbox]:
    """A stand-in of this test's own, whose clock is moved."""
    with Sandbox() as site:
        yield site


def test_a_login_moves_out_of_its_profile_and_is_renewed_without_one(ageing_site: Sandbox, tmp_path: Path) -> None:
    session_dir = tmp_path / "session"
    enter(ageing_site, session_dir)
    for profile in ("there", "gone"):
        relay = build_relay(config_for(ageing_site, session_dir, accounts_per_browser=2), clock=ageing_site.now)
        try:
            folder = relay.pool.registry.folder("sandbox1")
            for _ in range(2):
                ageing_site.advance(HOUR)  # the token has run out: only the cookies can renew it
                assert said(relay.open(question("{{say fine}}"))) == "fine"
        finally:
            relay.close()
        assert folder.profile.exists() == (profile == "there")
        if profile == "there":
            folder.profile.rename(tmp_path / "profile")
