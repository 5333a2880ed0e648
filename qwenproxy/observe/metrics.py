"""The journal's events as numbers for Prometheus, and the numbers of the moment.

The app makes one and hands in where the numbers of the moment come from; a route shows it. Labels take few values:
routes, codes and words of our own, never what a client sends. Names follow Prometheus's conventions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from qwenproxy.observe import journal

CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER = "other"
NO_ROUTE = "none"
# Seconds: from an answer out of the memory to a research that takes minutes.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Moment:
    """The numbers of now: running answers, requests that wait for an account, open browsers, accounts by status."""

    running: int = 0
    waiting: int = 0
    browsers: int = 0
    accounts: Mapping[str, int] = field(default_factory=dict)


class Metrics:
    """Counts what the journal says, from `start` to `close`."""

    def __init__(self, moment: Callable[[], Moment] = Moment) -> None:
        """`moment` returns the numbers of now; it is asked at each scrape."""
        self.moment = moment
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(_Moments(moment))
        self._delays = _Delays()
        registry.register(self._delays)
        self._requests = Counter(
            "qwenproxy_requests", "Requests by route and status.", ("method", "route", "status"), registry=registry
        )
        self._request_seconds = _histogram(registry, "request", "Time to an answer, or to a stream's begin.", "route")
        self._first_event_seconds = _histogram(registry, "first_event", "Time to the first part of a streamed answer.")
        self._answer_seconds = _histogram(registry, "answer", "Time from a question to the end of its answer.")
        self._browser_seconds = _histogram(registry, "browser_start", "Time to open an account's browser and page.")
        self._answers = Counter("qwenproxy_answers", "Complete answers by reason.", ("reason",), registry=registry)
        self._contexts = Counter(
            "qwenproxy_contexts", "Answers by what the site held of the conversation.", ("context",), registry=registry
        )
        self._errors = Counter(
            "qwenproxy_answer_errors",
            "Streams that ended with an error.",
            ("code",),
            registry=registry,
        )
        self._refusals = Counter(
            "qwenproxy_refusals", "Times an account was set aside, by kind.", ("kind",), registry=registry
        )
        self._tokens = Counter("qwenproxy_tokens", "Tokens as the site counts them.", ("direction",), registry=registry)
        self._events = Counter("qwenproxy_events", "All events of the journal.", ("event",), registry=registry)
        self._subscription = journal.Subscription(self._receive)

    def start(self) -> None:
        """Listen to the journal."""
        self._subscription.__enter__()

    def close(self) -> None:
        """Count no more. Idempotent."""
        self._subscription.__exit__()

    def text(self) -> bytes:
        """Return all numbers in Prometheus's text format."""
        return generate_latest(self.registry)

    def _receive(self, event: journal.Event) -> None:
        self._events.labels(type(event).__name__).inc()
        if isinstance(event, journal.RequestEnded):
            method = event.method if event.method in METHODS else OTHER
            route = event.route or NO_ROUTE
            self._requests.labels(method, route, str(event.status)).inc()
            self._request_seconds.labels(route).observe(event.seconds)
        elif isinstance(event, journal.AnswerBegan):
            self._contexts.labels(event.context).inc()
            if event.seconds is not None:
                self._first_event_seconds.observe(event.seconds)
        elif isinstance(event, journal.AnswerEnded):
            self._answers.labels(event.reason).inc()
            self._answer_seconds.observe(event.seconds)
            self._tokens.labels("input").inc(event.input_tokens or 0)
            self._tokens.labels("output").inc(event.output_tokens or 0)
        elif isinstance(event, journal.AnswerPaced):
            self._delays.add(event)
        elif isinstance(event, journal.AnswerBroke | journal.NoAnswer):
            self._errors.labels(event.code).inc()
        elif isinstance(event, journal.BrowserOpened):
            self._browser_seconds.observe(event.seconds)
        elif kind := _refusal(event):
            self._refusals.labels(kind).inc()


class _Moments(Collector):
    """The numbers of the moment, read at each scrape."""

    def __init__(self, moment: Callable[[], Moment]) -> None:
        self._moment = moment

    def collect(self) -> Iterable[Metric]:
        now = self._moment()
        yield _gauge("answers_running", "Answers under way.", now.running)
        yield _gauge("requests_waiting", "Requests that wait for an account.", now.waiting)
        yield _gauge("browsers_open", "Browsers that are open.", now.browsers)
        accounts = GaugeMetricFamily("qwenproxy_accounts", "Accounts by status.", labels=("status",))
        for status, number in now.accounts.items():
            accounts.add_metric((status,), number)
        yield accounts

    def describe(self) -> Iterable[Metric]:
        # Registering must not ask for numbers: nothing is open yet.
        return ()


class _Delays(Collector):
    """The delays of answers' parts. Answers bring theirs counted: the library's histogram takes only one at a time."""

    def __init__(self) -> None:
        self._counts = [0] * (len(journal.DELAYS) + 1)
        self._seconds = 0.0
        self._lock = threading.Lock()

    def add(self, paced: journal.AnswerPaced) -> None:
        """Add the delays of one answer."""
        with self._lock:
            self._counts = [sum(pair) for pair in zip(self._counts, paced.counts, strict=True)]
            self._seconds += paced.seconds

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            bounds = (*map(floatToGoString, journal.DELAYS), "+Inf")
            buckets = list(zip(bounds, accumulate(self._counts), strict=True))
            meaning = "Time that a part of an answer was waited for after the one before it."
            yield HistogramMetricFamily("qwenproxy_chunk_delay_seconds", meaning, buckets, self._seconds)


def _refusal(event: journal.Event) -> str:
    """Return the kind of a refusal, "" for any other event."""
    if isinstance(event, journal.AccountInvalid):
        return "invalid"
    if isinstance(event, journal.KindRests):
        return event.kind
    return (event.reason or "rate_limited") if isinstance(event, journal.AccountRests) else ""


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"qwenproxy_{name}", meaning, value)


def _histogram(registry: CollectorRegistry, name: str, meaning: str, *labels: str) -> Histogram:
    return Histogram(f"qwenproxy_{name}_seconds", meaning, labels, registry=registry, buckets=BUCKETS)
