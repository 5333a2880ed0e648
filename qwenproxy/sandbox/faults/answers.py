"""The faults that answer a call in place of the site: envelopes, plain HTTP errors, verification pages.

Source: protocol 6.1 to 6.4.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from quart import Response, request

from qwenproxy.sandbox.envelope import (
    SiteError,
    bad_request,
    compact,
    disguised_response,
    failure,
    html_response,
    json_response,
    request_id,
    unauthorized,
)
from qwenproxy.sandbox.faults.fault import Fault
from qwenproxy.sandbox.pages.routes import waf_page
from qwenproxy.sandbox.state import SiteState, current_state
from qwenproxy.sandbox.wire import Exchange

Options = Mapping[str, Any]
_DAILY_LIMIT = "You've reached the upper limit for today's usage."
_TOO_FAST = "We are currently experiencing high demand. Your request rate increased too quickly."
_WAIT_HINT = "You have reached the daily usage limit. Please wait {{num}} hours before trying again."
MODERATION = "Input data may contain inappropriate content."
EXPIRED = "Token has expired"


async def answer(fault: Fault, account_id: str | None) -> Response | None:
    """Return the faulty site's answer; None if the call passes after all (after a stall)."""
    state = current_state()
    if fault.kind in ("captcha", "captcha_sticky"):
        return captcha(state, account_id, fault)
    if fault.kind == "reset":
        Exchange.of(request.scope).wire.drop(whole_connection=fault.options.get("scope") != "stream")
        return Response(b"")
    if fault.kind == "stall":
        await asyncio.sleep(float(fault.options.get("seconds", 5)))
        return None
    if fault.kind in _WHOLE_ANSWERS:
        return _WHOLE_ANSWERS[fault.kind](fault.options)
    return failure(_ERRORS[fault.kind](fault.options))


def captcha(state: SiteState, account_id: str | None, fault: Fault | None = None) -> Response:
    """Return the anti-bot JSON of protocol 6.3; a sticky one blocks the account until somebody solves it."""
    secret = secrets.token_hex(16)
    options = fault.options if fault else {}
    if account_id is not None:
        state.puzzles[secret] = account_id
        if fault is not None and fault.kind == "captcha_sticky":
            state.blocked.add(account_id)
    path = request.path
    url = (
        f"https://{request.host}/{path}/_____tmd_____/punish?x5secdata={secret}__bx__{request.host}{path}"
        f"&x5step=2&action={options.get('action', 'captcha')}&pureCaptcha="
    )
    if options.get("form") == "html":
        body = f'<html><head><script>window.location.replace("{url}")</script></head><body></body></html>'
        return _with_options(html_response(body), body, options)
    data: dict[str, Any] = {"url": url}
    if options.get("action") == "captchaconnect":
        data["dialogSize"] = {"width": "375px", "height": "665px"}
    ret = ["FAIL_SYS_USER_VALIDATE", "RGV587_ERROR::SM::哎哟喂,被挤爆啦,请稍后重试"]
    response = json_response({"ret": ret, "data": data})
    response.content_type = "application/json;charset=utf-8"
    return _with_options(response, compact({"ret": ret, "data": data}), options)


def _with_options(response: Response, body: str, options: Options) -> Response:
    """Return the response with the content type of the options; with `endless`, its last two characters never come."""
    if options.get("endless"):
        response = Response(_without_end(body[:-2].encode()), content_type=response.content_type)
        response.timeout = None
    if "type" in options:
        response.content_type = str(options["type"])
    return response


async def _without_end(data: bytes) -> AsyncIterator[bytes]:
    yield data
    await asyncio.Event().wait()


def waf(options: Options) -> Response:
    """Return the interstitial page of protocol 6.4."""
    return html_response(waf_page(), int(options.get("status", 200)))


def rate_limit_data(options: Options) -> dict[str, Any]:
    """Return code, details and, unless the options say otherwise, the hours to wait."""
    num, place = options.get("num", 6), options.get("place", "nested")
    if num is None or place == "none":
        return {"code": "RateLimited", "details": options.get("details", _TOO_FAST)}
    details = options.get("details", _DAILY_LIMIT)
    return {"code": "RateLimited", "details": details, "template": _WAIT_HINT, "num": num}


def flat_rate_limit(options: Options) -> dict[str, Any]:
    """Return the older form, in which everything is at the top."""
    data = rate_limit_data(options)
    return {"code": data.pop("code"), "detail": data.pop("details"), **data}


def _rate_limited(options: Options) -> Response:
    if options.get("real_429"):
        return json_response(flat_rate_limit(options), 429)
    data = rate_limit_data(options)
    if options.get("place") == "top":
        return disguised_response({"success": False, "request_id": request_id(), **data}, 429)
    return disguised_response({"success": False, "request_id": request_id(), "data": data}, 429)


def _gateway(status: int, title: str) -> Callable[[Options], Response]:
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1>alibaba-ga</body></html>"
    return lambda options: html_response(page, status)


def _undisguised(error: SiteError) -> Response:
    return json_response({"success": False, "request_id": request_id(), "data": error.data}, error.status)


_WHOLE_ANSWERS: Mapping[str, Callable[[Options], Response]] = {
    "rate_limited": _rate_limited,
    "unauthorized_http": lambda options: _undisguised(unauthorized()),
    "forbidden_http": lambda options: _undisguised(SiteError(403, "Forbidden", "Forbidden")),
    "http_500": _gateway(500, "Internal Server Error"),
    "http_502": _gateway(502, "Bad Gateway"),
    "http_503": _gateway(503, "Service Temporarily Unavailable"),
    "http_504": _gateway(504, "Gateway Time-out"),
    "waf": waf,
    "waf_page": waf,
    "empty_body": lambda options: Response(b"", content_type="text/event-stream; charset=utf-8"),
}

_ERRORS: Mapping[str, Callable[[Options], SiteError]] = {
    "disguised_401": lambda options: SiteError(429, "RateLimited", "401 Unauthorized: please log in again."),
    "parallel_limited": lambda options: SiteError(429, "ParallelLimited", "Too many parallel requests."),
    "quota_limit": lambda options: SiteError(402, options.get("code", "quota_limit"), "The quota is used up."),
    "unauthorized": lambda options: unauthorized(),
    "forbidden": lambda options: SiteError(403, "Forbidden", "Forbidden"),
    "token_expired": lambda options: unauthorized(EXPIRED),
    "not_found": lambda options: SiteError(404, "Not_Found", "Not Found"),
    "bad_request": lambda options: bad_request(*([options["details"]] if "details" in options else [])),
    "validation_error": lambda options: SiteError(
        400, "RequestValidationError", f"Field '{options.get('field', 'chat_id')}': Field required"
    ),
    "chat_busy": lambda options: bad_request("The chat is in progress!"),
    "bad_parent": lambda options: bad_request("Invalid input the parent_id 0 is not exist."),
    "unknown_chat": lambda options: SiteError(
        404, options.get("code", "Not_Found"), "Invalid input the chat 0 is not exist"
    ),
    "unknown_model": lambda options: SiteError(404, "Not_Found", "Model not found"),
    "internal_error": lambda options: SiteError(500, "Internal_Server_Error", "Internal Error"),
    "moderation": lambda options: SiteError(400, "data_inspection_failed", MODERATION),
}
