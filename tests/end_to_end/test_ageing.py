"""Nothing dies of old age: logins and cookies that run out, pages that are loaded anew, and who needs a person."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from asking import Reply, ask, streaming
from logins import config_for, enter
from proxy_process import Proxy

from qwenproxy.app import create_app
from qwenproxy.assembly import build_relay as build
from qwenproxy.relay.questions import Relay
from qwenproxy.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.browser

DAY = 86400
STEP = 240  # seconds of the site's time between two rounds of requests
LONG_STEP = 600  # the same where more time passes
# Seconds between rounds of requests in a day: two stretches of work, and a night in which nobody asks.
WORK = (LONG_STEP,) * 27
NIGHT = DAY - 2 * sum(WORK)
TOKEN_LIFE = Switches().token_life_s
STREAM_EVERY = 15  # steps
CHUNKS = 60
LONG_ANSWER = f"{{{{stream chunks={CHUNKS} interval_ms=30}}}}"


class Day:
    """A product in the test process, whose clock is the stand-in's; requests pass its whole HTTP application."""

    def __init__(self, site: Sandbox, session_dir: Path) -> None:
        self.site = site
        self.config = config_for(site, session_dir)
        self.failures: list[object] = []
        self.served: Counter[str] = Counter()
        self._start()

    def _start(self) -> None:
        self.relay: Relay = build(self.config, clock=self.site.now, poll=0.02)
        self.app = create_app(self.config, self.relay)

    def restart(self) -> None:
        """Stop and start, as a person does."""
        self.relay.close()
        self._start()

    def ask(self, text: str = "{{say fine}}") -> None:
        """Ask for a whole answer."""
        body = {"messages": [{"role": "user", "content": text}]}
        answer = self.app.test_client().post("/v1/chat/completions", json=body)
        reply = json.loads(answer.text)
        text = reply.get("choices", [{}])[0].get("message", {}).get("content")
        self._note((answer.status_code, text) == (200, "fine"), reply)

    def stream(self) -> None:
        """Ask for a long streamed answer and read it as it comes."""
        body = {"stream": True, "messages": [{"role": "user", "content": LONG_ANSWER}]}
        answer = self.app.test_client().post("/v1/chat/completions", json=body)
        text = answer.get_data(as_text=True)
        self._note(text.count("chunk-") == CHUNKS and text.endswith("data: [DONE]\n\n"), text[-300:])

    def statuses(self) -> dict[str, str]:
        """Return how the accounts stand."""
        now = self.site.now()
        return {account.id: account.status(now) for account in self.relay.pool.registry.all()}

    def _note(self, whole: bool, answer: object) -> None:
        self.served["whole" if whole else "failed"] += 1
        if not whole:
            self.failures.append(answer)


@pytest.fixture
def site() -> Iterator[Sandbox]:
    """A stand-in of this test's own, which ages as the site does: its clock is moved."""
    with Sandbox(accounts=3) as site:
        yield site


def page_loads(site: Sandbox) -> int:
    return sum(one.path == "/" and one.method == "GET" for one in site.requests)


@pytest.mark.timeout(600)
def test_a_day_passes_and_nobody_notices(site: Sandbox, tmp_path: Path) -> None:
    enter(site, tmp_path / "session", 2)
    site.clear()
    day = Day(site, tmp_path / "session")
    streams: list[Future[None]] = []
    with ThreadPoolExecutor(8) as threads:
        for step, seconds in enumerate((*WORK, NIGHT, *WORK)):
            site.advance(seconds)
            if step % STREAM_EVERY == 5:
                streams += [threads.submit(day.stream) for _ in range(2)]
            if step == len(WORK) // 2:
                [stream.result() for stream in streams]
                day.restart()
            day.ask()
            day.ask()
        [stream.result() for stream in streams]
    day.relay.close()
    assert day.failures == []
    assert day.served["whole"] == 2 * (2 * len(WORK) + 1) + len(streams)
    assert day.statuses() == {"sandbox1": "OK", "sandbox2": "OK"}
    assert site.refreshes, "logins were renewed"
    assert {(one.outcome, one.by_page_script) for one in site.refreshes} == {("ok", True)}
    # Two accounts, each loaded once in the time from which a page is due, and twice after the restart and the night.
    assert page_loads(site) <= 2 * (2 * sum(WORK) / (TOKEN_LIFE - 180) + 6) * 1.25


def test_a_login_whose_renewal_ends_needs_its_person_and_the_other_serves(site: Sandbox, tmp_path: Path) -> None:
    enter(site, tmp_path / "session", 2)
    day = Day(site, tmp_path / "session")
    for _ in range(4):
        day.ask()
    site.accounts[0].sign_out()
    for _ in range(5):
        site.advance(LONG_STEP)
        day.ask()
        day.ask()
    day.relay.close()
    assert day.failures == []
    assert day.statuses() == {"sandbox1": "INVALID", "sandbox2": "OK"}


def test_cookies_that_run_out_alone(site: Sandbox, tmp_path: Path) -> None:
    site.switches.token_life_s = 30.0 * DAY
    enter(site, tmp_path / "session")
    site.clear()
    day = Day(site, tmp_path / "session")
    for _ in range(30):
        day.ask()
        site.advance(STEP)
    day.relay.close()
    assert day.failures == []
    assert page_loads(site) <= 2 + 30 * STEP / (1800 - 180 - STEP)


