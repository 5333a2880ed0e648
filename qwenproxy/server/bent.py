"""What we bend in the servers' libraries, each with its reason: the place to look at when one of them is upgraded.

What they offer for changing (classes to derive from, settings) is used where it belongs and does not stand here.
"""

from __future__ import annotations

from typing import Any


def wait_in_poller(conn: Any) -> None:
    """Let a gunicorn connection without input go back to the poller, where waiting costs nothing.

    gunicorn would wait for the first bytes of a new connection in one of its threads.
    """
    conn.wait_for_data = lambda _timeout: conn.sock.has_input()


def end_without_waiting(server: Any) -> None:
    """Let a waitress server end at once.

    It would wait some seconds for running answers, which end when the relay is closed, right after it.
    """
    server.task_dispatcher.shutdown = lambda: server.task_dispatcher.set_thread_count(0)
