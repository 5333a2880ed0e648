"""Anthropic's streams as tests read them: events against the official types, their order, and the official client."""

from __future__ import annotations

import importlib
import json
from typing import Any

import anthropic
from anthropic.types import RawMessageStreamEvent
from flask.testing import FlaskClient
from pydantic import TypeAdapter

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
    "web_search_tool_result": set[str](),
}
ASK = {"model": "claude-opus-4-8", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hello?"}]}


def sdk(client: FlaskClient, **options: Any) -> anthropic.Anthropic:
    """Return the official client, whose requests go to this application without a socket."""
    # The package has its own copy of the HTTP library since 2.0.
    http: Any = importlib.import_module(anthropic.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])
    url = "http://localhost"
    over_wsgi = anthropic.DefaultHttpxClient(transport=http.WSGITransport(app=client.application), base_url=url)
    return anthropic.Anthropic(base_url=url, http_client=over_wsgi, **{"api_key": "x", "max_retries": 0, **options})


def send(client: FlaskClient, **body: Any) -> Any:
    """Return the answer to a request."""
    return client.post("/v1/messages?beta=true", json={**ASK, **body}, buffered=True)


def stream(client: FlaskClient, **body: Any) -> list[dict[str, Any]]:
    """Return the events of a stream, checked."""
    response = send(client, stream=True, **body)
    assert (response.status_code, response.mimetype) == (200, "text/event-stream"), response.text
    return checked(response.text)


def events_of(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream; each has its type in its `event:` line."""
    assert "\r" not in text
    *frames, rest = text.split("\n\n")
    assert rest == "", "the last event has its end"
    events = []
    for frame in frames:
        name, data = frame.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def checked(text: str) -> list[dict[str, Any]]:
    """Return the events of a complete stream without its pings, after a look at their types and their order."""
    events = [event for event in events_of(text) if event["type"] != "ping"]
    for event in events:
        EVENT.validate_python(event, strict=False)
    start, *inner, delta, stop = events
    assert (start["type"], delta["type"], stop["type"]) == ("message_start", "message_delta", "message_stop")
    message = start["message"]
    assert message["content"] == [] and message["stop_reason"] is None
    assert message["usage"]["input_tokens"] > 0 and message["usage"]["output_tokens"] >= 1
    _check_blocks(inner)
    calls = [block["json"] for block in blocks_of(inner) if block["type"] == "tool_use"]
    reason = delta["delta"]["stop_reason"]
    assert reason in (("tool_use", "max_tokens") if calls else ("end_turn", "max_tokens", "stop_sequence"))
    if reason == "tool_use":
        assert all(isinstance(json.loads(call or "{}"), dict) for call in calls), "a client runs these"
    return events


def blocks_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the blocks that a client makes of these events, each with what was added to it."""
    blocks: list[dict[str, Any]] = []
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], blocks[event["index"]]
            for name in ("text", "thinking", "signature"):
                block[name] = block.get(name, "") + delta.get(name, "")
            block["json"] += delta.get("partial_json", "")
            block.setdefault("citations", []).extend([delta["citation"]] if "citation" in delta else [])
    return blocks


def stop_of(events: list[dict[str, Any]]) -> tuple[str, str | None]:
    """Return why the answer ended."""
    delta = events[-2]["delta"]
    return delta["stop_reason"], delta["stop_sequence"]


def _check_blocks(events: list[dict[str, Any]]) -> None:
    """Check that blocks follow one another, each whole."""
    count = 0  # blocks that have begun
    open_block: dict[str, Any] | None = None
    last_delta = ""
    for event in events:
        assert event["index"] == count - (event["type"] != "content_block_start")
        if event["type"] == "content_block_start":
            assert open_block is None, "a block begins inside another one"
            open_block, last_delta = event["content_block"], ""
            count += 1
            continue
        assert open_block is not None, "nothing is open"
        if event["type"] == "content_block_delta":
            assert last_delta != "signature_delta", "nothing follows the signature"
            last_delta = event["delta"]["type"]
            assert last_delta in DELTAS[open_block["type"]]
        else:
            assert event["type"] == "content_block_stop"
            assert (last_delta == "signature_delta") == (open_block["type"] == "thinking")
            open_block = None
    assert open_block is None
