"""GET /api/status where browsers open on a Selenium Grid: its nodes and slots, or why its hub does not tell."""

from __future__ import annotations

from typing import Any

from fake_hub import FakeHub, FakeNode
from jsonschema import Draft202012Validator
from makers import MakeClient

from qwenproxy.api.openapi import document
from qwenproxy.api.wiring import RELAY
from qwenproxy.browser.grid_hub import GridHub


def status(make_client: MakeClient, hub: GridHub) -> dict[str, Any]:
    client = make_client(1)
    client.application.extensions[RELAY].grid = hub
    body: dict[str, Any] = client.get("/api/status").get_json()
    schemas = document()["components"]["schemas"]
    Draft202012Validator({"$ref": "#/components/schemas/Status", "components": {"schemas": schemas}}).validate(body)
    assert [account["id"] for account in body["accounts"]] == ["a"]
    grid: dict[str, Any] = body["grid"]
    return grid


def test_nodes_slots_and_whose_browsers_are_where(make_client: MakeClient) -> None:
    fake = FakeHub([FakeNode(5571, slots=2), FakeNode(5572, slots=4, availability="DOWN")], login="me:s3cret")
    fake.sessions = {"s1": {"se:name": "a"}, "s2": {}}
    with fake.running():
        grid = status(make_client, fake.hub())
    assert grid == {
        "url": f"http://localhost:{fake.port}",
        "reachable": True,
        "version": "4.48.0 (revision abc)",
        "slots": 6,
        "sessions": 2,
        "queue": 0,
        "nodes": [
            {"uri": "http://10.0.0.1:5571", "status": "UP", "sessions": 2, "slots": 2, "accounts": ["a"]},
            {"uri": "http://10.0.0.1:5572", "status": "DOWN", "sessions": 0, "slots": 4, "accounts": []},
        ],
    }


def test_a_silent_hub_is_no_error_of_the_status(make_client: MakeClient) -> None:
    fake = FakeHub(login="me:s3cret")
    with fake.running():
        hub = fake.hub()
    grid = status(make_client, hub)
    assert not grid["reachable"] and "does not answer" in grid["reason"]
    assert "s3cret" not in str(grid)


def test_without_a_grid_the_status_names_none(make_client: MakeClient) -> None:
    assert "grid" not in make_client(1).get("/api/status").get_json()
