"""What the site means when it does not answer (protocol sections 5.5 and 6), as errors of the package's tree.

The relay asks here before it decodes a stream (`is_stream`, `error_from`) and after every plain call (`check`); the
event decoder asks about error frames. Decides what an error is, not what to do about it: moving to another account
or trying again is the relay's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from qwenproxy.browser.page import Head
from qwenproxy.errors import (
    ChatBusy,
    ChatGone,
    ContentFilter,
    EmptyAnswer,
    ModelNotFound,
    NotLoggedIn,
    ProtocolChanged,
    ProxyError,
    RateLimited,
    RequestError,
    SiteFailure,
    UpstreamError,
    VerificationRequired,
)

_VERIFY = (
    "The site wants to see that a person is there. Open the account's window with "
    '"qwenproxy account relogin", pass the check, then try again.'
)
_LOGIN = 'The account is not logged in any more. Log in again with "qwenproxy account relogin".'
_LIMIT = 'Wait, or add another account with "qwenproxy account add".'
_LATER = "The site failed. Try again in a moment."
_UNKNOWN = "The site answered in a form this version does not know. Look for a newer qwenproxy."
_GENERIC = (
    "The site rejected the request without naming a fault. Try again; if it stays, set QWENPROXY_SITE_VERSION to the "
    "site's present version or look for a newer qwenproxy."
)

_CAPTCHA_MARKS = ("FAIL_SYS_USER_VALIDATE", "RGV587_ERROR", "_____tmd_____", "x5secdata", "/punish")
_WAF_MARKS = re.compile(r"aliyun_?waf|aliyunCaptcha|baxia|access verification|安全验证|安全驗證", re.IGNORECASE)
_GATEWAY_MARK = "alibaba-ga"

# Searched in "<code> <details> status=<n>", first match wins. The order carries meaning: refused content is final
# whatever else is said; a login error may be dressed up as a rate limit; a bare Bad_Request hides anything.
_RULES: tuple[tuple[re.Pattern[str], type[ProxyError], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), error, advice)
    for pattern, error, advice in (
        (
            r"data_?inspection|inappropriate|content_?(filter|security|violation)|敏感|违规|不当内容",
            ContentFilter,
            "The site refused the content. Change the wording; trying again does not help.",
        ),
        (
            r"\b40[13]\b(?<!status=403)|unauthori[sz]ed|forbidden|token (has |is )?expired"
            r"|invalid (access )?token\b|not logged ?in|login (required|expired)",
            NotLoggedIn,
            _LOGIN,
        ),
        (
            r"parallel_?limited|chat is in progress",
            ChatBusy,
            "The site still works on the account's previous answer. Try again in a few seconds.",
        ),
        (
            r"rate_?limit|quota|too many requests|upper limit|usage limit|high demand|request rate|^402\b|^429\b"
            r"|status=(402|429)",
            RateLimited,
            _LIMIT,
        ),
        (
            r"chat_not_found|parent.*(not|n't).*exist|\bchat\b.*(not exist|not found)",
            ChatGone,
            "The site no longer has this chat. Send the request again: it starts a new one.",
        ),
        (
            r"model_not_found|\bmodel\b.*(not exist|not found|n't exist|not supported|unknown|invalid)"
            r"|(unknown|invalid|unsupported|no such) model",
            ModelNotFound,
            "The site does not have this model. GET /v1/models lists those it has.",
        ),
        (
            r"^not_found",
            ChatGone,
            "The site does not find the chat. Send the request again: it starts a new one.",
        ),
        (r"too many messages|validation_?error|field required", UpstreamError, _GENERIC),
        (
            r"invalid_input|(invalid|unsupported) (file|image|attachment|url)|(file|image) (type|format|size)"
            r"|(does|do)(n't| not) support|too (long|large)|input length|context length|maximum (context|length)|附件",
            RequestError,
            "The site rejected the input. Check its length and its attachments.",
        ),
        (r"^bad_?request", UpstreamError, _GENERIC),
        (
            r"internal[ _]?(server[ _]?)?error|unavailable|bad gateway|time(d )?[ _]?out|overload"
            r"|^5\d\d\b|status=5\d\d",
            SiteFailure,
            _LATER,
        ),
        (r"status=403", NotLoggedIn, _LOGIN),
        (r"status=408", SiteFailure, _LATER),
        (r"^not found|status=(404|405|410)", ProtocolChanged, _UNKNOWN),
    )
)


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What the site says is wrong."""

    code: str = ""
    details: str = ""
    status: int = 200
    hours: float | None = None


def is_stream(head: Head) -> bool:
    """Tell whether a completion succeeded so far: its body then belongs to an EventDecoder.

    Otherwise read the whole body and raise `error_from` of it (section 0, rule 4).
    """
    return _status(head) < 300 and "text/event-stream" in _content_type(head)


def check(head: Head, body: str) -> None:
    """Raise what a plain JSON answer reports as wrong; return if nothing is."""
    error = _diagnose(head, body)
    if error is not None:
        raise error


def error_from(head: Head, body: str) -> ProxyError:
    """Return the error behind an answer that should have been an event stream, in the order of section 6.5."""
    return _diagnose(head, body) or ProtocolChanged(_UNKNOWN)


def error_in_frame(frame: Mapping[str, Any]) -> ProxyError | None:
    """Return the error that a stream's frame without a delta reports, or None (section 5.5)."""
    if "ret" in frame and _shows_captcha(str(frame)):
        return VerificationRequired(_VERIFY)
    complaint = _complaint(frame, 200)
    return _classify(complaint) if complaint else None


