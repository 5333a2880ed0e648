"""Let pictures be painted while a client waits: whole, or one by one with signs of life between them.

The wire APIs that answer with pictures use this and give them their form. Knows no form.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from flask import request

from qwenproxy.api.answering import KEEP_ALIVE_AFTER
from qwenproxy.api.fields import attached_in
from qwenproxy.api.wiring import pictures
from qwenproxy.chat.waiting import LOOK_EVERY, ClientGoneCheck, Work, check_client
from qwenproxy.errors import ClientGone, ProxyError
from qwenproxy.media.pictures import Picture, Pictures, PictureWish
from qwenproxy.observe import journal
from qwenproxy.wsgi.client import client_gone_check


class Painting:
    """The pictures that the current request wants."""

    def __init__(self, wish: PictureWish, count: int = 1) -> None:
        self._client_gone = client_gone_check(request.environ)
        self._paint = partial(_painted, pictures(), wish, self._client_gone)
        self._count = count

    def all(self) -> list[Picture]:
        """Return all pictures.

        If a later one fails, those before it are the answer, because each cost a share of a day. Raises what the first
        one raises.
        """
        painted: list[Picture] = []
        for _ in range(self._count):
            try:
                painted.append(self._paint())
            except ProxyError as error:
                if not painted or isinstance(error, ClientGone):
                    raise
                journal.note(journal.PicturesMissing(self._count - len(painted), error.code, error.message))
                break
        return painted

    def one_by_one(self) -> Iterator[Picture | None]:
        """Return the pictures as they come; None after each long silence.

        Waits for the first one up to KEEP_ALIVE_AFTER, so that an early failure is raised here and has its status.
        """
        first = self._begin()
        if first.wait(KEEP_ALIVE_AFTER):
            first.result()
        return self._coming(first)

    def _begin(self) -> Work[Picture]:
        return Work(self._paint, "picture").start()

    def _coming(self, work: Work[Picture]) -> Iterator[Picture | None]:
        if not work.wait(0):
            yield None
        for number in range(self._count):
            work = self._begin() if number else work
            looks = 0
            while not work.wait(LOOK_EVERY):
                looks += 1
                if looks % KEEP_ALIVE_AFTER == 0:
                    yield None
                check_client(self._client_gone)
            yield work.result()


def _painted(pictures: Pictures, wish: PictureWish, client_gone: ClientGoneCheck) -> Picture:
    with attached_in("image"):
        return pictures.paint(wish, client_gone)
