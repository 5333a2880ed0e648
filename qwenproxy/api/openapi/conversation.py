"""A client's requests and the answers in a conversation, as JSON schemas (contract 4.1 and 4.2). Data only.

Request objects name the known fields and allow others, because the server accepts others.
"""

from __future__ import annotations

from qwenproxy.api.openapi.builders import (
    COUNT,
    FLAG,
    TEXT,
    Schema,
    an_object,
    array_of,
    const,
    described,
    nullable,
    ref,
)

FUNCTION_CALL = an_object("name arguments", name=TEXT, arguments=described(TEXT, "JSON text"))
FUNCTION_NAME: Schema = {**TEXT, "minLength": 1}
FUNCTION = an_object("name", name=FUNCTION_NAME, description=nullable(TEXT), parameters={"type": "object"})
LINK = an_object("url", url={**TEXT, "minLength": 1})
URL_OR_LINK: Schema = {"anyOf": [{**TEXT, "minLength": 1}, LINK]}
FILE_DATA = an_object(
    "file_data", file_data=described({**TEXT, "minLength": 1}, "a data: URL or base64"), filename=nullable(TEXT)
)
NAMED_FUNCTION = an_object("function", type=const("function"), function=an_object("name", name=FUNCTION_NAME))
ALLOWED_TOOLS = an_object(
    "type allowed_tools",
    type=const("allowed_tools"),
    allowed_tools=an_object("mode tools", mode={"enum": ["auto", "required"]}, tools=array_of(NAMED_FUNCTION)),
)


HOSTED_SEARCH = an_object(
    "type", type=described(const("web_search"), "or one of its dated names"), max_uses=nullable({**COUNT, "minimum": 1})
)
SEARCH: dict[str, Schema] = {
    "web_search_options": described(nullable({"type": "object"}), "the answer searches the web; may be empty"),
    "enable_search": described(nullable(FLAG), "the same"),
    "search_options": nullable(an_object("", forced_search=nullable(FLAG))),
}


def limit(description: str) -> Schema:
    """Return the schema of a limit in tokens."""
    return {"type": ["integer", "null"], "anyOf": [{"minimum": 1}, const(-1)], "description": description}


CONVERSATION: dict[str, Schema] = {
    "ContentPart": {
        "oneOf": [
            an_object("type text", type=const("text"), text=TEXT),
            an_object("type image_url", type=const("image_url"), image_url=URL_OR_LINK),
            an_object("type image", type=const("image"), image=URL_OR_LINK),
            an_object("type file", type=const("file"), file={"anyOf": [*URL_OR_LINK["anyOf"], FILE_DATA]}),
        ],
        "description": "URLs are http(s), data: URLs, or those of uploaded files. Parts of other types are left out, "
        "and named in x-qwenproxy-ignored unless they are thoughts.",
    },
    "Content": {"anyOf": [TEXT, array_of(ref("ContentPart"))]},
    "ToolCall": an_object("id type function", id=TEXT, type=const("function"), function=FUNCTION_CALL),
    "Tool": {
        "oneOf": [an_object("type function", type=const("function"), function=FUNCTION), HOSTED_SEARCH],
        "description": "Tools of other types are left out and named in x-qwenproxy-ignored.",
    },
    "Message": {
        **an_object(
            "role",
            role={"enum": ["system", "developer", "user", "assistant", "tool", "function"]},
            content={"anyOf": [ref("Content"), {"type": "null"}]},
            name=nullable(TEXT),
            tool_calls=nullable(array_of(ref("ToolCall"))),
            tool_call_id=nullable(TEXT),
            function_call=described(nullable(FUNCTION_CALL), "OpenAI's form of a tool call before tool_calls"),
        ),
        "description": "`content` may be left out.",
    },
    "CompletionRequest": an_object(
        "messages",
        model=described(nullable(TEXT), "an id or alias from GET /v1/models"),
        messages=array_of(ref("Message"), minItems=1),
        stream=nullable(FLAG),
        stream_options=nullable(an_object("", include_usage=nullable(FLAG))),
        stop={"anyOf": [nullable(TEXT), array_of(TEXT, maxItems=16)]},
        max_tokens=limit("cuts the answer; -1 is no limit"),
        max_completion_tokens=limit("cuts the answer; counts before max_tokens"),
        n={"enum": [1, None]},
        response_format=nullable(
            {
                **an_object(
                    "type",
                    type={"enum": ["text", "json_object", "json_schema"]},
                    json_schema=an_object("schema", name=TEXT, strict=nullable(FLAG), schema={"type": "object"}),
                ),
                "description": "the form of the answer; `json_schema` is needed for the type of that name",
            }
        ),
        tools=nullable(array_of(ref("Tool"))),
        tool_choice={"anyOf": [{"enum": ["auto", "none", "required", None]}, NAMED_FUNCTION, ALLOWED_TOOLS]},
        **SEARCH,
        functions=described(
            nullable(array_of(FUNCTION)), "OpenAI's older form of tools; the answer has the older form, too"
        ),
        function_call={"anyOf": [{"enum": ["auto", "none", None]}, an_object("name", name=FUNCTION_NAME)]},
        reasoning_effort=described(nullable(TEXT), "none and minimal switch thinking off, any other effort on"),
        reasoning=nullable(
            an_object("", effort=nullable(TEXT), enabled=nullable(FLAG), max_tokens=limit("as thinking_budget"))
        ),
        enable_thinking=nullable(FLAG),
        thinking_budget=limit("tokens"),
        thinking=nullable(
            an_object("", type={"enum": ["enabled", "adaptive", "disabled"]}, budget_tokens=limit("as thinking_budget"))
        ),
        chat_template_kwargs=nullable(an_object("", enable_thinking=nullable(FLAG), thinking_budget=limit("tokens"))),
    ),
    "TurnRequest": {
        **an_object(
            "",
            message=ref("Content"),
            messages=described(
                array_of(ref("Message"), minItems=1), "the last user message counts, and the system messages"
            ),
            model=nullable(TEXT),
            chatId=described(nullable(TEXT), "a kept chat to continue; without it a new one begins"),
            stream=nullable(FLAG),
            chatType=described(
                {"enum": ["t2t", "search", "t2i", "image_edit", "t2v", "i2v", "deep_research", None]},
                "the site's kind of work",
            ),
            size=described(nullable(TEXT), "of a picture or film, as for /v1/images/generations"),
            **SEARCH,
        ),
        "anyOf": [{"required": ["message"]}, {"required": ["messages"]}],
    },
    "SocketEvent": {
        "oneOf": [
            an_object("type text", type={"enum": ["delta", "reasoning"]}, text=TEXT),
            an_object(
                "type chatId finish_reason",
                type=const("done"),
                chatId=nullable(TEXT),
                finish_reason={"enum": ["stop", "length", "cancelled"]},
                model=TEXT,
                usage=ref("Usage"),
            ),
            an_object(
                "type code message request_id",
                type=const("error"),
                code=TEXT,
                message=TEXT,
                request_id=TEXT,
                chatId=TEXT,
            ),
        ]
    },
}