def error_in_delta(delta: Mapping[str, Any]) -> ProxyError:
    """Return the error behind a delta of status `error`: in `extra.error`, else in its content."""
    extra = delta.get("extra")
    complaint = _complaint(extra, 200) if isinstance(extra, dict) else None
    content = delta.get("content")
    if complaint is None and isinstance(content, str):
        complaint = _Complaint(details=content)
    if complaint is None or not (complaint.code or complaint.details):
        return SiteFailure(_LATER)
    return _classify(complaint)


def _diagnose(head: Head, body: str) -> ProxyError | None:
    status, text = _status(head), body.strip()
    if text.startswith("<") or "html" in _content_type(head):
        return _html_error(status, text)
    if _shows_captcha(text):
        return VerificationRequired(_VERIFY)
    if text.startswith("data:"):
        # an error status on an answer that still has the form of a stream
        text = f"\n{text}".rpartition("\ndata:")[2].strip()
    if not text:
        if status == 204:
            return None
        return _classify(_Complaint(status=status)) if status >= 400 else _empty()
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _classify(_Complaint(status=status))
    complaint = _complaint(answer, status)
    if complaint is None and status >= 300:
        complaint = _Complaint(status=status)
    return _classify(complaint) if complaint else None


def _html_error(status: int, text: str) -> ProxyError:
    if _WAF_MARKS.search(text) or _shows_captcha(text):
        return VerificationRequired(_VERIFY)
    if status >= 500 or _GATEWAY_MARK in text:
        return SiteFailure(_LATER)
    if status in (401, 404, 410, 429):
        return _classify(_Complaint(status=status))
    return VerificationRequired(_VERIFY)


def _complaint(answer: object, status: int) -> _Complaint | None:
    """Read code, details and hours from wherever the envelope has them (section 6.1)."""
    if not isinstance(answer, dict) or (answer.get("success") is True and status < 400):
        return None
    source = _error_object(answer)
    if source is None:
        return None
    return _Complaint(
        code=_first(source, "code", "errorCode", "type"),
        details=_first(source, "details", "detail", "message"),
        status=status,
        hours=_hours(source.get("num", answer.get("num"))),
    )


def _error_object(answer: dict[str, Any]) -> dict[str, Any] | None:
    data, error, failed = answer.get("data"), answer.get("error"), answer.get("success") is False
    if isinstance(data, dict) and (data.get("code") or (failed and data)):
        return data
    if isinstance(error, dict) and error:
        return error
    if isinstance(error, str) and error:
        return {"details": error, **answer}
    if isinstance(data, str) and data and failed:
        return {"details": data, **answer}
    if any(_first(answer, key) not in ("", "0", "200") for key in ("code", "errorCode", "detail", "details")):
        return answer
    return answer if failed else None


def _classify(complaint: _Complaint) -> ProxyError:
    text = f"{complaint.code} {complaint.details} status={complaint.status}".strip()
    for pattern, error, advice in _RULES:
        if pattern.search(text):
            if error is RateLimited:
                return RateLimited(_limit_message(complaint), hours=complaint.hours)
            return error(advice + _said(complaint))
    if complaint.code or complaint.details or complaint.status >= 400:
        return UpstreamError("The site reported a fault that another try is unlikely to mend." + _said(complaint))
    return ProtocolChanged(_UNKNOWN)


def _limit_message(complaint: _Complaint) -> str:
    span = f"for {complaint.hours:g} hours" if complaint.hours else "for a short while"
    return f"The site limits this account {span}. {_LIMIT}{_said(complaint)}"


def _said(complaint: _Complaint) -> str:
    quote = _quotable(complaint.details or complaint.code)
    return f' The site said: "{quote}"' if quote else ""


def _quotable(details: str) -> str:
    """Return the site's words on one line of at most 200 characters, without addresses and whatever looks secret."""
    words = re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", details).strip()
    words = re.sub(r"[a-z][a-z+.-]*://\S+|\S*\?\S+=\S*", "[address]", words, flags=re.IGNORECASE)
    words = re.sub(r"\beyJ[\w.+/=-]+|\bBearer \S+|[\w.+/=%-]{40,}", "[hidden]", words, flags=re.IGNORECASE)
    return words if len(words) <= 200 else words[:199] + "…"


def _first(source: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        value = source.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
        if isinstance(value, dict | list) and value:
            return orjson.dumps(value).decode()
    return ""


def _hours(num: object) -> float | None:
    """Return `num` if it is a plausible number of hours: over a year is no quota, and would overflow dates."""
    try:
        hours = float(num) if isinstance(num, str | int | float) and not isinstance(num, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    return hours if 0 < hours <= 24 * 366 else None


def _status(head: Head) -> int:
    # HTTP says 200 nearly always; the site's own header tells (section 0, rule 1)
    actual = head.headers.get("x-actual-status-code", "")
    return int(actual) if re.fullmatch(r"[1-5]\d\d", actual.strip()) else head.status


def _content_type(head: Head) -> str:
    return head.headers.get("content-type", "").lower()


def _shows_captcha(text: str) -> bool:
    return any(mark in text for mark in _CAPTCHA_MARKS)


def _empty() -> EmptyAnswer:
    return EmptyAnswer("The site answered with nothing. Try again in a moment; the account may be at a limit.")
