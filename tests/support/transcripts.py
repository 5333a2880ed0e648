"""Answers as the site streams them (protocol 5.4), each with the events and the error it must give."""

from __future__ import annotations

import json
from typing import Any

from qwenproxy.chat import Event, Finish, Image, Reasoning, Search, SearchResult, Started, Text, Usage
from qwenproxy.errors import EmptyAnswer, ProtocolChanged, ProxyError, SiteFailure, UpstreamError

# with the trailing space that the site really writes
CREATED = 'data: {"response.created":{"chat_id": "C7", "parent_id": "U7", "response_id":"R7"}} \n\n'
KEEP_ALIVE = 'data: {"response.info": {"action": "keep_alive", "chat_id": "C7", "timestamp": 1790000000}}\n\n'
STARTED = Started("R7", "U7")


def frame(value: object) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def counts(given_tokens: int, written: int, reasoned: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": given_tokens,
        "output_tokens": written,
        "characters": 0,
        "total_tokens": given_tokens + written,
        "input_tokens_details": {"text_tokens": given_tokens},
        "output_tokens_details": {"reasoning_tokens": reasoned, "text_tokens": written},
        "prompt_tokens_details": {"cached_tokens": 11},
    }


def delta(
    content: object, phase: object = "answer", status: str = "typing", usage: object = None, **more: object
) -> str:
    body = {"role": "assistant", "content": content, "phase": phase, "status": status, **more}
    whole = {"choices": [{"delta": body}], "response_id": "R7", "timestamp": 1790000001}
    return frame(whole if usage is None else {**whole, "usage": usage})


def end(phase: str | None = "answer") -> str:
    body = {"content": "", "role": "assistant", "status": "finished", "phase": phase}
    return frame({"choices": [{"delta": body}], "response_id": "R7"})


def of(response_id: str, text: str) -> str:
    """Return frames as those of another answer in the same body."""
    return text.replace('"R7"', f'"{response_id}"')


def called(name: str, *snapshots: str) -> str:
    """Return the frames of a call that the site takes for one of its own tools, as far as it was written each time."""
    return "".join(
        delta("", function_call={"name": name, "arguments": each}, extra={"display_position": "answer"})
        for each in snapshots
    )


def rejected(name: str) -> str:
    """Return what the site puts in the place of such a call's result, and the end of that."""
    result = delta(f"Tool {name} does not exists.", role="function", name=name, usage={})
    return result + delta("", status="finished", role="function")


def summary(titles: object, thoughts: object, status: str = "typing", usage: object = None) -> str:
    extra = {"summary_title": {"content": titles}, "summary_thought": {"content": thoughts}}
    return delta("", "thinking_summary", status, usage, extra=extra)


PLAIN = (
    CREATED
    + delta("Здравствуй", usage=counts(540, 1))
    + KEEP_ALIVE
    + delta(", 世界 🙂\u2028!", usage=counts(540, 4))
    + delta("", usage=counts(540, 4))
    + end()
)
PLAIN_EVENTS: list[Event] = [
    STARTED,
    Usage(540, 1, 0, 11),
    Text("Здравствуй"),
    Usage(540, 4, 0, 11),
    Text(", 世界 🙂\u2028!"),
    Finish("stop"),
]

SUMMED = (
    CREATED
    + summary(["Adding up"], ["Seven and"], usage=counts(9, 5, 5))
    + summary(["Adding up"], ["Seven and eight."], usage=counts(9, 7, 7))
    + summary(["Adding up"], ["Seven and eight."], usage=counts(9, 7, 7))
    + summary(["Adding up", "Checking"], ["Seven and eight.", "Fifteen holds."])
    + delta("", "thinking_summary", "finished")
    + delta("15")
    + end()
)
SUMMED_EVENTS: list[Event] = [
    STARTED,
    Usage(9, 5, 5, 11),
    Reasoning("Adding up\nSeven and"),
    Usage(9, 7, 7, 11),
    Reasoning(" eight."),
    Reasoning("\n\nChecking\nFifteen holds."),
    Text("15"),
    Finish(),
]

DETAILED = (
    CREATED
    + delta("First, ", "think")
    + delta("then.", "thought")
    + delta("", "think", "finished")
    + delta("So.")
    + end()
)
DETAILED_EVENTS: list[Event] = [STARTED, Reasoning("First, "), Reasoning("then."), Text("So."), Finish()]

PAGE = {"url": "https://news.example/a", "title": "A", "snippet": "About a", "hostname": "news.example"}
FOUND = Search((SearchResult("https://news.example/a", "A", "About a"),))
CALLING = delta("", "web_search", function_call={"name": "web_search", "arguments": '{"queries": ["a'}, extra={"x": 1})
SEARCHED = (
    CREATED
    + CALLING
    + CALLING
    + delta("", "web_search", "finished", {}, role="function", extra={"web_search_info": [PAGE]})
    + delta(
        "",
        "web_search",
        "finished",
        role="function",
        extra={"tool_result": {"docs": [PAGE, {}], "used_id": 1}},
    )
    + delta("As [[", usage={})
    + delta("1]] says.")
    + end()
)
SEARCHED_EVENTS: list[Event] = [STARTED, FOUND, Text("As [["), Text("1]] says."), Finish()]

