"""Our patches of the servers' libraries, each with its reason. Check them at each upgrade of a library.

Uses of public hooks (base classes, settings) are not here, but where they belong.
"""

from __future__ import annotations

from typing import Any


def wait_in_poller(conn: Any) -> None:
    """Let a gunicorn connection without input go back to the poller, where waiting costs nothing.

    gunicorn itself waits for the first bytes of a new connection in one of its threads.
    """
    conn.wait_for_data = lambda _timeout: conn.sock.has_input()


def end_without_waiting(server: Any) -> None:
    """Let a waitress server end at once.

    waitress itself waits some seconds for running answers, but they end only when we close the relay, right after.
    """
    server.task_dispatcher.shutdown = lambda: server.task_dispatcher.set_thread_count(0)


def doors_of(server: Any) -> tuple[Any, ...]:
    """Return waitress' servers for single sockets: with several sockets there is one that only holds the others."""
    sockets = getattr(server, "map", None)
    return (
        (server,) if sockets is None else tuple(each for each in sockets.values() if hasattr(each, "active_channels"))
    )
