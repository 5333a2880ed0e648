"""Run the steps of a probe one after the other; stop politely where the site wants it, and always tidy up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from qwenproxy.errors import (
    ChatBusy,
    NetworkFailed,
    NotLoggedIn,
    ProxyError,
    RateLimited,
    SiteFailure,
    TabLost,
    VerificationRequired,
)
from qwenproxy.probe.notes import Notebook, Outcome
from qwenproxy.probe.plan import Step
from qwenproxy.probe.visit import NotTried, Visit, said
from qwenproxy.texts import Phrase

# What ends a probe, and what a person is told: the site, or the browser, would not answer the next step either.
_ENDS: tuple[tuple[type[ProxyError], str], ...] = (
    (VerificationRequired, "probe_wants_human"),
    (NotLoggedIn, "probe_logged_out"),
    (RateLimited, "probe_limited"),
    (NetworkFailed, "probe_no_network"),
    (TabLost, "probe_browser_lost"),
)
# The site fails just now, which says nothing of how it speaks.
_PASSING = (SiteFailure, ChatBusy)


class Probe:
    """One run through the steps. `stopped_by` is the error that ended it, None if nothing did."""

    def __init__(self, visit: Visit, clock: Callable[[], float]) -> None:
        """`clock` counts seconds."""
        self._visit = visit
        self._clock = clock
        self._reason: Phrase | None = None
        self.stopped_by: ProxyError | None = None
        self.was_interrupted = False

    @property
    def is_whole(self) -> bool:
        """Whether every step could be tried."""
        return self._reason is None

    def run(self, steps: Iterable[Step], begin: Callable[[Step], None]) -> Iterator[Outcome]:
        """Yield what came of each step, also of those that were not tried; `begin` hears of each that is."""
        for step in steps:
            if self._reason is not None and not step.always:
                yield _not_tried(step, self._reason)
                continue
            try:
                begin(step)
                outcome = self._run(step)
            except KeyboardInterrupt:
                self.was_interrupted = True
                self._reason = Phrase("probe_interrupted")
                outcome = _not_tried(step, self._reason)
            yield outcome

    def _run(self, step: Step) -> Outcome:
        book, began_at = Notebook(), self._clock()
        try:
            step.run(self._visit, book)
        except NotTried as reason:
            return _not_tried(step, reason.phrase)
        except ProxyError as error:
            self._judge(step, book, error)
        seconds = round(self._clock() - began_at, 2)
        return Outcome(step.name, step.title, step.section, book.verdict, tuple(book.remarks), book.facts, seconds)

    def _judge(self, step: Step, book: Notebook, error: ProxyError) -> None:
        """Note what an error means: an end of the probe, a trouble of now, or a change of the site."""
        key = next((key for kind, key in _ENDS if isinstance(error, kind)), None)
        if isinstance(error, RateLimited) and step.own_limit:
            book.trouble(Phrase("probe_limited_here", said=said(book, error)))
        elif key is not None:
            book.trouble(Phrase(key))
            if self._reason is None:
                self._reason, self.stopped_by = Phrase(key), error
        elif isinstance(error, _PASSING):
            book.trouble(Phrase("probe_fails_now", said=said(book, error)))
        else:
            book.changed(Phrase("probe_refused", said=said(book, error)))


def _not_tried(step: Step, reason: Phrase) -> Outcome:
    book = Notebook()
    book.seen(reason)
    return Outcome(step.name, step.title, step.section, "not_tried", tuple(book.remarks))
