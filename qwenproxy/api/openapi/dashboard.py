"""The dashboard in the OpenAPI document: its pages, the API below them, the numbers for Prometheus. Data only."""

from __future__ import annotations

from typing import Any

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
from qwenproxy.api.openapi.paths import READS_BODY, Item, answers, body_of, json_content, operation
from qwenproxy.api.openapi.windows import ADD_BY_TOKEN

TAG = {
    "name": "Dashboard",
    "description": "For whoever runs the proxy: only the admin key opens these, or the cookie of the dashboard's own "
    "page. With the cookie, what changes something needs the header x-qwenproxy-page. Missing with ADMIN=0.",
}
TOO_MANY = (429,)
NUMBER: Schema = {"type": "number", "minimum": 0}
MOMENT: Schema = nullable({"type": "string", "format": "date-time"})
SINCE_1970: Schema = described(NUMBER, "seconds since 1970")
BYTES: Schema = described(nullable(COUNT), "bytes; null if unknown")

_OVERVIEW: dict[str, Schema] = {
    "now": SINCE_1970,
    "running": described(COUNT, "answers under way"),
    "waiting": described(COUNT, "requests that wait for an account"),
    "browsers": described(COUNT, "browsers that are open"),
    "accounts": array_of(ref("DashboardAccount")),
    "windows": described(array_of(ref("PersonWindow")), "those that are open"),
    "hour": described(
        array_of(
            an_object(
                "at requests begun first_event_seconds answers failures output_tokens",
                at=SINCE_1970,
                requests=COUNT,
                begun=described(COUNT, "streamed answers that began"),
                first_event_seconds=described(NUMBER, "their times to the first part, added up"),
                answers=COUNT,
                failures=COUNT,
                output_tokens=COUNT,
            )
        ),
        "the minutes of the last hour in which something happened, the oldest first",
    ),
}

_ROW_FIELDS = (
    "id at method path route address client state status asked tools attachments model account context laps finish "
    "error received sent seconds notes"
)
_ROW: dict[str, Schema] = dict(
    at=SINCE_1970,
    **dict.fromkeys(("id", "method", "path", "route", "address", "client"), TEXT),
    **dict.fromkeys(("model", "account", "finish", "error"), TEXT),
    asked=described(TEXT, "the model's name in the question, empty for the default"),
    tools=described(nullable(COUNT), "functions on offer; null if it is no question to a model"),
    attachments=described(nullable(COUNT), "pictures and files of the whole conversation; null as for tools"),
    state={"enum": ["running", "done", "failed", "left"]},
    status=nullable(COUNT),
    context={"enum": ["", "continued", "replayed", "new"]},
    laps=described(TEXT, "where the time before the first word went, as in Server-Timing"),
    received=BYTES,
    sent=BYTES,
    seconds=nullable(NUMBER),
    notes=array_of(TEXT),
)

SCHEMAS: dict[str, Schema] = {
    "DashboardSession": an_object(
        "pageToken", pageToken=described(nullable(TEXT), "null without a login"), version=TEXT, lang=TEXT
    ),
    "AdminLogin": an_object("key", key=TEXT),
    "LoggedOut": an_object("loggedOut", loggedOut=const(True)),
    "Overview": an_object(" ".join(_OVERVIEW), **_OVERVIEW),
    "DashboardAccount": an_object(
        "id status resetAt expiresAt renewable trouble settings resting proxy browser running",
        id=TEXT,
        status={"enum": ["OK", "WAIT", "VERIFY", "INVALID"]},
        resetAt=described(MOMENT, "when WAIT ends"),
        expiresAt=described(MOMENT, "when its token runs out; the page renews it if it is renewable"),
        renewable=FLAG,
        trouble=described(TEXT, "why its browser does not start"),
        settings=described(array_of(TEXT), "settings on the site that change its answers"),
        resting=described(
            {"type": "object", "additionalProperties": MOMENT}, "the kinds of work whose share it has used up"
        ),
        proxy=described(nullable(TEXT), "its outgoing proxy, without user and password"),
        browser=described(FLAG, "whether its browser is open"),
        running=described(COUNT, "answers under way"),
    ),
    "DashboardAccounts": an_object("accounts", accounts=array_of(ref("DashboardAccount"))),
    "CheckedAccount": an_object(
        "kind detail account",
        kind=described(TEXT, "ok, or what is wrong"),
        detail=described(TEXT, "a sentence about it"),
        account=nullable(ref("DashboardAccount")),
    ),
    "RemovedAccount": an_object("id removed", id=TEXT, removed=const(True)),
    "RequestRow": an_object(_ROW_FIELDS, **_ROW),
    "OpenedRequest": an_object(
        f"{_ROW_FIELDS} texts",
        **_ROW,
        texts=described(
            nullable(
                an_object(
                    "messages leftOut answer",
                    messages=array_of(an_object("role text", role=TEXT, text=TEXT)),
                    leftOut=described(COUNT, "older messages that are not kept"),
                    answer=described(nullable(TEXT), "null before its end"),
                )
            ),
            "what was said; null unless texts were kept",
        ),
    ),
    "PictureAddress": an_object("address", address=described(TEXT, "as it stands in the answer")),
    "KeepTexts": an_object("on", on=FLAG),
    "RequestRows": an_object(
        "requests texts",
        requests=array_of(ref("RequestRow"), maxItems=500),
        texts=described(FLAG, "whether texts of messages are kept now"),
    ),
    "ClientKeys": an_object("keys", keys=array_of(an_object("name masked", name=TEXT, masked=TEXT))),
    "NewClientKey": an_object("name key", name=TEXT, key=TEXT),
    "RemovedClientKey": an_object("name removed", name=TEXT, removed=const(True)),
    "ConnectPrograms": an_object(
        "programs",
        programs=array_of(
            an_object(
                "name title ways notes",
                name=TEXT,
                title=TEXT,
                ways=array_of(
                    an_object(
                        "api variables files sample",
                        api=TEXT,
                        variables={"type": "object", "additionalProperties": TEXT},
                        files=array_of(an_object("name content", name=TEXT, content=TEXT)),
                        sample=TEXT,
                    )
                ),
                notes=array_of(TEXT),
            )
        ),
    ),
    "Settings": an_object(
        "settings",
        settings=array_of(an_object("name value origin meaning", name=TEXT, value=TEXT, origin=TEXT, meaning=TEXT)),
    ),
}


