"""A page that is kept fit: loaded anew in time, between answers or in a second tab, by one at a time."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from clocks import NOW, FakeClock
from fake_driver import FakeBrowser, read
from jwts import jwt

from qwenproxy.browser import kept_page as kept_page_module
from qwenproxy.browser import tab as tab_module
from qwenproxy.browser.kept_page import KeptPage, Upkeep, lead_times
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.page_login import Login
from qwenproxy.browser.site import Loaded, Site
from qwenproxy.errors import NetworkFailed, NotLoggedIn, TabLost

ASK = PageRequest("POST", "/api/x", {}, "{}")
LIFE = 900.0
COOKIES = ({"name": "refresh", "value": "x", "domain": "site.test"},)


def token(life=LIFE, *, since=NOW):
    return jwt(id="u", exp=since + life)


class Kept:
    """A kept page with everything behind it at hand. Each load waits for its gate, if there is one."""

    def __init__(self, loaded=None, **upkeep):
        self.clock = FakeClock()
        self.browser = FakeBrowser()
        self.outcomes = deque()  # of the loads to come: Loaded or an error; else a token that lives as long again
        self.loads = []  # the tabs that loads ran in, oldest first
        self.known = []  # what each load knew of the login before
        self.gate = None
        self.loading = threading.Event()
        self.changed = threading.Condition()
        self.kept = []  # (token, name of the thread that kept it)
        self.refusals = []
        self.page = KeptPage(
            "a",
            self.browser,
            Site("https://site.test"),
            loaded or Loaded(Login(token())),
            Upkeep(self._keep, self._note, self.clock, 0.005, **upkeep),
        )

    def load_again(self, tab, site, before, clock):
        self.loading.set()
        if self.gate:
            assert self.gate.wait(5)
        with self.changed:
            self.loads.append(tab)
            self.known.append(before)
            self.changed.notify_all()
        outcome = self.outcomes.popleft() if self.outcomes else Loaded(Login(token(since=self.clock()), COOKIES), True)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def fetch(self):
        """Start a call and wait until the page runs it; return its number, its response and the tab's page."""
        driven = self.browser.tabs[-1].driver.page
        response = self.page.fetch(ASK)
        driven.await_that(lambda: any(start["id"] == response.number for start in driven.started))
        return response.number, response, driven

    def use(self):
        """Have one call answered."""
        number, response, driven = self.fetch()
        driven.push(number, "head", [200, {}])
        driven.push(number, "end")
        assert response.head(5)
        assert read(response) == ""

    def await_loaded(self):
        """Wait until a load has begun, and is done with all that belongs to it."""
        self.await_that(lambda: self.loads)
        with self.page._loading:
            pass

    def pass_time(self, seconds):
        self.clock.now += seconds

    def await_that(self, what):
        with self.changed:
            assert self.changed.wait_for(what, timeout=5)

    def _keep(self, login):
        with self.changed:
            self.kept.append((login.token, threading.current_thread().name))
            self.cookies = login.cookies
            self.changed.notify_all()

    def _note(self, error):
        with self.changed:
            self.refusals.append(error)
            self.changed.notify_all()


@pytest.fixture
def make_kept(monkeypatch):
    made = []

    def make(*args, **kwargs):
        kept = Kept(*args, **kwargs)
        monkeypatch.setattr(kept_page_module, "load_again", kept.load_again)
        made.append(kept)
        return kept

    yield make
    for kept in made:
        if kept.gate:
            kept.gate.set()
        kept.page.close()
        assert kept.browser.closed, "the browser runs on"


@pytest.fixture
def kept(make_kept):
    return make_kept()


def test_a_page_whose_browser_ended_is_not_alive_although_nothing_ran_in_it(kept):
    assert kept.page.alive
    kept.browser.is_running = False
    assert not kept.page.alive


def test_a_used_page_is_loaded_anew_before_its_login_ends(kept):
    kept.use()
    kept.pass_time(LIFE - kept_page_module.LEAD - 1)
    kept.use()
    assert kept.page.loads == 0
    kept.pass_time(1)
    kept.await_loaded()
    assert kept.loads == [kept.browser.tab], "in its own tab: nothing runs there"
    kept.use()
    assert kept.page.token == token(since=kept.clock())


def test_a_used_page_is_loaded_anew_before_its_cookies_end(make_kept):
    kept = make_kept(Loaded(Login("no-jwt"), False, 1800.0))
    kept.use()
    kept.pass_time(1800 - kept_page_module.LEAD)
    kept.await_loaded()


