"""What the site's error forms mean."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.browser.page import Head
from qwenproxy.errors import (
    BareRefusal,
    ChatBusy,
    ChatGone,
    ContentFilter,
    EmptyAnswer,
    InputRejected,
    ModelNotFound,
    NotLoggedIn,
    ParentGone,
    ProtocolChanged,
    ProxyError,
    RateLimited,
    RequestError,
    SiteFailure,
    UpstreamError,
    VerificationRequired,
)
from qwenproxy.upstream.refusals import check, error_from, error_in_delta, error_in_frame, is_stream

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjAwMDAifQ.c2lnbmF0dXJl"
CAPTCHA = (
    '{"ret":["FAIL_SYS_USER_VALIDATE","RGV587_ERROR::SM::later"],"data":{"url":"https://site.example:443//api/v2/'
    'chat/completions/_____tmd_____/punish?x5secdata=xg1f00d&x5step=2&action=captcha"}}'
)
WAF = '<!doctypehtml><html><meta name="aliyun_waf_aa" content="1"><title>Verification</title></html>'


def head(status: int = 200, actual: int | None = None, content_type: str = "application/json") -> Head:
    headers = {"content-type": content_type}
    if actual is not None:
        headers["x-actual-status-code"] = str(actual)
    return Head(status, headers)


def envelope(code: str, details: str = "", **more: object) -> str:
    data = {"code": code, "details": details, **more}
    return orjson.dumps({"success": False, "request_id": "q1", "data": data}).decode()


def shown(value: object) -> str:
    """Return a parameter as it stands in the name of a test."""
    if isinstance(value, Head):
        return " ".join([str(value.status), *value.headers.values()])
    if isinstance(value, type):
        return value.__name__
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text[:40]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (head(content_type="text/event-stream; charset=utf-8"), True),
        (head(actual=200, content_type="text/event-stream"), True),
        (head(actual=429, content_type="text/event-stream"), False),
        (head(status=502, content_type="text/event-stream"), False),
        (head(), False),
        (Head(200, {}), False),
    ],
    ids=shown,
)
def test_is_stream(answer: Head, expected: bool) -> None:
    assert is_stream(answer) is expected


# code, details, status the site means, class
ENVELOPES = [
    ("Unauthorized", "", 401, NotLoggedIn),
    ("", "Token has expired", 200, NotLoggedIn),
    ("Forbidden", "", 403, NotLoggedIn),
    ("RateLimited", "401 Unauthorized", 200, NotLoggedIn),
    ("RateLimited", "upstream said 403", 429, NotLoggedIn),
    ("Bad_Request", "Something is wrong.", 401, NotLoggedIn),
    ("Bad_Request", "Token has expired", 400, NotLoggedIn),
    ("Bad_Request", "Invalid input no kind 'x'; there are\nforbidden, unauthorized, 401", 400, UpstreamError),
    ("RateLimited", "You've reached the upper limit for today's usage.", 429, RateLimited),
    ("RateLimited", "We are currently experiencing high demand.", 200, RateLimited),
    ("quota_limit", "", 200, RateLimited),
    ("Too_Many_Requests", "", 200, RateLimited),
    ("ExceedLimit", "", 200, RateLimited),
    ("quota_exhausted", "", 200, RateLimited),
    ("odd", "今日生图额度已用完，登录后可继续生图。", 200, RateLimited),
    ("internal_error", "目前服务访问量较大", 200, RateLimited),
    ("quotaLimited", "", 403, RateLimited),
    ("402", "", 200, RateLimited),
    ("strange", "", 402, RateLimited),
    ("Throttling", "allocated quota exceeded, please raise your token-limit", 200, RateLimited),
    ("ParallelLimited", "", 429, ChatBusy),
    ("Bad_Request", "The chat is in progress!", 400, ChatBusy),
    ("Bad_Request", "parent_id 5 does not exist", 400, ParentGone),
    ("PARENT_NOT_FOUND", "", 400, ParentGone),
    ("Bad_Request", "PARENT_NOT_FOUND", 400, ParentGone),
    ("Not_Found", "CHAT_NOT_FOUND", 404, ChatGone),
    ("Bad_Request", "Invalid input the chat 0a1b is not exist", 400, ChatGone),
    ("Not_Found", "", 404, ChatGone),
    ("Not_Found", "Model qwen9 not found", 404, ModelNotFound),
    ("Bad_Request", "The model does not exist", 404, ModelNotFound),
    ("not found", "Not Found", 404, ProtocolChanged),
    ("data_inspection_failed", "Input data may contain inappropriate content.", 400, ContentFilter),
    ("DataInspectionFailed", "", 400, ContentFilter),
    ("Bad_Request", "Internal error...", 400, BareRefusal),
    ("Bad_Request", "Something wrong with request!", 400, BareRefusal),
    ("Bad_Request", "", 400, BareRefusal),
    ("Bad_Request", "The moon is full.", 400, UpstreamError),
    ("Bad_Request", "Invalid input too many messages.", 400, UpstreamError),
    ("RequestValidationError", "Field 'chat_id': Field required", 400, UpstreamError),
    ("Bad_Request", "Invalid file information!", 400, RequestError),
    ("invalid_input", "输入或附件有误", 400, InputRejected),
    ("invalid_input", "", 400, InputRejected),
    ("invalid_input", "The image is too large", 400, RequestError),
    ("Bad_Request", "Range of input length should be [1, 1000]", 400, RequestError),
    ("Bad_Request", "This model does not support images", 400, RequestError),
    ("internal_error", "", 200, SiteFailure),
    ("Internal_Server_Error", "", 500, SiteFailure),
    ("", "Internal Error", 200, SiteFailure),
    ("whatever", "", 503, SiteFailure),
    ("Unheard_Of", "Something new", 400, UpstreamError),
]


@pytest.mark.parametrize(("code", "details", "status", "error_class"), ENVELOPES, ids=shown)
@pytest.mark.parametrize("real_status", [False, True], ids=["status in a header", "real status"])
def test_envelopes(code: str, details: str, status: int, error_class: type[ProxyError], real_status: bool) -> None:
    answered = head(status) if real_status else head(200, status)
    for body in (
        envelope(code, details),
        orjson.dumps({"success": False, "error": {"code": code, "details": details}}).decode(),
        orjson.dumps({"success": False, "code": code, "message": details}).decode(),
    ):
        assert type(error_from(answered, body)) is error_class
        with pytest.raises(error_class):
            check(answered, body)


@pytest.mark.parametrize(
    ("body", "hours"),
    [
        (envelope("RateLimited", "limit", num=6), 6),
        (envelope("RateLimited", "limit", num="3"), 3),
        ('{"success":false,"num":4,"data":{"code":"RateLimited","details":"limit"}}', 4),
        ('{"code":"RateLimited","detail":"limit","template":"Wait {{num}} hours","num":2}', 2),
        (envelope("RateLimited", "limit"), None),
        (envelope("RateLimited", "limit", num=None), None),
        (envelope("RateLimited", "limit", num=0), None),
        (envelope("RateLimited", "limit", num=-1), None),
        (envelope("RateLimited", "limit", num="soon"), None),
        (envelope("RateLimited", "limit", num=1e300), None),
        (envelope("RateLimited", "limit", num=True), None),
    ],
    ids=shown,
)
def test_hours_of_a_rate_limit(body: str, hours: int | None) -> None:
    error = error_from(head(actual=429), body)
    assert isinstance(error, RateLimited)
    assert error.hours == hours
    assert (f"for {hours} hours" in error.message) == (hours is not None)


@pytest.mark.parametrize(
    ("details", "for_today"),
    [
        ("额度已用完", True),
        ("今日额度用完", True),
        ("额度已耗尽", True),
        ("You've reached the upper limit for today's usage.", True),
        ("目前服务访问量较大，请稍后再试", False),
        ("We are currently experiencing high demand.", False),
        ("", False),
    ],
    ids=spelled,
)
@pytest.mark.parametrize("code", ["RateLimited", "quota_limit"])
def test_the_wording_tells_a_day_that_is_used_up_from_a_busy_site(code: str, details: str, for_today: bool) -> None:
    error = error_from(head(actual=429), envelope(code, details))
    assert isinstance(error, RateLimited)
    assert (error.hours, error.for_today, error.kind) == (None, for_today, None)
    assert ("until tomorrow" in error.message) is for_today


def test_hours_outweigh_the_wording() -> None:
    error = error_from(head(actual=429), envelope("RateLimited", "额度已用完", num=3))
    assert isinstance(error, RateLimited)
    assert (error.hours, error.for_today) == (3, False)


def test_a_bare_refusal_after_a_reload_names_the_version_and_the_doctor() -> None:
    message = error_from(head(actual=400), envelope("Bad_Request", "Internal error...")).message
    assert "after a reload" in message
    assert message.index("after a reload") < message.index("QWENPROXY_SITE_VERSION") < message.index("qwenproxy doctor")


@pytest.mark.parametrize(
    ("part", "error_class"),
    [
        ('{"ret":["FAIL_SYS_USER_VALIDATE","RGV58', VerificationRequired),
        (
            '{"ret":["x"],"data":{"url":"https://s.example/x?x5step=2&action=captchaconnect&pureCap',
            VerificationRequired,
        ),
        ('{"ret":["x"],"data":{"dialogSize":{"width":"375px","height":"66', VerificationRequired),
        ('<script>window.location.replace("https://s.example/_____tmd_____/punish', VerificationRequired),
        ("window.location.replace('//s.example/_____tmd_____/punish", VerificationRequired),
        ('{"success":false,"data":{"code":"RateLimited","details":"high demand"', RateLimited),
        ('{"success": false, "data": {"code": "Unauthorized", "details": "Tok', NotLoggedIn),
        ('{"error":{"error_code":"data_inspection_failed","detail":"x"', ContentFilter),
        ('{"success":true,"data":{"code":"Unauthorized",', ProtocolChanged),
    ],
    ids=shown,
)
@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/plain", ""])
def test_a_body_that_never_ends_means_what_it_has_said(
    part: str, error_class: type[ProxyError], content_type: str
) -> None:
    assert type(error_from(head(content_type=content_type), part)) is error_class


def test_hours_of_a_body_that_never_ends() -> None:
    error = error_from(head(), '{"success":false,"data":{"code":"RateLimited","num":5,"details":"lim')
    assert isinstance(error, RateLimited)
    assert error.hours == 5


@pytest.mark.parametrize(
    ("answer", "body", "error_class"),
    [
        (head(), CAPTCHA, VerificationRequired),
        (head(content_type="text/event-stream"), CAPTCHA, VerificationRequired),
        (head(content_type="text/html"), WAF, VerificationRequired),
        (head(405, content_type="text/html"), WAF, VerificationRequired),
        (head(503, content_type="text/html"), WAF, VerificationRequired),
        (head(), WAF, VerificationRequired),
        (head(content_type="text/html"), "<html>hello</html>", VerificationRequired),
        (head(504, content_type="text/html"), "<html>alibaba-ga</html>", SiteFailure),
        (head(content_type="text/html"), "<html>alibaba-ga</html>", SiteFailure),
        (head(502, content_type="text/html"), "<html>Bad Gateway</html>", SiteFailure),
        (head(401, content_type="text/html"), "<html>login</html>", NotLoggedIn),
        (head(404, content_type="text/html"), "<html>nothing here</html>", ProtocolChanged),
        (head(), "", EmptyAnswer),
        (head(content_type="text/event-stream"), "\n\n", EmptyAnswer),
        (head(429), "", RateLimited),
        (head(403), "", NotLoggedIn),
        (head(500), "oops", SiteFailure),
        (head(), "oops", ProtocolChanged),
        (head(), '{"success":true,"data":{"choices":[]}}', ProtocolChanged),
        (head(), "[1,2]", ProtocolChanged),
        (head(), '{"success":false}', ProtocolChanged),
        (head(), '{"success":false,"data":"Unauthorized"}', NotLoggedIn),
        (head(), '{"error":"Internal error!"}', SiteFailure),
        (head(actual=429), 'data: {"code":"RateLimited","detail":"d","num":2}\n\n', RateLimited),
        (head(actual=401), 'data: {"response.created":{}}\r\n\r\ndata: {"error":{"code":"x"}}', NotLoggedIn),
    ],
    ids=shown,
)
def test_other_forms(answer: Head, body: str, error_class: type[ProxyError]) -> None:
    assert type(error_from(answer, body)) is error_class


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (head(), '{"success":true,"data":{"id":"C1"}}'),
        (head(), '{"id":"U1","role":"user","email":"a@b.example"}'),
        (head(), '{"data":[{"id":"m"}]}'),
        (head(), '{"success":true,"data":{"code":"fine","status":true}}'),
        (head(), '{"code":200,"data":{}}'),
        (head(204), ""),
    ],
    ids=shown,
)
def test_answers_without_a_fault_pass(answer: Head, body: str) -> None:
    check(answer, body)


def test_success_with_a_bad_status_is_no_success() -> None:
    with pytest.raises(NotLoggedIn):
        check(head(actual=401), '{"success":true,"data":{}}')


@pytest.mark.parametrize(
    ("frame", "error_class"),
    [
        ({"error": {"code": "internal_error", "details": "d"}}, SiteFailure),
        ({"error": "Internal error!"}, SiteFailure),
        ({"success": False, "data": {"code": "RateLimited", "num": 2, "details": "d"}}, RateLimited),
        ({"code": "RateLimited", "detail": "d", "template": "t", "num": 4}, RateLimited),
        ({"error": {"code": "data_inspection_failed", "message": "m"}}, ContentFilter),
        (orjson.loads(CAPTCHA), VerificationRequired),
        ({"data": {"url": "u", "dialogSize": {"width": "375px"}}}, VerificationRequired),
        ({"data": {"url": "https://s.example/x?action=captchaconnect"}}, VerificationRequired),
        ({"error": {"error_code": "data_inspection_failed", "detail": "d"}}, ContentFilter),
        ({"error": {"code": "quota_limit"}}, RateLimited),
    ],
    ids=shown,
)
def test_error_frames(frame: dict[str, Any], error_class: type[ProxyError]) -> None:
    assert type(error_in_frame(frame)) is error_class


@pytest.mark.parametrize(
    "frame", [{}, {"response.info": {"action": "keep_alive"}}, {"sources": []}, {"ret": ["SUCCESS"]}], ids=shown
)
def test_frames_without_an_error(frame: dict[str, Any]) -> None:
    assert error_in_frame(frame) is None


@pytest.mark.parametrize(
    ("delta", "error_class"),
    [
        ({"extra": {"error": {"code": "RateLimited", "num": 1}}}, RateLimited),
        ({"extra": {"error": "Internal error"}, "content": "x"}, SiteFailure),
        ({"content": "The chat is in progress!"}, ChatBusy),
        ({"content": "Out of luck"}, UpstreamError),
        ({"content": ""}, SiteFailure),
        ({"extra": {}}, SiteFailure),
        ({}, SiteFailure),
    ],
    ids=shown,
)
def test_error_deltas(delta: dict[str, Any], error_class: type[ProxyError]) -> None:
    assert type(error_in_delta(delta)) is error_class


def test_the_quote_is_short_and_on_one_line() -> None:
    error = error_from(head(), envelope("Odd", "first line\nsecond\tline\u2028third " + "word " * 100))
    quote = error.message.split('"')[1]
    assert quote.startswith("first line second line third word")
    assert len(quote) <= 200


@pytest.mark.parametrize(
    "details",
    [
        f"bad token {TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        f"cookie token={TOKEN}; x=1",
        "see https://site.example/x?x5secret=xg1f00d",
        "see /x/punished?x5secret=xg1f00d&a=b",
        "key " + "xg1f00d" * 8,
    ],
)
def test_secrets_are_never_quoted(details: str) -> None:
    message = error_from(head(), envelope("Odd", details)).message
    assert "eyJ" not in message
    assert "xg1f00d" not in message


def test_the_captcha_address_is_never_told() -> None:
    for error in (error_from(head(), CAPTCHA), error_in_frame(orjson.loads(CAPTCHA))):
        assert isinstance(error, VerificationRequired)
        assert "x5sec" not in error.message
        assert "qwenproxy account" in error.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["success", "data", "error", "code", "details", "num", "ret"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(json_values, st.sampled_from([200, 400, 403, 500]))
def test_any_json_has_a_verdict(value: object, status: int) -> None:
    error = error_from(head(actual=status), orjson.dumps(value).decode())
    assert isinstance(error, ProxyError)
    assert error.message
