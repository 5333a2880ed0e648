"""Every way the site can refuse or fail before it says a word: what the client sees, what becomes of the account.

Each fault first with one account hit, of which the client must not hear, then with the other one hit, too.
Source: contract 4.3, 5 and 6.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from asking import Reply, ask, together
from fault_cases import FINAL, HOUR, MOVES_ON, Case, limited, rest_of, verification
from proxy_process import Proxy
from session_files import account_of

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Fault, Sandbox
from qwenproxy.sandbox.faults.fault import COMPLETIONS, parse_fault

pytestmark = pytest.mark.browser

CREDENTIALS = "/api/v2/files/getstsToken"
TOLERANCE = 60  # seconds between the moment an account begins to rest and the moment a test looks


def assert_refused(reply: Reply, case: Case) -> None:
    assert reply.status == case.status, reply.body
    assert reply.headers["content-type"] == "application/json"
    assert reply.error["code"] == case.code
    assert set(reply.error) == {"message", "type", "param", "code", "request_id"}
    if case.status == 429:
        assert abs(case.rests_for - int(reply.headers["retry-after"])) < TOLERANCE
    else:
        assert "retry-after" not in reply.headers


def assert_marked(registry: Registry, account_id: str, case: Case) -> None:
    account = account_of(registry, account_id)
    now = time.time()
    assert account.status(now) == case.mark
    if case.rests_for:
        assert abs(case.rests_for - rest_of(account, now)) < TOLERANCE
    else:
        assert account.reset_at is None


def asked(site: Sandbox, path: str = COMPLETIONS) -> list[str]:
    """Return whose calls to `path` reached the site, in order."""
    return [str(request.account_id) for request in site.requests if request.path == path]


def outcome(case: Case) -> tuple[object, ...]:
    """Return what a client and a person see of a case when no account is left."""
    return (case.code, case.mark, case.tries, bool(case.hours), case.path)


# One case for each outcome.
OUTCOMES = list({outcome(case): case for case in reversed(MOVES_ON)}.values())


@pytest.mark.parametrize("case", MOVES_ON, ids=str)
def test_another_account_takes_over(proxy: Proxy, site: Sandbox, registry: Registry, case: Case) -> None:
    site.add_fault(case.order(times=case.tries))
    reply = ask(proxy.url, "{{say All is well.}}", stream=True)
    assert reply.text == "All is well."
    assert reply.done
    [*calls, last_call] = asked(site, case.path)
    [refused] = set(calls)
    assert len(calls) == case.tries
    assert last_call != refused
    assert_marked(registry, refused, case)
    assert account_of(registry, last_call).status(time.time()) == "OK"


@pytest.mark.parametrize("case", OUTCOMES, ids=str)
def test_everybody_is_told_when_none_is_left(proxy: Proxy, site: Sandbox, registry: Registry, case: Case) -> None:
    first, other = registry.all()
    if case.mark == "OK":
        registry.rest(other.id, time.time() + HOUR)  # one is enough: nothing of it stays with an account
    site.add_fault(case.order(times=None))
    replies = together(
        lambda: ask(proxy.url, "{{say never}}"),
        lambda: ask(proxy.url, "{{say never}}", stream=True),
    )
    for reply in replies:
        assert_refused(reply, case)
    for account in (first, other) if case.mark != "OK" else (first,):
        assert_marked(registry, account.id, case)


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
    new_proxy: Callable[..., Proxy], site: Sandbox
) -> None:
    """The site allows an account some twenty uploads in a while; that has nothing to do with its questions."""
    proxy = new_proxy()  # because nothing ends such a rest, and tests of files share the other one
    registry = proxy.registry
    registry.add(site.accounts[1].token, site.accounts[1].id)
    proxy.start()

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
