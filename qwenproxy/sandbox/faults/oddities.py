"""Odd things that the site does in the stream of a sound answer (protocol 5.2, 5.6, 5.7 and 8.1).

Tests order them like faults. Like those of streams.py, they rework the frames of a plain answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from qwenproxy.sandbox.model.stream import FrameWriter

Timed = tuple[float, bytes]
Frames = Iterator[Timed]
Options = Mapping[str, Any]


class HeldOpen(Exception):
    """Raised among frames when the answer is over but the connection stays open."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def _segmented(frames: Frames, options: Options, writer: FrameWriter) -> Frames:
    """Finish a piece of the answer `every` few frames, pause, and go on; stop after `cut_after` frames (0: never)."""
    every, cut_after = int(options.get("every", 2)), int(options.get("cut_after", 0))
    yield next(frames)
    wait = 0.0
    for number, (gap, data) in enumerate(frames, 1):
        yield gap + wait, data
        wait = 0.0
        if number == cut_after:
            return
        if number % every == 0 and b'"finished"' not in data:
            yield 0.0, writer.finished()
            wait = float(options.get("pause_s", 0))


def _intercepted(frames: Frames, options: Options, writer: FrameWriter) -> Frames:
    """Treat a call as one of the site's own tools, and answer that there is no such tool."""
    name, pause = str(options.get("name", "todowrite")), float(options.get("pause_s", 0))
    arguments = '{"todos": "[{\\"content\\": \\"look\\"}]"}'
    yield from islice(frames, int(options.get("after", 1)) + 1)
    yield 0.0, writer.finished()
    for prefix in ("", arguments[:12], arguments):
        yield 0.0, writer.call(name, prefix)
    yield pause, writer.function_result(name, f"Tool {name} does not exists.")
    yield 0.0, writer.function_end()
    for gap, data in frames:
        yield gap + pause, data
        pause = 0.0


def _two_at_once(frames: Frames, options: Options, writer: FrameWriter) -> Frames:
    """Write a second answer among the frames of the first; it begins and finishes earlier.

    With `thinking` the other id is only that of the thoughts.
    """
    if options.get("thinking"):
        yield from _thinking_apart(frames, writer.response_id)
        return
    other = FrameWriter(writer.chat_id, writer.parent_id, str(uuid.uuid4()), writer.prompt_characters, index=0)
    writer.index, writer.indexed, other.indexed = 1, True, True
    yield 0.0, other.created()
    yield 0.0, writer.created()
    next(frames)
    yield 0.0, other.summary(["The other answer"], ["It thinks first."], 16)
    for number, frame in enumerate(frames):
        yield frame
        if number < 3:
            yield 0.0, other.text("OTHER ")
        elif number == 3:
            yield 0.0, other.finished()


def _thinking_apart(frames: Frames, response_id: str) -> Frames:
    other = str(uuid.uuid4()).encode()
    for gap, data in frames:
        is_thought = b'"phase": "think' in data
        yield gap, data.replace(response_id.encode(), other) if is_thought else data


def _with_image(frames: Frames, options: Options, writer: FrameWriter) -> Frames:
    """Draw an image with a tool of the site in the middle of the answer."""
    form, image = str(options.get("form", "tool_result")), str(options.get("image", "output/1.png"))
    yield from islice(frames, int(options.get("after", 1)) + 1)
    yield 0.0, writer.tool_result("image_gen_tool", "round_0_call_00f0", {form: [{"image": image}]})
    yield from frames


def _with_done_flag(frames: Frames, options: Options, writer: FrameWriter) -> Frames:
    """Say that the answer is done, and leave the connection open."""
    yield from frames
    yield 0.0, writer.frame({"response_id": writer.response_id, "done": True})
    raise HeldOpen(float(options.get("seconds", 600)))


def _held_open(frames: Frames, options: Options, writer: FrameWriter) -> Frames:
    yield from frames
    raise HeldOpen(float(options.get("seconds", 600)))


ODD: Mapping[str, Callable[[Frames, Options, FrameWriter], Frames]] = {
    "segments": _segmented,
    "function_channel": _intercepted,
    "two_answers": _two_at_once,
    "image_tool": _with_image,
    "done_flag": _with_done_flag,
    "held_open": _held_open,
}
