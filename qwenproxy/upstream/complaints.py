"""Turn a complaint of the site (code, details, hours) into an error of the package's tree.

refusals.py knows where complaints stand in an answer, this module how the site words them (protocol 6.2 and 6.6). It
must not know envelopes, frames or pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qwenproxy.errors import (
    BareRefusal,
    ChatBusy,
    ChatGone,
    ContentFilter,
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
)

LATER = "The site failed. Try again in a moment."
UNKNOWN = "The site answered in a form this version does not know. Look for a newer qwenproxy."
_LOGIN = 'The account is not logged in any more. Log in again with "qwenproxy account relogin".'
_LIMIT = 'Wait, or add another account with "qwenproxy account add".'
_BARE = (
    "The site rejects the request without naming a fault, also after a reload of its page. Its version may have "
    'changed: see the setting QWENPROXY_SITE_VERSION. "qwenproxy doctor" shows more.'
)
_MALFORMED = "The site rejects the form of the request. Look for a newer qwenproxy."

# "Used up" in the site's own forms and in English. Any other limit means that the site is busy.
_USED_UP = re.compile(r"额度(已)?用完|额度已?耗尽|today's|for today|daily (usage|limit|quota)", re.IGNORECASE)
# A bare Bad_Request says no more than this.
_NO_FAULT = r"(?:internal[ _]?(?:server[ _]?)?error|something (?:is |went )?wrong|(?:bad|invalid)[ _]?request)"

# Searched in "<code> <details> status=<n>"; the first match wins. The order matters: rejected content is final,
# whatever else the site says; a rate limit may be a login error in disguise; a bare Bad_Request may be anything.
_RULES: tuple[tuple[re.Pattern[str], type[ProxyError], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), error, advice)
    for pattern, error, advice in (
        (
            r"data_?inspection|inappropriate|content_?(filter|security|violation)|敏感|违规|不当内容",
            ContentFilter,
            "The site refused the content. Change the wording; a retry does not help.",
        ),
        (
            # A Bad_Request names what is wrong with the question, which may hold such a word itself.
            r"^(?!bad_?request\b)[\s\S]*(\b40[13]\b(?<!status=403)|unauthori[sz]ed|forbidden)|status=401"
            r"|token (has |is )?expired|invalid (access )?token\b|not logged ?in|login (required|expired)",
            NotLoggedIn,
            _LOGIN,
        ),
        (
            r"parallel_?limited|chat is in progress",
            ChatBusy,
            "The site still works on the account's previous answer. Try again in a few seconds.",
        ),
        (
            r"rate_?limit|quota|too[ _]?many[ _]?requests|exceed_?limit|upper limit|usage limit|high demand"
            r"|request rate|额度(已)?用完|额度已?耗尽|访问量较大|^402\b|^429\b|status=(402|429)",
            RateLimited,
            _LIMIT,
        ),
        (
            r"parent_not_found|parent.*(not|n't).*(exist|found)",
            ParentGone,
            "The site's chat takes no question under this answer. Send the request again: it starts a new one.",
        ),
        (
            r"chat_not_found|\bchat\b.*(not exist|not found)",
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
        (r"too many messages|validation_?error|field required", UpstreamError, _MALFORMED),
        (
            # The site's usual text blames "input or attachment", whatever it is; only an English one names the part.
            r"^invalid_input(?!.*(file|image|attachment|url|length|too long|too large))",
            InputRejected,
            "The site rejected the input. Check its length and its attachments.",
        ),
        (
            r"invalid_input|(invalid|unsupported) (file|image|attachment|url)|(file|image) (type|format|size)"
            r"|(does|do)(n't| not) support|too (long|large)|input length|context length|maximum (context|length)|附件",
            RequestError,
            "The site rejected the input. Check its length and its attachments.",
        ),
        (rf"^bad_?request\W*({_NO_FAULT}.*)?status=", BareRefusal, _BARE),
        (r"^bad_?request", UpstreamError, "The site rejected the request."),
        (
            r"internal[ _]?(server[ _]?)?error|unavailable|bad gateway|time(d )?[ _]?out|overload"
            r"|^5\d\d\b|status=5\d\d",
            SiteFailure,
            LATER,
        ),
        (r"status=403", NotLoggedIn, _LOGIN),
        (r"status=408", SiteFailure, LATER),
        (r"^not found|status=(404|405|410)", ProtocolChanged, UNKNOWN),
    )
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the site says is wrong. `hours` is for how long, if it says so."""

    code: str = ""
    details: str = ""
    status: int = 200
    hours: float | None = None


def classify(complaint: Complaint) -> ProxyError:
    """Return the error that a complaint means."""
    text = f"{complaint.code} {complaint.details} status={complaint.status}".strip()
    for pattern, error, advice in _RULES:
        if pattern.search(text):
            if error is RateLimited:
                return _limit(complaint)
            return error(advice + _quotation(complaint))
    if complaint.code or complaint.details or complaint.status >= 400:
        return UpstreamError("The site reported a fault. A retry is unlikely to help." + _quotation(complaint))
    return ProtocolChanged(UNKNOWN)


def _limit(complaint: Complaint) -> RateLimited:
    """Return the limit. A used-up day and a busy site have the same code; the details differ (protocol 6.6)."""
    for_today = complaint.hours is None and bool(_USED_UP.search(complaint.details))
    span = (
        "until tomorrow" if for_today else f"for {complaint.hours:g} hours" if complaint.hours else "for a short while"
    )
    message = f"The site limits this account {span}. {_LIMIT}{_quotation(complaint)}"
    return RateLimited(message, hours=complaint.hours, for_today=for_today)


def _quotation(complaint: Complaint) -> str:
    quote = _quotable(complaint.details or complaint.code)
    return f' The site said: "{quote}"' if quote else ""


def _quotable(details: str) -> str:
    """Return the site's words on one line of at most 200 characters, without addresses and anything like a secret."""
    words = re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", details).strip()
    words = re.sub(r"[a-z][a-z+.-]*://\S+|\S*\?\S+=\S*", "[address]", words, flags=re.IGNORECASE)
    words = re.sub(r"\beyJ[\w.+/=-]+|\bBearer \S+|[\w.+/=%-]{40,}", "[hidden]", words, flags=re.IGNORECASE)
    return words if len(words) <= 200 else words[:199] + "…"
