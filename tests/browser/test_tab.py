"""The tab's owner thread over a scripted driver: nothing lost, nothing twice, nobody left waiting."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from clocks import FakeClock
from fake_driver import FakeChrome, FakeDriver, FakePage, read
from selenium.common.exceptions import (
    InvalidSessionIdException,
    JavascriptException,
    TimeoutException,
    WebDriverException,
)
from urllib3.exceptions import ProtocolError

from qwenproxy.browser import absence, exchange
from qwenproxy.browser import response as response_module
from qwenproxy.browser import tab as tab_module
from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.browser.pace import LOCAL, Pace
from qwenproxy.browser.page import Head, PageRequest
from qwenproxy.browser.response import TabResponse
from qwenproxy.browser.site import Site
from qwenproxy.browser.tab import Tab
from qwenproxy.errors import NetworkFailed, NotLoggedIn, TabLost

ASK = PageRequest("POST", "/api/x", {"source": "web"}, '{"a":1}')
SITE = Site("https://site.test")


class OpenTab:
    """A tab with everything behind it at hand."""

    def __init__(self, pace: Pace = LOCAL) -> None:
        self.page = FakePage()
        self.driver = FakeDriver(self.page)
        self.chrome = FakeChrome(self.driver, pace=pace)
        self.tokens: list[str] = []
        self.tab = Tab("a", cast(ChromeTab, self.chrome), SITE, "old-token", self.tokens.append)

    def fetch(self) -> tuple[int, TabResponse]:
        """Start a call and wait until the page runs it; return its number and its response."""
        response = self.tab.fetch(ASK)
        self.page.await_that(lambda: any(start["id"] == response.number for start in self.page.started))
        return response.number, response

    def answer(self, number: int, *texts: str) -> None:
        """Let the page give a whole answer to a call."""
        self.page.push(number, "head", [200, {"content-type": "text/plain"}])
        for text in texts:
            self.page.push(number, "data", text)
        self.page.push(number, "end")


@pytest.fixture
def open_tab(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenTab]:
    monkeypatch.setattr(tab_module, "CLOSE_WAIT", 5.0)
    open_tab = OpenTab()
    yield open_tab
    open_tab.tab.close()


def test_a_call_and_its_answer(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    assert response.head(0) is None
    open_tab.answer(number, "Здрав", "ствуй ", "🙂")
    assert response.head(5) == response.head(5) == Head(200, {"content-type": "text/plain"})
    assert read(response) == "Здравствуй 🙂"
    started = {"nth": 1, "id": number, "method": "POST", "path": "/api/x", "headers": {"source": "web"}, "pieces": 0}
    assert open_tab.page.started == [{**started, "body": '{"a":1}'}]
    response.close()
    assert open_tab.page.aborted == []
    assert open_tab.driver.script_timeout == exchange.SCRIPT_TIMEOUT


def test_many_calls_at_once_keep_apart(open_tab: OpenTab) -> None:
    calls = [open_tab.fetch() for _ in range(20)]
    for turn in range(5):
        for number, _ in calls:
            if turn == 0:
                open_tab.page.push(number, "head", [200, {}])
            open_tab.page.push(number, "data", f"{number}/{turn} ")
    for number, _ in calls:
        open_tab.page.push(number, "end")
    for number, response in calls:
        assert response.head(5)
        assert read(response) == "".join(f"{number}/{turn} " for turn in range(5))


def test_a_lost_reply_loses_and_repeats_nothing(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.driver.reply_lost = True
    open_tab.driver.failures += [TimeoutException(), TimeoutException()]
    open_tab.page.push(number, "head", [200, {}])
    open_tab.page.push(number, "data", "once")
    open_tab.page.await_that(lambda: not open_tab.driver.failures)
    open_tab.page.push(number, "end")
    assert response.head(5)
    assert read(response) == "once"


def test_an_order_whose_reply_is_lost_is_given_again_and_runs_once(open_tab: OpenTab) -> None:
    open_tab.driver.reply_lost = True
    open_tab.driver.failures.append(TimeoutException())
    number, response = open_tab.fetch()
    open_tab.answer(number, "x")
    assert response.head(5) and read(response) == "x"
    given = [order for order in open_tab.page.orders if order["start"]]
    assert len(given) == 2
    assert len(open_tab.page.started) == 1


def test_an_order_that_never_reached_the_page_is_given_again(open_tab: OpenTab) -> None:
    open_tab.driver.failures.append(JavascriptException("Cannot read properties of undefined"))
    number, response = open_tab.fetch()
    open_tab.answer(number, "x")
    assert response.head(5) and read(response) == "x"
    assert open_tab.driver.installed == [SITE.bridge()]


def test_messages_that_come_again_are_dropped(open_tab: OpenTab) -> None:
    open_tab.page.ignores_acknowledgements = True
    number, response = open_tab.fetch()
    open_tab.page.push(number, "head", [200, {}])
    open_tab.page.push(number, "data", "a")
    assert response.head(5)
    open_tab.page.push(number, "data", "b")
    open_tab.page.push(number, "end")
    assert read(response) == "ab"


def test_each_exchange_acknowledges_what_came(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.answer(number, "a", "b")
    assert response.head(5) and read(response) == "ab"
    number, response = open_tab.fetch()
    starts = (order for order in open_tab.page.orders if order["start"])
    assert next(order["ack"] for order in starts if order["start"][0]["id"] == number) == 4
    open_tab.answer(number)
    assert response.head(5)
    assert read(response) == ""


def test_a_page_that_loads_again_fails_who_waits_and_the_tab_goes_on(open_tab: OpenTab) -> None:
    waiting = [open_tab.fetch()[1] for _ in range(3)]
    open_tab.page.await_that(lambda: not open_tab.page.orders[-1]["start"])
    open_tab.page.reload()
    for response in waiting:
        with pytest.raises(TabLost, match="reloaded"):
            response.head(5)
    assert open_tab.tab.alive
    number, response = open_tab.fetch()
    open_tab.answer(number, "again")
    assert response.head(5) and read(response) == "again"


def test_text_before_a_reload_still_arrives(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.page.push(number, "head", [200, {}])
    open_tab.page.push(number, "data", "half")
    assert response.head(5)
    open_tab.page.await_that(lambda: open_tab.page.orders[-1]["ack"] == 2)
    open_tab.page.reload()
    texts = response.iter_text()
    assert next(texts) == "half"
    with pytest.raises(TabLost):
        next(texts)


def test_a_page_that_is_silent_for_a_moment_is_given_its_time(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.answer(number)
    assert response.head(5) and read(response) == ""
    open_tab.driver.failures += [TimeoutException(), JavascriptException("no bridge")]
    number, response = open_tab.fetch()
    open_tab.answer(number, "still here")
    assert response.head(5) and read(response) == "still here"


def test_a_page_that_does_not_come_back_is_given_up(open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "BACK_WAIT", 0.0)
    open_tab.driver.always = TimeoutException()
    response = open_tab.tab.fetch(ASK)
    with pytest.raises(TabLost, match="does not answer"):
        response.head(5)
    assert not open_tab.tab.alive


def test_a_page_that_left_the_site_is_no_page(open_tab: OpenTab) -> None:
    _, response = open_tab.fetch()
    open_tab.page.origin = "null"
    with pytest.raises(TabLost, match="left the site"):
        response.head(5)


def test_a_page_that_stays_at_sign_in_ends_the_login_for_everybody(
    open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "SIGN_IN_WAIT", 0.0)
    _, response = open_tab.fetch()
    open_tab.page.origin = "https://auth.site.test"
    with pytest.raises(NotLoggedIn):
        response.head(5)
    with pytest.raises(NotLoggedIn):
        open_tab.tab.fetch(ASK)


def test_a_page_that_passes_through_sign_in_is_waited_for(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.page.origin = "https://auth.site.test"
    seen = len(open_tab.page.orders)
    open_tab.page.await_that(lambda: len(open_tab.page.orders) > seen + 2)
    open_tab.page.origin = "https://site.test"
    open_tab.answer(number, "still here")
    assert response.head(5) and read(response) == "still here"


class TestAbsence:
    """Its moments by a clock of the test's."""

    def test_of_a_silent_page_ends_the_wait_in_the_end(self, clock: FakeClock) -> None:
        away = absence.Absence(clock)
        for seconds in (0, 5, absence.BACK_WAIT - 5):
            clock.now += seconds
            away.note_silence(TimeoutException())
        clock.now += 0.1
        with pytest.raises(TabLost):
            away.note_silence(TimeoutException())

    def test_begins_anew_after_each_sign_of_life(self, clock: FakeClock) -> None:
        away = absence.Absence(clock)
        for _ in range(5):
            away.note_silence(TimeoutException())
            clock.now += absence.BACK_WAIT
            away.end()

    def test_at_sign_in_ends_the_login_in_the_end(self, clock: FakeClock) -> None:
        away = absence.Absence(clock)
        away.note_elsewhere("https://auth.site.test")
        clock.now += absence.SIGN_IN_WAIT
        away.note_elsewhere("https://auth.site.test")
        clock.now += 0.1
        with pytest.raises(NotLoggedIn):
            away.note_elsewhere("https://auth.site.test")


