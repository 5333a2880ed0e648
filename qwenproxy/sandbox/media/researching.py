"""A research of the site: it asks back first, and once that is answered, plans, reads and reports (protocol 8.4).

Between the completions route and the frames; the report cites its references by their numbers.
"""

from __future__ import annotations

from qwenproxy.sandbox.faults.oddities import Frames
from qwenproxy.sandbox.model.stream import FrameWriter
from qwenproxy.sandbox.switches import Switches

RESEARCH = "deep_research"
QUOTA = "deep_research_deep_research"
BACK = "Before I begin: which time and which region shall I look at, and how long may the report be?"
PAGES = tuple(
    {
        "title": f"Source {number}",
        "url": f"https://source{number}.example/page",
        "description": f"What source {number} says.",
        "favicon": f"https://source{number}.example/favicon.ico",
    }
    for number in (1, 2, 3)
)


def ask_back(writer: FrameWriter) -> Frames:
    """Yield the frames of the first turn: a question to the person."""
    yield 0.0, writer.created()
    for word in BACK.split(" "):
        yield 0.0, writer.text(f"{word} ")
    yield 0.0, writer.finished()


def research(topic: str, writer: FrameWriter, switches: Switches) -> Frames:
    """Yield the frames of the second turn: a plan, signs of life, the pages, and the report with its references."""
    yield 0.0, writer.created()
    for piece in ("I compare the sources, ", "then I write the report."):
        yield 0.0, writer.text(piece, "ResearchPlanning")
    yield 0.0, writer.thinking_end("ResearchPlanning")
    waited, every = 0.0, switches.keep_alive_s
    while waited + every <= switches.research_s:
        waited += every
        yield every, writer.delta({"role": "assistant", "content": "", "phase": "KeepAlive", "status": "typing"})
    yield switches.research_s - waited, _web_research("streamingQueries", {"researchGoal": topic}, writer)
    yield 0.0, _web_research("streamingWebResult", {"researchGoal": topic, "webSites": list(PAGES)}, writer)
    yield 0.0, _web_research("WebResultFinished", {}, writer)
    for piece in (f"# Report on {topic}\n\n", "One thing is certain [[1]], ", "another is disputed [[2]][[", "3]].\n"):
        yield 0.0, writer.text(piece)
    references = [{name: page[name] for name in ("title", "url", "description")} for page in PAGES]
    extra = {"deep_research": {"references": references}}
    delta = {"role": "assistant", "content": "", "phase": "answer", "status": "typing", "extra": extra}
    yield 0.0, writer.delta(delta)
    yield 0.0, writer.finished()


def _web_research(status: str, what: dict[str, object], writer: FrameWriter) -> bytes:
    extra = {"deep_research": {"research": what}}
    return writer.delta({"role": "assistant", "content": "", "phase": "WebResearch", "status": status, "extra": extra})
