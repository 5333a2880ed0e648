"""The tab's owner thread over a scripted driver: nothing lost, nothing twice, nobody left waiting."""

from __future__ import annotations

import contextlib
import queue
import threading
from types import SimpleNamespace

import pytest
from fake_driver import FakeChrome, FakeDriver, FakePage, read
from selenium.common.exceptions import (
    InvalidSessionIdException,
    JavascriptException,
    TimeoutException,
    WebDriverException,
)
from spelling import spelled
from urllib3.exceptions import ProtocolError

from qwenproxy.browser import absence
from qwenproxy.browser import response as response_module
from qwenproxy.browser import tab as tab_module
from qwenproxy.browser.page import Head, PageRequest
from qwenproxy.browser.site import Site
from qwenproxy.browser.tab import Tab
from qwenproxy.errors import NetworkFailed, NotLoggedIn, TabLost

ASK = PageRequest("POST", "/api/x", {"source": "web"}, '{"a":1}')
SITE = Site("https://site.test")


class OpenTab:
    """A tab with everything behind it at hand."""

    def __init__(self):
        self.page = FakePage()
        self.driver = FakeDriver(self.page)
        self.chrome = FakeChrome(self.driver)
        self.tokens = []
        self.tab = Tab("a", self.chrome, SITE, "old-token", self.tokens.append)

    def fetch(self):
        """Start a call and wait until the page runs it; return its number and its response."""
        response = self.tab.fetch(ASK)
        self.page.await_that(lambda: any(start["id"] == response.number for start in self.page.started))
        return response.number, response

    def answer(self, number, *texts):
        """Let the page give a whole answer to a call."""
        self.page.push(number, "head", [200, {"content-type": "text/plain"}])
        for text in texts:
            self.page.push(number, "data", text)
        self.page.push(number, "end")


@pytest.fixture
def opened(monkeypatch):
    monkeypatch.setattr(tab_module, "CLOSE_WAIT", 5.0)
    opened = OpenTab()
    yield opened
    opened.tab.close()


def test_a_call_and_its_answer(opened):
    number, response = opened.fetch()
    assert response.head(0) is None
    opened.answer(number, "Здрав", "ствуй ", "🙂")
    assert response.head(5) == response.head(5) == Head(200, {"content-type": "text/plain"})
    assert read(response) == "Здравствуй 🙂"
    started = {"nth": 1, "id": number, "method": "POST", "path": "/api/x", "headers": {"source": "web"}, "pieces": 0}
    assert opened.page.started == [{**started, "body": '{"a":1}'}]
    response.close()
    assert opened.page.aborted == []
    assert opened.driver.script_timeout == tab_module.SCRIPT_TIMEOUT


def test_many_calls_at_once_keep_apart(opened):
    calls = [opened.fetch() for _ in range(20)]
    for turn in range(5):
        for number, _ in calls:
            if turn == 0:
                opened.page.push(number, "head", [200, {}])
            opened.page.push(number, "data", f"{number}/{turn} ")
    for number, _ in calls:
        opened.page.push(number, "end")
    for number, response in calls:
        assert response.head(5)
        assert read(response) == "".join(f"{number}/{turn} " for turn in range(5))


def test_a_lost_reply_loses_and_repeats_nothing(opened):
    number, response = opened.fetch()
    opened.driver.reply_lost = True
    opened.driver.failures += [TimeoutException(), TimeoutException()]
    opened.page.push(number, "head", [200, {}])
    opened.page.push(number, "data", "once")
    opened.page.await_that(lambda: not opened.driver.failures)
    opened.page.push(number, "end")
    assert response.head(5)
    assert read(response) == "once"


def test_an_order_whose_reply_is_lost_is_given_again_and_runs_once(opened):
    opened.driver.reply_lost = True
    opened.driver.failures.append(TimeoutException())
    number, response = opened.fetch()
    opened.answer(number, "x")
    assert response.head(5) and read(response) == "x"
    given = [order for order in opened.page.orders if order["start"]]
    assert len(given) == 2
    assert len(opened.page.started) == 1


