"""The delays of an answer's parts: waiting counts, the client's reading does not, and they are told once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clocks import FakeClock

from qwenproxy.chat import Event, Finish, Text, Tick
from qwenproxy.errors import UpstreamError
from qwenproxy.observe import journal
from qwenproxy.relay.pacing import paced


@pytest.fixture
def told() -> Iterator[list[journal.AnswerPaced]]:
    events: list[journal.AnswerPaced] = []

    def note(event: journal.Event) -> None:
        if isinstance(event, journal.AnswerPaced):
            events.append(event)

    with journal.Subscription(note):
        yield events


def coming(clock: FakeClock, *steps: tuple[float, Event | Exception]) -> Iterator[Event]:
    """Yield each event after so many seconds."""
    for seconds, event in steps:
        clock.now += seconds
        if isinstance(event, Exception):
            raise event
        yield event


def delays(paced_answer: journal.AnswerPaced) -> dict[str, int]:
    """Return how many parts came within each bound that has any."""
    names = [*map(str, journal.DELAYS), "over"]
    return {name: count for name, count in zip(names, paced_answer.counts, strict=True) if count}


def test_each_part_but_the_first_counts_with_the_ticks_before_it(told: list[journal.AnswerPaced]) -> None:
    clock = FakeClock(0.0)
    steps: list[tuple[float, Event]] = [
        (5, Text("a")),
        (0, Text("b")),
        (0.04, Text("c")),
        (0.5, Tick()),
        (0.3, Text("d")),
        (60, Finish("stop")),
    ]
    assert [event for _, event in steps] == list(paced(coming(clock, *steps), clock))
    [answer] = told
    assert delays(answer) == {"0.001": 1, "0.05": 1, "1.0": 1, "over": 1}
    assert answer.seconds == pytest.approx(60.84)


def test_the_time_in_which_the_client_reads_does_not_count(told: list[journal.AnswerPaced]) -> None:
    clock = FakeClock(0.0)
    for _ in paced(coming(clock, (0, Text("a")), (0.2, Text("b")), (0.2, Finish("stop"))), clock):
        clock.now += 100
    assert [delays(answer) for answer in told] == [{"0.25": 2}]


def test_an_answer_that_breaks_off_is_told_and_one_that_is_left_is_not(told: list[journal.AnswerPaced]) -> None:
    clock = FakeClock(0.0)
    with pytest.raises(UpstreamError):
        list(paced(coming(clock, (0, Text("a")), (0.2, Text("b")), (0, UpstreamError("x"))), clock))
    assert [delays(answer) for answer in told] == [{"0.25": 1}]
    left = paced(coming(clock, (0, Text("a")), (0, Text("b"))), clock)
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert len(told) == 1
