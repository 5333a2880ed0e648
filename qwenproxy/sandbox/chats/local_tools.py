"""What a question says about functions of the person's own machine, checked as the site does (protocol 4.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.sandbox.envelope import SiteError, bad_request, compact
from qwenproxy.sandbox.switches import Switches

MAX_BYTES = 127_000  # of the serialized functions; over it the answer is silently empty


def draws_human_check(body: Any) -> bool:
    """Tell whether a body has what only programs send: `tools`, or a message of a function."""
    if not isinstance(body, dict):
        return False
    messages = body.get("messages")
    roles = [one.get("role") for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
    return body.get("tools") is not None or "function" in roles


def check_local_tools(features: Mapping[str, Any]) -> None:
    """Raise SiteError unless `local_mcp` and `mcp` have the form of the page."""
    if not isinstance(features.get("mcp", []), list):
        raise bad_request("Invalid input mcp is not a list.")
    servers = features.get("local_mcp", {})
    if not isinstance(servers, dict) or not all(isinstance(tools, dict) for tools in servers.values()):
        raise bad_request("Invalid input local_mcp does not map servers to tools.")
    for tools in servers.values():
        for name, tool in tools.items():
            if not name or not _is_tool(tool):
                raise bad_request(f"Invalid input local_mcp: {name} is not a tool.")


def are_silenced(features: Mapping[str, Any], account_id: str, switches: Switches) -> bool:
    """Tell whether the functions make the answer empty. Raises SiteError where the account may not have any."""
    servers = features.get("local_mcp")
    if not servers:
        return False
    outcome = _outcome(account_id, switches)
    if outcome == "refused":
        raise SiteError(500, "Internal_Server_Error", "Internal Error")
    return outcome == "empty" or len(compact(servers).encode("utf-8", "replace")) > MAX_BYTES


def seen_features(features: Mapping[str, Any], account_id: str, switches: Switches) -> Mapping[str, Any]:
    """Return the `feature_config` that the model sees: without functions where the site ignores them."""
    if _outcome(account_id, switches) != "ignored":
        return features
    return {key: value for key, value in features.items() if key != "local_mcp"}


def _outcome(account_id: str, switches: Switches) -> str:
    return switches.native_tools.get(account_id, switches.native_tools.get("*", "on"))


def _is_tool(tool: Any) -> bool:
    return (
        isinstance(tool, dict)
        and isinstance(tool.get("description"), str)
        and isinstance(tool.get("input_schema"), dict)
        and tool["input_schema"].get("type") == "object"
    )