def test_an_order_that_never_reached_the_page_is_given_again(opened):
    opened.driver.failures.append(JavascriptException("Cannot read properties of undefined"))
    number, response = opened.fetch()
    opened.answer(number, "x")
    assert response.head(5) and read(response) == "x"
    assert opened.driver.installed == [SITE.bridge()]


def test_messages_that_come_again_are_dropped(opened):
    opened.page.ignores_acknowledgements = True
    number, response = opened.fetch()
    opened.page.push(number, "head", [200, {}])
    opened.page.push(number, "data", "a")
    assert response.head(5)
    opened.page.push(number, "data", "b")
    opened.page.push(number, "end")
    assert read(response) == "ab"


def test_each_exchange_acknowledges_what_came(opened):
    number, response = opened.fetch()
    opened.answer(number, "a", "b")
    assert response.head(5) and read(response) == "ab"
    number, response = opened.fetch()
    assert (
        next(order["ack"] for order in opened.page.orders if order["start"] and order["start"][0]["id"] == number) == 4
    )
    opened.answer(number)
    assert response.head(5)
    assert read(response) == ""


def test_a_page_that_loads_again_fails_who_waits_and_the_tab_goes_on(opened):
    waiting = [opened.fetch()[1] for _ in range(3)]
    opened.page.await_that(lambda: not opened.page.orders[-1]["start"])
    opened.page.reload()
    for response in waiting:
        with pytest.raises(TabLost, match="reloaded"):
            response.head(5)
    assert opened.tab.alive
    number, response = opened.fetch()
    opened.answer(number, "again")
    assert response.head(5) and read(response) == "again"


def test_text_before_a_reload_still_arrives(opened):
    number, response = opened.fetch()
    opened.page.push(number, "head", [200, {}])
    opened.page.push(number, "data", "half")
    assert response.head(5)
    opened.page.await_that(lambda: opened.page.orders[-1]["ack"] == 2)
    opened.page.reload()
    texts = response.iter_text()
    assert next(texts) == "half"
    with pytest.raises(TabLost):
        next(texts)


def test_a_page_that_is_silent_for_a_moment_is_given_its_time(opened):
    number, response = opened.fetch()
    opened.answer(number)
    assert response.head(5) and read(response) == ""
    opened.driver.failures += [TimeoutException(), JavascriptException("no bridge")]
    number, response = opened.fetch()
    opened.answer(number, "still here")
    assert response.head(5) and read(response) == "still here"


def test_a_page_that_does_not_come_back_is_given_up(opened, monkeypatch):
    monkeypatch.setattr(absence, "BACK_WAIT", 0.0)
    opened.driver.always = TimeoutException()
    response = opened.tab.fetch(ASK)
    with pytest.raises(TabLost, match="does not answer"):
        response.head(5)
    assert not opened.tab.alive


def test_a_page_that_left_the_site_is_no_page(opened):
    _, response = opened.fetch()
    opened.page.origin = "null"
    with pytest.raises(TabLost, match="left the site"):
        response.head(5)


def test_a_page_that_stays_at_sign_in_ends_the_login_for_everybody(opened, monkeypatch):
    monkeypatch.setattr(absence, "SIGN_IN_WAIT", 0.0)
    _, response = opened.fetch()
    opened.page.origin = "https://auth.site.test"
    with pytest.raises(NotLoggedIn):
        response.head(5)
    with pytest.raises(NotLoggedIn):
        opened.tab.fetch(ASK)


def test_a_page_that_passes_through_sign_in_is_waited_for(opened):
    number, response = opened.fetch()
    opened.page.origin = "https://auth.site.test"
    seen = len(opened.page.orders)
    opened.page.await_that(lambda: len(opened.page.orders) > seen + 2)
    opened.page.origin = "https://site.test"
    opened.answer(number, "still here")
    assert response.head(5) and read(response) == "still here"


