"""The dashboard's explanation of a request in the OpenAPI document. Data only."""

from __future__ import annotations

from qwenproxy.api.openapi.builders import COUNT, FLAG, TEXT, Schema, an_object, array_of, described, nullable
from qwenproxy.api.openapi.dashboard import BYTES, TAG
from qwenproxy.api.openapi.paths import READS_BODY, Item, answers, body_of, json_content, operation

SCHEMAS: dict[str, Schema] = {
    "Explanation": an_object(
        "account waits context chat parent messages held model modelsRead functions thinking search text file files "
        "calls ignored",
        account=described(TEXT, "the account that would answer"),
        waits=described(FLAG, "whether it is busy: the request would wait, and perhaps get another account"),
        context={"enum": ["continued", "replayed", "new"]},
        chat=described(nullable(TEXT), "the site's chat that goes on; null: a new one is made"),
        parent=described(nullable(TEXT), "the site's answer that the question stands under"),
        messages=described(COUNT, "messages that are sent"),
        held=described(COUNT, "messages that the chat holds already"),
        model=described(TEXT, "the site's model"),
        modelsRead=described(FLAG, "false: the site's list of models was not read yet, so the model is assumed"),
        functions=described({"enum": ["native", "trained", "neutral", None]}, "how functions are offered"),
        thinking=FLAG,
        search=described({"enum": ["off", "allowed", "forced", "function"]}, "function: the model calls it if need be"),
        text=described(TEXT, "the text of the question, whole"),
        file=described(
            nullable(an_object("name text", name=TEXT, text=TEXT)), "the text file with what is too long for it"
        ),
        files=array_of(
            an_object(
                "name type size way",
                name=TEXT,
                type=TEXT,
                size=BYTES,
                way={"enum": ["held", "upload", "copy", "fetch", "link"]},
            )
        ),
        calls=described(
            array_of(an_object("method path body", method=TEXT, path=TEXT, body={"type": "object"})),
            "the calls of the page, without those for uploads; ids and times are made anew for every request",
        ),
        ignored=described(array_of(TEXT), "parts of the request without effect"),
    ),
}

_EXPLAINED: list[Item] = [
    {
        "name": "api",
        "in": "query",
        "description": "whose body it is: POST /v1/chat/completions, /api/chat, /v1/responses, /v1/messages, Gemini's "
        ":generateContent or Ollama's /ollama/api/chat",
        "schema": {"enum": ["chat", "native", "responses", "messages", "gemini", "ollama"], "default": "chat"},
    },
    {
        "name": "client",
        "in": "query",
        "description": "which client would send it: the name of a key as in /admin/api/keys, empty for one without a "
        "key; missing for the admin key",
        "schema": {"type": "string"},
    },
    {
        "name": "model",
        "in": "query",
        "description": "only for gemini, whose address names the model",
        "schema": {"type": "string"},
    },
]
_EXPLAIN = operation(
    TAG["name"],
    "Show what would be sent for a request of a program, without sending it",
    answers("what would be sent", json_content("Explanation"), (*READS_BODY, 404, 429, 503)),
    parameters=_EXPLAINED,
    requestBody=body_of({"application/json": {"schema": {"type": "object"}}}),
)

PATHS: Item = {"/admin/api/explain": {"post": _EXPLAIN}}
