"""The list of models in the forms of three APIs, and single models under all their names."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from makers import MakeClient
from replies import JSON, Reply

from qwenproxy.relay.questions import RelaySettings

ANTHROPIC = {"anthropic-version": "2023-06-01", "x-api-key": "none"}
FULL = {
    "id": "qwen3.7-plus",
    "name": "Qwen3.7-Plus",
    "info": {
        "created_at": 1770000000,
        "meta": {
            "capabilities": dict.fromkeys(("vision", "audio", "video", "document", "thinking", "search"), True),
            "max_context_length": 1_000_000,
            "max_generation_length": 65_536,
            "chat_type": ["t2t", "t2i", "t2v", "search"],
        },
    },
}
BARE = {"id": "qwen3-coder-plus"}


@pytest.fixture
def site(site: FakeSite) -> FakeSite:
    site.always("a", Reply((json.dumps({"data": [FULL, BARE]}),), headers=JSON), call="models")
    return site


def listed(client: FlaskClient, query: str = "", headers: dict[str, str] | None = None) -> Any:
    reply = client.get(f"/v1/models{query}", headers=headers)
    assert reply.status_code == 200, reply.text
    return reply.get_json()


def test_a_model_tells_all_that_clients_look_for(client: FlaskClient) -> None:
    full, bare, *_ = listed(client)["data"]
    assert full == {
        "id": "qwen3.7-plus",
        "object": "model",
        "created": 1770000000,
        "owned_by": "qwen",
        "name": "Qwen3.7-Plus",
        "context_length": 1_000_000,
        "max_completion_tokens": 65_536,
        "architecture": {
            "input_modalities": ["text", "image", "audio", "video", "file"],
            "output_modalities": ["text"],
        },
        "supported_parameters": full["supported_parameters"],
        "capabilities": dict.fromkeys(("vision", "tools", "reasoning", "search", "image_output", "video_output"), True),
    }
    assert {"tools", "tool_choice", "max_tokens", "reasoning_effort"} <= set(full["supported_parameters"])
    assert "context_length" not in bare and bare["architecture"]["input_modalities"] == ["text"]
    assert "reasoning_effort" not in bare["supported_parameters"]


def test_variants_are_listed_only_on_demand(make_client: MakeClient) -> None:
    names = [model["id"] for model in listed(make_client(1, RelaySettings(lists_variants=True)))["data"]]
    variants = [f"qwen3.7-plus{ending}" for ending in ("-thinking", "-fast", "-search")]
    assert names[:5] == ["qwen3.7-plus", *variants, "qwen3-coder-plus"]
    assert len(set(names)) == len(names)


def test_without_demand_no_variants_are_listed(client: FlaskClient) -> None:
    assert not [model for model in listed(client)["data"] if model["id"].startswith("qwen3.7-plus-")]


@pytest.mark.parametrize(
    "name",
    [
        *("qwen3.7-plus-thinking", "qwen-max-fast-search", "qwen/qwen-max:latest", "claude-qwen3.7-plus"),
        *("gpt-4o", "claude-haiku-4-5", "gemini-3-pro", "o3"),
    ],
)
def test_every_name_that_a_request_may_use_is_described(client: FlaskClient, name: str) -> None:
    assert client.get(f"/v1/models/{name}").get_json()["id"] == name
    assert client.get(f"/v1/models/{name}", headers=ANTHROPIC).get_json()["id"] == name


def test_anthropics_form_of_the_list(client: FlaskClient) -> None:
    listing = listed(client, headers=ANTHROPIC)
    assert set(listing) == {"data", "has_more", "first_id", "last_id"}
    names = [model["id"] for model in listing["data"]]
    assert (listing["first_id"], listing["last_id"], listing["has_more"]) == (names[0], names[-1], False)
    assert names[0] == "qwen3.7-plus" and len(names) == len(set(names))
    own = [name for name in names if not name.startswith("claude-")]
    assert [name for name in names if name.startswith("claude-")] == [f"claude-{name}" for name in own]
    assert own == [model["id"] for model in listed(client)["data"]]
    by_id = {model["id"]: model for model in listing["data"]}
    assert by_id["claude-qwen3.7-plus"] == {
        "type": "model",
        "id": "claude-qwen3.7-plus",
        "display_name": "Qwen3.7-Plus",
        "created_at": "2026-02-02T02:40:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000_000,
        "max_tokens": 65_536,
    }
    assert datetime.fromisoformat(by_id["qwen3-coder-plus"]["created_at"].replace("Z", "+00:00")).year == 1970


def test_anthropics_pages(client: FlaskClient) -> None:
    names = [model["id"] for model in listed(client, headers=ANTHROPIC)["data"]]
    seen: list[str] = []
    query = "?limit=7"
    while True:
        page = listed(client, query, ANTHROPIC)
        assert [page["data"][0]["id"], page["data"][-1]["id"]] == [page["first_id"], page["last_id"]]
        seen += [model["id"] for model in page["data"]]
        if not page["has_more"]:
            break
        query = f"?limit=7&after_id={page['last_id']}"
    assert seen == names
    back = listed(client, f"?limit=3&before_id={names[5]}", ANTHROPIC)
    assert [model["id"] for model in back["data"]] == names[2:5] and back["has_more"]
    end = listed(client, f"?after_id={names[-1]}", ANTHROPIC)
    assert end == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "1e3", "", "\u0663"])
def test_a_page_of_an_impossible_size(client: FlaskClient, limit: str) -> None:
    reply = client.get("/v1/models", query_string={"limit": limit}, headers=ANTHROPIC)
    body = reply.get_json()
    assert (reply.status_code, body["type"], body["error"]["type"]) == (400, "error", "invalid_request_error")
    assert "limit" in body["error"]["message"]
    assert reply.headers["request-id"] == body["request_id"]


@pytest.mark.parametrize("field", ["after_id", "before_id"])
def test_a_page_beside_an_unknown_model(client: FlaskClient, field: str) -> None:
    reply = client.get("/v1/models", query_string={field: "made-up"}, headers=ANTHROPIC)
    assert (reply.status_code, reply.get_json()["error"]["type"]) == (400, "invalid_request_error")
    assert "made-up" in reply.get_json()["error"]["message"]


def test_every_error_of_the_list_has_the_form_that_the_client_reads(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "session" / "Authorization.txt").write_text("right\n", encoding="utf-8")
    refused = client.get("/v1/models", headers={**ANTHROPIC, "x-api-key": "wrong"})
    assert (refused.status_code, refused.get_json()["error"]["type"]) == (401, "authentication_error")
    assert "code" in client.get("/v1/models", headers={"x-api-key": "wrong"}).get_json()["error"]


def test_an_unknown_model_in_anthropics_form(client: FlaskClient) -> None:
    reply = client.get("/v1/models/made-up", headers=ANTHROPIC)
    assert reply.status_code == 404
    body = reply.get_json()
    assert (body["type"], body["error"]["type"]) == ("error", "not_found_error")
    assert "made-up" in body["error"]["message"] and body["request_id"]


def test_codex_keeps_its_own_instructions(client: FlaskClient) -> None:
    listing = listed(client, "?client_version=0.171.0")
    assert listing["models"] == [] and listing["data"]
    assert "models" not in listed(client)