class TestAbsence:
    """Its moments by a clock of the test's."""

    def test_of_a_silent_page_ends_the_wait_in_the_end(self, clock):
        away = absence.Absence(clock)
        for seconds in (0, 5, absence.BACK_WAIT - 5):
            clock.now += seconds
            away.note_silence(TimeoutException())
        clock.now += 0.1
        with pytest.raises(TabLost):
            away.note_silence(TimeoutException())

    def test_begins_anew_after_each_sign_of_life(self, clock):
        away = absence.Absence(clock)
        for _ in range(5):
            away.note_silence(TimeoutException())
            clock.now += absence.BACK_WAIT
            away.end()

    def test_at_sign_in_ends_the_login_in_the_end(self, clock):
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
    ids=spelled,
)
def test_the_death_of_the_driver_reaches_everybody(opened, death):
    waiting = [opened.fetch()[1] for _ in range(5)]
    opened.driver.always = death
    late = []
    with contextlib.suppress(TabLost):
        late.append(opened.tab.fetch(ASK))
    for response in [*waiting, *late]:
        with pytest.raises(TabLost):
            while response.head(5) is None:
                pytest.fail("nobody told the reader")
    opened.tab._thread.join(5)
    assert not opened.tab.alive
    with pytest.raises(TabLost):
        opened.tab.fetch(ASK)
    opened.tab.send(ASK)
    assert opened.chrome.closed == [False]


def test_abort(opened):
    number, response = opened.fetch()
    opened.page.push(number, "head", [200, {}])
    assert response.head(5)
    response.close()
    response.close()
    opened.page.await_that(lambda: opened.page.aborted)
    opened.page.push(number, "data", "too late")
    number, response = opened.fetch()
    opened.answer(number, "next")
    assert response.head(5) and read(response) == "next"
    assert opened.page.aborted == [number - 1]


def test_a_slow_reader_holds_its_stream_in_the_page(opened, monkeypatch):
    monkeypatch.setattr(response_module, "HIGH_WATER", 10)
    monkeypatch.setattr(response_module, "LOW_WATER", 5)
    number, response = opened.fetch()
    other_number, other = opened.fetch()
    opened.page.push(number, "head", [200, {}])
    opened.page.push(number, "data", "x" * 11)
    opened.page.push(number, "data", "y" * 11)
    opened.page.await_that(lambda: opened.page.held == [(number, True)])
    opened.answer(other_number, "unhindered")
    assert other.head(5) and read(other) == "unhindered"
    assert response.head(5)
    assert next(response.iter_text()) == "x" * 11 + "y" * 11
    opened.page.await_that(lambda: opened.page.held == [(number, True), (number, False)])
    opened.page.push(number, "end")
    assert read(response) == ""


def test_that_all_is_there_is_told_before_it_is_read(opened):
    number, response = opened.fetch()
    told = queue.SimpleQueue()
    response.when_complete(lambda: told.put("early"))
    opened.answer(number, "all of it")
    assert told.get(timeout=5) == "early"
    response.when_complete(lambda: told.put("late"))
    assert told.get(timeout=5) == "late"
    assert response.head(5) is not None
    assert list(response.iter_text()) == ["all of it"]


def test_what_breaks_off_is_never_complete(opened):
    number, response = opened.fetch()
    told = []
    response.when_complete(lambda: told.append("early"))
    opened.page.push(number, "head", [200, {}])
    opened.page.push(number, "error", "TypeError")
    assert response.head(5) is not None
    with pytest.raises(NetworkFailed):
        list(response.iter_text())
    response.when_complete(lambda: told.append("late"))
    assert told == []


def test_a_hold_that_comes_after_its_reader_caught_up_is_lifted(opened, monkeypatch):
    """The reader may empty the queue between the owner's count and its note."""
    monkeypatch.setattr(response_module, "TICK", 0.005)
    number, response = opened.fetch()
    opened.page.push(number, "head", [200, {}])
    assert response.head(5)
    response.held = True
    texts = response.iter_text()
    assert next(texts) == ""
    opened.page.await_that(lambda: (number, False) in opened.page.held)
    response.close()


