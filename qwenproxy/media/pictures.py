"""A picture, from the wish to a file that was looked at: the site paints it, and its address is tried.

Between the relay and the routes. Knows no wire API; every picture is one question in a chat of its own, because the
site paints one at a time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qwenproxy.chat import ChatRequest, Image, ImagePart, Message, TextPart
from qwenproxy.chat.waiting import ClientGoneCheck, check_client
from qwenproxy.chat.works import Work
from qwenproxy.errors import NoPicture, Transient
from qwenproxy.media.fetching import DeadAddress, WorkFetcher
from qwenproxy.media.store import MediaStore
from qwenproxy.observe import journal
from qwenproxy.uploads.file_types import image_type

if TYPE_CHECKING:
    from qwenproxy.relay.questions import Relay
    from qwenproxy.relay.run import ChatRun

log = logging.getLogger(__name__)

MOST_PICTURE_BYTES = 64 * 1024 * 1024
LINK_PAUSE = 1.0  # seconds before an address that leads nowhere is tried once more


@dataclass(frozen=True, slots=True)
class PictureWish:
    """What is to be painted: a text, and pictures to change. `model` and `ratio` None leave the choice to the site.

    With `as_bytes` the file itself is wanted, and kept here. `client` stands for the client's key.
    """

    prompt: str
    images: tuple[ImagePart, ...] = ()
    model: str | None = None
    engine: str | None = None
    ratio: str | None = None
    as_bytes: bool = False
    client: str = ""

    @property
    def request(self) -> ChatRequest:
        """The wish as a question for the site."""
        work = Work("image_edit" if self.images else "t2i", self.ratio, self.engine)
        message = Message("user", (TextPart(self.prompt), *self.images))
        return ChatRequest((message,), self.model, work=work, client=self.client)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on the site. Its size is in pixels, 0 if unknown; `data` is its file, None where nobody wants it."""

    address: str
    width: int
    height: int
    content_type: str
    data: bytes | None = None


class Pictures:
    """Makes pictures."""

    def __init__(
        self,
        relay: Relay,
        store: MediaStore,
        fetcher: WorkFetcher,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`pause` waits for some seconds."""
        self._relay = relay
        self._store = store
        self._fetcher = fetcher
        self._pause = pause

    def paint(self, wish: PictureWish, client_gone: ClientGoneCheck) -> Picture:
        """Return one picture. If its address leads nowhere twice, it is painted once more.

        Raises NoPicture if the site paints none, and what Relay.open and WorkFetcher.fetch raise.
        """
        try:
            return self._painted(wish, client_gone)
        except DeadAddress as error:
            log.warning("a picture is painted once more: %s", error.message)
            return self._painted(wish, client_gone)

    def file(self, address: str, account_id: str) -> bytes:
        """Return the file of a picture that stands in an answer, and keep it here. Raises as WorkFetcher.fetch does."""
        data = self._read(address, account_id, lambda: False)
        self._store.keep(address, data)
        return data

    def _painted(self, wish: PictureWish, client_gone: ClientGoneCheck) -> Picture:
        with ExitStack() as leaving:
            with self._relay.open(wish.request, client_gone) as run:
                leaving.callback(self._relay.try_to_discard, run.place.chat)
                journal.note(journal.AnswerBegan(run.account_id, run.model, "new", run.laps.header, None))
                image = _new_image(run)
            self._relay.pictures.note([image.url], run.account_id)
            data = self._read(image.url, run.account_id, client_gone)
            if not wish.as_bytes:
                leaving.pop_all()  # the address may need the site's chat; who has the file needs it no more
        if wish.as_bytes:
            self._store.keep(image.url, data)
        content_type = image_type(data) or "image/png"
        return Picture(image.url, image.width, image.height, content_type, data if wish.as_bytes else None)

    def _read(self, address: str, account_id: str, client_gone: ClientGoneCheck) -> bytes:
        """Return a picture's file; an address that leads nowhere is tried once more, because files may come late."""
        try:
            return self._look(address, account_id)
        except Transient:
            self._pause(LINK_PAUSE)
            check_client(client_gone)
            return self._look(address, account_id)

    def _look(self, address: str, account_id: str) -> bytes:
        data = self._fetcher.fetch(address, account_id, MOST_PICTURE_BYTES)
        if image_type(data) is None:
            raise DeadAddress("The site's address for the picture leads to something else. Try again in a moment.")
        return data


def _new_image(run: ChatRun) -> Image:
    """Return the last picture of an answer. Raises NoPicture."""
    images = [event for event in run if isinstance(event, Image)]
    if images:
        return images[-1]
    error = NoPicture("The site painted no picture.")
    words = " ".join(run.answer.text.split())
    # It may quote the request, so only the client reads it.
    error.client_message = f'{error.message} It said: "{words[:300]}"' if words else error.message
    raise error
