"""The stopwatch of a request, and the header it becomes."""

from __future__ import annotations

import pytest

from qwenproxy.observe.laps import Laps


def test_stages_in_milliseconds_those_repeated_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([10.0, 10.5, 10.75, 12.75, 12.75])
    monkeypatch.setattr("qwenproxy.observe.laps.time.monotonic", lambda: next(moments))
    laps = Laps()
    for stage in ("account", "chat", "account", "first"):
        laps.end(stage)
    assert laps.header == "account;dur=2500.0, chat;dur=250.0, first;dur=0.0"