TIDYING = ["renew_session", "Page.addScriptToEvaluateOnNewDocument", "HeapProfiler.collectGarbage"]


def test_the_page_is_tidied_after_so_many_calls(opened, monkeypatch):
    monkeypatch.setattr(tab_module, "TIDY_IDLE", 3 * tab_module.CALL_LITTER)
    monkeypatch.setattr(tab_module, "TIDY_BUSY", 5 * tab_module.CALL_LITTER)

    def call():
        number, response = opened.fetch()
        opened.answer(number, "x")
        assert response.head(5) is not None
        assert list(response.iter_text()) == ["x"]

    for _ in range(6):
        call()
    opened.tab.close()
    assert opened.chrome.commands == TIDYING * 2
    assert opened.driver.script_timeout == tab_module.SCRIPT_TIMEOUT


def test_while_answers_run_the_page_is_tidied_less_often(opened, monkeypatch):
    monkeypatch.setattr(tab_module, "TIDY_IDLE", 2 * tab_module.CALL_LITTER)
    monkeypatch.setattr(tab_module, "TIDY_BUSY", 4 * tab_module.CALL_LITTER)
    answers = [opened.fetch() for _ in range(5)]
    assert opened.chrome.commands == TIDYING
    for _, response in answers:
        response.close()


def test_what_came_back_counts_for_tidying_too(opened, monkeypatch):
    monkeypatch.setattr(tab_module, "TIDY_IDLE", tab_module.CALL_LITTER + 10_000)
    number, response = opened.fetch()
    opened.answer(number, "x" * 10_000)
    assert response.head(5) is not None
    assert list(response.iter_text()) == ["x" * 10_000]
    opened.tab.close()
    assert opened.chrome.commands == TIDYING


def test_a_browser_found_dead_when_it_is_tidied_is_lost_as_ever(opened, monkeypatch):
    monkeypatch.setattr(tab_module, "TIDY_BUSY", 2 * tab_module.CALL_LITTER)
    opened.chrome.gone = InvalidSessionIdException()
    _, waiting = opened.fetch()
    _, too = opened.fetch()
    for response in (waiting, too):
        with pytest.raises(TabLost, match="InvalidSessionId"):
            response.head(5)
    assert not opened.tab.alive


def test_a_renewed_token_is_told_once(opened):
    number, response = opened.fetch()
    opened.page.push(0, "token", "new-token")
    opened.page.push(0, "token", "new-token")
    opened.answer(number)
    assert response.head(5) and read(response) == ""
    assert opened.tokens == ["new-token"]
    assert opened.tab.token == "new-token"


def test_a_network_error_comes_after_the_text_before_it(opened):
    number, response = opened.fetch()
    opened.page.push(number, "head", [200, {}])
    opened.page.push(number, "data", "half")
    opened.page.push(number, "error", "TypeError")
    assert response.head(5)
    texts = []
    with pytest.raises(NetworkFailed, match="TypeError"):
        for text in response.iter_text():
            texts.append(text)
    assert texts == ["half"]


def test_a_network_error_before_the_head(opened):
    number, response = opened.fetch()
    opened.page.push(number, "error", "TypeError")
    with pytest.raises(NetworkFailed):
        response.head(5)


def test_silence_is_told(opened, monkeypatch):
    monkeypatch.setattr(response_module, "TICK", 0.005)
    number, response = opened.fetch()
    opened.page.push(number, "head", [200, {}])
    assert response.head(5)
    texts = response.iter_text()
    assert [next(texts), next(texts)] == ["", ""]
    response.close()


def test_a_call_whose_answer_nobody_reads(opened):
    opened.tab.send(ASK)
    opened.page.await_that(lambda: opened.page.started)
    number = opened.page.started[0]["id"]
    opened.answer(number, "ignored")
    number, response = opened.fetch()
    opened.answer(number, "mine")
    assert response.head(5) and read(response) == "mine"