def test_a_page_nobody_uses_is_left_alone_until_somebody_does(kept):
    kept.pass_time(LIFE + 1)
    kept.page.make_fit()
    assert len(kept.loads) == 1, "the request had it loaded, not the time"
    kept.page.make_fit()
    assert len(kept.loads) == 1


def test_what_is_known_to_last_is_not_loaded_anew(make_kept):
    kept = make_kept(Loaded(Login("no-jwt")))
    kept.use()
    kept.pass_time(10 * 86400)
    kept.page.make_fit()
    assert kept.loads == []


def test_a_token_that_nothing_renews_has_no_page_loaded(make_kept):
    kept = make_kept(renewable=False)
    kept.use()
    kept.pass_time(LIFE + 1)
    kept.page.make_fit()
    assert kept.loads == []


def test_a_page_that_turns_out_to_renew_is_kept_fit(make_kept):
    kept = make_kept(renewable=False)
    number, response, driven = kept.fetch()
    driven.push(0, "token", token(since=NOW + 60))
    kept.await_that(lambda: kept.kept)
    driven.push(number, "head", [200, {}])
    driven.push(number, "end")
    assert response.head(5) and read(response) == ""
    kept.pass_time(LIFE + 60 - kept_page_module.LEAD)
    kept.await_loaded()


def test_a_clock_ahead_of_the_sites_loads_nothing_by_itself(make_kept):
    kept = make_kept(Loaded(Login(token(since=NOW - 7200))))
    kept.use()
    kept.page.make_fit()
    assert kept.loads == []


@pytest.mark.parametrize("life", [60.0, 900.0, 30 * 86400.0])
def test_a_page_that_does_not_renew_is_asked_ever_closer_to_the_end(life):
    left, loads = life, []
    while left > 0:
        due, last_call = lead_times(left)
        assert due >= last_call >= 0
        left = due
        loads.append(left)
    assert loads[0] <= kept_page_module.LEAD
    assert loads[-1] == 0 and len(loads) <= 6


class TestAnswersUnderWay:
    def test_hold_the_load_back_until_they_are_done(self, kept):
        number, response, driven = kept.fetch()
        kept.pass_time(LIFE - kept_page_module.LEAD + 1)
        driven.push(number, "head", [200, {}])
        assert response.head(5)
        assert kept.loads == []
        driven.push(number, "end")
        assert read(response) == ""
        kept.await_loaded()
        assert kept.loads == [kept.browser.tab]

    def test_are_not_cut_when_a_second_tab_takes_over(self, kept):
        number, response, driven = kept.fetch()
        driven.push(number, "head", [200, {}])
        assert response.head(5)
        kept.pass_time(LIFE - kept_page_module.LAST_CALL)
        kept.await_loaded()
        first, second = kept.browser.tabs
        assert kept.loads == [second]
        kept.use()
        assert second.driver.page.started and not first.closed, "new calls go to the second tab"
        driven.push(number, "data", "whole")
        driven.push(number, "end")
        assert read(response) == "whole"
        kept.browser.await_that(lambda: first.closed == [True])
        assert kept.page.alive

    def test_go_on_when_another_ones_refusal_needs_the_page_loaded(self, kept):
        number, response, driven = kept.fetch()
        driven.push(number, "head", [200, {}])
        assert response.head(5)
        kept.page.renew(0)
        assert kept.page.loads == 1
        assert kept.loads == [kept.browser.tabs[1]]
        driven.push(number, "end")
        assert read(response) == ""

    def test_do_not_make_a_refused_request_wait_for_the_last_call(self, kept):
        number, response, driven = kept.fetch()
        driven.push(number, "head", [200, {}])
        assert response.head(5)
        kept.pass_time(LIFE - kept_page_module.LEAD + 1)  # the page waits for a gap from now on
        kept.page.renew(0)
        assert kept.page.loads == 1
        driven.push(number, "end")
        assert read(response) == ""


def test_a_renewed_login_is_kept_with_its_cookies(kept):
    kept.pass_time(1)
    kept.page.renew(0, suspect=True)
    kept.await_that(lambda: kept.kept)
    assert kept.kept == [(token(since=kept.clock()), "page-a")]
    assert kept.cookies == COOKIES
    assert not kept.page.unrenewed


