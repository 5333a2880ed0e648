"""Changes of the site that nobody has seen yet: other names of fields, phases and events that are new (switches.py).

They show what the product, and its probe, make of such a site.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from qwenproxy.sandbox.faults.oddities import Timed
from qwenproxy.sandbox.model.stream import FrameWriter
from qwenproxy.sandbox.switches import Switches


def renamed(data: bytes, path: str, switches: Switches) -> bytes:
    """Return the JSON of an answer to a path with the names that fields have now."""
    for beginning, names in switches.renamed.items():
        if path.startswith(beginning):
            for name, new_name in names.items():
                data = data.replace(f'"{name}":'.encode(), f'"{new_name}":'.encode())
    return data


async def changed(
    frames: AsyncGenerator[Timed, None], path: str, writer: FrameWriter, switches: Switches
) -> AsyncGenerator[Timed, None]:
    """Return the frames of an answer as a changed site writes them; the new ones stand behind the first."""
    is_first = True
    try:
        async for gap, frame in frames:
            yield gap, renamed(frame, path, switches)
            if is_first and switches.new_event:
                yield 0.0, writer.frame({switches.new_event: {"response_id": writer.response_id}})
            if is_first and switches.new_phase:
                delta = {"role": "assistant", "content": "", "phase": switches.new_phase, "status": "typing"}
                yield 0.0, renamed(writer.delta(delta), path, switches)
            is_first = False
    finally:
        await frames.aclose()


def has_changed(switches: Switches) -> bool:
    """Tell whether answers of the model differ from what was seen."""
    return bool(switches.renamed or switches.new_phase or switches.new_event)
