"""How a worker takes signals; what they do to a whole server is in browser/test_server_life.py."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

if sys.platform == "win32":
    pytest.skip("gunicorn is not for Windows", allow_module_level=True)

from gunicorn.arbiter import Arbiter
from gunicorn.config import make_settings
from gunicorn.workers.gthread import ThreadWorker

from qwenproxy.config import Config
from qwenproxy.errors import SetupError
from qwenproxy.server.under_gunicorn import Master, Worker, serve_gunicorn


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker that serves nothing; its quitting ends no process."""
    monkeypatch.setattr(ThreadWorker, "handle_quit", lambda *_: None)
    return Worker.__new__(Worker)


@pytest.fixture
def kept_handlers() -> Iterator[None]:
    """Leave the signals' handlers as they were."""
    before = {each: signal.getsignal(each) for each in (signal.SIGQUIT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("kept_handlers")
def test_a_signal_that_comes_together_with_the_one_to_quit_makes_no_noise(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    ended: list[str] = []
    signal.signal(signal.SIGQUIT, worker.handle_quit)
    signal.signal(signal.SIGTERM, lambda *_: ended.append("the closing of the browsers was cut short"))
    both = {signal.SIGQUIT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, both)
    for each in both:
        signal.raise_signal(each)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
    signal.raise_signal(signal.SIGTERM)
    assert complaints == []
    assert ended == []


def test_a_worker_that_is_told_to_end_while_it_loads_ends_well(worker: Worker) -> None:
    with pytest.raises(SystemExit) as end:
        worker.handle_exit(signal.SIGTERM, None)
    assert not end.value.code


def test_a_worker_that_was_told_to_end_while_it_loaded_does_not_serve(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if Python swallowed its exit, as it does inside the callback of a weak reference."""
    served: list[object] = []
    monkeypatch.setattr(ThreadWorker, "run", served.append)
    worker._is_over = False
    with pytest.raises(SystemExit):
        worker.handle_exit(signal.SIGTERM, None)
    worker.run()
    assert served == []


@pytest.mark.usefixtures("kept_handlers")
def test_a_signal_from_before_is_handed_over_once_the_master_handles_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Arbiter, "__init__", lambda *_: None)
    monkeypatch.setattr(Arbiter, "init_signals", lambda master: signal.signal(signal.SIGTERM, master.signal))
    master = Master(None, lambda: signal.raise_signal(signal.SIGTERM))
    handled: list[int] = []
    monkeypatch.setattr(master, "signal", lambda number, _frame: handled.append(number))
    master.init_signals()
    assert handled == [signal.SIGTERM]


def test_a_setting_that_gunicorn_does_not_know_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = "control_socket_disable"
    settings = {name: 0 for name in make_settings() if name != gone}
    monkeypatch.setattr("qwenproxy.server.under_gunicorn.make_settings", lambda: settings)
    with pytest.raises(SetupError, match=f"gunicorn .* does not know the setting {gone}. Install") as caught:
        serve_gunicorn(Config.load({}, {}), [0], lambda _: None, lambda *_: None)
    assert gone in caught.value.say("ru")
