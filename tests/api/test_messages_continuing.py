"""Anthropic's conversations go on where the site holds their beginning, as its clients send them back."""

from __future__ import annotations

from typing import Any

from anthropic_talk import checked
from kept_chats import KeptChats
from tree_site import TreeSite

CALL = '<tool_call>{{"name": "look", "arguments": {{"at": "x", "deep": true}}}}</tool_call>'  # for str.format
LOOK = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {}, "deep": {}}}}


def say(server: KeptChats, messages: list[dict[str, Any]]) -> str:
    """Ask, put the answer behind the messages as a client does, and return what the site held."""
    body = {"model": "m", "max_tokens": 500, "system": "Rule", "tools": [LOOK], "messages": messages}
    response = server.client.post("/v1/messages", json=body, buffered=True)
    content = response.get_json()["content"]
    thought = {"type": "thinking", "thinking": "", "signature": ""}
    messages.append({"role": "assistant", "content": [thought, *content]})
    return response.headers["x-qwenproxy-context"]


def test_calls_results_and_system_texts_go_on(server: KeptChats, tree: TreeSite) -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "Go"}]},
        {"role": "system", "content": "Agents are there."},
    ]
    tree.answers = f"I look. {CALL}"
    assert say(server, messages) == "new"
    call = messages[-1]["content"][-1]
    assert call["type"] == "tool_use"
    tree.answers = "Seen."
    result = {
        "type": "tool_result",
        "tool_use_id": call["id"],
        "content": "there",
        "cache_control": {"type": "ephemeral"},
    }
    messages.append({"role": "user", "content": [result]})
    assert say(server, messages) == "continued"
    assert "there" in tree.last.question and "Agents" not in tree.last.question
    messages.append({"role": "user", "content": "And?"})
    assert say(server, messages) == "continued"


def test_a_stream_goes_on_too(server: KeptChats, tree: TreeSite) -> None:
    body = {"model": "m", "max_tokens": 500, "stream": True, "messages": [{"role": "user", "content": "Go"}]}
    checked(server.client.post("/v1/messages", json=body, buffered=True).text)
    said = {"role": "assistant", "content": [{"type": "text", "text": tree.last.answer}]}
    body["messages"] = [*body["messages"], said, {"role": "user", "content": "On"}]  # type: ignore[misc]
    again = server.client.post("/v1/messages", json=body, buffered=True)
    assert again.headers["x-qwenproxy-context"] == "continued"
