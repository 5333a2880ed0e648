"""A person's window in the OpenAPI document, and the changes of accounts that need none. Data only.

A part of the dashboard: dashboard.py describes the rest of it.
"""

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

TAG = "Dashboard"
PROXY: Schema = described(nullable(TEXT), "its outgoing proxy: http, https or socks5, with user and password")
WAIT: Schema = {"type": "number", "minimum": 1, "description": "seconds until the window closes, 1800 at most"}

_WINDOW: dict[str, Schema] = {
    "id": TEXT,
    "account": described(TEXT, "the account's id; empty while a new account has none"),
    "isNew": FLAG,
    "state": {"enum": ["running", "done", "failed"]},
    "step": {"enum": ["opening", "waiting", "verification", "works", "closing"]},
    "remaining": described(COUNT, "seconds"),
    "outcome": described(
        {"enum": ["", "closed", "timeout", "idle", "cancelled", "unproven", "no_display", "error"]}, "why it failed"
    ),
    "message": described(TEXT, "a sentence about an error"),
}

SCHEMAS: dict[str, Schema] = {
    "PersonWindow": an_object(" ".join(_WINDOW), **_WINDOW),
    "PersonWindows": an_object("windows", windows=array_of(ref("PersonWindow"))),
    "NewWindow": an_object("", id=described(TEXT, "the new account's id"), proxy=PROXY, wait=WAIT),
    "AccountWindow": an_object("", wait=WAIT),
    "ClosedWindow": an_object("id closed", id=TEXT, closed=const(True)),
    "WindowTicket": an_object(
        "ticket seconds",
        ticket=described(TEXT, "the first message of the WebSocket, as ticket in an object; good for one time"),
        seconds=described({"type": "number"}, "how long it is good"),
    ),
    "AccountToken": an_object("token", token=TEXT),
    "AccountByToken": an_object("token", token=TEXT, id=TEXT, proxy=PROXY),
    "AddedAccount": an_object("id added", id=TEXT, added=const(True)),
    "RenewedAccount": an_object("id renewed", id=TEXT, renewed=const(True)),
    "AccountProxy": an_object("proxy", proxy=PROXY),
    "ChangedProxy": an_object("id proxy", id=TEXT, proxy=described(nullable(TEXT), "without user and password")),
}


def _done(summary: str, schema: str, failures: tuple[int, ...] = (), **more: Any) -> Item:
    return operation(TAG, summary, answers("it is done, or here", json_content(schema), failures), **more)


def _made(summary: str, schema: str, failures: tuple[int, ...] = (), **more: Any) -> Item:
    others = {status: each for status, each in answers("", {}, failures).items() if status != "200"}
    made = {"description": "it is there", "content": json_content(schema)}
    return operation(TAG, summary, {**others, "201": made}, **more)


def _named(name: str) -> Item:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _body(name: str, *, required: bool = True) -> Item:
    return body_of(json_content(name), required=required)


_SOCKET = operation(
    TAG,
    "See a window and use it, over a WebSocket",
    {
        **{status: each for status, each in answers("", {}, (400, 404)).items() if status != "200"},
        "101": {
            "description": "the first message is the ticket; then pictures and notes come, and what a person does goes"
        },
    },
)
ADD_BY_TOKEN = _made(
    "Add an account by the token of a login", "AddedAccount", (*READS_BODY, 503), requestBody=_body("AccountByToken")
)

PATHS: Item = {
    "/admin/api/accounts/{account_id}/token": {
        "parameters": [_named("account_id")],
        "put": _done(
            "Give an account a new token", "RenewedAccount", (*READS_BODY, 404, 503), requestBody=_body("AccountToken")
        ),
    },
    "/admin/api/accounts/{account_id}/proxy": {
        "parameters": [_named("account_id")],
        "put": _done(
            "Give an account another proxy", "ChangedProxy", (*READS_BODY, 404, 503), requestBody=_body("AccountProxy")
        ),
    },
    "/admin/api/accounts/{account_id}/window": {
        "parameters": [_named("account_id")],
        "post": _made(
            "Open a window for an account's person",
            "PersonWindow",
            (*READS_BODY, 404, 429, 503),
            requestBody=_body("AccountWindow", required=False),
        ),
    },
    "/admin/api/windows": {
        "get": _done("List the open windows", "PersonWindows"),
        "post": _made(
            "Open a window in which an account is added",
            "PersonWindow",
            (*READS_BODY, 429, 503),
            requestBody=_body("NewWindow", required=False),
        ),
    },
    "/admin/api/windows/{window_id}": {
        "parameters": [_named("window_id")],
        "get": _done("Show how a window stands", "PersonWindow", (404,)),
        "delete": _done("Close a window without a login", "ClosedWindow", (404,)),
    },
    "/admin/api/windows/{window_id}/done": {
        "parameters": [_named("window_id")],
        "post": _done("Say that the person has done what they came for", "PersonWindow", (404,)),
    },
    "/admin/api/windows/{window_id}/ticket": {
        "parameters": [_named("window_id")],
        "post": _made("Get a ticket that shows a window, once", "WindowTicket", (404,)),
    },
    "/admin/api/window": {"get": _SOCKET},
}