def test_a_bare_refusal_of_an_aged_page(site: Sandbox, tmp_path: Path) -> None:
    enter(site, tmp_path / "session")
    day = Day(site, tmp_path / "session")
    day.ask()
    site.advance(STEP)
    site.add_fault(Fault("bad_request"))
    day.ask()
    assert day.failures == []
    day.relay.close()


@pytest.fixture
def lasting(site: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Return a maker of servers with one account whose login lasts; settings as keywords."""
    made: list[Proxy] = []

    def make(**settings: object) -> Proxy:
        proxy = Proxy(site, tmp_path / f"lasting{len(made)}", **settings)
        enter(site, proxy.session_dir)
        made.append(proxy)
        proxy.start()
        return proxy

    yield make
    for proxy in made:
        proxy.close()


class TestAServerWhoseClockIsNotTheSites:
    """Its own clock tells it nothing: the site refuses, and the same request goes on after the page was loaded anew."""

    def test_a_token_that_ran_out(self, lasting: Callable[..., Proxy], site: Sandbox) -> None:
        proxy = lasting()
        for _ in range(3):
            assert ask(proxy.url, "{{say fine}}").text == "fine"
            site.advance(TOKEN_LIFE + 1)
        assert ask(proxy.url, "{{say fine}}", stream=True).text == "fine"
        assert "the page is loaded anew after a refusal" in proxy.log()
        assert "page loaded anew in" in proxy.log()
        [account] = proxy.registry.all()
        assert not account.invalid

    def test_beside_an_answer_that_goes_on(self, lasting: Callable[..., Proxy], site: Sandbox) -> None:
        proxy = lasting()
        with streaming(proxy.url, "{{stream chunks=400 interval_ms=20}}") as answer:
            answer.until_text()
            site.advance(TOKEN_LIFE + 1)
            assert ask(proxy.url, "{{say fine}}").text == "fine"
            reply: Reply = answer.rest()
        assert reply.done
        assert "loaded in a second tab, which takes over" in proxy.log()


def test_short_lived_tokens_are_renewed_in_time(lasting: Callable[..., Proxy], site: Sandbox) -> None:
    # The margin is how late a busy machine may be with the loading.
    site.switches.token_life_s = 16.0
    site.switches.renew_margin_s = 8.0
    proxy = lasting()
    refused = itertools.count()
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(0.1):
            if ask(proxy.url, "{{say fine}}").text != "fine":
                next(refused)

    asking = threading.Thread(target=go_on)
    asking.start()
    site.wait_for(lambda site: len([one for one in site.refreshes if one.outcome == "ok"]) >= 2, 60)
    ended.set()
    asking.join()
    assert next(refused) == 0
    assert "refusal" not in proxy.log()
    [account] = proxy.registry.all()
    assert not account.invalid


def test_a_login_that_ended_is_told_with_the_command(lasting: Callable[..., Proxy], site: Sandbox) -> None:
    proxy = lasting(on_no_accounts="wait")
    assert ask(proxy.url, "{{say fine}}").text == "fine"
    site.accounts[0].sign_out()
    site.advance(TOKEN_LIFE + 1)
    refused = ask(proxy.url, "{{say never}}")
    assert (refused.status, refused.error["code"]) == (503, "no_accounts")
    assert "relogin" in refused.error["message"]
    [account] = proxy.registry.all()
    assert account.invalid


class TestATokenThatHasRunOut:
    """By this machine's clock every token of the site has: its own clock is behind."""

    @pytest.fixture(autouse=True)
    def behind(self, site: Sandbox) -> None:
        site.switches.clock_ahead_s = -TOKEN_LIFE - 60
        site.switches.renew_margin_s = 2 * TOKEN_LIFE  # a page goes by this machine's clock, too

    def test_is_no_obstacle_where_the_profile_renews_it(self, lasting: Callable[..., Proxy]) -> None:
        proxy = lasting()
        [account] = proxy.registry.all()
        assert account.expires_at is not None and account.expires_at < time.time()
        for _ in range(3):
            assert ask(proxy.url, "{{say fine}}").text == "fine"
        status = httpx.get(f"{proxy.url}/api/status").json()
        assert [one["status"] for one in status["accounts"]] == ["OK"]
        assert proxy.end() == 0
        for command in ("list", "check"):
            said = account_command(proxy, command)
            assert (said.returncode, said.stdout.count("OK")) == (0, 1), said

    def test_ends_an_account_that_has_nothing_else(self, new_proxy: Callable[..., Proxy], site: Sandbox) -> None:
        proxy = new_proxy()
        proxy.registry.renew(site.accounts[0].id, site.accounts[0].renew())
        assert "INVALID" in account_command(proxy, "list").stdout
        assert account_command(proxy, "check").returncode == 3


def test_an_imported_account_brings_its_login_along(site: Sandbox, tmp_path: Path) -> None:
    enter(site, tmp_path / "copied")
    proxy = Proxy(site, tmp_path / "session")
    said = account_command(proxy, "import", str(tmp_path / "copied"))
    assert (said.returncode, "sandbox1" in said.stdout) == (0, True), said
    site.advance(TOKEN_LIFE + 1)
    with proxy:
        for _ in range(2):
            assert ask(proxy.url, "{{say fine}}").text == "fine"
            site.advance(TOKEN_LIFE + 1)
        [account] = proxy.registry.all()
        assert account.renewable and not account.invalid
        assert proxy.end() == 0


def account_command(proxy: Proxy, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qwenproxy", "account", *words],
        env=proxy.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
