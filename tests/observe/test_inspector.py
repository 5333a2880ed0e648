"""The last requests and the last hour, put together from the journal's events; both bounded, for any thread."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator

import pytest
from clocks import FakeClock

from qwenproxy.observe import journal
from qwenproxy.observe.hour import Hour
from qwenproxy.observe.inspector import NOTES, UNREAD, Inspector
from qwenproxy.observe.logs import request_id

EVENTS: tuple[journal.Event, ...] = (
    journal.RequestBegan("POST", "/v1/x", "127.0.0.1", 20),
    journal.AnswerBegan("a", "m", "new", "account;dur=5.0", 0.5),
    journal.RequestEnded("POST", "/v1/x", 200, 0.5, "/v1/x", "client"),
)
ENDED = journal.ResponseEnded(300, 2.0)


@pytest.fixture
def inspector(clock: FakeClock) -> Iterator[Inspector]:
    inspector = Inspector(clock, kept=3, skip=("/ui",))
    inspector.start()
    yield inspector
    inspector.close()


def happen(name: str, *events: journal.Event) -> None:
    """Let events happen within a request."""

    def note() -> None:
        request_id.set(name)
        for event in events:
            journal.note(event)

    contextvars.Context().run(note)


@pytest.mark.parametrize(
    ("events", "state", "error"),
    [
        ((), "running", ""),
        ((ENDED,), "done", ""),
        ((journal.AnswerBroke("a", "upstream_error", "text"), ENDED), "failed", "upstream_error"),
        ((journal.NoAnswer("no_accounts", "text"), ENDED), "failed", "no_accounts"),
        ((journal.ClientLeft("a"), ENDED), "left", ""),
        ((ENDED, journal.ClientLeft("a")), "left", ""),
        ((journal.AnswerEnded("a", "m", "stop", 1.0), journal.ClientLeft("a"), ENDED), "done", ""),
        ((journal.AnswerBroke("a", "x", "text"), journal.ClientLeft("a"), ENDED), "failed", "x"),
    ],
    ids=["running", "done", "broke", "none came", "left", "left late", "left after the end", "left after a failure"],
)
def test_what_became_of_a_request(
    inspector: Inspector, events: tuple[journal.Event, ...], state: str, error: str
) -> None:
    happen("r1", *EVENTS, *events)
    [row] = inspector.rows()
    assert (row["state"], row["error"], row["account"], row["client"]) == (state, error, "a", "client")


def test_a_question_is_known_before_its_answer_begins(inspector: Inspector) -> None:
    happen("r1", EVENTS[0], journal.QuestionAsked("client", "gpt-4o", 3, 1))
    [row] = inspector.rows()
    assert (row["state"], row["client"], row["asked"], row["model"]) == ("running", "client", "gpt-4o", "")
    assert (row["tools"], row["attachments"]) == (3, 1)


@pytest.mark.parametrize(("status", "state"), [(400, "failed"), (499, "left"), (204, "done")])
def test_the_status_says_what_became_of_it_where_no_answer_began(inspector: Inspector, status: int, state: str) -> None:
    ended = journal.RequestEnded("POST", "/v1/x", status, 0.5, code="x" if status > 300 else "")
    happen("r1", EVENTS[0], ended, ENDED)
    assert inspector.rows()[0]["state"] == state


def test_only_the_newest_are_kept_and_events_of_others_make_no_row(inspector: Inspector) -> None:
    for number in range(5):
        happen(f"r{number}", *EVENTS)
    happen("r0", ENDED)
    happen("unheard of", ENDED)
    journal.note(journal.BrowserEnded("a"))
    happen("own", journal.RequestBegan("GET", "/ui/app.js", "127.0.0.1"))
    assert [row["id"] for row in inspector.rows()] == ["r4", "r3", "r2"]
    assert inspector.row("r0") is None


def test_a_row_has_so_many_notes_and_no_more(inspector: Inspector) -> None:
    happen("r1", EVENTS[0], *(journal.TriedAgain("a", str(number)) for number in range(NOTES + 5)))
    row = inspector.row("r1")
    assert row and len(row["notes"]) == NOTES


def test_a_viewer_that_does_not_read_holds_a_bounded_number_of_changes(inspector: Inspector) -> None:
    with inspector.watch() as watcher:
        for _ in range(UNREAD):
            happen("r1", EVENTS[0])
        assert not watcher.is_behind
        happen("r1", ENDED)
        assert watcher.is_behind
        watcher.clear()
        assert watcher.next(0) is None and not watcher.is_behind
    happen("r1", ENDED)
    assert watcher.next(0) is None


def test_a_viewer_gets_a_copy_that_no_longer_changes(inspector: Inspector) -> None:
    with inspector.watch() as watcher:
        happen("r1", *EVENTS)
        first = watcher.next(0)
        happen("r1", journal.TriedAgain("a", "x"))
        assert first and (first["status"], first["notes"]) == (None, [])


def test_many_threads_at_once_lose_nothing(clock: FakeClock) -> None:
    inspector = Inspector(clock, kept=400)
    inspector.start()
    try:
        with inspector.watch() as watcher:

            def work(thread: int) -> None:
                for number in range(50):
                    happen(f"{thread}-{number}", EVENTS[0])

            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(inspector.rows()) == 400
            assert sum(watcher.next(0) is not None for _ in range(401)) == 400
    finally:
        inspector.close()


def test_the_hour_by_minutes(clock: FakeClock) -> None:
    hour = Hour(clock)
    hour.start()
    try:
        begin = int(clock()) // 60 * 60
        happen("r1", *EVENTS, journal.AnswerEnded("a", "m", "stop", 1.0, 5, 9), ENDED)
        happen("r2", EVENTS[0], journal.AnswerBegan("a", "m", "new", ""), journal.AnswerBroke("a", "x", "text"))
        clock.now += 60
        happen("r3", EVENTS[0], journal.NoAnswer("x", "text"))
        first, second = hour.minutes()
        assert first == {
            "at": begin,
            "requests": 1,
            "begun": 1,
            "first_event_seconds": 0.5,
            "answers": 1,
            "failures": 1,
            "output_tokens": 9,
        }
        assert (second["at"], second["failures"]) == (begin + 60, 1)
        clock.now += 3600
        assert [minute["at"] for minute in hour.minutes()] in ([], [begin + 60])
        for _ in range(200):
            clock.now += 60
            happen("r4", *EVENTS)
        assert len(hour.minutes()) == 60
    finally:
        hour.close()
