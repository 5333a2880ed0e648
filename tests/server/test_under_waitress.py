"""How the server under waitress takes signals: the handler may be interrupted by the next signal at any step."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from qwenproxy.server.under_waitress import _End

STEPS = 40  # opcodes; the handler has fewer


class Ending:
    """An end whose drain is awaited; the signal that ends it for good is caught."""

    def __init__(self) -> None:
        self.drained = threading.Event()
        self.server = SimpleNamespace(accepting=True, active_channels={}, pull_trigger=lambda: None)
        self.end = _End([self.server], self.drained.set)
        self.exits = 0

    def send(self) -> None:
        """Have the handler run as for a signal."""
        try:
            self.end.on_signal(signal.SIGINT)
        except SystemExit:
            self.exits += 1


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Ending:
    # The test process must not get the signal with which the drain ends.
    monkeypatch.setattr(signal, "raise_signal", lambda _: None)
    return Ending()


def test_the_first_signal_lets_answers_finish_and_the_second_does_not_wait(ending: Ending) -> None:
    ending.end.start()
    assert not ending.drained.is_set()
    ending.send()
    assert ending.drained.wait(10)
    assert (ending.server.accepting, ending.exits) == (False, 0)
    for _ in range(3):
        ending.send()
        assert ending.exits == 1, "the end is not interrupted"


def test_the_handler_calls_nothing_that_could_be_interrupted_halfway(ending: Ending) -> None:
    called: list[str] = []

    def trace(frame: FrameType, event: str, argument: Any) -> None:
        called.append(frame.f_code.co_name)

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        ending.end.on_signal(signal.SIGINT)
    finally:
        sys.settrace(before)
    assert called == ["on_signal"]
    ending.end.start()
    assert ending.drained.wait(10)


@pytest.mark.parametrize("step", range(STEPS))
def test_a_second_signal_at_any_step_of_the_first_ends_it_once(ending: Ending, step: int) -> None:
    ending.end.start()
    left = step

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_code.co_name == "on_signal":
            left -= 1
            if left == -1:
                sys.settrace(None)
                ending.end.on_signal(signal.SIGINT)  # as the interpreter does: what it raises goes into the handler
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        ending.send()
    finally:
        sys.settrace(before)
    if left >= 0:
        ending.send()
    assert ending.exits == 1
    ending.end._begun.put(None)  # the drain may not have been told, because the server ended at once
    assert ending.drained.wait(10)
