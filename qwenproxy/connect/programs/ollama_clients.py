"""Everything that speaks to Ollama: its command line, oterm, Home Assistant, editors."""

from __future__ import annotations

from qwenproxy.connect.program import Program, Target, Way


def _variables(target: Target) -> dict[str, str]:
    return {"OLLAMA_HOST": target.ollama, "OLLAMA_API_KEY": target.key}


PROGRAM = Program(
    "ollama",
    "oterm, Home Assistant, ollama",
    (Way("ollama", _variables),),
    ("note_ollama_port", "note_ollama_names", "note_home_assistant"),
)
