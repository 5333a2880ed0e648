"""What a Selenium Grid says of itself: its nodes, their slots, the sessions there; read from its answers.

grid_hub.py asks, the launcher and the doctor read. Pure: takes JSON as Python objects. Raises ValueError, TypeError,
LookupError or AttributeError for what no Grid 4 says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

UP = "UP"
QUERY = (
    "{grid{totalSlots sessionCount sessionQueueSize nodeCount version}"
    " nodesInfo{nodes{id uri status sessionCount maxSession}}"
    " sessionsInfo{sessions{id nodeUri capabilities}}}"
)


@dataclass(frozen=True, slots=True)
class Node:
    """One node by the hub's health page: places for Chrome, free ones among them, and the times it was started with.

    `session_timeout` and `heartbeat` are in seconds, None where the hub does not tell.
    """

    uri: str
    availability: str
    max_sessions: int
    free: int
    chrome: bool
    session_timeout: float | None = None
    heartbeat: float | None = None


@dataclass(frozen=True, slots=True)
class GridNode:
    """One node as people see it; `accounts` are those whose browsers are there."""

    uri: str
    status: str
    sessions: int
    max_sessions: int
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GridReport:
    """The Grid as people see it: slots of all nodes, sessions in them, requests that wait for a slot."""

    version: str
    slots: int
    sessions: int
    queue: int
    nodes: tuple[GridNode, ...]


def nodes_of(answer: Any) -> tuple[Node, ...]:
    """Return the nodes in the answer to GET /status."""
    return tuple(_node(node) for node in answer["value"]["nodes"])


def report_of(answer: Any) -> GridReport:
    """Return the report in the answer to QUERY."""
    data = answer["data"]
    grid = data["grid"]
    accounts: dict[str, list[str]] = {}
    for session in data["sessionsInfo"]["sessions"]:
        if name := json.loads(session["capabilities"] or "{}").get("se:name"):
            accounts.setdefault(session["nodeUri"], []).append(str(name))
    nodes = tuple(
        GridNode(
            str(node["uri"]),
            str(node["status"]),
            int(node["sessionCount"]),
            int(node["maxSession"]),
            tuple(sorted(accounts.get(node["uri"], ()))),
        )
        for node in data["nodesInfo"]["nodes"]
    )
    counts = int(grid["totalSlots"]), int(grid["sessionCount"]), int(grid["sessionQueueSize"])
    return GridReport(str(grid["version"]), *counts, nodes)


def _node(node: Any) -> Node:
    slots = [slot for slot in node["slots"] if slot["stereotype"].get("browserName") == "chrome"]
    taken = sum(bool(slot["session"]) for slot in node["slots"])
    free = min(sum(not slot["session"] for slot in slots), int(node["maxSessions"]) - taken)
    is_up = node["availability"] == UP
    return Node(
        str(node["uri"] if "uri" in node else node["externalUri"]),
        str(node["availability"]),
        int(node["maxSessions"]),
        max(free, 0) if is_up else 0,
        bool(slots),
        _seconds(node.get("sessionTimeout")),
        _seconds(node.get("heartbeatPeriod")),
    )


def _seconds(milliseconds: Any) -> float | None:
    return float(milliseconds) / 1000 if isinstance(milliseconds, int | float) else None
