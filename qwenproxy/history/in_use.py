"""Chats of the site that serve a request now: each serves one at a time (architecture 4).

In memory only, because one server has the session folder. Knows neither requests nor the disk.
"""

from __future__ import annotations

import threading

from qwenproxy.upstream.places import SiteChat


class ChatsInUse:
    """The chats that serve a request now. Safe among threads."""

    def __init__(self) -> None:
        self._chats: set[SiteChat] = set()
        self._mutex = threading.Lock()

    def claim(self, chat: SiteChat) -> bool:
        """Take a chat for one request, until it is released; return False if another one has it."""
        with self._mutex:
            if chat in self._chats:
                return False
            self._chats.add(chat)
            return True

    def release(self, chat: SiteChat) -> None:
        """Let others use a chat."""
        with self._mutex:
            self._chats.discard(chat)

    def __contains__(self, chat: SiteChat) -> bool:
        """Tell whether a request has the chat."""
        with self._mutex:
            return chat in self._chats
