"""Read whether the model should think, and how much, in the fields of all APIs (contract 7.2).

Every form becomes one switch and one budget, regardless of the request's own API. Pure; the parsers use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.api.fields import read_flag, read_object, read_text, read_whole
from qwenproxy.api.ignored import Ignored
from qwenproxy.errors import RequestError

FIELDS = frozenset(
    {
        "chat_template_kwargs", "enable_thinking", "output_config", "reasoning", "reasoning_effort", "think",
        "thinking", "thinking_budget",
    }
)  # fmt: skip
_NO_EFFORT = frozenset({"none", "minimal", "off", "disabled", "false", "no"})
_ANY_EFFORT = frozenset({"auto", "default"})
_SWITCHES: Mapping[str, bool] = {"enabled": True, "adaptive": True, "disabled": False}


def parse_thinking(body: Mapping[str, Any], ignored: Ignored) -> tuple[bool | None, int | None]:
    """Return whether to think (None: no field says so) and the budget in tokens. Raises RequestError naming the field.

    A switch wins over an effort, an effort over a budget; a budget of 0 switches off. An unknown effort means thinking,
    because new ones keep coming.
    """
    if FIELDS.isdisjoint(body):
        return None, None
    template, reasoning = read_object(body, "chat_template_kwargs"), read_object(body, "reasoning")
    output_config = read_object(body, "output_config")
    thinking, thinking_budget = _thinking_object(body)
    budgets = (
        _budget(body, "thinking_budget"),
        _budget(template, "thinking_budget", within="chat_template_kwargs."),
        thinking_budget,
        _budget(reasoning, "max_tokens", within="reasoning."),
    )
    switches = (
        read_flag(body, "enable_thinking"),
        read_flag(template, "enable_thinking", within="chat_template_kwargs."),
        thinking,
        _think(body.get("think")),
        read_flag(reasoning, "enabled", within="reasoning."),
        _effort(read_text(body, "reasoning_effort")),
        _effort(read_text(reasoning, "effort", within="reasoning.")),
        _effort(read_text(output_config, "effort", within="output_config.")),
        # Only one API has this field, and there it alone asks for thinking.
        True if budgets[-1] else None,
        False if 0 in budgets else None,
    )
    ignored.add_fields(template, ("enable_thinking", "thinking_budget"), "chat_template_kwargs")
    ignored.add_fields(reasoning, ("effort", "enabled", "max_tokens", "summary"), "reasoning")
    ignored.add_fields(output_config, ("effort", "format"), "output_config")  # documents.py reads the format
    return _first(switches), _first(budgets) or None


def _thinking_object(body: Mapping[str, Any]) -> tuple[bool | None, int | None]:
    value = body.get("thinking")
    if isinstance(value, bool):
        return value, None
    thinking = read_object(body, "thinking")
    switch = _SWITCHES.get(read_text(thinking, "type", within="thinking.") or "")
    return switch, _budget(thinking, "budget_tokens", within="thinking.")


def _budget(body: Mapping[str, Any], name: str, *, within: str = "") -> int | None:
    """Return a number of tokens, None for no limit, 0 for no thinking at all. Raises RequestError."""
    return read_whole(body, name, within=within, has_none=True, least=0)


def _think(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _effort(value)
    raise RequestError("think must be true, false or an effort such as high.", param="think")


def _effort(effort: str | None) -> bool | None:
    word = (effort or "").strip().lower()
    return None if not word or word in _ANY_EFFORT else word not in _NO_EFFORT


def _first(values: tuple[Any, ...]) -> Any:
    return next((value for value in values if value is not None), None)
