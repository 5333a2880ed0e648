"""Claude Code (Anthropic)."""

from __future__ import annotations

from qwenproxy.connect.program import Location, Program, Settings, Target, Way

# Its own ten take two minutes and a half in which it shows nothing; five take twelve seconds.
RETRIES = "5"


def _variables(target: Target) -> dict[str, str]:
    window = str(target.context_length)
    return {
        "ANTHROPIC_BASE_URL": target.address,
        "ANTHROPIC_AUTH_TOKEN": target.key,
        "ANTHROPIC_MODEL": target.model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": target.fast_model,
        "ANTHROPIC_SMALL_FAST_MODEL": target.fast_model,  # what older versions call it
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": window,
        "CLAUDE_CODE_AUTO_COMPACT_WINDOW": window,
        "CLAUDE_CODE_MAX_RETRIES": RETRIES,
    }


def _settings(target: Target) -> tuple[Settings, ...]:
    location = Location(".claude", "settings.json", "CLAUDE_CONFIG_DIR")
    return (Settings(location, "json", {"env": _variables(target)}),)


PROGRAM = Program(
    "claude-code",
    "Claude Code",
    (Way("messages", _variables, _settings),),
    ("note_slots", "note_window", "note_fast_model", "note_retries"),
)