@pytest.mark.parametrize(
    "death",
    [WebDriverException("x"), InvalidSessionIdException("x"), ProtocolError("x"), ConnectionResetError()],
    ids=["driver", "session", "protocol", "connection"],
)
def test_the_death_of_the_driver_reaches_everybody(open_tab: OpenTab, death: Exception) -> None:
    waiting = [open_tab.fetch()[1] for _ in range(5)]
    open_tab.driver.always = death
    late = []
    with contextlib.suppress(TabLost):
        late.append(open_tab.tab.fetch(ASK))
    for response in [*waiting, *late]:
        with pytest.raises(TabLost):
            while response.head(5) is None:
                pytest.fail("nobody told the reader")
    open_tab.tab._thread.join(5)
    assert not open_tab.tab.alive
    with pytest.raises(TabLost):
        open_tab.tab.fetch(ASK)
    open_tab.tab.send(ASK)
    assert open_tab.chrome.closed == [False]


def test_abort(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.page.push(number, "head", [200, {}])
    assert response.head(5)
    response.close()
    response.close()
    open_tab.page.await_that(lambda: open_tab.page.aborted)
    open_tab.page.push(number, "data", "too late")
    number, response = open_tab.fetch()
    open_tab.answer(number, "next")
    assert response.head(5) and read(response) == "next"
    assert open_tab.page.aborted == [number - 1]


def test_a_slow_reader_holds_its_stream_in_the_page(open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_module, "HIGH_WATER", 10)
    monkeypatch.setattr(response_module, "LOW_WATER", 5)
    number, response = open_tab.fetch()
    other_number, other = open_tab.fetch()
    open_tab.page.push(number, "head", [200, {}])
    open_tab.page.push(number, "data", "x" * 11)
    open_tab.page.push(number, "data", "y" * 11)
    open_tab.page.await_that(lambda: open_tab.page.held == [(number, True)])
    open_tab.answer(other_number, "unhindered")
    assert other.head(5) and read(other) == "unhindered"
    assert response.head(5)
    assert next(response.iter_text()) == "x" * 11 + "y" * 11
    open_tab.page.await_that(lambda: open_tab.page.held == [(number, True), (number, False)])
    open_tab.page.push(number, "end")
    assert read(response) == ""


def test_that_all_is_there_is_told_before_it_is_read(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    notices: queue.SimpleQueue[str] = queue.SimpleQueue()
    response.when_complete(lambda: notices.put("early"))
    open_tab.answer(number, "all of it")
    assert notices.get(timeout=5) == "early"
    response.when_complete(lambda: notices.put("late"))
    assert notices.get(timeout=5) == "late"
    assert response.head(5) is not None
    assert list(response.iter_text()) == ["all of it"]


def test_what_breaks_off_is_never_complete(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    notices: list[str] = []
    response.when_complete(lambda: notices.append("early"))
    open_tab.page.push(number, "head", [200, {}])
    open_tab.page.push(number, "error", "TypeError")
    assert response.head(5) is not None
    with pytest.raises(NetworkFailed):
        list(response.iter_text())
    response.when_complete(lambda: notices.append("late"))
    assert notices == []


def test_a_hold_that_comes_after_its_reader_caught_up_is_lifted(
    open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader may empty the queue between the owner's count and its note."""
    monkeypatch.setattr(response_module, "TICK", 0.005)
    number, response = open_tab.fetch()
    open_tab.page.push(number, "head", [200, {}])
    assert response.head(5)
    response.held = True
    texts = response.iter_text()
    assert next(texts) == ""
    open_tab.page.await_that(lambda: (number, False) in open_tab.page.held)
    response.close()


TIDYING = ["renew_session", "Page.addScriptToEvaluateOnNewDocument", "HeapProfiler.collectGarbage"]


def test_the_page_is_tidied_after_so_many_calls(open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TIDY_IDLE", 3 * exchange.CALL_LITTER)
    monkeypatch.setattr(exchange, "TIDY_BUSY", 5 * exchange.CALL_LITTER)

    def call() -> None:
        number, response = open_tab.fetch()
        open_tab.answer(number, "x")
        assert response.head(5) is not None
        assert list(response.iter_text()) == ["x"]

    for _ in range(6):
        call()
    open_tab.tab.close()
    assert open_tab.chrome.commands == TIDYING * 2
    assert open_tab.driver.script_timeout == exchange.SCRIPT_TIMEOUT


def test_while_answers_run_the_page_is_tidied_less_often(open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TIDY_IDLE", 2 * exchange.CALL_LITTER)
    monkeypatch.setattr(exchange, "TIDY_BUSY", 4 * exchange.CALL_LITTER)
    answers = [open_tab.fetch() for _ in range(5)]
    assert open_tab.chrome.commands == TIDYING
    for _, response in answers:
        response.close()


def test_what_came_back_counts_for_tidying_too(open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TIDY_IDLE", exchange.CALL_LITTER + 10_000)
    number, response = open_tab.fetch()
    open_tab.answer(number, "x" * 10_000)
    assert response.head(5) is not None
    assert list(response.iter_text()) == ["x" * 10_000]
    open_tab.tab.close()
    assert open_tab.chrome.commands == TIDYING


def test_a_browser_found_dead_when_it_is_tidied_is_lost_as_ever(
    open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "TIDY_BUSY", 2 * exchange.CALL_LITTER)
    open_tab.chrome.gone = InvalidSessionIdException()
    _, waiting = open_tab.fetch()
    _, too = open_tab.fetch()
    for response in (waiting, too):
        with pytest.raises(TabLost, match="InvalidSessionId"):
            response.head(5)
    assert not open_tab.tab.alive


PATIENT = Pace(gather=50, answer_wait=5.0, ping=0.001, renews_session=False)


@pytest.fixture
def far_tab() -> Iterator[OpenTab]:
    """A tab at the pace of a Grid, whose driver ends idle sessions at once."""
    far_tab = OpenTab(PATIENT)
    yield far_tab
    far_tab.tab.close()


def test_a_page_that_is_far_away_gathers_but_for_orders_that_wait(far_tab: OpenTab) -> None:
    number, response = far_tab.fetch()
    far_tab.answer(number, "x")
    assert response.head(5) and read(response) == "x"
    far_tab.tab.send(ASK)
    far_tab.page.await_that(lambda: len(far_tab.page.started) == 2)
    assert {(order["wait"] > 0, order["min"]) for order in far_tab.page.orders} == {(True, 50), (False, 0)}
    assert far_tab.chrome.hurries >= len(far_tab.page.orders)


def test_a_page_on_this_machine_gathers_while_few_answers_run(open_tab: OpenTab) -> None:
    few = [open_tab.fetch() for _ in range(LOCAL.gather_limit)]
    assert {order["min"] for order in open_tab.page.orders if order["wait"]} == {LOCAL.gather}
    exchanges = len(open_tab.page.orders)
    _, one_more = open_tab.fetch()
    open_tab.page.await_that(lambda: any(not order["min"] for order in open_tab.page.orders[exchanges:]))
    for response in (one_more, *(response for _, response in few)):
        response.close()


def test_an_idle_tab_gives_signs_of_life_and_goes_on(far_tab: OpenTab) -> None:
    far_tab.chrome.await_that(lambda: far_tab.chrome.commands.count("Browser.getVersion") > 2)
    number, response = far_tab.fetch()
    far_tab.answer(number, "x")
    assert response.head(5) and read(response) == "x"


def test_an_idle_tab_whose_session_ended_is_lost_at_its_next_sign_of_life(far_tab: OpenTab) -> None:
    far_tab.driver.always = InvalidSessionIdException()
    far_tab.tab._thread.join(5)
    assert not far_tab.tab.alive
    with pytest.raises(TabLost, match="InvalidSessionId"):
        far_tab.tab.fetch(ASK)


def test_a_driver_that_cannot_come_back_is_kept(far_tab: OpenTab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TIDY_IDLE", 0)
    monkeypatch.setattr(exchange, "TIDY_BUSY", 0)
    number, response = far_tab.fetch()
    far_tab.answer(number, "x" * 1000)
    assert response.head(5) and read(response)
    assert far_tab.tab.litter > exchange.CALL_LITTER
    assert "renew_session" not in far_tab.chrome.commands


def test_a_renewed_token_is_told_once(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.page.push(0, "token", "new-token")
    open_tab.page.push(0, "token", "new-token")
    open_tab.answer(number)
    assert response.head(5) and read(response) == ""
    assert open_tab.tokens == ["new-token"]
    assert open_tab.tab.token == "new-token"


def test_a_network_error_comes_after_the_text_before_it(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.page.push(number, "head", [200, {}])
    open_tab.page.push(number, "data", "half")
    open_tab.page.push(number, "error", "TypeError")
    assert response.head(5)
    texts = []
    with pytest.raises(NetworkFailed, match="TypeError"):
        for text in response.iter_text():
            texts.append(text)
    assert texts == ["half"]


def test_a_network_error_before_the_head(open_tab: OpenTab) -> None:
    number, response = open_tab.fetch()
    open_tab.page.push(number, "error", "TypeError")
    with pytest.raises(NetworkFailed):
        response.head(5)


def test_silence_is_told(open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_module, "TICK", 0.005)
    number, response = open_tab.fetch()
    open_tab.page.push(number, "head", [200, {}])
    assert response.head(5)
    texts = response.iter_text()
    assert [next(texts), next(texts)] == ["", ""]
    response.close()


def test_a_call_whose_answer_nobody_reads(open_tab: OpenTab) -> None:
    open_tab.tab.send(ASK)
    open_tab.page.await_that(lambda: open_tab.page.started)
    number = open_tab.page.started[0]["id"]
    open_tab.answer(number, "ignored")
    number, response = open_tab.fetch()
    open_tab.answer(number, "mine")
    assert response.head(5) and read(response) == "mine"


def test_an_idle_tab_leaves_the_driver_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = threading.Event()

    class Inbox(queue.SimpleQueue[Any]):
        def get(self, *args: Any, **kwargs: Any) -> Any:
            if self.empty():
                blocked.set()
            return super().get(*args, **kwargs)

    monkeypatch.setattr(tab_module, "queue", SimpleNamespace(SimpleQueue=Inbox))
    open_tab = OpenTab()
    number, response = open_tab.fetch()
    blocked.clear()
    open_tab.answer(number, "x")
    assert response.head(5) and read(response) == "x"
    assert blocked.wait(5), "with nothing live the owner waits for orders, not for the page"
    open_tab.tab.close()
    assert all(order["ack"] < 3 for order in open_tab.page.orders), "nobody asked the page after the end"


def test_close_ends_who_waits(open_tab: OpenTab) -> None:
    _, response = open_tab.fetch()
    open_tab.tab.close()
    open_tab.tab.close()
    with pytest.raises(TabLost, match="closed"):
        response.head(5)
    assert open_tab.chrome.closed == [True]
    assert not open_tab.tab.alive


class HungTab(OpenTab):
    """The same with a driver that stops answering: its owner thread is stuck in a call from that one on."""

    def __init__(self) -> None:
        super().__init__()
        self.stop = threading.Event()  # ends the call in which the owner thread is stuck
        self.closing = threading.Thread(target=self.tab.close)

    def hang_and_close(self) -> None:
        """Let the owner thread get stuck, and begin to close the tab."""
        self.driver.hang = self.stop
        assert self.driver.hanging.wait(5)
        self.closing.start()


@pytest.fixture
def hung_tab(monkeypatch: pytest.MonkeyPatch) -> Iterator[HungTab]:
    monkeypatch.setattr(tab_module, "CLOSE_WAIT", 60.0)
    monkeypatch.setattr(response_module, "TICK", 0.005)
    hung_tab = HungTab()
    yield hung_tab
    hung_tab.stop.set()
    if hung_tab.closing.is_alive():
        hung_tab.closing.join(10)
    assert not hung_tab.closing.is_alive()
    hung_tab.tab.close()


def test_close_ends_answers_though_the_owner_thread_is_stuck(hung_tab: HungTab) -> None:
    answers = [hung_tab.fetch() for _ in range(3)]
    for number, response in answers:
        hung_tab.page.push(number, "head", [200, {}])
        hung_tab.page.push(number, "data", "half")
        assert response.head(5)
    hung_tab.hang_and_close()
    for _, response in answers:
        texts = []
        with pytest.raises(TabLost, match="server is stopping"):
            for text in response.iter_text():
                texts.append(text)
        assert "".join(texts) == "half", "what came before the end is not lost"
    assert hung_tab.tab._thread.is_alive(), "nobody waited for the owner thread"
    assert hung_tab.chrome.closed == []


def test_close_ends_who_waits_for_the_head_though_the_owner_thread_is_stuck(hung_tab: HungTab) -> None:
    _, response = hung_tab.fetch()
    hung_tab.hang_and_close()
    with pytest.raises(TabLost, match="server is stopping"):
        for _ in range(1000):
            response.head(0.005)
    with pytest.raises(TabLost, match="server is stopping"):
        hung_tab.tab.fetch(ASK)
    assert hung_tab.chrome.closed == []


def test_an_answer_that_close_has_ended_is_not_ended_again(hung_tab: HungTab) -> None:
    number, response = hung_tab.fetch()
    hung_tab.page.push(number, "head", [200, {}])
    assert response.head(5)
    hung_tab.hang_and_close()
    with pytest.raises(TabLost):
        list(response.iter_text())
    hung_tab.stop.set()
    hung_tab.tab._thread.join(5)
    assert not hung_tab.tab._thread.is_alive()
    assert list(response.iter_text()) == []
    with pytest.raises(TabLost, match="server is stopping"):
        hung_tab.tab.fetch(ASK)
    response.close()


def test_close_does_not_wait_for_a_driver_that_hangs(open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch) -> None:
    _, response = open_tab.fetch()
    open_tab.driver.hang = threading.Event()
    assert open_tab.driver.hanging.wait(5)
    monkeypatch.setattr(tab_module, "CLOSE_WAIT", 0.05)
    open_tab.tab.close()
    assert open_tab.chrome.closed[0] is False
    with pytest.raises(TabLost):
        response.head(5)
    open_tab.tab._thread.join(5)
