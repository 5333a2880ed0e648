"""Films, from the wish to the file: ordered on the site, watched in the background across restarts, kept (contract 11).

Between the relay and the routes. A job is written down before the site is asked, so a kill at any moment loses no film
that the site makes. Knows no wire API.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from qwenproxy.chat import ChatRequest, ImagePart, Message, TextPart
from qwenproxy.chat.waiting import ClientGoneCheck, unless_gone
from qwenproxy.chat.works import Work
from qwenproxy.errors import NoFilm, ProxyError, RequestError, SetupError
from qwenproxy.media.fetching import DeadAddress
from qwenproxy.media.film_files import FilmFiles
from qwenproxy.media.film_jobs import DAY_MS, FilmJob, FilmJobs, JobPageWish, new_id
from qwenproxy.media.film_watch import FilmWatch
from qwenproxy.relay.films import FilmSite, FilmTask, FilmWish
from qwenproxy.upstream.places import SiteChat
from qwenproxy.upstream.works import means_films

log = logging.getLogger(__name__)

DEFAULT_MODEL = "qwen-video"
USUAL_SECONDS = "5"  # what a film lasts: the site offers no choice


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """What is to be filmed: a text, and perhaps a picture to begin with. `model` is the name that the client used.

    `size` is told until the true one is known.
    """

    prompt: str
    images: tuple[ImagePart, ...]
    model: str
    ratio: str
    size: str
    client: str = ""

    @property
    def engine_model(self) -> str | None:
        """The model of the site that the name means, None for any."""
        return None if self.model == DEFAULT_MODEL or means_films(self.model) else self.model

    @property
    def request(self) -> ChatRequest:
        """The order as a question for the site."""
        message = Message("user", (TextPart(self.prompt), *self.images))
        work = Work("i2v" if self.images else "t2v", self.ratio)
        return ChatRequest((message,), self.engine_model, work=work, client=self.client)


class Films:
    """The films of one server."""

    def __init__(
        self,
        site: FilmSite,
        jobs: FilmJobs,
        files: FilmFiles,
        days: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Jobs stay for so many `days`; `clock` gives seconds since 1970."""
        self.days = days
        self._site = site
        self._jobs = jobs
        self._files = files
        self._clock = clock
        self.watch = FilmWatch(site, jobs, files, clock)
        self._starting = threading.Lock()
        self._begun: set[str] = set()  # jobs whose start a request of this server waits for

    def start(self) -> None:
        """Watch what an earlier server left unfinished. Raises StorageError."""
        with self._starting:
            left = [job for job in self._jobs.unfinished() if job.id not in self._begun]
        for job in left:
            self.watch.begin(job.id)

    def close(self, wait: float = 0.0) -> None:
        """Watch nothing any more; a look under way gets `wait` seconds to end. The jobs stay. Idempotent."""
        self.watch.close(wait)

    def order(self, order: FilmOrder, client_gone: ClientGoneCheck) -> FilmJob:
        """Start a film and return its job. Raises RequestError, ModelNotFound, StorageError and what the site says."""
        self._expire()
        job = FilmJob(
            new_id(), order.client, self._now(), "queued", "", "", "", order.prompt, order.model, order.size,
            USUAL_SECONDS,
        )  # fmt: skip
        with self._starting:
            self._begun.add(job.id)

        def note_chat(chat: SiteChat) -> None:
            self._jobs.put(replace(job, account_id=chat.account_id, chat_id=chat.chat_id))

        def may_start(account_id: str) -> bool:
            return not self._jobs.has_started_today(account_id, self._now())

        wish = FilmWish(order.request, note_chat, may_start)
        try:
            task = self._site.start(wish, client_gone)
            job = _begun(job, task)
            self._jobs.note_start(job, self._now())
        except BaseException:
            with contextlib.suppress(SetupError):
                self._jobs.delete(job.id)
            raise
        finally:
            with self._starting:
                self._begun.discard(job.id)
        self.watch.begin(job.id)
        return job

    def get(self, job_id: str, client: str) -> FilmJob:
        """Return a client's job. Raises NotFound, StorageError."""
        return self._jobs.of(job_id, client)

    def wait(self, job_id: str, client: str, seconds: float) -> FilmJob:
        """Return a client's job once it is over, after `seconds` at the latest.

        Raises NotFound, StorageError, NoFilm if the film goes on and nobody here watches it.
        """
        is_watched = self.watch.wait(job_id, seconds)
        job = self._jobs.of(job_id, client)
        if not (is_watched or job.is_over):
            raise NoFilm(f"The server ends. The film goes on: GET /v1/videos/{job_id}")
        return job

    def page(self, client: str, wish: JobPageWish) -> tuple[list[FilmJob], bool]:
        """Return some of a client's jobs, and whether there are more. Raises NotFound, StorageError."""
        return self._jobs.page(client, wish)

    def delete(self, job_id: str, client: str) -> None:
        """Delete a client's job, its file and its chat on the site. Raises NotFound, SetupError."""
        self._drop(self._jobs.of(job_id, client))

    def content(self, job_id: str, client: str, client_gone: ClientGoneCheck) -> bytes:
        """Return the file of a client's film. Raises NotFound, RequestError before it is complete, DeadAddress,
        NetworkFailed, ClientGone."""
        job = self._jobs.of(job_id, client)
        if job.status == "failed":
            raise RequestError(f"The video has failed, so it has no content: {job.reason}")
        if job.status != "completed":
            raise RequestError("The video is not ready yet. Ask for its content when its status is completed.")
        return unless_gone(lambda: self._read(job), client_gone, f"film-{job.id[-8:]}")

    def _read(self, job: FilmJob) -> bytes:
        """Return the file; where its address leads nowhere any more, the site is asked for a new one."""
        try:
            return self._files.read(job.address, job.account_id)[0]
        except DeadAddress as dead:
            try:
                status = self._site.look(FilmTask(job.chat, job.task_id))
            except ProxyError as error:
                raise dead from error
            if status.state != "done" or status.address == job.address:
                raise
        self._jobs.note(replace(job, address=status.address))
        return self._files.read(status.address, job.account_id)[0]

    def _expire(self) -> None:
        for job in self._jobs.older_than(self._now() - int(self.days * DAY_MS)):
            self._drop(job)

    def _drop(self, job: FilmJob) -> None:
        self._jobs.delete(job.id)
        self._site.discard(job.chat)
        try:
            self._files.drop(job.address)
        except SetupError as error:
            # The film is gone for everybody; its file goes with the oldest of the folder.
            log.warning("the file of a deleted film stays: %s", error.message)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _begun(job: FilmJob, task: FilmTask) -> FilmJob:
    chat = task.chat
    return replace(job, status="in_progress", account_id=chat.account_id, chat_id=chat.chat_id, task_id=task.task_id)
