"""A conversation that its client sends whole goes on where the site holds its beginning, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from client_talk import CONTEXT, Talk
from kept_chats import KeptChats
from replies import RATE_LIMITED, answer, refusal
from tree_site import TreeSite

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
READ = {"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}
CALL = '<tool_call>{"name": "look", "arguments": {"q": 1, "all": true}}</tool_call>'


@pytest.fixture
def talk(server: KeptChats) -> Talk:
    """A conversation of two turns."""
    talk = Talk(server)
    assert talk.say("I am Anna.") == "new"
    assert talk.say("I live in Köln.") == "continued"
    return talk


def test_only_what_is_new_is_sent(talk: Talk, tree: TreeSite) -> None:
    assert talk.say("Who am I?") == "continued"
    assert tree.last.question == "Who am I?"
    assert tree.seen() == talk.expected
    assert {node.chat_id for node in tree.nodes.values()} == {"up-1"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_system_text_and_several_new_messages(server: KeptChats, tree: TreeSite, stream: bool) -> None:
    talk = Talk(server, {"role": "system", "content": "Be brief."}, stream=stream)
    talk.say("Hello?")
    talk.messages.append({"role": "system", "content": "Be long from now on."})
    assert talk.say("And now?") == "continued"
    assert tree.seen() == talk.expected
    assert "Be brief" not in tree.last.question


def test_a_stream_that_begins_late_cannot_say_it(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, server: KeptChats
) -> None:
    monkeypatch.setattr("qwenproxy.api.answering.KEEP_ALIVE_AFTER", 0)
    monkeypatch.setattr(
        "qwenproxy.api.answering.Coming.wait", lambda self, seconds: seconds and self._end.wait(seconds)
    )
    talk.messages.append({"role": "user", "content": "Who am I?"})
    response = talk.post(stream=True)
    assert CONTEXT not in response.headers
    assert "Answer 3." in response.text


def test_two_conversations_that_begin_alike(server: KeptChats, tree: TreeSite) -> None:
    tree.answers = "Hello!"
    first, second = Talk(server), Talk(server)
    assert [talk.say("hi") for talk in (first, second)] == ["new", "new"]
    for text in ("My name is", "Tell me my name."):
        for talk, name in ((first, "Anna"), (second, "Bob")):
            assert talk.say(f"{text} {name}") == "continued"
            assert tree.seen() == talk.expected
    newest_places = [node.parent_id for node in tree.nodes.values() if node.parent_id]
    assert len(set(newest_places)) == len(newest_places), "one went on in the other's place"


def test_an_edited_turn_goes_on_from_the_longest_beginning_that_is_the_same(talk: Talk, tree: TreeSite) -> None:
    edited = talk.copy()
    edited.messages[2:] = []
    assert edited.say("I live in Bonn.") == "continued"
    assert tree.seen() == edited.expected
    assert tree.last.question == "I live in Bonn."
    assert talk.say("Where do I live?") == "continued", "the other branch is still there"
    assert tree.seen() == talk.expected


def test_a_regenerated_answer(talk: Talk, tree: TreeSite) -> None:
    first = talk.messages.pop()
    assert talk.ask() == "continued"
    assert talk.messages[-1] != first
    assert tree.seen() == talk.expected
    assert talk.say("Why?") == "continued"
    assert tree.seen() == talk.expected


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda messages: messages.pop(0), id="the first message went"),
        pytest.param(lambda messages: messages.__delitem__(slice(0, 2)), id="the first turn went"),
        pytest.param(lambda messages: messages[0].update(content="I am Olga."), id="a question was edited"),
        pytest.param(lambda messages: messages[1].update(content="You lie."), id="an answer was edited"),
        pytest.param(lambda messages: messages[0].update(role="system"), id="a role"),
        pytest.param(lambda messages: messages.insert(0, {"role": "system", "content": "No."}), id="a system text"),
        pytest.param(lambda messages: messages.__setitem__(slice(0, 3, 2), messages[2::-2]), id="in another order"),
    ],
)
def test_a_conversation_that_is_another_one(
    talk: Talk, tree: TreeSite, change: Callable[[list[dict[str, Any]]], object]
) -> None:
    change(talk.messages)
    assert talk.say("Who am I?") == "new"
    assert [each.partition(": ")[2] for each in tree.seen()] == [message["content"] for message in talk.messages[:-1]]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tools": [LOOK]}, id="functions"),
        pytest.param({"model": "qwen3-coder-plus"}, id="a model"),
        pytest.param({"enable_thinking": True}, id="thinking"),
    ],
)
def test_other_settings_are_another_conversation(talk: Talk, tree: TreeSite, fields: dict[str, Any]) -> None:
    assert talk.say("Who am I?", **fields) == "new"
    assert tree.seen() == talk.expected or "tools" in fields
    assert talk.say("And now?", **fields) == "continued"


def test_other_functions(server: KeptChats) -> None:
    talk = Talk(server)
    assert talk.say("Look", tools=[LOOK]) == "new"
    assert talk.say("Look", tools=[LOOK, READ]) == "new"
    assert talk.say("Look", tools=[READ, LOOK]) == "continued", "their order means nothing"


def test_another_key(server: KeptChats, tree: TreeSite) -> None:
    (server.session_dir / "Authorization.txt").write_text("key-a\nkey-b\n")
    talk = Talk(server)
    assert talk.say("I am Anna.", key="key-a") == "new"
    assert talk.say("Who am I?", key="key-b") == "new"
    assert tree.seen() == talk.expected
    assert talk.say("Who am I?", key="key-b") == "continued"
    content = b"".join(path.read_bytes() for path in server.session_dir.glob("state.db*"))
    assert b"key-a" not in content


def test_what_clients_rewrite_without_meaning(server: KeptChats, tree: TreeSite) -> None:
    tree.script("a", answer(CALL))
    talk = Talk(server, tools=[LOOK])
    talk.say([{"type": "text", "text": "Look."}])
    [call] = talk.messages[-1]["tool_calls"]
    call["id"] = "mine"
    call["function"]["arguments"] = '{ "all": true, "q": 1.0 }'
    talk.messages[-1]["content"] = ""
    talk.messages[-1]["reasoning_content"] = "Hm."
    talk.messages[0]["content"] = "\n Look. "
    talk.messages.append({"role": "tool", "tool_call_id": "mine", "content": "Seen."})
    assert talk.ask() == "continued"
    assert "Seen." in tree.last.question
    assert 'name="look"' in tree.last.question, "the model has to know whose result it is"
    assert "arguments" not in tree.last.question.rpartition("Seen.")[2]
    [result] = [message for message in talk.messages if message["role"] == "tool"]
    call["id"] = result["tool_call_id"] = "another"
    assert talk.say("Well?") == "continued"


def test_a_chat_that_is_gone(talk: Talk, tree: TreeSite, server: KeptChats) -> None:
    tree.gone.add("up-1")
    assert talk.say("Who am I?") == "replayed"
    assert tree.seen() == talk.expected
    assert talk.say("Sure?") == "continued"
    assert tree.seen() == talk.expected
    other = talk.copy()
    other.messages[2:] = []
    assert other.say("Who are you?") == "new", "nothing is known of the chat that is gone"


def test_an_account_that_rests(talk: Talk, tree: TreeSite, server: KeptChats) -> None:
    server.start(accounts=2)
    tree.script("a", RATE_LIMITED)
    assert talk.say("Who am I?") == "replayed"
    assert tree.last.account_id == "b"
    assert tree.seen() == talk.expected
    assert talk.say("Sure?") == "continued"
    assert (tree.last.account_id, tree.last.question) == ("b", "Sure?")


def test_a_restart(talk: Talk, tree: TreeSite, server: KeptChats) -> None:
    server.start()
    assert talk.say("Who am I?") == "continued"
    assert tree.seen() == talk.expected


def test_another_default_model_after_a_restart(talk: Talk, tree: TreeSite, server: KeptChats) -> None:
    server.start(default_model="qwen3-coder-plus")
    assert talk.say("Who am I?") == "replayed"
    assert tree.seen() == talk.expected
    assert talk.say("Sure?") == "continued"


@pytest.mark.parametrize(
    "words", ["the parent is taken", "the parent_id X is not exist."], ids=["unknown words", "no such parent"]
)
def test_a_refused_older_parent_is_remembered(talk: Talk, tree: TreeSite, server: KeptChats, words: str) -> None:
    for number, text in enumerate(("Bonn", "Trier", "Kiel")):
        if number == 0:
            tree.script("a", refusal("Bad_Request", f"Invalid input {words}", 400))
        asked = len(tree.questions())
        edited = talk.copy()
        edited.messages[2:] = []
        assert edited.say(f"I live in {text}.") == "replayed"
        assert tree.seen() == edited.expected
        assert len(tree.questions()) - asked == (2 if number == 0 else 1), "it is tried once"
        assert edited.say("Where?") == "continued"
        server.start()
    assert talk.say("Where do I live?") == "continued", "the newest place is none of those"
    assert tree.seen() == talk.expected


def test_two_at_once(talk: Talk, tree: TreeSite, server: KeptChats) -> None:
    one, other = talk.copy(), talk.copy()
    one.messages.append({"role": "user", "content": "One?"})
    first = server.client.post("/v1/chat/completions", json={"messages": one.messages, "stream": True})
    assert other.say("Other?") == "replayed"
    assert tree.seen() == other.expected
    assert other.say("Again?") == "continued", "in a chat of its own"
    first.get_data()
    first.close()
    assert first.headers[CONTEXT] == "continued"
    assert talk.say("Third?") == "continued", "the chat is free again"
    assert tree.last.chat_id == "up-1"


def test_a_client_that_left_frees_the_chat(talk: Talk, tree: TreeSite, server: KeptChats) -> None:
    messages = [*talk.messages, {"role": "user", "content": "One?"}]
    left = server.client.post("/v1/chat/completions", json={"messages": messages, "stream": True})
    left.close()
    tree.newest_only = True
    assert talk.say("Who am I?") == "replayed", "the newest answer of the chat is the one that nobody read"
    assert tree.seen() == talk.expected


def test_an_answer_cut_for_the_client_is_no_place_to_go_on_from(talk: Talk, tree: TreeSite) -> None:
    tree.script("a", answer("One", " STOP", " more"))
    talk.say("Count.", stop="STOP")
    assert talk.say("Go on.") == "continued", "from before that answer"
    assert tree.seen() == talk.expected
    assert tree.last.parent_id == "R2"


def test_the_native_chat_says_it_too(server: KeptChats, tree: TreeSite) -> None:
    first = server.say("Hello?")
    chat_id = json.loads(first.text)["chatId"]
    second = server.say("And now?", chatId=chat_id)
    tree.gone.add("up-1")
    third = server.say("And then?", chatId=chat_id, stream=True)
    assert [each.headers[CONTEXT] for each in (first, second, third)] == ["new", "continued", "replayed"]
    assert tree.seen()[-1] == "user: And then?"


@pytest.mark.parametrize("trouble", ["a folder", "no database"])
def test_trouble_with_the_disk_costs_only_the_memory(
    talk: Talk, tree: TreeSite, server: KeptChats, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.close()
    for path in server.session_dir.glob("state.db*"):
        path.unlink()
    if trouble == "a folder":
        (server.session_dir / "state.db").mkdir()
    else:
        (server.session_dir / "state.db").write_bytes(b"no database at all" * 1000)
    server.start()
    assert talk.say("Who am I?") == "new"
    assert tree.seen() == talk.expected
    assert talk.say("Sure?") == ("new" if trouble == "a folder" else "continued")
    assert tree.seen() == talk.expected
    assert caplog.records


def test_the_journal_tells(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "qwenproxy"):
        talk.say("Who am I?")
    assert "account=a answer of " in caplog.text and ", context=continued" in caplog.text
