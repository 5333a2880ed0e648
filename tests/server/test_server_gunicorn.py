"""How a worker takes signals; what they do to a whole server is in browser/test_server_life.py."""

from __future__ import annotations

import signal
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("gunicorn is not for Windows", allow_module_level=True)

from gunicorn.workers.gthread import ThreadWorker

from qwenproxy.config import Config
from qwenproxy.errors import SetupError
from qwenproxy.server import under_gunicorn as server_gunicorn
from qwenproxy.server.under_gunicorn import Worker, serve_gunicorn


@pytest.fixture
def worker(monkeypatch):
    """A worker that serves nothing; its quitting ends no process."""
    monkeypatch.setattr(ThreadWorker, "handle_quit", lambda *_: None)
    return Worker.__new__(Worker)


@pytest.fixture
def kept_handlers():
    """Leave the signals' handlers as they were."""
    before = {each: signal.getsignal(each) for each in (signal.SIGQUIT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("kept_handlers")
def test_a_signal_that_comes_together_with_the_one_to_quit_makes_no_noise(worker, monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    ended = []
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


def test_a_worker_that_is_told_to_end_while_it_loads_ends_well(worker):
    with pytest.raises(SystemExit) as end:
        worker.handle_exit(signal.SIGTERM, None)
    assert not end.value.code


def test_a_setting_that_gunicorn_does_not_know_stops_the_start(monkeypatch):
    known = server_gunicorn.make_settings
    gone = "control_socket_disable"
    monkeypatch.setattr(server_gunicorn, "make_settings", lambda: {name: 0 for name in known() if name != gone})
    with pytest.raises(SetupError, match=f"gunicorn .* does not know the setting {gone}. Install") as caught:
        serve_gunicorn(Config.load({}, {}), 0, lambda _: None, lambda *_: None)
    assert gone in caught.value.say("ru")
