"""A scripted site that keeps its chats as trees, as the real one does, and shows what the model saw of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from fake_site import FakeResponse, kind_of
from kept_chats import ChatSite, folded
from replies import Reply, answer, refusal
from transcripts import of

from qwenproxy.browser.page import PageRequest

Seen = list[str]  # "role: text" of each message


@dataclass
class Node:
    """A question and its answer. `characters` is the length of what was sent, `client` who asked, where a test says."""

    account_id: str
    chat_id: str
    parent_id: str | None
    question: str
    answer: str
    client: str = ""

    @property
    def characters(self) -> int:
        return len(self.question)


class TreeSite(ChatSite):
    """Answers under any answer of its chats, or with `newest_only` under the newest one; each answer has an own id."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[str, Node] = {}
        self.newest: dict[str, str] = {}
        self.gone: set[str] = set()  # chats that a person deleted on the site
        self.newest_only = False
        self.answers = "Answer {number}."

    def ask(self, account_id: str, request: PageRequest) -> FakeResponse:
        if request.method != "DELETE" and kind_of(request) == "completion":
            script = self._script[account_id, "completion"]
            reply = script.popleft() if script else answer(self.answers.format(number=len(self.nodes) + 1))
            script.appendleft(self._placed(account_id, request, reply) if isinstance(reply, Reply) else reply)
        return super().ask(account_id, request)

    def seen(self, response_id: str | None = None) -> Seen:
        """Return what the model saw when it gave an answer (the newest one), that question included."""
        node = self.nodes[response_id or list(self.nodes)[-1]]
        before = (
            [*self.seen(node.parent_id), f"assistant: {self.nodes[node.parent_id].answer}"] if node.parent_id else []
        )
        texts = (
            folded(node.question) if ". A line in square brackets that ends with the key " in node.question else None
        )
        # What the proxy itself says is no message.
        said = [text for text in texts or () if text.partition(":")[0] in ("system", "user", "assistant", "tool")]
        return [*before, *(said if texts else [f"user: {node.question}"])]

    @property
    def last(self) -> Node:
        """The newest question with its answer."""
        return list(self.nodes.values())[-1]

    def _placed(self, account_id: str, request: PageRequest, reply: Reply) -> Reply:
        """Return the reply under an id of its own, or the refusal that the question gets."""
        body = json.loads(request.body or "")
        chat_id, parent_id = body["chat_id"], body["parent_id"]
        parent = self.nodes.get(parent_id or "")
        is_deleted = chat_id in self.gone or (account_id, chat_id) in self.deleted
        if is_deleted or (parent and parent.account_id != account_id):
            return refusal("Not_Found", f"CHAT_NOT_FOUND: chat {chat_id} is not exist", 404)
        if parent_id and (parent is None or parent.chat_id != chat_id):
            return refusal("Bad_Request", f"Invalid input the parent_id {parent_id} is not exist.", 400)
        if self.newest_only and parent_id and self.newest[chat_id] != parent_id:
            return refusal("Bad_Request", "Invalid input the parent is taken.", 400)
        response_id = f"R{len(self.nodes) + 1}"
        self.newest[chat_id] = response_id
        text = body["messages"][0]["content"]
        self.nodes[response_id] = Node(account_id, chat_id, parent_id, text, text_of(reply))
        return replace(reply, chunks=tuple(of(response_id, c) if isinstance(c, str) else c for c in reply.chunks))


def text_of(reply: Reply) -> str:
    """Return the text of a scripted answer."""
    lines = "".join(chunk for chunk in reply.chunks if isinstance(chunk, str)).split("\n")
    frames = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    deltas = [choice["delta"] for frame in frames for choice in frame.get("choices", ())]
    return "".join(each.get("content") or "" for each in deltas if each.get("phase") == "answer")
