"""The frames of the event stream, byte for byte as the site writes them (protocol 5.1 to 5.4).

A FrameWriter belongs to one answer: it counts tokens, remembers the text for the chat's history, and knows nothing of
time, faults or HTTP.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SITE_PROMPT_TOKENS = 500  # the site puts its own system text before every question
_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(slots=True)
class FrameWriter:
    """Writes the frames of one answer.

    `incremental` False repeats the text so far in every delta; `phased` False leaves phases out, as for a question
    without `output_schema`; `indexed` True adds `response_index`, which is `index`. `content_list` and
    `answer` are what the chat's detail shows later.
    """

    chat_id: str
    parent_id: str
    response_id: str
    prompt_characters: int
    incremental: bool = True
    phased: bool = True
    indexed: bool = False
    index: int = 0
    content_list: list[dict[str, Any]] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _input_tokens: int = 0
    _output_tokens: int = 0
    _reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        self._input_tokens = _SITE_PROMPT_TOKENS + tokens_of(self.prompt_characters)

    @property
    def usage(self) -> dict[str, Any]:
        """The token counts so far, as the last frame carried them."""
        usage: dict[str, Any] = json.loads(self._usage())
        return usage

    @property
    def answer(self) -> str:
        """The text of the answer so far."""
        texts = [entry["content"] for entry in self.content_list if entry["phase"] == "answer"]
        return "".join(texts) or "".join(self._pieces)

    @property
    def is_in_text(self) -> bool:
        """Whether text was written since the last frame that finished a piece."""
        return bool(self._pieces)

    def created(self) -> bytes:
        """Return the first frame; its odd spacing and the space at its end are the site's."""
        index = f', "response_index":"{self.index}"' if self.indexed else ""
        return (
            f'data: {{"response.created":{{"chat_id": "{self.chat_id}", "parent_id": "{self.parent_id}", '
            f'"response_id":"{self.response_id}"{index}}}}} \n\n'
        ).encode()

    def keep_alive(self) -> bytes:
        """Return a sign of life for a time without other frames."""
        info = {"action": "keep_alive", "chat_id": self.chat_id, "response_id": self.response_id}
        return self.frame({"response.info": {**info, "timestamp": int(time.time())}})

    def stopped(self) -> bytes:
        """Return the end of an answer that was stopped by request."""
        return self.frame({"response.stopped": {"response_id": self.response_id}})

    def text(self, piece: str, phase: str = "answer") -> bytes:
        """Return a piece of the answer or, with phase `think`, of the reasoning in detail form."""
        if piece:
            self._pieces.append(piece)
            self._output_tokens += tokens_of(len(piece))
            if phase == "think":
                self._reasoning_tokens += tokens_of(len(piece))
        content = piece if self.incremental else "".join(self._pieces)
        # by hand, because there are thousands of these frames a second
        phase_field = f', "phase": "{phase}"' if self.phased else ""
        return (
            f'data: {{"choices": [{{"delta": {{"role": "assistant", "content": {_encode(content)}{phase_field}, '
            f'"status": "typing"}}}}], {self._tail()}}}\n\n'
        ).encode("utf-8", "replace")

    def summary(self, titles: list[str], thoughts: list[str], new_characters: int) -> bytes:
        """Return a snapshot of all the reasoning so far, in summary form."""
        if new_characters:
            self._output_tokens += tokens_of(new_characters)
            self._reasoning_tokens += tokens_of(new_characters)
        extra = {"summary_title": {"content": titles}, "summary_thought": {"content": thoughts}}
        delta = {"role": "assistant", "content": "", "phase": "thinking_summary", "extra": extra}
        return self.delta({**delta, "status": "typing"})

    def thinking_end(self, phase: str, extra: Mapping[str, Any] | None = None) -> bytes:
        """Return the end of a stretch of reasoning: with a time, without usage."""
        self._remember(phase, extra)
        delta = {"role": "assistant", "content": "", "phase": phase, "status": "finished"}
        return self.frame(
            {"choices": [{"delta": delta}], "response_id": self.response_id, "timestamp": int(time.time())}
        )

    def delta(self, delta: Mapping[str, Any]) -> bytes:
        """Return any delta, with usage and time."""
        return f'data: {{"choices": [{{"delta": {_encode(delta)}}}], {self._tail()}}}\n\n'.encode("utf-8", "replace")

    def tool_result(self, phase: str, function_id: str, extra: Mapping[str, Any]) -> bytes:
        """Return the result of a tool of the site; its usage is empty."""
        delta = {"role": "function", "content": "", "phase": phase, "name": phase, "function_id": function_id}
        self.content_list.append({"phase": phase, "content": "", "status": "finished", "extra": extra})
        return self.frame(
            {
                "choices": [{"delta": {**delta, "status": "finished", "extra": extra}}],
                "response_id": self.response_id,
                "usage": {},
                "timestamp": int(time.time()),
            }
        )

    def tool_call(self, phase: str, function_id: str, arguments: str) -> bytes:
        """Return a call of a tool of the site; `arguments` are their text so far."""
        return self.delta(
            {
                "role": "assistant",
                "content": "",
                "phase": phase,
                "status": "typing",
                "function_call": {"name": phase, "arguments": arguments},
                "function_id": function_id,
                "extra": {"display_position": "think"},
            }
        )

    def picture(self, address: str, width: int, height: int) -> bytes:
        """Return the address of a picture, with its true size."""
        extra = {"output_image_hw": [[height, width]]}
        delta = {"role": "assistant", "content": address, "phase": "image_gen", "extra": extra, "status": "typing"}
        usage = {"input_tokens": 0, "output_tokens": 0, "characters": 0, "width": width, "image_count": 1}
        self._pieces[:] = [address]
        return self.frame(
            {
                "choices": [{"delta": delta}],
                "response_id": self.response_id,
                "usage": {**usage, "height": height},
                "timestamp": int(time.time()),
            }
        )

    def pictures(self, addresses: list[str]) -> bytes:
        """Return pictures in the form of the site's editing tool."""
        images = [{"image": address} for address in addresses]
        delta = {"role": "assistant", "content": "", "phase": "image_edit", "extra": {"image_list": images}}
        return self.delta({**delta, "status": "typing"})

    def local_calls(self, servers: Mapping[str, Any], *, keep: bool) -> bytes:
        """Return calls of functions of the person's machine, by server; `keep`: for the chat's history, too."""
        extra = {"local_mcp": servers}
        if keep:
            self.content_list.append({"phase": "local_tool", "content": "", "status": "finished", "extra": extra})
        return self._local({"extra": extra})

    def local_function_call(self, name: str, arguments: str, function_id: str) -> bytes:
        """Return one such call in the other form: its arguments are JSON text."""
        self.keep_call(name, arguments)
        return self._local({"function_call": {"name": name, "arguments": arguments}, "function_id": function_id})

    def keep_call(self, name: str, arguments: str) -> None:
        """Keep a call for the chat's history."""
        call = {"name": name, "arguments": arguments}
        entry = {"phase": "local_tool", "content": "", "status": "finished"}
        self.content_list.append({**entry, "extra": {"function_call": call}})

    def call(self, name: str, arguments: str) -> bytes:
        """Return a call that the site takes for one of its own tools; `arguments` are its text so far."""
        delta = {"role": "assistant", "content": "", "phase": "answer", "status": "typing"}
        call = {"name": name, "arguments": arguments}
        return self.delta({**delta, "function_call": call, "extra": {"display_position": "answer"}})

    def function_result(self, name: str, content: str) -> bytes:
        """Return the result of such a call."""
        return self._function({"role": "function", "name": name, "content": content}, "typing")

    def function_end(self) -> bytes:
        """Return the end of that result, which is not the end of the answer."""
        return self._function({"role": "function", "content": ""}, "finished")

    def finished(self, phase: str = "answer") -> bytes:
        """Return the very last frame: neither usage nor time, and its own order of keys."""
        self._remember(phase)
        delta = {"content": "", "role": "assistant", "status": "finished", "phase": phase}
        if not self.phased:
            del delta["phase"]
        return self.frame({"choices": [{"delta": delta}], "response_id": self.response_id})

    def status_error(self, message: str) -> bytes:
        """Return a delta that ends the answer with an error."""
        delta = {"role": "assistant", "content": "", "phase": "answer", "status": "error"}
        return self.delta({**delta, "extra": {"error": message}})

    def frame(self, body: Mapping[str, Any]) -> bytes:
        """Return any frame."""
        return f"data: {_encode(body)}\n\n".encode("utf-8", "replace")

    def _function(self, delta: Mapping[str, Any], status: str) -> bytes:
        whole = {**delta, "phase": "answer", "status": status}
        body = {"choices": [{"delta": whole}], "response_id": self.response_id, "usage": {}}
        return self.frame({**body, "timestamp": int(time.time())})

    def _local(self, fields: Mapping[str, Any]) -> bytes:
        delta = {"role": "assistant", "content": "", "phase": "local_tool", "status": "finished", **fields}
        return self.frame({"choices": [{"delta": delta}], "response_id": self.response_id})

    def _remember(self, phase: str, extra: Mapping[str, Any] | None = None) -> None:
        entry = {"phase": phase, "content": "".join(self._pieces), "status": "finished"}
        self.content_list.append({**entry, "extra": dict(extra)} if extra else entry)
        self._pieces.clear()

    def _tail(self) -> str:
        return f'"response_id": "{self.response_id}", "usage": {self._usage()}, "timestamp": {int(time.time())}'

    def _usage(self) -> str:
        reasoning = f'"reasoning_tokens": {self._reasoning_tokens}, ' if self._reasoning_tokens else ""
        return (
            f'{{"input_tokens": {self._input_tokens}, "output_tokens": {self._output_tokens}, "characters": 0, '
            f'"total_tokens": {self._input_tokens + self._output_tokens}, '
            f'"input_tokens_details": {{"text_tokens": {self._input_tokens}}}, '
            f'"output_tokens_details": {{{reasoning}"text_tokens": {self._output_tokens}}}}}'
        )


def tokens_of(characters: int) -> int:
    """Return about how many tokens a text of this length costs."""
    return max(1, characters // 4)
