"""The stopwatch of a request, and the header it becomes."""

from __future__ import annotations

from clocks import FakeClock

from qwenproxy.observe.laps import Laps


def test_stages_in_milliseconds_those_repeated_added_up() -> None:
    clock = FakeClock(10)
    laps = Laps(clock)
    for stage, seconds in [("account", 0.5), ("chat", 0.25), ("account", 2.0), ("first", 0.0)]:
        clock.now += seconds
        laps.end(stage)
    assert laps.header == "account;dur=2500.0, chat;dur=250.0, first;dur=0.0"
