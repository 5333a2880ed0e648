"""Looks after the films that the site is making, each in a thread of its own, until it is over.

Between the jobs and the relay. A look takes a lease for a moment; while the account of a film cannot be used, the film
waits. An account makes one film a day, so there are few threads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from qwenproxy.errors import ChatGone, ProxyError, StorageError
from qwenproxy.media.film_files import FilmFiles
from qwenproxy.media.film_jobs import FilmJob, FilmJobs
from qwenproxy.observe import journal
from qwenproxy.relay.films import FilmSite, FilmTask
from qwenproxy.upstream.films import FilmStatus

log = logging.getLogger(__name__)

BUDGET = 20 * 60.0  # seconds that the site gets to make a film, where it can be asked
PATIENCE = 24 * 3600.0  # seconds until a film is given up whose account could not be used to ask
FIRST_LOOKS = 15.0  # seconds in which failures are expected, so looks are close together
MANY_LOOKS_PAUSE, FEW_LOOKS_PAUSE = 2.0, 10.0  # seconds between two looks; the site's own page takes 10

UNKNOWN = "The site does not know the film any more."
LOST = "qwenproxy ended before the site had taken the wish for the film. Order it again."
TOO_LONG = f"The site did not finish the film within {BUDGET / 60:.0f} minutes."
ACCOUNT_GONE = "The account that made the film was removed."
UNREACHABLE = "The account that makes the film could not be used for a day."
FAILED = "The site could not make the film."


def pause_at(age: float) -> float:
    """Return the seconds until the next look at a film that was ordered `age` seconds ago."""
    return MANY_LOOKS_PAUSE if age < FIRST_LOOKS else FEW_LOOKS_PAUSE


class FilmWatch:
    """The watchers of all films under way."""

    def __init__(
        self, site: FilmSite, jobs: FilmJobs, files: FilmFiles, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` gives seconds since 1970."""
        self._site = site
        self._jobs = jobs
        self._files = files
        self._clock = clock
        self._mutex = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._is_closed = threading.Event()
        self.pause_at = pause_at

    def begin(self, job_id: str) -> None:
        """Watch a film until it is over. Idempotent."""
        with self._mutex:
            if job_id in self._threads or self._is_closed.is_set():
                return
            thread = threading.Thread(target=self._watch, args=(job_id,), name=f"film-{job_id[-8:]}", daemon=True)
            self._threads[job_id] = thread
            thread.start()

    def close(self, wait: float = 0.0) -> None:
        """Watch nothing any more; a look under way gets `wait` seconds to end. Idempotent."""
        self._is_closed.set()
        with self._mutex:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(wait)

    def wait(self, job_id: str, seconds: float) -> bool:
        """Wait until a film is watched no more, for `seconds` at most; return whether it still is."""
        with self._mutex:
            thread = self._threads.get(job_id)
        if thread:
            thread.join(seconds)
        return thread is not None and thread.is_alive()

    def _watch(self, job_id: str) -> None:
        try:
            while (job := self._jobs.find(job_id)) and not job.is_over:
                if self._is_closed.wait(self.pause_at(self._age(job))):
                    return
                self._look_at(job_id)
        except StorageError as error:
            # The job stays unfinished on the disk; the next server watches it again.
            log.error("a film is watched no more: %s", error.message)
        finally:
            with self._mutex:
                self._threads.pop(job_id, None)

    def _look_at(self, job_id: str) -> None:
        """Look how a film stands, and write it down. Raises StorageError."""
        job = self._jobs.find(job_id)
        if job is None or job.is_over:
            return
        if not self._site.knows(job.account_id):
            self._end(job, ACCOUNT_GONE)
            return
        try:
            self._note(job, self._status(job))
        except StorageError:
            raise
        except ChatGone:
            self._end(job, UNKNOWN)
        except ProxyError as error:
            log.info("account=%s a film could not be looked at: %s", job.account_id, error.message)
            if self._age(job) > PATIENCE:
                self._end(job, UNREACHABLE)

    def _status(self, job: FilmJob) -> FilmStatus:
        if job.task_id:
            return self._site.look(FilmTask(job.chat, job.task_id))
        task = self._site.find(job.chat)
        if task is None:
            return FilmStatus("failed", message=LOST)
        started = replace(job, status="in_progress", task_id=task.task_id)
        self._jobs.note_start(started, self._now())
        return FilmStatus("running")

    def _note(self, job: FilmJob, status: FilmStatus) -> None:
        if status.state == "done":
            self._complete(job, status.address)
        elif status.state == "failed":
            self._end(job, status.message or FAILED)
        elif self._age(job) > BUDGET:
            self._end(job, TOO_LONG)

    def _complete(self, job: FilmJob, address: str) -> None:
        """Fetch the film at once, because its address may expire; its file says its true size."""
        done = replace(job, status="completed", address=address, ended=self._now())
        try:
            _, film = self._files.read(address, job.account_id)
            if film.width:
                done = replace(done, size=f"{film.width}x{film.height}")
            if film.seconds:
                done = replace(done, seconds=str(max(1, round(film.seconds))))
        except ProxyError as error:
            log.warning("account=%s a film is fetched later: %s", job.account_id, error.message)
        if self._jobs.note(done):
            journal.note(journal.FilmEnded(job.account_id, "completed", self._age(job)))

    def _end(self, job: FilmJob, reason: str) -> None:
        failed = replace(job, status="failed", error="video_generation_failed", reason=reason, ended=self._now())
        if self._jobs.note(failed):
            journal.note(journal.FilmEnded(job.account_id, "failed", self._age(job)))
            self._site.discard(job.chat)

    def _age(self, job: FilmJob) -> float:
        return self._clock() - job.created / 1000

    def _now(self) -> int:
        return int(self._clock() * 1000)