def test_a_refused_login_that_the_page_does_not_renew_is_known_as_such(kept):
    kept.outcomes.append(Loaded(Login(token())))
    kept.page.renew(0, suspect=True)
    assert kept.page.unrenewed
    kept.page.renew(1, suspect=True)
    assert not kept.page.unrenewed


def test_a_page_that_was_loaded_just_now_is_waited_for_first(kept):
    kept.page.renew(0, suspect=True)
    kept.pass_time(kept_page_module.YOUNG)
    kept.page.renew(1)
    assert [(before.refused, before.young) for before in kept.known] == [(True, True), (False, False)]


def test_no_two_loads_at_once(kept):
    kept.gate = threading.Event()
    errors = []

    def refused():
        try:
            kept.page.renew(0)
        except Exception as error:
            errors.append(error)

    requests = [threading.Thread(target=refused) for _ in range(8)]
    for request in requests:
        request.start()
    assert kept.loading.wait(5)
    kept.gate.set()
    for request in requests:
        request.join(10)
    assert errors == []
    assert len(kept.loads) == kept.page.loads == 1


def test_a_call_that_comes_during_a_load_is_made_after_it(kept):
    kept.gate = threading.Event()
    renewing = threading.Thread(target=kept.page.renew, args=(0,))
    renewing.start()
    assert kept.loading.wait(5)
    response = kept.page.fetch(ASK)
    assert kept.browser.tab.driver.page.started == []
    kept.gate.set()
    renewing.join()
    driven = kept.browser.tab.driver.page
    driven.await_that(lambda: driven.started)
    driven.push(response.number, "head", [200, {}])
    driven.push(response.number, "end")
    assert response.head(5) and read(response) == ""


def test_a_renewed_token_is_kept_and_not_by_the_tabs_own_thread(kept):
    number, response, driven = kept.fetch()
    renewed = token(since=NOW + 60)
    driven.push(0, "token", renewed)
    kept.await_that(lambda: kept.kept)
    assert kept.kept == [(renewed, "page-a")]
    assert kept.page.token == renewed
    driven.push(number, "head", [200, {}])
    driven.push(number, "end")
    assert response.head(5) and read(response) == ""
    kept.pass_time(LIFE - kept_page_module.LEAD + 1)
    kept.use()
    assert kept.loads == [], "the token that the page renewed by itself lives longer"


@pytest.mark.parametrize("error", [NotLoggedIn("Sent to sign-in."), NetworkFailed("Not reached.")], ids=type)
def test_a_load_in_time_that_fails_is_noted_and_ends_the_page(kept, error):
    kept.outcomes.append(error)
    kept.use()
    kept.pass_time(LIFE - kept_page_module.LEAD)
    kept.await_that(lambda: kept.refusals)
    assert kept.refusals == [error]
    assert not kept.page.alive
    with pytest.raises(type(error)):
        kept.page.fetch(ASK)


def test_a_load_for_a_request_that_fails_is_told_to_it(kept):
    kept.outcomes.append(NotLoggedIn("Sent to sign-in."))
    kept.pass_time(LIFE)
    with pytest.raises(NotLoggedIn):
        kept.page.make_fit()


def test_a_page_that_is_distrusted_is_loaded_for_the_next_request(kept):
    kept.page.distrust()
    assert kept.loads == []
    kept.page.make_fit()
    kept.page.make_fit()
    assert len(kept.loads) == 1


def test_closing_ends_answers_in_both_tabs(kept):
    number, response, driven = kept.fetch()
    driven.push(number, "head", [200, {}])
    assert response.head(5)
    kept.page.renew(0)
    _, second, _ = kept.fetch()
    kept.page.close()
    for open_response in (response, second):
        with pytest.raises(TabLost):
            open_response.head(5)
            read(open_response)


def test_closing_ends_a_load_that_hangs(kept, monkeypatch):
    monkeypatch.setattr(tab_module, "CLOSE_WAIT", 0.05)
    kept.gate = threading.Event()
    kept.browser.on_close = kept.gate.set  # the driver's call fails when its browser ends
    kept.outcomes.append(OSError("the driver went away"))
    failures = []

    def renew():
        try:
            kept.page.renew(0)
        except TabLost as error:
            failures.append(error)

    renewing = threading.Thread(target=renew)
    renewing.start()
    assert kept.loading.wait(5)
    kept.page.close()
    renewing.join(5)
    assert not renewing.is_alive()
    assert len(failures) == 1
