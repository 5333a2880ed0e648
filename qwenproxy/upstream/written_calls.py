"""Read the calls that the model makes beside its text: of local tools, and of the site's own functions by mistake.

Only the event decoder uses this (protocol 4.8 and 5.6). Takes single deltas of any shape, and never fails: it leaves
out what it does not understand. Whether a call is one that the client offers is decided later.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from qwenproxy.chat import WrittenCall
from qwenproxy.upstream.phases import ANSWER_PHASES, string_of

LOCAL_PHASE = "local_tool"


class WrittenCalls:
    """Turns repeated and growing frames into calls, each once and whole; none if the question offers no tools."""

    def __init__(self, *, offers_tools: bool) -> None:
        self._offers_tools = offers_tools
        self._reported: Counter[tuple[str, str]] = Counter()
        self._name = ""  # of the call that is being written to the site's own functions
        self._arguments = ""  # its last snapshot

    def feed(self, delta: dict[str, Any]) -> list[WrittenCall]:
        """Return the calls that a delta completes."""
        phase, function_call = delta.get("phase"), delta.get("function_call")
        if not self._offers_tools:
            return []
        if phase == LOCAL_PHASE:
            return self._local(delta)
        if phase not in ANSWER_PHASES:
            return []
        # The site's built-in tools give their calls an id.
        if isinstance(function_call, dict) and not delta.get("function_id"):
            return self._snapshot(function_call)
        # A result, or text of the answer, follows a call that is complete.
        return self.end() if delta.get("content") else []

    def end(self) -> list[WrittenCall]:
        """Return the call that was being written to the site's own functions, if there is one."""
        if not self._name:
            return []
        call = WrittenCall(self._name, self._arguments, intercepted=True)
        self._name = self._arguments = ""
        return [call]

    def _local(self, delta: dict[str, Any]) -> list[WrittenCall]:
        """Return the new calls in a delta of the phase of local tools.

        Later frames repeat earlier calls, and an answer may make two equal calls: so a frame brings those that it holds
        more often than all frames before it.
        """
        counts: Counter[tuple[str, str]] = Counter()
        new = []
        for call in _calls_in(delta):
            counts[call] += 1
            if counts[call] > self._reported[call]:
                self._reported[call] += 1
                new.append(WrittenCall(*call))
        return new

    def _snapshot(self, function_call: dict[str, Any]) -> list[WrittenCall]:
        """Take what is written so far of a call to the site's own functions; return the one before it, if it ended.

        A call has no id: the next one begins when the name changes, or the arguments begin anew.
        """
        name, arguments = string_of(function_call.get("name")), _as_json(function_call.get("arguments"))
        begins = bool(self._name) and ((name != self._name) or (not arguments and bool(self._arguments)))
        ended = self.end() if begins else []
        self._name, self._arguments = name or self._name, arguments
        return ended


def _calls_in(delta: dict[str, Any]) -> Iterator[tuple[str, str]]:
    extra = delta.get("extra")
    servers = extra.get("local_mcp") if isinstance(extra, dict) else None
    if isinstance(servers, dict):
        for server, calls in servers.items():
            for call in calls if isinstance(calls, list) else [calls]:
                if isinstance(call, dict) and (name := string_of(call.get("tool_name") or call.get("name"))):
                    yield name.removeprefix(f"{server}-") or name, _as_json(call.get("params", call.get("arguments")))
        return
    # Some answers carry one call in place of the list; it is whole when the frame is finished.
    function_call = delta.get("function_call")
    if not isinstance(function_call, dict) or delta.get("status") != "finished":
        return
    if name := string_of(function_call.get("name")):
        yield name, _as_json(function_call.get("arguments"))


def _as_json(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
