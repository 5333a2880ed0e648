"""A client that keeps its conversation and sends it whole, as OpenAI's API wants it."""

from __future__ import annotations

import copy
import json
from typing import Any

from kept_chats import KeptChats
from werkzeug.test import TestResponse

CONTEXT = "x-qwenproxy-context"


class Talk:
    """One conversation. `say` returns the context of the answer: continued, replayed or new."""

    def __init__(self, chats: KeptChats, *messages: dict[str, Any], **fields: Any) -> None:
        """`fields` go into each request; `key` is the client's."""
        self.chats = chats
        self.messages: list[dict[str, Any]] = list(messages)
        self.fields = fields

    def say(self, content: object, **more: Any) -> str:
        self.messages.append({"role": "user", "content": content})
        return self.ask(**more)

    def ask(self, **more: Any) -> str:
        """Send the conversation as it is, and take the answer into it."""
        response = self.post(**more)
        assert response.status_code == 200, response.text
        if response.mimetype == "application/json":
            self.messages.append(json.loads(response.text)["choices"][0]["message"])
        else:
            self.messages.append({"role": "assistant", "content": streamed_text(response)})
        return response.headers[CONTEXT]

    def post(self, **more: Any) -> TestResponse:
        fields = {**self.fields, **more}
        headers = {"authorization": f"Bearer {fields.pop('key')}"} if "key" in fields else {}
        body = {"messages": self.messages, **fields}
        return self.chats.client.post("/v1/chat/completions", json=body, headers=headers, buffered=True)

    def copy(self) -> Talk:
        """Return the same conversation, to be changed."""
        return Talk(self.chats, *copy.deepcopy(self.messages), **self.fields)

    @property
    def expected(self) -> list[str]:
        """What the model must have seen for the last answer."""
        return [f"{each['role']}: {each['content']}" for each in self.messages[:-1]]


def streamed_text(response: TestResponse) -> str:
    lines = [line[6:] for line in response.text.split("\n") if line.startswith("data: {")]
    return "".join(json.loads(line)["choices"][0]["delta"].get("content") or "" for line in lines)