PICTURE = "https://media.example/output/1.png?key=k"
DRAWN = (
    CREATED
    + KEEP_ALIVE
    + delta(PICTURE, "image_gen", usage={"input_tokens": 0, "output_tokens": 0, "width": 8, "image_count": 1})
    + delta(PICTURE + "2", "image_gen")
    + end("image_gen")
)
DRAWN_EVENTS: list[Event] = [STARTED, Usage(0, 0), Image(PICTURE), Image(PICTURE + "2"), Finish()]

TOOL_DRAWN = (
    CREATED
    + delta("", "image_gen_tool", extra={"tool_result": [{"image": "sub/1.png"}]})
    + delta("", "image_gen_tool", "finished", extra={"image_list": [{"image": "/sub/1.png"}, {"image": PICTURE}]})
    + delta("There.")
    + end()
)
TOOL_DRAWN_EVENTS: list[Event] = [STARTED, Image("/api/v2/chat/C7/sub/1.png"), Image(PICTURE), Text("There."), Finish()]

RESEARCHED = (
    CREATED
    + delta("Plan: read.", "ResearchPlanning")
    + delta("", "ResearchPlanning", "finished")
    + delta("Report", "ReportGeneration")
    + end("ReportGeneration")
)
RESEARCHED_EVENTS: list[Event] = [STARTED, Reasoning("Plan: read."), Text("Report"), Finish()]

SEGMENTED = CREATED + delta("One. ") + end() + delta("Two. ") + delta("Three.") + end() + end()
SEGMENTED_EVENTS: list[Event] = [STARTED, Text("One. "), Text("Two. "), Text("Three."), Finish()]

INTERCEPTED = (
    CREATED
    + delta("Let me look. ")
    + end()
    + called("todowrite", "", '{"todos": "[', '{"todos": "[1]"}')
    + rejected("todowrite")
    + delta("Then without.")
    + end()
)
INTERCEPTED_EVENTS: list[Event] = [STARTED, Text("Let me look. "), Text("Then without."), Finish()]

# as captured: both think, the second one is the first to write, and the first one never ends
TWO_AT_ONCE = (
    CREATED
    + of("R8", CREATED)
    + summary(["A plan"], ["I plan."], usage=counts(9, 5, 5))
    + of("R8", summary(["Another"], ["I plan, too."]))
    + of("R8", delta("", "thinking_summary", "finished"))
    + of("R8", delta("Right ", usage=counts(8, 3)))
    + delta("Wrong ", usage=counts(9, 7))
    + of("R8", delta("so.", usage=counts(8, 4)))
    + delta("and cut")
    + delta("", status="error")
    + of("R8", end())
)
TWO_AT_ONCE_EVENTS: list[Event] = [
    STARTED,
    Started("R8", "U7"),
    Usage(9, 5, 5, 11),
    Reasoning("A plan\nI plan."),
    Usage(8, 3, 0, 11),
    Text("Right "),
    Usage(8, 4, 0, 11),
    Text("so."),
    Finish(),
]

STOPPED = CREATED + delta("Half") + frame({"response.stopped": {"response_id": "R7"}}) + delta("no more")
FAILED = (
    CREATED + delta("Half") + frame({"error": {"code": "internal_error", "details": "d"}}) + delta("no more") + end()
)

# by name: the answer, its events, and the error at its end
TRANSCRIPTS: dict[str, tuple[str, list[Event], type[ProxyError] | None]] = {
    "plain": (PLAIN, PLAIN_EVENTS, None),
    "summed": (SUMMED, SUMMED_EVENTS, None),
    "detailed": (DETAILED, DETAILED_EVENTS, None),
    "searched": (SEARCHED, SEARCHED_EVENTS, None),
    "drawn": (DRAWN, DRAWN_EVENTS, None),
    "drawn by a tool": (TOOL_DRAWN, TOOL_DRAWN_EVENTS, None),
    "researched": (RESEARCHED, RESEARCHED_EVENTS, None),
    "in segments": (SEGMENTED, SEGMENTED_EVENTS, None),
    "intercepted": (INTERCEPTED, INTERCEPTED_EVENTS, None),
    "two at once": (TWO_AT_ONCE, TWO_AT_ONCE_EVENTS, None),
    "stopped": (STOPPED, [STARTED, Text("Half"), Finish()], None),
    "failed": (FAILED, [STARTED, Text("Half")], SiteFailure),
    "cut": (CREATED + delta("Half"), [STARTED, Text("Half")], UpstreamError),
    "broken frame": (CREATED + "data: {broken\n\n", [STARTED], ProtocolChanged),
    "nothing": (CREATED, [STARTED], EmptyAnswer),
}
