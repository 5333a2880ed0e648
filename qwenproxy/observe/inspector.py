"""The last requests, each with what became of it: the journal's events put together by request.

The app makes one; the dashboard reads rows and watches them change. Holds no text of any message, and a bounded number
of rows. Knows no HTTP.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from queue import Empty, Full, Queue
from typing import Any, Literal

from qwenproxy.observe import journal
from qwenproxy.observe.logs import NO_REQUEST, request_id

KEPT = 500  # rows
NOTES = 50  # notes of one row: an agent's answer may be tried again, searched for, corrected
CLIENT_GONE = 499  # the status of an answer that nobody waits for
UNREAD = 1000  # changes that a slow viewer may have before it; then it begins anew

State = Literal["running", "done", "failed", "left"]


@dataclass(slots=True)
class Row:
    """One request. Times are in seconds, `at` since 1970; sizes in bytes, None where unknown.

    `asked` is the model's name in a question to one, `tools` and `attachments` are None for all other requests.
    """

    id: str
    at: float
    method: str = ""
    path: str = ""
    route: str = ""
    address: str = ""
    client: str = ""
    state: State = "running"
    status: int | None = None
    asked: str = ""
    tools: int | None = None
    attachments: int | None = None
    model: str = ""
    account: str = ""
    context: str = ""
    laps: str = ""
    finish: str = ""
    error: str = ""
    received: int | None = None
    sent: int | None = None
    seconds: float | None = None
    notes: list[str] = field(default_factory=list)


class Watcher:
    """One viewer's unread changes."""

    def __init__(self) -> None:
        self._changes: Queue[dict[str, Any]] = Queue(UNREAD)
        self.is_behind = False  # it missed changes

    def put(self, change: dict[str, Any]) -> None:
        """Add a change, or note that the viewer is too slow for it."""
        try:
            self._changes.put_nowait(change)
        except Full:
            self.is_behind = True

    def clear(self) -> None:
        """Forget all unread changes, because the viewer reads everything anew."""
        self.is_behind = False
        while self.next(0) is not None:
            pass

    def next(self, wait: float) -> dict[str, Any] | None:
        """Return the next change, None if none comes within `wait` seconds."""
        try:
            return self._changes.get(block=wait > 0, timeout=wait or None)
        except Empty:
            return None


class Inspector:
    """Keeps the last requests, from `start` to `close`. For any thread."""

    def __init__(self, clock: Callable[[], float], kept: int = KEPT, skip: tuple[str, ...] = ()) -> None:
        """`clock` gives seconds since 1970; `kept` is the number of rows. Paths that begin with `skip` get none."""
        self._skip = skip
        self._clock = clock
        self._kept = kept
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._lock = threading.Lock()
        self._watchers: list[Watcher] = []
        self._subscription = journal.Subscription(self._receive)

    def start(self) -> None:
        """Listen to the journal."""
        self._subscription.__enter__()

    def close(self) -> None:
        """Keep no more. Idempotent."""
        self._subscription.__exit__()

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows, the newest first."""
        with self._lock:
            return [asdict(row) for row in reversed(self._rows.values())]

    def row(self, row_id: str) -> dict[str, Any] | None:
        """Return one row, None if it is not kept any more."""
        with self._lock:
            row = self._rows.get(row_id)
            return asdict(row) if row else None

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """Return a viewer that gets each row again whenever it changes."""
        watcher = Watcher()
        with self._lock:
            self._watchers.append(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                self._watchers.remove(watcher)

    def _receive(self, event: journal.Event) -> None:
        row_id = request_id.get()
        if row_id == NO_REQUEST:
            return
        with self._lock:
            row = self._rows.get(row_id)
            if row is None:
                if not isinstance(event, journal.RequestBegan) or event.path.startswith(self._skip):
                    return  # of a request that is forgotten, or of work that goes on behind it
                row = self._rows[row_id] = Row(row_id, self._clock())
                if len(self._rows) > self._kept:
                    self._rows.popitem(last=False)
            _note(row, event)
            for watcher in self._watchers:
                watcher.put(asdict(row))


def _note(row: Row, event: journal.Event) -> None:
    """Put what an event says into its row."""
    match event:
        case journal.RequestBegan():
            row.method, row.path, row.address, row.received = event.method, event.path, event.address, event.size
        case journal.RequestEnded():
            row.status, row.route, row.client = event.status, event.route, event.client
            row.error = event.code or row.error  # work in the background may have failed before
            if event.status == CLIENT_GONE:
                row.state = "left"
        case journal.QuestionAsked():
            row.client, row.asked = event.client, event.model
            row.tools, row.attachments = event.tools, event.attachments
        case journal.AnswerBegan():
            row.account, row.model, row.context, row.laps = event.account_id, event.model, event.context, event.laps
        case journal.AnswerEnded():
            row.finish = event.reason
        case journal.AnswerBroke() | journal.NoAnswer():
            row.error, row.state = event.code, "failed"
        case journal.ClientLeft() if row.state in ("running", "done") and not row.finish:
            row.state = "left"
        case journal.ClientLeft() | journal.AnswerPaced():  # it left when all was said; the pace is for the numbers
            pass
        case journal.ResponseEnded():
            row.sent, row.seconds = event.size, event.seconds
            if row.state == "running":
                row.state = "failed" if (row.status or 0) >= 400 else "done"
        case _ if len(row.notes) < NOTES:
            row.notes.append(str(event))
