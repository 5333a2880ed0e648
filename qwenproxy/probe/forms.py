"""What docs/site-protocol.md says of the site's answers, as forms to compare with (shapes.py). Tables only.

Whoever mends the product after the site has changed mends this beside that paper.
"""

from __future__ import annotations

from typing import Any

from qwenproxy.upstream.phases import ANSWER_PHASES, IMAGE_PHASES, REASONING_PHASES
from qwenproxy.upstream.written_calls import LOCAL_PHASE

NEWEST_SOURCE = "2026-10-04"  # the date of the newest thing that the paper knows
NEWEST_BUNDLE = "0.3.12"
TOKEN_LIFE = 900.0  # seconds (protocol 1.7)
TOKEN_CLAIMS = {"id": "string", "exp": "number", "last_password_change?": "number", "...": ""}


def envelope(data: Any) -> dict[str, Any]:
    """Return the form of an answer with this data (protocol 3)."""
    return {"success": "bool", "request_id": "string", "data": data}


PROFILE = {"id": "string", "role": "string", "permissions?": "any", "...": ""}  # protocol 1.4

_ABLE = ("vision", "document", "video", "audio", "citations", "thinking", "thinking_budget", "search")
_CAPABILITIES = dict.fromkeys((f"{name}?" for name in _ABLE), "bool")
_ABILITIES = dict.fromkeys((f"{name}?" for name in (*_ABLE, "mcp", "parse_url")), "number")
_KINDS_OF_LENGTH = ("context_length", "generation_length", "thinking_generation_length", "summary_generation_length")
_LENGTHS = dict.fromkeys((f"max_{kind}?" for kind in _KINDS_OF_LENGTH), "number")
_META = {
    **dict.fromkeys(("profile_image_url?", "description?", "short_description?", "thinking_format?"), "string|null"),
    "capabilities?": _CAPABILITIES,
    "abilities?": _ABILITIES,
    **_LENGTHS,
    "auto_thinking?": "bool",
    "auto_search?": "bool",
    "think_skip?": {"enable?": "bool"},
    "chat_type?": ["string"],
    "mcp?": ["string"],
    "modality?": ["string"],
}
_MODEL = {
    "id": "string",
    "name?": "string",
    "object?": "string",
    "owned_by?": "string",
    "info": {
        **dict.fromkeys(("id?", "user_id?", "name?"), "string"),
        "base_model_id?": "string|null",
        "meta": _META,
        "access_control?": "any",
        "is_active?": "bool",
        "is_visitor_active?": "bool",
        "updated_at?": "number",
        "created_at?": "number",
    },
    "preset?": "bool",
    "action_ids?": ["any"],
}
MODELS = envelope({"data": [_MODEL]})  # protocol 2.1 and 2.2

_FLAGS = {"*": "bool|number|object"}
_SETTINGS = {
    "personalization?": {
        **dict.fromkeys(("name?", "description?", "style?", "instruction?"), "string|null"),
        "enable_for_new_chat?": "bool",
        "...": "",
    },
    "memory?": {"enable_memory?": "bool", "enable_history_memory?": "bool", "...": ""},
    "tools_enabled?": _FLAGS,
    "mcp?": {"*": "any"},
    "code_settings?": {"custom_prompt?": "string|null", "...": ""},
    "tts_speaker_v2?": {"speaker?": "string", "...": ""},
    "...": "",
}
SETTINGS = envelope(_SETTINGS)  # protocol 11.1
# What an account's settings were seen to hold; those that the product reads come first.
READ_SECTIONS = ("personalization", "memory", "tools_enabled", "mcp", "code_settings")
SECTIONS = (*READ_SECTIONS, "mcp_remind", "ui", "tts_speaker_v2", "aipodcast")

_LEFT = {"times_left": "number", "time_unit?": "string|null", "time_amount?": "number|null", "...": ""}
QUOTA = envelope({"user_tier?": "any", "model?": {"*": _LEFT}, "*": _LEFT})  # protocol 10.2

NEW_CHAT = envelope({"id": "string"})  # protocol 3.1
DONE = envelope({"status?": "bool", "...": ""})  # protocol 3.4, 3.6
REFUSAL = envelope(  # protocol 6.1
    {"code": "string", "details?": "string", "template?": "string", "num?": "number"}
)

