"""Every way the site can refuse or fail before it says a word: what the client sees, what becomes of the account.

Each fault first with one account hit, of which the client must not hear, then with the other one hit, too.
Source: contract 4.3, 5 and 6.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, replace

import pytest
from asking import Reply, ask, together
from proxy_process import Proxy

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Fault, Sandbox
from qwenproxy.sandbox.faults.fault import COMPLETIONS, parse_fault

pytestmark = pytest.mark.browser

NEW_CHAT = "/api/v2/chats/new"
HOUR = 3600
DAY = 24 * HOUR
AFTER_RESET = 300
CREDENTIALS = "/api/v2/files/getstsToken"
PATIENT = 2  # calls; an account that is busy gets more of them, with pauses that take seconds
TOLERANCE = 60  # seconds between the moment an account begins to rest and the moment a test looks


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


def assert_refused(reply: Reply, case: Case) -> None:
    assert reply.status == case.status, reply.body
    assert reply.headers["content-type"] == "application/json"
    assert reply.error["code"] == case.code
    assert set(reply.error) == {"message", "type", "param", "code"}
    if case.status == 429:
        assert abs(case.rests_for - int(reply.headers["retry-after"])) < TOLERANCE
    else:
        assert "retry-after" not in reply.headers


def assert_marked(registry: Registry, account_id: str, case: Case) -> None:
    account = registry.get(account_id)
    now = time.time()
    assert account.status(now) == case.mark
    if case.rests_for:
        assert abs(case.rests_for - (account.reset_at - now)) < TOLERANCE
    else:
        assert account.reset_at is None


def asked(site: Sandbox, path: str = COMPLETIONS) -> list[str]:
    """Return whose calls to `path` reached the site, in order."""
    return [str(request.account_id) for request in site.requests if request.path == path]


@pytest.mark.parametrize("case", MOVES_ON, ids=str)
def test_another_account_takes_over_until_none_is_left(
    proxy: Proxy, site: Sandbox, registry: Registry, case: Case
) -> None:
    site.add_fault(case.order(times=case.tries))
    reply = ask(proxy.url, "{{say All is well.}}", stream=True)
    assert reply.text == "All is well."
    assert reply.done
    [*calls, last_call] = asked(site, case.path)
    [refused] = set(calls)
    assert len(calls) == case.tries
    assert last_call != refused
    assert_marked(registry, refused, case)
    assert registry.get(last_call).status(time.time()) == "OK"

    if case.tries > PATIENT:
        registry.rest(refused, time.time() + HOUR)  # spares the test its pauses a second time
    site.add_fault(case.order(times=None))
    replies = together(
        lambda: ask(proxy.url, "{{say never}}"),
        lambda: ask(proxy.url, "{{say never}}", stream=True),
    )
    for reply in replies:
        assert_refused(reply, case)
    assert_marked(registry, last_call, case)


@pytest.mark.parametrize("case", FINAL, ids=str)
@pytest.mark.parametrize("stream", [False, True])
def test_what_another_account_would_not_mend_is_told_at_once(
    proxy: Proxy, site: Sandbox, registry: Registry, case: Case, stream: bool
) -> None:
    site.add_fault(case.order(times=1))
    assert_refused(ask(proxy.url, "{{say never}}", stream=stream), case)
    assert len(asked(site)) == 1
    assert {account.status(time.time()) for account in registry.all()} == {"OK"}


@pytest.mark.parametrize("fault", ["empty_body", "empty_after_created", "chat_busy", "reset", "reset scope=stream"])
def test_one_passing_failure_is_not_noticed(proxy: Proxy, site: Sandbox, only_account: str, fault: str) -> None:
    site.add_fault(parse_fault(fault))
    reply = ask(proxy.url, "{{say All is well.}}", stream=True)
    assert reply.text == "All is well."
    assert reply.done
    assert asked(site) == [only_account] * 2


def test_broken_connections_are_told_where_they_do_not_end(proxy: Proxy, site: Sandbox, registry: Registry) -> None:
    site.add_fault(Fault("reset", times=None))
    assert_refused(ask(proxy.url, "{{say never}}"), Case("reset", 502, "upstream_error"))
    assert {account.status(time.time()) for account in registry.all()} == {"OK"}


def test_a_verification_page_in_place_of_the_site(proxy: Proxy, site: Sandbox, registry: Registry) -> None:
    case = verification("waf_page")
    hit, other = registry.all()
    registry.rest(other.id, time.time() + HOUR, reason="verification")
    # with a new login the server opens the account's browser anew
    registry.renew(hit.id, site.accounts[0].renew())
    site.add_fault(replace(case.order(times=None), account=hit.id))
    assert_refused(ask(proxy.url, "{{say never}}"), case)
    assert_marked(registry, hit.id, case)
    registry.mark_ok(other.id)
    assert ask(proxy.url, "{{say All is well.}}").text == "All is well."
    assert asked(site) == [other.id]


def test_a_limit_of_uploads_leaves_the_account_to_other_questions(
    proxy: Proxy, site: Sandbox, registry: Registry
) -> None:
    """The site allows an account some twenty uploads in a while; that has nothing to do with its questions."""

    def look(number: int) -> Reply:
        picture = base64.b64encode(b"\x89PNG\r\n\x1a\n%d" % number).decode()
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
        text = {"type": "text", "text": f"{{{{say {number}}}}}"}
        return ask(proxy.url, [{"role": "user", "content": [image, text]}])

    site.add_fault(Fault("rate_limited", path=CREDENTIALS, options={"place": "none"}))
    assert look(1).text == "1"
    hit, other = asked(site, CREDENTIALS)
    assert hit != other
    assert {account.status(time.time()) for account in registry.all()} == {"OK"}
    assert {str(asked(site)[-1]) for _ in range(4) if ask(proxy.url, "{{say on}}").text == "on"} == {hit, other}

    site.add_fault(Fault("rate_limited", path=CREDENTIALS, options={"place": "none"}, times=None))
    assert_refused(look(2), limited("", 120))
    assert asked(site, CREDENTIALS)[2:] == [other], "an account that rests for uploads was asked for one"
    assert look(1).text == "1", "what an account has needs no upload"
    assert {account.status(time.time()) for account in registry.all()} == {"OK"}
    assert ask(proxy.url, "{{say on}}").text == "on"
