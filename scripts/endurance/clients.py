"""The clients: what each asks, what a right answer is, and what it was told that the proxy keeps.

An answer is right, or `Refused`, or `Wrong`; a broken connection is requests' own error.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Callable
from typing import Any

import requests

from endurance.findings import Refused, Wrong

WAIT = 120.0  # seconds for one answer
PIECES = 20
LOOK = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}
LONGEST_TALK = 16  # messages, after which an agent begins anew
MOST_TURNS = 10  # of one chat with memory

Json = dict[str, Any]


class Clients:
    """Every kind of client of one proxy at `url`, which may change when a server is started anew."""

    def __init__(self, seed: int) -> None:
        self.url = ""
        self.chats: dict[str, list[str]] = {}  # by id: what was said and answered in chats with memory
        self.responses: list[str] = []  # ids of answered, stored responses
        self._chance = random.Random(seed)
        self._numbers = itertools.count()
        self._talks: list[list[Json]] = [[], []]
        self._talk_locks = [threading.Lock(), threading.Lock()]
        self._lock = threading.Lock()
        self.kinds: list[tuple[int, Callable[[], None]]] = [
            (6, self.plain), (6, self.streamed), (6, self.agent), (4, self.chat_with_memory), (4, self.response),
            (2, self.message), (2, self.gemini), (2, self.ollama), (2, self.file), (1, self.picture),
        ]  # fmt: skip

    def draw(self) -> Callable[[], None]:
        """Return what is asked next."""
        with self._lock:
            weights = [weight for weight, _ in self.kinds]
            [(_, kind)] = self._chance.choices(self.kinds, weights)
            return kind

    def plain(self) -> None:
        word = self._word()
        answer = self._post("/v1/chat/completions", _question(f"{{{{say {word}}}}}"))
        _same(answer["choices"][0]["message"]["content"], word)

    def streamed(self) -> None:
        body = {**_question(f"{{{{stream chunks={PIECES} interval_ms=20}}}}"), "stream": True}
        with requests.post(f"{self.url}/v1/chat/completions", json=body, timeout=WAIT, stream=True) as answer:
            if answer.status_code != 200:
                raise _refusal(answer)
            lines = [line.decode()[6:] for line in answer.iter_lines() if line.startswith(b"data: ")]
        frames = [json.loads(line) for line in lines if line != "[DONE]"]
        if frames and "error" in frames[-1]:
            raise Refused(f"a frame with {frames[-1]['error']['code']}")
        text = "".join(choice["delta"].get("content") or "" for each in frames for choice in each["choices"])
        if not lines or lines[-1] != "[DONE]":
            raise requests.ConnectionError("the stream broke off")
        _same(text.count("chunk-"), PIECES)

    def agent(self) -> None:
        """Go on with one of two long conversations: a call, its result, an answer."""
        place = self._chance.randrange(len(self._talks))
        with self._talk_locks[place]:
            talk, number = list(self._talks[place]), next(self._numbers)
            talk.append({"role": "user", "content": f'{{{{call look {{"n": {number}}}}}}}'})
            message = self._complete(talk)
            [call] = message.get("tool_calls") or [None]
            if call is None or json.loads(call["function"]["arguments"]) != {"n": number}:
                raise Wrong(f"no call of look with {number}, but {message}")
            talk += [message, {"role": "tool", "tool_call_id": call["id"], "content": "Nothing to see."}]
            talk += [self._complete(talk), {"role": "user", "content": f"{{{{say seen {number}}}}}"}]
            message = self._complete(talk)
            _same(message["content"], f"seen {number}")
            talk.append(message)
            self._talks[place] = [] if len(talk) > LONGEST_TALK else talk

    def chat_with_memory(self) -> None:
        word = self._word()
        with self._lock:
            ids = [each for each, said in self.chats.items() if len(said) < 2 * MOST_TURNS]
            chat_id = self._chance.choice([*ids, None]) if ids else None
        body = {"message": f"{{{{say {word}}}}}", **({"chatId": chat_id} if chat_id else {})}
        answer = self._post("/api/chat", body)
        _same(answer["choices"][0]["message"]["content"], word)
        with self._lock:
            self.chats.setdefault(answer["chatId"], []).extend([body["message"], word])

    def response(self) -> None:
        word = self._word()
        with self._lock:
            before = self._chance.choice([*self.responses[-5:], None]) if self.responses else None
        body = {"model": "qwen-max", "input": f"{{{{say {word}}}}}"}
        answer = self._post("/v1/responses", {**body, **({"previous_response_id": before} if before else {})})
        _same(answer["output"][-1]["content"][0]["text"], word)
        with self._lock:
            self.responses.append(answer["id"])

    def message(self) -> None:
        word = self._word()
        body = {**_question(f"{{{{say {word}}}}}"), "max_tokens": 1000}
        _same(self._post("/v1/messages", body)["content"][-1]["text"], word)

    def gemini(self) -> None:
        word = self._word()
        body = {"contents": [{"role": "user", "parts": [{"text": f"{{{{say {word}}}}}"}]}]}
        answer = self._post("/v1beta/models/qwen-max:generateContent", body)
        _same(answer["candidates"][0]["content"]["parts"][-1]["text"], word)

    def ollama(self) -> None:
        word = self._word()
        body = {**_question(f"{{{{say {word}}}}}"), "stream": False}
        _same(self._post("/ollama/api/chat", body)["message"]["content"], word)

    def file(self) -> None:
        """Upload a file and ask about it."""
        word = self._word()
        files = {"file": (f"{word}.txt", f"This is {word}.".encode(), "text/plain")}
        with requests.post(f"{self.url}/api/files/upload", files=files, timeout=WAIT) as uploaded:
            if uploaded.status_code != 200:
                raise _refusal(uploaded)
            address = uploaded.json()["file"]["url"]
        parts = [{"type": "text", "text": f"{{{{say {word}}}}}"}, {"type": "file", "file": {"file_url": address}}]
        _same(self._complete([{"role": "user", "content": parts}])["content"], word)

    def picture(self) -> None:
        try:
            answer = self._post("/v1/images/generations", {"prompt": f"a {self._word()}"})
        except Refused as error:
            if str(error) == "429 rate_limited":
                return  # the pictures of the day are used up
            raise
        if not answer["data"][0]["url"].startswith("http"):
            raise Wrong(f"no picture: {answer}")

    def kept(self) -> list[str]:
        """Look at everything that the proxy promised to keep; return what it has lost, in words."""
        lost = []
        for chat_id, said in self.chats.items():
            answer = requests.get(f"{self.url}/api/chats/{chat_id}", timeout=WAIT)
            told = [str(each.get("content")) for each in answer.json().get("history", {}).get("messages", [])]
            missing = [text for text in said if text not in told]
            if missing:
                lost.append(f"chat {chat_id} lacks {len(missing)} of {len(said)} texts ({answer.status_code})")
        for response_id in self.responses:
            status = requests.get(f"{self.url}/v1/responses/{response_id}", timeout=WAIT).status_code
            if status != 200:
                lost.append(f"response {response_id}: {status}")
        return lost

    def _complete(self, messages: list[Json]) -> Json:
        body = {"model": "qwen-max", "messages": messages, "tools": [LOOK]}
        message: Json = self._post("/v1/chat/completions", body)["choices"][0]["message"]
        return message

    def _post(self, path: str, body: Json) -> Json:
        with requests.post(f"{self.url}{path}", json=body, timeout=WAIT) as answer:
            if answer.status_code != 200:
                raise _refusal(answer)
            found: Json = answer.json()
            return found

    def _word(self) -> str:
        return f"word-{next(self._numbers)}"


def _question(text: str) -> Json:
    return {"model": "qwen-max", "messages": [{"role": "user", "content": text}]}


def _same(found: object, wanted: object) -> None:
    if found != wanted:
        raise Wrong(f"{str(found)[:200]!r} in place of {wanted!r}")


def _refusal(answer: requests.Response) -> Refused:
    try:
        body = answer.json()
        error = body.get("error")
        code = error.get("code") or error.get("status") or error.get("type") if isinstance(error, dict) else None
        return Refused(f"{answer.status_code} {code or body.get('code')}")
    except (ValueError, AttributeError):
        return Refused(f"{answer.status_code} without a body that says why")
