"""Ask a running qwenproxy over plain HTTP, and see all of what comes back: status, headers, frames, how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from qwenproxy.sandbox import Recorded, Sandbox

ANSWER_WAIT = 90.0  # seconds; far over what any answer here takes
COMPLETIONS = "/v1/chat/completions"
UNENCRYPTED = False  # as `verify`: spares every call the reading of all the machine's certificates

T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    """A whole answer. `frames` are its parsed `data:` frames when it was a stream, `done` whether [DONE] ended it."""

    status: int
    headers: httpx.Headers
    body: str

    @property
    def streamed(self) -> bool:
        """Whether this is an event stream."""
        return self.headers["content-type"].startswith("text/event-stream")

    @property
    def frames(self) -> list[dict[str, Any]]:
        """The JSON frames of a stream."""
        lines = [line.removeprefix("data: ") for line in self.body.split("\n") if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    @property
    def done(self) -> bool:
        """Whether a stream ended as a complete one does."""
        return self.body.endswith("data: [DONE]\n\n")

    @property
    def text(self) -> str:
        """The answer's text, as far as it came."""
        if not self.streamed:
            return str(json.loads(self.body)["choices"][0]["message"]["content"])
        choices = [choice for frame in self.frames for choice in frame.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices)

    @property
    def error(self) -> dict[str, Any]:
        """The error object: the body's, or that of the stream's last frame."""
        holder = self.frames[-1] if self.streamed else json.loads(self.body)
        found: dict[str, Any] = holder["error"]
        return found


def request_body(content: str | list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a completions body with one question, or with a whole conversation."""
    messages = [{"role": "user", "content": content}] if isinstance(content, str) else content
    return {"model": "qwen-max", "messages": messages, **more}


def ask(url: str, content: str | list[dict[str, Any]], **more: Any) -> Reply:
    """Ask the proxy at `url` and read its answer to the end."""
    answer = httpx.post(
        f"{url}{COMPLETIONS}", json=request_body(content, **more), timeout=ANSWER_WAIT, verify=UNENCRYPTED
    )
    return Reply(answer.status_code, answer.headers, answer.content.decode())


def together(*calls: Callable[[], T]) -> list[T]:
    """Make the calls at the same time; return what each returned."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


class Streaming:
    """A streamed answer while it is still coming in."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer
        self._pieces = answer.iter_text()
        self._body = ""

    def until_text(self) -> None:
        """Read on until the answer's first words are there."""
        while not self._so_far().text:
            self._body += next(self._pieces)

    def rest(self) -> Reply:
        """Read to the end; return the whole answer."""
        self._body += "".join(self._pieces)
        return self._so_far()

    def _so_far(self) -> Reply:
        whole_frames = self._body[: self._body.rfind("\n\n") + 2]
        return Reply(self._answer.status_code, self._answer.headers, whole_frames)


@contextmanager
def streaming(url: str, content: str) -> Iterator[Streaming]:
    """Ask for a streamed answer; leaving the context hangs up."""
    body = request_body(content, stream=True)
    with httpx.stream("POST", f"{url}{COMPLETIONS}", json=body, timeout=ANSWER_WAIT, verify=UNENCRYPTED) as answer:
        yield Streaming(answer)


def asked_of(site: Sandbox) -> list[Recorded]:
    """Return the calls that reached the site, but for those in the background.

    Those stop and delete what was before, and read an account's settings.
    """
    return [request for request in site.requests if not _is_background(request)]


def asked_in_chats(site: Sandbox) -> list[Recorded]:
    """Return the calls that make chats or ask in them. A page may load at any time, so other calls prove nothing."""
    return [each for each in asked_of(site) if each.method == "POST" and each.path.startswith("/api/v2/chat")]


def _is_background(request: Recorded) -> bool:
    return request.path.endswith(("/completions/stop", "/users/user/settings")) or request.method == "DELETE"
