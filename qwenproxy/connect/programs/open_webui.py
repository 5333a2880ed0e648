"""Open WebUI, by the environment of its server or its container."""

from __future__ import annotations

from qwenproxy.connect.program import Program, Target, Way


def _variables(target: Target) -> dict[str, str]:
    return {
        "ENABLE_OPENAI_API": "True",
        "OPENAI_API_BASE_URL": target.v1,
        "OPENAI_API_KEY": target.key,
        "DEFAULT_MODELS": target.model,
        "TASK_MODEL_EXTERNAL": target.fast_model,
        "ENABLE_TITLE_GENERATION": "False",
        "ENABLE_TAGS_GENERATION": "False",
        "ENABLE_FOLLOW_UP_GENERATION": "False",
        "DEFAULT_MODEL_METADATA": '{"capabilities":{"builtin_tools":false}}',
        "ENABLE_IMAGE_GENERATION": "True",
        "ENABLE_IMAGE_EDIT": "True",
        # Without an address of its own each of its engines for pictures asks OpenAI.
        **_pictures(target, "IMAGES_OPENAI_API", "IMAGE_GENERATION_MODEL"),
        "IMAGE_SIZE": "auto",
        **_pictures(target, "IMAGES_EDIT_OPENAI_API", "IMAGE_EDIT_MODEL"),
    }


def _pictures(target: Target, engine: str, model: str) -> dict[str, str]:
    return {f"{engine}_BASE_URL": target.v1, f"{engine}_KEY": target.key, model: "gpt-image-1"}


PROGRAM = Program(
    "open-webui",
    "Open WebUI",
    (Way("chat", _variables),),
    (
        "note_webui_first",
        "note_webui_tools",
        "note_webui_tasks",
        "note_webui_people",
        "note_webui_images",
        "note_webui_speech",
        "note_docker",
    ),
)
