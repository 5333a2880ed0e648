"""Read Gemini's `generationConfig`: limits, the form of the answer, thinking. Pure; part of request.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.api import documents, thinking
from qwenproxy.api.fields import read_flag, read_text, read_whole
from qwenproxy.api.gemini.schemas import json_schema
from qwenproxy.api.gemini.spelling import inner_object
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import Document
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.upstream.works import nearest_ratio

WITHIN = "generationConfig."
_HONOURED = frozenset(
    {
        "candidateCount", "maxOutputTokens", "responseJsonSchema", "_responseJsonSchema", "responseMimeType",
        "imageConfig", "responseModalities", "responseSchema", "stopSequences", "thinkingConfig",
        "responseLogprobs", "logprobs",
    }
)  # fmt: skip
_SCHEMA_FIELDS = ("responseJsonSchema", "_responseJsonSchema", "responseSchema")
_JSON, _TEXT, _ENUM = "application/json", "text/plain", "text/x.enum"
_NO_LEVEL = "THINKING_LEVEL_UNSPECIFIED"
MAX_STOP_SEQUENCES = 16


@dataclass(frozen=True, slots=True)
class Generation:
    """What the configuration asks for.

    `shows_thoughts` says that the client wants to read the model's thinking, `is_bare` that it wants the one string of
    the document without quotation marks. `wants_picture` asks for a picture of a `ratio` in place of text.
    """

    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    thinking: bool | None = None
    thinking_budget: int | None = None
    shows_thoughts: bool = False
    document: Document | None = None
    is_bare: bool = False
    wants_picture: bool = False
    ratio: str | None = None


def parse_generation(body: Mapping[str, Any], ignored: Ignored) -> Generation:
    """Read the configuration. Raises RequestError, UnsupportedParameter naming the field."""
    config = inner_object(body, "generationConfig")
    kind = _answer_type(config)
    _refuse_losses(config)
    look = inner_object(config, "imageConfig", WITHIN)
    ignored.add_fields(look, ("aspectRatio",), "generationConfig", "imageConfig")
    thinking_config = inner_object(config, "thinkingConfig", WITHIN)
    thinks, budget = _thinking(thinking_config, ignored)
    ignored.add_fields(config, _HONOURED, "generationConfig")
    return Generation(
        max_tokens=read_whole(config, "maxOutputTokens", within=WITHIN, has_none=True),
        stop=_stop(config.get("stopSequences")),
        thinking=thinks,
        thinking_budget=budget,
        shows_thoughts=bool(read_flag(thinking_config, "includeThoughts", within=f"{WITHIN}thinkingConfig.")),
        document=_document(config, kind),
        is_bare=kind == _ENUM,
        wants_picture=_wants_picture(config),
        ratio=_ratio(look),
    )


def _refuse_losses(config: Mapping[str, Any]) -> None:
    """Refuse what the site cannot do, where a client would not see the loss."""
    if read_whole(config, "candidateCount", within=WITHIN) not in (None, 1):
        raise UnsupportedParameter(
            "candidateCount must be 1, because a request gets one answer.", param=f"{WITHIN}candidateCount"
        )
    if config.get("responseLogprobs") or config.get("logprobs"):
        raise UnsupportedParameter(
            "The Qwen chat site does not support logprobs. Leave it out.", param=f"{WITHIN}responseLogprobs"
        )


def _wants_picture(config: Mapping[str, Any]) -> bool:
    modalities = config.get("responseModalities") or []
    if not isinstance(modalities, list) or not all(isinstance(each, str) for each in modalities):
        raise RequestError("responseModalities must be an array of words.", param=f"{WITHIN}responseModalities")
    for each in modalities:
        if each.upper() not in ("TEXT", "IMAGE", "MODALITY_UNSPECIFIED"):
            raise UnsupportedParameter(
                f"Answers are text or pictures, not {each[:20]}. Leave it out of responseModalities.",
                param=f"{WITHIN}responseModalities",
            )
    return any(each.upper() == "IMAGE" for each in modalities)


def _ratio(look: Mapping[str, Any]) -> str | None:
    within = f"{WITHIN}imageConfig."
    text = read_text(look, "aspectRatio", within=within)
    ratio = nearest_ratio(text) if text else None
    if text and ratio is None:
        raise RequestError(f"{within}aspectRatio must be like 16:9.", param=f"{within}aspectRatio")
    return ratio


def _stop(value: Any) -> tuple[str, ...]:
    sequences = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(sequences, list) or not all(isinstance(each, str) for each in sequences):
        raise RequestError("stopSequences must be an array of strings.", param=f"{WITHIN}stopSequences")
    if len(sequences) > MAX_STOP_SEQUENCES:
        raise RequestError(
            f"stopSequences may have at most {MAX_STOP_SEQUENCES} sequences.", param=f"{WITHIN}stopSequences"
        )
    return tuple(each for each in sequences if each)


def _thinking(config: Mapping[str, Any], ignored: Ignored) -> tuple[bool | None, int | None]:
    """Translate into the fields that all APIs share; there a budget alone does not ask for thinking, here it does."""
    within = f"{WITHIN}thinkingConfig."
    level = read_text(config, "thinkingLevel", within=within)
    shared: dict[str, Any] = {}
    if level and level != _NO_LEVEL:
        shared["reasoning_effort"] = level.lower()
    if (budget := config.get("thinkingBudget")) is not None:
        try:
            thinking.parse_thinking({"thinking_budget": budget}, ignored)
        except RequestError:
            raise RequestError(
                f"{within}thinkingBudget must be a whole number of at least 1, 0 for none or -1 for any.",
                param=f"{within}thinkingBudget",
            ) from None
        shared["thinking_budget"] = budget
    ignored.add_fields(
        config, ("thinkingLevel", "thinkingBudget", "includeThoughts"), "generationConfig", "thinkingConfig"
    )
    thinks, tokens = thinking.parse_thinking(shared, ignored)
    return (True if tokens and thinks is None else thinks), tokens


def _answer_type(config: Mapping[str, Any]) -> str:
    kind = (read_text(config, "responseMimeType", within=WITHIN) or "").partition(";")[0].strip().lower()
    if kind not in ("", _TEXT, _JSON, _ENUM):
        raise UnsupportedParameter(
            f"responseMimeType must be {_JSON}, {_ENUM} or {_TEXT}.", param=f"{WITHIN}responseMimeType"
        )
    return kind


def _document(config: Mapping[str, Any], kind: str) -> Document | None:
    """Return the form that the answer must have, None for free text. Raises RequestError."""
    field = next((each for each in _SCHEMA_FIELDS if each in config), "")
    if not field and kind == _ENUM:
        raise RequestError(f"responseMimeType {_ENUM} needs responseSchema.", param=f"{WITHIN}responseSchema")
    if not field:
        return Document() if kind == _JSON else None
    if kind == _TEXT:
        raise RequestError(f"{field} needs responseMimeType {_JSON}.", param=f"{WITHIN}responseMimeType")
    # Clients also put a schema of the one form into the field of the other.
    return Document(documents.read_schema(json_schema(config[field]), f"{WITHIN}{field}"))
