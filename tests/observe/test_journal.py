"""Events: a line of the log each, and heard by whoever subscribes."""

from __future__ import annotations

import logging
import threading

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from replies import CUT

from qwenproxy.observe import journal, logs
from qwenproxy.observe.journal import AccountRests, AnswerEnded, Event, PageLoaded, RequestEnded, Subscription

WAIT = 20.0  # seconds; only a failing test waits as long
ASK = {"messages": [{"role": "user", "content": "Hello?"}], "stream": True}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (RequestEnded("GET", "/health", 200, 0.0123), "GET /health 200 0.012 s"),
        (journal.FileSent("GET", "/ui/app.js", 200, 0.0123), "GET /ui/app.js 200 0.012 s"),
        (AccountRests("a", 3600.4, "", "Over."), "account=a WAIT for 3600 s: Over."),
        (AccountRests("a", 10, "browser", "No."), "account=a WAIT for 10 s, its browser does not start: No."),
        (AccountRests("a", 9, "verification", "Look."), "account=a VERIFY: Look."),
        (PageLoaded("a", 0.12), "account=a page loaded anew in 0.1 s"),
        (PageLoaded("a", 1, second_tab=True), "account=a page loaded in a second tab, which takes over in 1.0 s"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_is_a_line_of_the_log(event: Event, line: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "qwenproxy"):
        journal.note(event)
    (record,) = caplog.records
    assert (record.getMessage(), record.levelno) == (line, event.level)


def test_whoever_subscribes_hears_events_and_nothing_else() -> None:
    heard: list[Event] = []
    with Subscription(heard.append):
        journal.note(journal.TokenRenewed("a"))
        logging.getLogger("qwenproxy.observe.journal").warning("a line of its own")
    journal.note(journal.TokenRenewed("b"))
    assert heard == [journal.TokenRenewed("a")]


def test_a_slow_subscriber_holds_its_own_thread_up_alone() -> None:
    slow, quick = journal.TokenRenewed("slow"), journal.TokenRenewed("quick")
    is_busy, goes_on = threading.Event(), threading.Event()
    heard: list[Event] = []

    def receive(event: Event) -> None:
        if event == slow:
            is_busy.set()
            assert goes_on.wait(WAIT)
        heard.append(event)

    with Subscription(receive):
        thread = threading.Thread(target=journal.note, args=(slow,))
        thread.start()
        assert is_busy.wait(WAIT)
        journal.note(quick)
        goes_on.set()
        thread.join(WAIT)
    assert heard == [quick, slow]


def test_what_the_log_leaves_out_is_heard_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    package = logging.getLogger("qwenproxy")
    before = package.handlers, package.level, package.propagate
    heard: list[Event] = []
    try:
        logs.configure("error")
        with Subscription(heard.append):
            journal.note(journal.TokenRenewed("a"))
    finally:
        package.handlers, package.level, package.propagate = before
    assert heard == [journal.TokenRenewed("a")]


def test_a_request_is_heard_from_its_answer_to_its_end(client: FlaskClient) -> None:
    heard: list[Event] = []
    with Subscription(heard.append):
        client.post("/v1/chat/completions", json=ASK, buffered=True)
    (answer,) = [event for event in heard if isinstance(event, AnswerEnded)]
    (request,) = [event for event in heard if isinstance(event, RequestEnded)]
    assert (answer.account_id, answer.model, answer.reason) == ("a", "qwen3.8-max", "stop")
    assert (answer.input_tokens, answer.output_tokens) == (7, 2)
    assert (request.method, request.path, request.status) == ("POST", "/v1/chat/completions", 200)


def test_an_answer_that_breaks_off_is_heard(client: FlaskClient, site: FakeSite) -> None:
    site.script("a", CUT)
    heard: list[Event] = []
    with Subscription(heard.append):
        client.post("/v1/chat/completions", json=ASK, buffered=True)
    assert [event.code for event in heard if isinstance(event, journal.AnswerBroke)] == ["upstream_error"]


def test_an_error_of_a_subscriber_harms_nobody(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: Event) -> None:
        raise ValueError("secret words")

    with Subscription(fail), caplog.at_level(logging.ERROR, "qwenproxy"):
        assert client.post("/v1/chat/completions", json=ASK, buffered=True).status_code == 200
    assert "a subscriber failed with ValueError" in caplog.text
    assert "secret words" not in caplog.text
