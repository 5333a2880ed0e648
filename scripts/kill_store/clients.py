"""Clients of a server that is killed: what they ask, and what the next server has to know of it."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any, Protocol

import requests

from kill_store.model import Wrong

ANSWER_WAIT = 60.0  # seconds
# A short answer, and one that takes half a second, so that the kill finds many under way.
PROMPTS = ("{{say Short.}}", "{{stream chunks=25 interval_ms=20}}")

Object = dict[str, Any]


class Client(Protocol):
    """One client. `ask` raises RequestException once the server is gone."""

    def ask(self, url: str) -> None:
        """Do one thing and note what the server confirmed."""

    def check(self, url: str, counts: Counter[str]) -> None:
        """Hold a new server against all that was confirmed. Raises Wrong."""


class Storing:
    """Streams responses, each of which goes on from the one before."""

    def __init__(self) -> None:
        self._ended: dict[str, Object] = {}
        self._begun = ""
        self._prompts = itertools.cycle(PROMPTS)

    def ask(self, url: str) -> None:
        """Stream a response."""
        body = {"input": next(self._prompts), "stream": True, "previous_response_id": next(reversed(self._ended), None)}
        with requests.post(f"{url}/responses", json=body, stream=True, timeout=ANSWER_WAIT) as answer:
            _check_well(answer)
            for line in answer.iter_lines():
                event = json.loads(line[6:]) if line.startswith(b"data: {") else {}
                if event.get("type") == "response.created":
                    self._begun = event["response"]["id"]
                if event.get("type") == "response.completed":
                    self._ended[event["response"]["id"]] = event["response"]
                    self._begun = ""
        if self._begun:
            raise Wrong(f"the stream of {self._begun} ended without its last event")

    def check(self, url: str, counts: Counter[str]) -> None:
        """Read each response again; one whose end did not arrive is there whole or not at all."""
        for response_id, response in self._ended.items():
            _check_same(_get(url, f"responses/{response_id}"), response)
        counts["responses there"] += len(self._ended)
        if self._begun:
            counts["streams cut off"] += 1
            kept = _get(url, f"responses/{self._begun}", or_none=True)
            if kept is not None:
                _check_whole(kept)
                self._ended[self._begun] = kept
            self._begun = ""


class Conversing:
    """Makes responses in one conversation, and puts items of its own there."""

    def __init__(self) -> None:
        self._id = ""
        self._items: list[Object] = []
        self._numbers = itertools.count()

    def ask(self, url: str) -> None:
        """Begin the conversation, put an item into it, or make a response in it."""
        number = next(self._numbers)
        if not self._id:
            self._id = _post(url, "conversations", {})["id"]
        elif number % 2:
            item = {"type": "message", "role": "user", "content": f"Number {number}."}
            self._items += _post(url, f"conversations/{self._id}/items", {"items": [item]})["data"]
        else:
            response = _post(url, "responses", {"input": PROMPTS[number // 2 % 2], "conversation": self._id})
            _check_whole(response)
            self._items = self._read(url)
            if self._items[-1]["id"] != response["output"][-1]["id"]:
                raise Wrong(f"the answer {response['id']} is not the last item of its conversation")

    def check(self, url: str, counts: Counter[str]) -> None:
        """Read the conversation again: what was there is there, and of what was under way all or nothing."""
        if not self._id:
            return
        items = self._read(url)
        new = items[len(self._items) :]
        if items[: len(self._items)] != self._items:
            raise Wrong(f"the conversation has {items}, not {self._items}")
        roles = [item["role"] for item in new]
        if roles not in ([], ["user"], ["user", "assistant"]) or (
            roles == ["user"] and not new[0]["content"][0]["text"].startswith("Number ")
        ):
            raise Wrong(f"half a change of the conversation is there: {new}")
        counts["items of conversations there"] += len(self._items)
        self._items = items

    def _read(self, url: str) -> list[Object]:
        items: list[Object] = []
        while True:
            after = f"&after={items[-1]['id']}" if items else ""
            page = _get(url, f"conversations/{self._id}/items?order=asc&limit=100{after}")
            items += page["data"]
            if not page["has_more"]:
                return items


class Waiting:
    """Lets responses be made in the background, and looks after the last one until it has ended."""

    def __init__(self) -> None:
        self._ended: dict[str, Object] = {}
        self._under_way: list[str] = []
        self._prompts = itertools.cycle(PROMPTS)

    def ask(self, url: str) -> None:
        """Look after the job that is under way, or begin one."""
        if not self._under_way:
            self._under_way.append(_post(url, "responses", {"input": next(self._prompts), "background": True})["id"])
        response = _get(url, f"responses/{self._under_way[-1]}")
        if response["status"] not in ("queued", "in_progress"):
            _check_whole(response)
            self._ended[response["id"]] = response
            self._under_way.clear()

    def check(self, url: str, counts: Counter[str]) -> None:
        """Read each job again: those whose end was seen are the same, the other one has ended, too."""
        for response_id, response in self._ended.items():
            _check_same(_get(url, f"responses/{response_id}"), response)
        counts["jobs there"] += len(self._ended)
        for response_id in self._under_way:
            response = _get(url, f"responses/{response_id}")
            if (
                response["status"] == "failed"
                and response["error"]["code"] == "server_error"
                and not response["output"]
            ):
                counts["jobs that the kill cut off and that say so"] += 1
            else:
                _check_whole(response)
                counts["jobs that ended just before the kill"] += 1
            self._ended[response_id] = response
        self._under_way.clear()


def _check_same(actual: Object, expected: Object) -> None:
    if actual != expected:
        raise Wrong(f"the server has {actual}, not {expected}")


def _check_whole(response: Object) -> None:
    """Check that a response has the whole answer to one of the prompts."""
    text = "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])
    if response["status"] != "completed" or not (text == "Short." or (text.count("chunk-") == 25 and "24" in text)):
        raise Wrong(f"a response is neither whole nor failed: {response}")


def _post(url: str, path: str, body: Object) -> Object:
    answer = requests.post(f"{url}/{path}", json=body, timeout=ANSWER_WAIT)
    _check_well(answer)
    value: Object = answer.json()
    return value


def _get(url: str, path: str, *, or_none: bool = False) -> Any:
    answer = requests.get(f"{url}/{path}", timeout=ANSWER_WAIT)
    if or_none and answer.status_code == requests.codes.not_found:
        return None
    _check_well(answer)
    return answer.json()


def _check_well(answer: requests.Response) -> None:
    if not answer.ok:
        raise Wrong(f"{answer.request.method} {answer.request.path_url}: {answer.status_code} {answer.text[:300]}")
