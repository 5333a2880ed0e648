"""Open WebUI, by the environment of its server or its container."""

from __future__ import annotations

from qwenproxy.connect.program import Program, Target, Way

_TASKS = {
    "ENABLE_TITLE_GENERATION": "False",
    "ENABLE_TAGS_GENERATION": "False",
    "ENABLE_FOLLOW_UP_GENERATION": "False",
}


def _openai(target: Target) -> dict[str, str]:
    return {
        "ENABLE_OPENAI_API": "True",
        "OPENAI_API_BASE_URL": target.v1,
        "OPENAI_API_KEY": target.key,
        "DEFAULT_MODELS": target.model,
        "TASK_MODEL_EXTERNAL": target.fast_model,
        **_TASKS,
    }


def _ollama(target: Target) -> dict[str, str]:
    return {
        "ENABLE_OLLAMA_API": "True",
        "OLLAMA_BASE_URL": target.ollama,
        "DEFAULT_MODELS": f"{target.model}:latest",
        "TASK_MODEL": f"{target.fast_model}:latest",
        **_TASKS,
    }


PROGRAM = Program(
    "open-webui",
    "Open WebUI",
    (Way("chat", _openai), Way("ollama", _ollama)),
    ("note_webui_tools", "note_webui_tasks", "note_webui_saved", "note_docker"),
)