def _operation(summary: str, schema: str, failures: tuple[int, ...] = (), **more: Any) -> Item:
    return operation(TAG["name"], summary, answers("it is done, or here", json_content(schema), failures), **more)


def _page(kind: str, failures: tuple[int, ...] = ()) -> Item:
    """Return the operation of a file, which is open to all."""
    good = answers("the file", {kind: {"schema": {"type": "string"}}}, failures)
    return operation(TAG["name"], "Show the dashboard", good, security=[{}])


def _stream() -> Item:
    frames = {"schema": {"description": "events overview, request (a RequestRow) and again"}}
    good = answers("what changes, as it does", {"text/event-stream": frames}, TOO_MANY)
    return operation(TAG["name"], "Watch the accounts and requests", good)


def _numbers() -> Item:
    good = answers("the numbers", {"text/plain": {"schema": {"type": "string"}}})
    return operation(TAG["name"], "Show the numbers for Prometheus", good)


def _named(name: str) -> Item:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


_MADE = operation(
    TAG["name"],
    "Make a key for a client; it is shown only here",
    {
        **{status: each for status, each in answers("", {}, (503,)).items() if status != "200"},
        "201": {"description": "the key", "content": json_content("NewClientKey")},
    },
)
_LOGIN = _operation(
    "Trade the admin key for the page's cookie",
    "DashboardSession",
    READS_BODY,
    requestBody=body_of(json_content("AdminLogin")),
    security=[{}],
)
_PICTURE = operation(
    TAG["name"],
    "Show a picture of an answer",
    {
        **answers("the file", {"image/*": {"schema": {"type": "string", "format": "binary"}}}, (*READS_BODY, 502, 503)),
        "204": {"description": "the site made no such picture for one of the last answers: nothing is fetched"},
    },
    requestBody=body_of(json_content("PictureAddress")),
)
_LANG: Item = {"name": "lang", "in": "query", "schema": {"enum": ["en", "ru"]}}

PATHS: Item = {
    "/ui": {"get": _page("text/html")},
    "/ui/{name}": {"parameters": [_named("name")], "get": _page("text/javascript", (404,))},
    "/ui/texts-{lang}.json": {"parameters": [_named("lang")], "get": _page("application/json", (404,))},
    "/admin/api/session": {"get": _operation("Show whether there is a login", "DashboardSession", security=[{}])},
    "/admin/api/login": {"post": _LOGIN},
    "/admin/api/logout": {"post": _operation("Take the cookie away", "LoggedOut")},
    "/admin/api/overview": {"get": _operation("Show the moment and the last hour", "Overview")},
    "/admin/api/accounts": {"get": _operation("List the accounts", "DashboardAccounts"), "post": ADD_BY_TOKEN},
    "/admin/api/accounts/{account_id}/check": {
        "parameters": [_named("account_id")],
        "post": _operation("Ask the site about an account", "CheckedAccount", (404, 502, 503)),
    },
    "/admin/api/accounts/{account_id}": {
        "parameters": [_named("account_id")],
        "delete": _operation("Remove an account", "RemovedAccount", (404, 503)),
    },
    "/admin/api/requests": {"get": _operation("List the last requests, newest first", "RequestRows")},
    "/admin/api/requests/{row_id}": {
        "parameters": [_named("row_id")],
        "get": _operation("Show one of them", "OpenedRequest", (404,)),
    },
    "/admin/api/requests/texts": {
        "post": _operation(
            "Keep the texts of messages in memory, or forget them",
            "KeepTexts",
            READS_BODY,
            requestBody=body_of(json_content("KeepTexts")),
        )
    },
    "/admin/api/pictures": {"post": _PICTURE},
    "/admin/api/events": {"get": _stream()},
    "/admin/api/keys": {"get": _operation("List the keys of clients", "ClientKeys", (503,)), "post": _MADE},
    "/admin/api/keys/{name}": {
        "parameters": [_named("name")],
        "delete": _operation("Remove a key", "RemovedClientKey", (404, 503)),
    },
    "/admin/api/connect": {
        "get": _operation("Show what to set in other programs", "ConnectPrograms", parameters=[_LANG])
    },
    "/admin/api/settings": {"get": _operation("Show the settings", "Settings", parameters=[_LANG])},
    "/metrics": {"get": _numbers()},
}
