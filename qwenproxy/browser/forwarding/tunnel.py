"""Carry bytes between two connections, both ways, until both have ended.

Two threads, each waits for its reader: so nothing piles up here. forwarder.py makes one for each connection of Chrome.
"""

from __future__ import annotations

import threading

from qwenproxy.browser.forwarding.streams import PIECE, Stream

LINGER = 60.0  # seconds of silence of the far side, once the near one has ended


class Tunnel:
    """A connection of Chrome (near) joined to one of the proxy (far)."""

    def __init__(self, near: Stream, far: Stream, *, linger: float = LINGER) -> None:
        """Take over both connections; `linger` is in seconds."""
        self._near = near
        self._far = far
        self._linger = linger
        self._broken = False
        self._pieces = 0  # that came from the far side

    def run(self, most: int | None = None) -> None:
        """Carry until the end of both, then close them. The near side may send `most` bytes; None for no limit."""
        back = threading.Thread(target=self._back, name=threading.current_thread().name + "-back", daemon=True)
        back.start()
        self._forth(most)
        pieces = -1
        while back.is_alive() and pieces != self._pieces:
            pieces = self._pieces
            back.join(self._linger)
        if back.is_alive():
            self.break_off()
            back.join(self._linger)
        self._near.close()
        self._far.close()

    def break_off(self, *, at_once: bool = False) -> None:
        """End both connections by a reset; with `at_once` also while a slow reader holds them up."""
        self._broken = True
        self._near.break_off(at_once=at_once)
        self._far.break_off(at_once=at_once)

    def _forth(self, most: int | None) -> None:
        try:
            while most != 0:
                data = self._near.receive(PIECE if most is None else min(most, PIECE))
                if not data:
                    break
                self._far.send(data)
                most = None if most is None else most - len(data)
            # After a whole request: a second one on the same connection would go to the wrong place.
            if most is not None and (most or self._near.receive()):
                self.break_off()
            elif most is None and not self._broken:
                self._far.end()
        except OSError:
            self.break_off()

    def _back(self) -> None:
        try:
            while data := self._far.receive():
                self._pieces += 1
                self._near.send(data)
            if not self._broken:
                self._near.end()
        except OSError:
            self.break_off()
