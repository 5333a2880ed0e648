"""The faults that spoil the stream of an answer: cut, split, slowed, broken, or ended by an error frame (protocol 5.5).

Each takes the frames of a sound answer and returns those of the faulty one. Each frame
comes with the seconds between the frame before it and itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from qwenproxy.sandbox.envelope import unauthorized
from qwenproxy.sandbox.faults.answers import EXPIRED, MODERATION, flat_rate_limit, rate_limit_data
from qwenproxy.sandbox.faults.fault import Fault
from qwenproxy.sandbox.faults.oddities import ODD, Frames, Options
from qwenproxy.sandbox.model.stream import FrameWriter


class ConnectionDropped(Exception):
    """Raised among frames when the connection has to break."""

    def __init__(self, whole_connection: bool) -> None:
        super().__init__()
        self.whole_connection = whole_connection


def spoil(fault: Fault, frames: Frames, writer: FrameWriter) -> Frames:
    """Return the frames of an answer as this fault leaves them."""
    options = fault.options
    if fault.kind in _RESHAPED:
        return _RESHAPED[fault.kind](frames, options)
    if fault.kind in ODD:
        return ODD[fault.kind](frames, options, writer)
    if fault.kind == "stall":
        return _stalled(frames, options, writer)
    if fault.kind == "reset":
        return _dropped(frames, options)
    default_after, end = _ENDED[fault.kind]
    # one frame more than `after`: the first is response.created
    return _ended(frames, int(options.get("after", default_after)) + 1, end(options, writer))


def _ended(frames: Frames, count: int, tail: Iterable[bytes]) -> Frames:
    yield from islice(frames, count)
    for data in tail:
        yield 0.0, data


def _dropped(frames: Frames, options: Options) -> Frames:
    yield from islice(frames, int(options["after"]) + 1)
    raise ConnectionDropped(whole_connection=options.get("scope") != "stream")


def _stalled(frames: Frames, options: Options, writer: FrameWriter) -> Frames:
    yield from islice(frames, int(options["after"]) + 1)
    remaining = float(options.get("seconds", 5))
    every = float(options.get("every_s", 10)) if options.get("keepalives") else remaining
    while remaining > every:
        remaining -= every
        yield every, writer.keep_alive()
    first = next(frames, None)
    if first is not None:
        yield first[0] + remaining, first[1]
    yield from frames


def _split_utf8(frames: Frames, options: Options) -> Frames:
    for gap, data in frames:
        cuts = [index + 1 for index, byte in enumerate(data) if byte >= 0xC0]
        yield from _cut(gap, data, cuts)


def _split_data_prefix(frames: Frames, options: Options) -> Frames:
    for gap, data in frames:
        yield from _cut(gap, data, [2, 5])


def _byte_by_byte(frames: Frames, options: Options) -> Frames:
    pause = float(options.get("interval_ms", 0)) / 1000
    for gap, data in frames:
        yield from _cut(gap, data, range(1, len(data)), pause)


def _drip(frames: Frames, options: Options) -> Frames:
    size = int(options.get("size", 16))
    pause = float(options.get("interval_ms", 20)) / 1000
    for gap, data in frames:
        yield from _cut(gap, data, range(size, len(data), size), pause)


def _cut(gap: float, data: bytes, cuts: Iterable[int], pause: float = 0.0) -> Frames:
    start = 0
    for cut in (*cuts, len(data)):
        yield (gap if start == 0 else pause), data[start:cut]
        start = cut


def _coalesced(frames: Frames, options: Options) -> Frames:
    size = int(options.get("group", 5))
    while group := list(islice(frames, size)):
        yield sum(gap for gap, _ in group), b"".join(data for _, data in group)


def _half_a_character(options: Options, writer: FrameWriter) -> Iterable[bytes]:
    data = writer.text("🙂")
    return [data[: data.index("🙂".encode()) + 2]]


def _half_a_frame(options: Options, writer: FrameWriter) -> Iterable[bytes]:
    data = writer.text("never seen")
    return [data[: data.index(b"seen")]]


def _rate_limit_frame(options: Options, writer: FrameWriter) -> Iterable[bytes]:
    if options.get("flat"):
        return [writer.frame(flat_rate_limit(options))]
    return [writer.frame({"success": False, "data": rate_limit_data(options)})]


_RESHAPED: Mapping[str, Callable[[Frames, Options], Frames]] = {
    "split_utf8": _split_utf8,
    "split_data_prefix": _split_data_prefix,
    "byte_by_byte": _byte_by_byte,
    "drip": _drip,
    "coalesce": _coalesced,
}

# kind -> sound frames before it (response.created not counted) and what follows them
_ENDED: Mapping[str, tuple[int, Callable[[Options, FrameWriter], Iterable[bytes]]]] = {
    "empty_after_created": (0, lambda options, writer: []),
    "cut_before_end": (2, lambda options, writer: []),
    "cut_mid_utf8": (2, _half_a_character),
    "cut_mid_frame": (2, _half_a_frame),
    "token_expired": (
        2,
        lambda options, writer: [writer.frame({"success": False, "data": unauthorized(EXPIRED).data})],
    ),
    "rate_limited": (0, _rate_limit_frame),
    "internal_error_frame": (
        0,
        lambda options, writer: [writer.frame({"error": {"code": "internal_error", "details": "Internal Error"}})],
    ),
    "internal_error_string": (0, lambda options, writer: [writer.frame({"error": "Internal error!"})]),
    "status_error": (0, lambda options, writer: [writer.status_error("The answer could not be generated.")]),
    "moderation_mid_answer": (
        2,
        lambda options, writer: [writer.frame({"error": {"code": "data_inspection_failed", "details": MODERATION}})],
    ),
}
