"""A film as the answer of a chat: ordered at once, waited for with signs of life, its address is the answer's text.

Between the films and the conversations, which keep the answer. Whoever leaves loses nothing: the job goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

from qwenproxy.chat import ChatRequest, Event, Finish, Text, Tick
from qwenproxy.chat.answer import Answer
from qwenproxy.chat.waiting import ClientGoneCheck, check_client
from qwenproxy.errors import NoFilm
from qwenproxy.media.film_jobs import FilmJob
from qwenproxy.media.films import DEFAULT_MODEL, FilmOrder, Films
from qwenproxy.observe.laps import Laps
from qwenproxy.upstream.places import SitePlace

TICK = 1.0  # seconds between two Ticks
DEFAULT_RATIO = "16:9"


class FilmAnswer:
    """The wait for a film, as an iterator of events. Ends with Finish, or raises NoFilm.

    It has what every answer has (`history.runs.Run`). Nothing on the site goes on from it.
    """

    response_id: None = None
    lost: None = None
    way: None = None

    def __init__(self, films: Films, job: FilmJob, chat: ChatRequest, laps: Laps) -> None:
        self.account_id = job.account_id
        self.chat = chat
        self.place = SitePlace(job.chat)
        self.model = job.model
        self.laps = laps
        self.answer = Answer()
        self._films = films
        self._job = job
        self._first: tuple[Event, ...] = ()

    def prime(self, client_gone: ClientGoneCheck) -> None:
        """Wait until a film that is not streamed is there. Raises NoFilm, ClientGone."""
        events = list[Event]()
        for event in self._events():
            if isinstance(event, Tick):
                check_client(client_gone)
            else:
                events.append(event)
        self._first = tuple(events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._first or self._events())

    def close(self) -> None:
        """Do nothing: the film is made whether or not somebody waits."""

    def _events(self) -> Iterator[Event]:
        while not (job := self._films.wait(self._job.id, self._job.client, TICK)).is_over:
            yield Tick()
        if job.status == "failed":
            raise NoFilm(job.reason)
        for event in (Text(job.address), Finish()):
            self.answer.add(event)
            yield event


def film_answer(films: Films, chat: ChatRequest, client_gone: ClientGoneCheck) -> FilmAnswer:
    """Order the film that a turn wishes for; return the wait for it. Raises what Films.order raises.

    If the turn is not streamed, wait for the film itself, too, and raise NoFilm if there will be none.
    """
    laps = Laps()
    message = chat.messages[-1]
    ratio = chat.work.ratio if chat.work and chat.work.ratio else DEFAULT_RATIO
    job = films.order(
        FilmOrder(message.text.strip(), message.images, chat.model or DEFAULT_MODEL, ratio, ratio, chat.client),
        client_gone,
    )
    laps.end("film")
    answer = FilmAnswer(films, job, chat, laps)
    if not chat.streamed:
        answer.prime(client_gone)
    return answer
