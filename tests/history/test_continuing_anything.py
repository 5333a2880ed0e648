"""Whatever clients do to their conversations: the model sees what it would see if each were sent whole."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from clocks import FakeClock
from fake_tabs import FakeOpener
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tree_site import TreeSite

from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.registry import Registry
from qwenproxy.chat import ChatRequest, Message, Role, TextPart
from qwenproxy.chat.waiting import never_gone
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.disk.state import State
from qwenproxy.history.client_chats import ClientChats
from qwenproxy.history.conversations import Alone, Conversations
from qwenproxy.history.site_index import SiteIndex
from qwenproxy.history.store import HistoryStore
from qwenproxy.relay import deletions as deletions_module
from qwenproxy.relay.attempts import Attempts
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.questions import Relay, RelaySettings

TEXTS = ("hi", "go on", "why?")  # few, so that conversations begin alike
ANSWERS = ("Hello.", "Well.", "Answer {number}.")
CLIENTS = ("anna", "anna", "bob")  # of the three conversations


def said(role: Role, number: int) -> Message:
    return Message(role, (TextPart((TEXTS + ANSWERS[:2])[number % 5 if role == "assistant" else number % 3]),))


def at(messages: list[Message], number: int) -> int:
    return number % len(messages)


def pad(messages: list[Message], number: int) -> None:
    place = at(messages, number)
    messages[place] = replace(messages[place], parts=(TextPart(f" {messages[place].text}\n"),))


# What clients do to a conversation before they ask: each gets the messages and a number.
EDITS: dict[str, Callable[[list[Message], int], object]] = {
    "say": lambda messages, number: messages.append(said("user", number)),
    "edit": lambda messages, number: messages.__setitem__(at(messages, number), said("user", number)),
    "add an answer": lambda messages, number: messages.insert(at(messages, number), said("assistant", number)),
    "regenerate": lambda messages, number: messages.pop(),
    "go back": lambda messages, number: messages.__delitem__(slice(at(messages, number), None)),
    "trim": lambda messages, number: messages.pop(0),
    "swap": lambda messages, number: messages.reverse(),
    "pad": pad,
    "add a system text": lambda messages, number: messages.insert(at(messages, number), said("system", number)),
}
# What happens to the proxy and the site meanwhile.
RESTARTS = {"a restart": 1000, "no records": 0, "few records": 2}
EVENTS = (
    *("a chat goes", "an account rests", "older answers are refused", "they are not"),
    *("a record is deleted", "another answer", *RESTARTS),
)


@dataclass(frozen=True)
class Step:
    """One edit of one of the conversations, after which the client asks; or something that happens."""

    what: str
    conversation: int
    number: int


STEPS = st.builds(
    Step, st.sampled_from((*EDITS, *EDITS, *("say",) * 14, *EVENTS, *EVENTS[:4])), st.integers(0, 2), st.integers(0, 50)
)


class Server:
    """The conversations with all that is below them, over a site of trees. Accounts are a and b."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.tree = TreeSite()
        self.tree.answers = ANSWERS[0]
        self.session = SessionFolder(folder / "session")
        self.registry = Registry.open(self.session, self.clock)
        for name in "ab":
            self.registry.add(f"token-{name}", name)
        self.start(1000)

    def start(self, record_limit: int) -> None:
        deletions = UpstreamDeletions.open(self.session.deletions, self.registry, self.clock)
        opener = deletions.watch(cast(Any, FakeOpener(self.tree)))
        self._pool = AccountPool(self.registry, opener, PoolLimits(idle_browser=0), clock=self.clock)
        self._state = State(self.session.state)
        relay = Relay(Attempts(self._pool, lambda seconds: None), RelaySettings(clock=self.tree.clock), deletions)
        self.history = HistoryStore.open(self.session.history, 100)
        client_chats = ClientChats(SiteIndex(self._state), record_limit)
        self.conversations = Conversations(relay, self.history, 100, 10.0, client_chats)
        self._deletions = deletions

    def restart(self, record_limit: int) -> None:
        self.close()
        self.start(record_limit)

    def close(self) -> None:
        self._pool.close()
        self._deletions.wait_idle(10)
        self._state.close()

    def ask(self, messages: list[Message], client: str) -> tuple[str, Message]:
        """Return the context of an answer, and the answer."""
        request = ChatRequest(tuple(messages), client=client)
        with self.conversations.answer(Alone(), request, never_gone) as answer:
            for _ in answer:
                pass
            return answer.context, answer.run.answer.message

    def happen(self, what: str, number: int) -> None:
        tree = self.tree
        if what == "a chat goes":
            tree.gone |= {sorted(tree.newest)[number % len(tree.newest)]} if tree.newest else set()
        elif what == "an account rests":
            self.registry.rest("ab"[number % 2], self.clock() + 60)
        elif what in ("older answers are refused", "they are not"):
            tree.newest_only = what == "older answers are refused"
        elif what == "another answer":
            tree.answers = ANSWERS[number % len(ANSWERS)]
        elif what == "a record is deleted" and (records := self.history.recorded()):
            self.conversations.delete(records[number % len(records)], "")
        elif what in RESTARTS:
            self.restart(RESTARTS[what])


def canonical(seen: list[str]) -> list[str]:
    return [f"{role}: {text.strip()}" for role, _, text in (each.partition(": ") for each in seen)]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions_module, "PACE", 0)


@pytest.mark.usefixtures("quick")
def test_the_model_sees_the_whole_conversation_and_nothing_else() -> None:
    contexts = Counter(continued=0, replayed=0, new=0)

    @settings(max_examples=36, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, min_size=30, max_size=60))
    def live(steps: list[Step]) -> None:
        with tempfile.TemporaryDirectory() as folder, closing(Server(Path(folder))) as server:
            talks: list[list[Message]] = [[], [], []]
            for step in steps:
                if step.what in EVENTS:
                    server.happen(step.what, step.number)
                    continue
                server.clock.now += 61  # who rested is there again
                contexts[ask_after(step, server, talks[step.conversation])] += 1

    live()
    assert sum(contexts.values()) > 1000
    assert min(contexts.values()) > 20, contexts


def ask_after(step: Step, server: Server, messages: list[Message]) -> str:
    """Edit a conversation, ask, take the answer into it, look at what the model saw; return the context."""
    if messages or step.what == "say":
        EDITS[step.what](messages, step.number)
    if not any(message.role == "user" for message in messages):
        messages.append(said("user", step.number))
    tree, client = server.tree, CLIENTS[step.conversation]
    asked = len(tree.nodes)
    context, answer = server.ask(messages, client)
    node = tree.last
    node.client = client
    assert len(tree.nodes) == asked + 1
    assert canonical(tree.seen()) == canonical([f"{each.role}: {each.text}" for each in messages])
    assert (node.parent_id is not None) == (context == "continued")
    assert not node.parent_id or tree.nodes[node.parent_id].client == client
    messages.append(answer)
    return context
