"""Turn the site's failed answers into errors of the package's tree (protocol 5.5 and 6).

The relay uses this before it decodes a stream (`is_stream`, `error_from`) and after every plain call (`check`), the
event decoder for error frames. Decides which error it is; the relay decides whether to try again or to move to another
account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from qwenproxy.browser.page import Head
from qwenproxy.errors import EmptyAnswer, ProtocolChanged, ProxyError, SiteFailure, VerificationRequired
from qwenproxy.upstream.complaints import LATER, UNKNOWN, Complaint, classify

_VERIFY = (
    "The site wants to check that you are human. Open the account's window with "
    '"qwenproxy account relogin", pass the check, then try again.'
)

# Unmistakable marks only: a model's text may contain the word captcha.
_CAPTCHA_MARKS = (
    *("FAIL_SYS_USER_VALIDATE", "RGV587_ERROR", "_____tmd_____", "x5secdata", "/punish"),
    *("action=captcha", '"dialogSize"'),
)
_WAF_MARKS = re.compile(r"aliyun_?waf|aliyunCaptcha|baxia|access verification|安全验证|安全驗證", re.IGNORECASE)
_GATEWAY_MARK = "alibaba-ga"
_CODES = ("code", "error_code", "errorCode", "type")
_DETAILS = ("details", "detail", "message")
_PART = 1 << 14  # characters of a broken envelope to search for a complaint


def is_stream(head: Head) -> bool:
    """Tell whether the answer to a completion is an event stream, for an EventDecoder.

    If not, read the whole body and raise `error_from` of it (protocol 0, rule 4).
    """
    return _status(head) < 300 and "text/event-stream" in _content_type(head)


def check(head: Head, body: str) -> None:
    """Raise the error that a plain JSON answer reports, if it reports one."""
    error = _diagnose(head, body)
    if error is not None:
        raise error


def error_from(head: Head, body: str) -> ProxyError:
    """Return the error behind an answer that should have been an event stream, in the order of protocol 6.5."""
    return _diagnose(head, body) or ProtocolChanged(UNKNOWN)


def error_in_frame(frame: Mapping[str, Any]) -> ProxyError | None:
    """Return the error that a stream's frame without a delta reports, or None (protocol 5.5)."""
    if ("ret" in frame or "data" in frame) and _shows_captcha(orjson.dumps(frame).decode()):
        return VerificationRequired(_VERIFY)
    complaint = _complaint(frame, 200)
    return classify(complaint) if complaint else None


def human_check_in(text: str) -> ProxyError | None:
    """Return the error for a human check in the part of a body that has arrived, None if there is none."""
    is_waf = text.lstrip().startswith("<") and _WAF_MARKS.search(text)
    return VerificationRequired(_VERIFY) if is_waf or _shows_captcha(text) else None


def error_of_page(text: str) -> ProxyError:
    """Return the error behind a page with the content type of a stream."""
    return _html_error(200, text)


def error_in_delta(delta: Mapping[str, Any]) -> ProxyError:
    """Return the error behind a delta of status `error`: in `extra.error`, else in its content."""
    extra = delta.get("extra")
    complaint = _complaint(extra, 200) if isinstance(extra, dict) else None
    content = delta.get("content")
    if complaint is None and isinstance(content, str):
        complaint = Complaint(details=content)
    if complaint is None or not (complaint.code or complaint.details):
        return SiteFailure(LATER)
    return classify(complaint)


def _diagnose(head: Head, body: str) -> ProxyError | None:
    status, text = _status(head), body.strip()
    if text.startswith("<") or "html" in _content_type(head):
        return _html_error(status, text)
    if _shows_captcha(text):
        return VerificationRequired(_VERIFY)
    if text.startswith("data:"):
        # An answer may have an error status and still the form of a stream.
        text = f"\n{text}".rpartition("\ndata:")[2].strip()
    if not text:
        if status == 204:
            return None
        return classify(Complaint(status=status)) if status >= 400 else _empty()
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        return classify(_complaint_in_part(text, status))
    complaint = _complaint(answer, status)
    if complaint is None and status >= 300:
        complaint = Complaint(status=status)
    return classify(complaint) if complaint else None


def _html_error(status: int, text: str) -> ProxyError:
    if _WAF_MARKS.search(text) or _shows_captcha(text):
        return VerificationRequired(_VERIFY)
    if status >= 500 or _GATEWAY_MARK in text:
        return SiteFailure(LATER)
    if status in (401, 404, 410, 429):
        return classify(Complaint(status=status))
    return VerificationRequired(_VERIFY)


def _complaint(answer: object, status: int) -> Complaint | None:
    """Read code, details and hours from any place where an envelope may have them (protocol 6.1)."""
    if not isinstance(answer, dict) or (answer.get("success") is True and status < 400):
        return None
    source = _error_object(answer)
    if source is None:
        return None
    return Complaint(
        code=_first(source, *_CODES),
        details=_first(source, *_DETAILS),
        status=status,
        hours=_hours(source.get("num", answer.get("num"))),
    )


def _complaint_in_part(text: str, status: int) -> Complaint:
    """Read as much of a complaint as an incomplete envelope holds."""
    if not (status >= 400 or re.search(r'"success"\s*:\s*false|^\{\s*"error"', text)):
        return Complaint(status=status)
    fields = dict(re.findall(r'"(\w+)"\s*:\s*"((?:[^"\\]|\\.)*)"', text[:_PART]))
    hours = re.search(r'"num"\s*:\s*"?(\d+)', text[:_PART])
    return Complaint(_first(fields, *_CODES), _first(fields, *_DETAILS), status, _hours(hours[1] if hours else None))


def _error_object(answer: dict[str, Any]) -> dict[str, Any] | None:
    data, error, failed = answer.get("data"), answer.get("error"), answer.get("success") is False
    if isinstance(data, dict) and (data.get("code") or data.get("error_code") or (failed and data)):
        return data
    if isinstance(error, dict) and error:
        return error
    if isinstance(error, str) and error:
        return {"details": error, **answer}
    if isinstance(data, str) and data and failed:
        return {"details": data, **answer}
    if any(_first(answer, key) not in ("", "0", "200") for key in (*_CODES[:3], *_DETAILS[:2])):
        return answer
    return answer if failed else None


def _first(source: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        value = source.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
        if isinstance(value, dict | list) and value:
            return orjson.dumps(value).decode()
    return ""


def _hours(num: object) -> float | None:
    """Return `num` if it is a plausible number of hours: more than a year is no quota and would overflow dates."""
    try:
        hours = float(num) if isinstance(num, str | int | float) and not isinstance(num, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    return hours if 0 < hours <= 24 * 366 else None


def _status(head: Head) -> int:
    # HTTP nearly always says 200; the real status is in the site's own header (protocol 0, rule 1).
    actual = head.headers.get("x-actual-status-code", "")
    return int(actual) if re.fullmatch(r"[1-5]\d\d", actual.strip()) else head.status


def _content_type(head: Head) -> str:
    return head.headers.get("content-type", "").lower()


def _shows_captcha(text: str) -> bool:
    return any(mark in text for mark in _CAPTCHA_MARKS)


def _empty() -> EmptyAnswer:
    return EmptyAnswer("The site sent an empty answer. Try again in a moment; the account may be at a limit.")
