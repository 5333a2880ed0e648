"""Responses that are made in the background: a bounded number of threads, and jobs that wait for one.

A job goes on when its client leaves. What became of it stands in the store; here is only what is under way.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections import deque

from qwenproxy.api.errors import as_internal_error
from qwenproxy.api.responses.stored.job import Job
from qwenproxy.errors import QueueTimeout

log = logging.getLogger(__name__)

BACKGROUND = "qwenproxy.background"
WORKERS = 16
MOST_WAITING = 64  # jobs; each holds its whole conversation
RETRY_AFTER = 30.0  # seconds until a client that was one too many may try again
FAREWELL = 5.0  # seconds that jobs get to end when the server closes


class Background:
    """All jobs of one server."""

    def __init__(self, workers: int = WORKERS, most_waiting: int = MOST_WAITING) -> None:
        self._workers = workers
        self._most_waiting = most_waiting
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[tuple[Job, contextvars.Context]] = deque()
        self._running = 0  # threads
        self._is_stopped = False
        self._changed = threading.Condition()

    def submit(self, job: Job) -> None:
        """Let a job run as soon as a thread is free. Raises QueueTimeout, StorageError."""
        with self._changed:
            if self._is_stopped or len(self._waiting) >= self._most_waiting:
                raise QueueTimeout("Too many responses are in the background already.", retry_after=RETRY_AFTER)
            self._jobs[job.id] = job
        try:
            job.prepare()
        except BaseException:
            self._forget(job)
            raise
        with self._changed:
            self._waiting.append((job, contextvars.copy_context()))
            if self._running < self._workers:
                self._running += 1
                threading.Thread(target=self._work, name="background", daemon=True).start()

    def find(self, response_id: str, client: str) -> Job | None:
        """Return the job of a client's response, None if none is under way."""
        with self._changed:
            job = self._jobs.get(response_id)
        return job if job and job.client == client else None

    def stop(self) -> None:
        """Take no more jobs, and end those that have not begun. Idempotent."""
        with self._changed:
            self._is_stopped = True
            waiting = [job for job, _ in self._waiting]
        for job in waiting:
            job.interrupt()

    def close(self) -> None:
        """End all jobs and wait a moment for their threads. Idempotent."""
        self.stop()
        with self._changed:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.interrupt()
        deadline = time.monotonic() + FAREWELL
        with self._changed:
            self._changed.wait_for(lambda: not self._running, max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._running -= 1
                    self._changed.notify_all()
                    return
                job, context = self._waiting.popleft()
            try:
                context.run(job.run)
            except Exception as error:
                log.error("response %s: a bug ended its job", job.id)
                as_internal_error(error)
            finally:
                self._forget(job)

    def _forget(self, job: Job) -> None:
        with self._changed:
            self._jobs.pop(job.id, None)