def test_an_idle_tab_leaves_the_driver_alone(monkeypatch):
    blocked = threading.Event()

    class Inbox(queue.SimpleQueue):
        def get(self, *args, **kwargs):
            if self.empty():
                blocked.set()
            return super().get(*args, **kwargs)

    monkeypatch.setattr(tab_module, "queue", SimpleNamespace(SimpleQueue=Inbox))
    opened = OpenTab()
    number, response = opened.fetch()
    blocked.clear()
    opened.answer(number, "x")
    assert response.head(5) and read(response) == "x"
    assert blocked.wait(5), "with nothing live the owner waits for orders, not for the page"
    opened.tab.close()
    assert all(order["ack"] < 3 for order in opened.page.orders), "nobody asked the page after the end"


def test_close_ends_who_waits(opened):
    _, response = opened.fetch()
    opened.tab.close()
    opened.tab.close()
    with pytest.raises(TabLost, match="closed"):
        response.head(5)
    assert opened.chrome.closed == [True]
    assert not opened.tab.alive


@pytest.fixture
def hung(opened, monkeypatch):
    """The same with a driver that has stopped answering: its owner thread is stuck in a call from the next one on."""
    monkeypatch.setattr(tab_module, "CLOSE_WAIT", 60.0)
    monkeypatch.setattr(response_module, "TICK", 0.005)

    def hang():
        opened.driver.hang = threading.Event()
        assert opened.driver.hanging.wait(5)
        closing = threading.Thread(target=opened.tab.close)
        closing.start()
        closings.append(closing)

    closings = []
    opened.hang_and_close = hang
    yield opened
    opened.driver.hang.set()
    for closing in closings:
        closing.join(10)
        assert not closing.is_alive()


def test_close_ends_answers_though_the_owner_thread_is_stuck(hung):
    answers = [hung.fetch() for _ in range(3)]
    for number, response in answers:
        hung.page.push(number, "head", [200, {}])
        hung.page.push(number, "data", "half")
        assert response.head(5)
    hung.hang_and_close()
    for _, response in answers:
        texts = []
        with pytest.raises(TabLost, match="server is stopping"):
            for text in response.iter_text():
                texts.append(text)
        assert "".join(texts) == "half", "what came before the end is not lost"
    assert hung.tab._thread.is_alive(), "nobody waited for the owner thread"
    assert hung.chrome.closed == []


def test_close_ends_who_waits_for_the_head_though_the_owner_thread_is_stuck(hung):
    _, response = hung.fetch()
    hung.hang_and_close()
    with pytest.raises(TabLost, match="server is stopping"):
        for _ in range(1000):
            response.head(0.005)
    with pytest.raises(TabLost, match="server is stopping"):
        hung.tab.fetch(ASK)
    assert hung.chrome.closed == []


def test_an_answer_that_close_has_ended_is_not_ended_again(hung):
    number, response = hung.fetch()
    hung.page.push(number, "head", [200, {}])
    assert response.head(5)
    hung.hang_and_close()
    with pytest.raises(TabLost):
        list(response.iter_text())
    hung.driver.hang.set()
    hung.tab._thread.join(5)
    assert not hung.tab._thread.is_alive()
    assert list(response.iter_text()) == []
    with pytest.raises(TabLost, match="server is stopping"):
        hung.tab.fetch(ASK)
    response.close()


def test_close_does_not_wait_for_a_driver_that_hangs(opened, monkeypatch):
    _, response = opened.fetch()
    opened.driver.hang = threading.Event()
    assert opened.driver.hanging.wait(5)
    monkeypatch.setattr(tab_module, "CLOSE_WAIT", 0.05)
    opened.tab.close()
    assert opened.chrome.closed[0] is False
    with pytest.raises(TabLost):
        response.head(5)
    opened.tab._thread.join(5)