_MESSAGE = {
    "id": "string",
    "role": "string",
    "parentId?": "string|null",
    "childrenIds?": ["string"],
    "content_list?": "any",
    "usage?": "any",
    "...": "",
}
CHAT = envelope(  # protocol 3.3
    {
        "id": "string",
        "chat_type?": "string",
        "currentId?": "string|null",
        "chat": {
            "messages?": [_MESSAGE],
            "history": {"messages": {"*": _MESSAGE}, "...": ""},
            "...": "",
        },
        "...": "",
    }
)

CREDENTIALS = envelope(  # protocol 7.1
    dict.fromkeys(
        (
            *("access_key_id", "access_key_secret", "security_token", "file_url", "file_path", "file_id"),
            *("bucketname", "region", "endpoint"),
        ),
        "string",
    )
)
PARSING = envelope({"...": ""})  # protocol 7.3
PARSE_STATUS = envelope([{"file_id": "string", "status": "string", "...": ""}])
PARSE_STATES = frozenset({"pending", "running", "success", "failed", "error"})

# streams (protocol 5.2 and 5.3)

CREATED = {
    "chat_id": "string",
    "parent_id": "string",
    "response_id": "string",
    "response_index?": "string|number",
}
INFO = {"action": "string", "chat_id?": "string", "response_id?": "string", "timestamp?": "number"}
STOPPED = {"response_id?": "string"}
_TOKENS = dict.fromkeys(("text_tokens?", "image_tokens?", "reasoning_tokens?", "cached_tokens?"), "number")
USAGE = {
    **dict.fromkeys(
        (
            *("input_tokens?", "output_tokens?", "characters?", "total_tokens?"),
            *("image_tokens?", "width?", "height?", "image_count?"),
        ),
        "number",
    ),
    **dict.fromkeys(("input_tokens_details?", "output_tokens_details?", "prompt_tokens_details?"), _TOKENS),
}
_SUMMARY = {"content": ["string"]}
_EXTRA = {
    "summary_title?": _SUMMARY,
    "summary_thought?": _SUMMARY,
    "display_position?": "string",
    "web_search_info?": [{"url": "string", "...": ""}],
    "web_extract_info?": "any",
    "tool_result?": "any",
    "image_list?": "any",
    "output_image_hw?": [["number"]],
    "local_mcp?": {"*": "list|object"},
    "slides?": "any",
    "deep_research?": "any",
    "error?": "any",
}
DELTA = {
    "role?": "string",
    "content?": "string|list",
    "phase?": "string",
    "status?": "string",
    "extra?": _EXTRA,
    "name?": "string",
    "function_call?": {"name?": "string|null", "arguments?": "any"},
    "function_id?": "string",
    "content_list?": "list",
    "done?": "bool",
}
# Some deltas lack one or the other of these; a whole answer does not.
IN_EACH_ANSWER = ("role", "content", "phase", "status")
FRAME = {
    "choices": [{"delta": DELTA, "done?": "bool"}],
    "response_id": "string",
    "usage?": USAGE,
    "timestamp?": "number",
    "done?": "bool",
    "sources?": "any",
}
EVENTS: dict[str, Any] = {
    "response.created": CREATED,
    "response.info": INFO,
    "response.stopped": STOPPED,
    "error": "any",
}
ACTIONS = frozenset({"keep_alive", "skip_think"})
STATUSES = frozenset({"typing", "finished", "error"})
ROLES = frozenset({"assistant", "function"})
TOOL_PHASES = frozenset(
    {
        *("web_search", "web_extractor", "image_search", "web_search_image", "code_interpreter"),
        *("history_retriever", "bio", "image_zoom_in_tool", LOCAL_PHASE, "tool_call"),
    }
)
PHASES = (
    frozenset(phase for phase in ANSWER_PHASES if phase)
    | REASONING_PHASES
    | IMAGE_PHASES
    | TOOL_PHASES
    | {"thinking_summary", "image_gen_websearch", "slides", "KeepAlive"}
)
CHAT_TYPES = frozenset(
    {
        *("t2t", "t2v", "t2i", "image_edit", "search", "artifacts", "web_dev", "deep_research", "travel", "learn"),
        *("slides", "vqa", "translate", "deep_research_webdev", "aipodcast", "thinking", "i2v"),
    }
)
