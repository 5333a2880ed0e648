"""Faults of the stand-in, and what must come of each; a test of another file counts that none is forgotten.

Source: contract 4.3, 5 and 6.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from qwenproxy.accounts.account import Account
from qwenproxy.sandbox import Fault
from qwenproxy.sandbox.faults.fault import COMPLETIONS, parse_fault

NEW_CHAT = "/api/v2/chats/new"
HOUR = 3600
DAY = 24 * HOUR
AFTER_RESET = 300  # seconds until an account is asked again after its limit ended


@dataclass(frozen=True)
class Case:
    """A fault and what must come of it.

    An account is asked `tries` times before the next one is. `rest` is how long it rests then, in seconds; `hours` says
    the same as the site does, which comes to an end at 00:00 UTC.
    """

    fault: str
    status: int
    code: str
    tries: int = 1
    mark: str = "OK"
    rest: float = 0
    hours: float = 0
    path: str = COMPLETIONS

    def order(self, times: int | None) -> Fault:
        return replace(parse_fault(self.fault), times=times, path=self.path)

    @property
    def rests_for(self) -> float:
        """How long the account rests if it begins now, in seconds."""
        return min(self.hours * HOUR, DAY - time.time() % DAY) + AFTER_RESET if self.hours else self.rest

    def __str__(self) -> str:
        return self.fault if self.path == COMPLETIONS else f"{self.fault} {self.path}"


def rest_of(account: Account, now: float) -> float:
    """Return how much longer an account rests, in seconds."""
    assert account.reset_at is not None
    return account.reset_at - now


def limited(fault: str, rest: float = 0, hours: float = 0, path: str = COMPLETIONS) -> Case:
    return Case(fault, 429, "rate_limited", mark="WAIT", rest=rest, hours=hours, path=path)


def logged_out(fault: str, path: str = COMPLETIONS) -> Case:
    return Case(fault, 503, "no_accounts", tries=2, mark="INVALID", path=path)


def verification(fault: str, path: str = COMPLETIONS) -> Case:
    return Case(fault, 503, "verification_required", mark="WAIT", rest=600, path=path)


def passing(fault: str, tries: int = 2, path: str = COMPLETIONS) -> Case:
    return Case(fault, 502, "upstream_error", tries=tries, path=path)


MOVES_ON = (
    limited("rate_limited num=6", hours=6),
    limited("rate_limited num=3 place=top", hours=3),
    limited("rate_limited place=none", 120),
    limited("rate_limited place=none details=今日额度已用完", hours=24),
    limited("rate_limited place=none details=目前服务访问量较大", 120),
    limited("rate_limited num=5 real_429=true", hours=5),
    limited("rate_limited num=2 in_stream=true", hours=2),
    limited("rate_limited num=4 flat=true", hours=4),
    limited("rate_limited num=6", hours=6, path=NEW_CHAT),
    limited("quota_limit", 120),
    limited("quota_limit code=quotaLimited", 120),
    logged_out("disguised_401"),
    logged_out("unauthorized"),
    logged_out("unauthorized_http"),
    logged_out("forbidden"),
    logged_out("forbidden_http"),
    logged_out("token_expired"),
    logged_out("unauthorized", NEW_CHAT),
    verification("captcha"),
    verification("captcha_sticky action=captchaconnect"),
    verification("waf"),
    verification("waf status=405"),
    verification("captcha", NEW_CHAT),
    verification("captcha form=html"),
    verification("captcha type=text/event-stream"),
    verification("captcha form=html type=text/event-stream"),
    verification("captcha endless=true"),
    verification("captcha endless=true action=captchaconnect type=text/event-stream"),
    verification("captcha endless=true form=html"),
    verification("captcha endless=true form=html type=text/event-stream"),
    verification("captcha endless=true", NEW_CHAT),
    passing("chat_busy", tries=4),
    passing("parallel_limited", tries=4),
    passing("not_found"),
    passing("bad_parent"),
    passing("unknown_chat"),
    passing("unknown_chat code=CHAT_NOT_FOUND"),
    passing("unknown_chat code=PARENT_NOT_FOUND"),
    passing("internal_error"),
    passing("http_500"),
    passing("http_502"),
    passing("http_503"),
    passing("http_504"),
    passing("http_504", path=NEW_CHAT),
    passing("empty_body"),
    passing("empty_after_created"),
    passing("internal_error_frame"),
    passing("internal_error_string"),
    passing("reset scope=stream"),
    passing("reset scope=stream", path=NEW_CHAT),
)
FINAL = (
    Case("bad_request", 502, "upstream_error"),
    Case('bad_request details="Invalid file information!"', 400, "invalid_request"),
    Case("validation_error field=chat_id", 502, "upstream_error"),
    Case("unknown_model", 404, "model_not_found"),
    Case("moderation", 400, "content_filter"),
    Case("moderation_mid_answer after=0", 400, "content_filter"),
    Case("status_error", 502, "upstream_error"),
)
# What the client must not notice.
HARMLESS = (
    "split_utf8",
    "split_data_prefix",
    "drip size=30 interval_ms=1",
    "coalesce group=4",
    "coalesce group=1000",
    "segments every=30 pause_s=2",
    "stall seconds=2",
    "stall after=2 seconds=2",
    "stall after=2 seconds=3 keepalives=true every_s=1",
)
