"""A page that is kept fit: loaded anew in time, between answers or in a second tab, by one at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, cast

import pytest
from clocks import NOW, FakeClock
from fake_driver import FakeBrowser, FakeChrome, FakePage, read
from jwts import jwt

from qwenproxy.browser import exchange, login_readings
from qwenproxy.browser import kept_page as kept_page_module
from qwenproxy.browser import tab as tab_module
from qwenproxy.browser import upkeep as upkeep_module
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.browser.launching import Browser
from qwenproxy.browser.pace import LOCAL, Pace
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.page_login import Before, Login
from qwenproxy.browser.response import TabResponse
from qwenproxy.browser.site import Loaded, Site
from qwenproxy.browser.tab import Tab
from qwenproxy.browser.upkeep import Upkeep, lead_times
from qwenproxy.errors import NetworkFailed, NotLoggedIn, ProxyError, TabLost

ASK = PageRequest("POST", "/api/x", {}, "{}")
LIFE = 900.0
KEPT = Login("kept-token")  # the login on file
COOKIES = ({"name": "refresh", "value": "x", "domain": "site.test"},)


def token(life: float = LIFE, *, since: float = NOW) -> str:
    return jwt(id="u", exp=since + life)


class Rig:
    """A kept page with everything behind it at hand. Each load waits for its gate, if there is one."""

    def __init__(
        self, loaded: Loaded | None = None, *, renewable: bool = True, pace: Pace = LOCAL, shares_login: bool = True
    ) -> None:
        self.clock = FakeClock()
        self.browser = FakeBrowser(pace)
        self.browser.shares_login = shares_login
        # What the loads to come return or raise; after the last one, a token that lives as long again.
        self.outcomes: deque[Loaded | Exception] = deque()
        self.loads: list[FakeChrome] = []  # the tabs that loads ran in, oldest first
        self.knowledge: list[Before] = []  # what each load knew of the login before
        self.planted: list[Login | None] = []  # what each load put into its tab
        self.gate: threading.Event | None = None
        self.loading = threading.Event()
        self.changed = threading.Condition()
        self.logins: list[tuple[str, str]] = []  # (token, name of the thread that kept it)
        self.cookies: tuple[Mapping[str, Any], ...] = ()
        self.refusals: list[ProxyError] = []
        self.loaded_tabs: list[Tab] = []  # as they were told of after each load
        self.page = KeptPage(
            "a",
            cast(Browser, self.browser),
            Site("https://site.test"),
            loaded or Loaded(Login(token())),
            Upkeep(self._keep, self._note, self.clock, 0.005, renewable, self.loaded_tabs.append, lambda: KEPT),
        )

    def load_again(
        self, tab: FakeChrome, site: Site, before: Before, clock: FakeClock, login: Login | None = None
    ) -> Loaded:
        self.loading.set()
        if self.gate:
            assert self.gate.wait(5)
        with self.changed:
            self.loads.append(tab)
            self.knowledge.append(before)
            self.planted.append(login)
            self.changed.notify_all()
        outcome = self.outcomes.popleft() if self.outcomes else Loaded(Login(token(since=self.clock()), COOKIES), True)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def fetch(self) -> tuple[int, TabResponse, FakePage]:
        """Start a call and wait until the page runs it; return its number, its response and the tab's page."""
        page = self.browser.tabs[-1].driver.page
        response = self.page.fetch(ASK)
        page.await_that(lambda: any(start["id"] == response.number for start in page.started))
        return response.number, response, page

    def use(self) -> None:
        """Have one call answered."""
        number, response, page = self.fetch()
        page.push(number, "head", [200, {}])
        page.push(number, "end")
        assert response.head(5)
        assert read(response) == ""

    def await_loaded(self) -> None:
        """Wait until a load has begun, and is done with all that belongs to it."""
        self.await_that(lambda: self.loads)
        with self.page._loading:
            pass

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds

    def await_that(self, what: Callable[[], object]) -> None:
        with self.changed:
            assert self.changed.wait_for(what, timeout=5)

    def _keep(self, login: Login) -> None:
        with self.changed:
            self.logins.append((login.token, threading.current_thread().name))
            self.cookies = login.cookies
            self.changed.notify_all()

    def _note(self, error: ProxyError) -> None:
        with self.changed:
            self.refusals.append(error)
            self.changed.notify_all()


class MakeRig(Protocol):
    """Make a kept page; `loaded` is what its first load came to, further options as for Rig."""

    def __call__(self, loaded: Loaded | None = None, **options: Any) -> Rig: ...


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRig]:
    rigs: list[Rig] = []

    def make(loaded: Loaded | None = None, **options: Any) -> Rig:
        rig = Rig(loaded, **options)
        monkeypatch.setattr(kept_page_module, "load_again", rig.load_again)
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        if rig.gate:
            rig.gate.set()
        rig.page.close()
        assert rig.browser.closed, "the browser runs on"


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    return make_rig()


def test_a_page_whose_browser_ended_is_not_alive_although_nothing_ran_in_it(rig: Rig) -> None:
    assert rig.page.alive
    rig.browser.is_running = False
    assert not rig.page.alive


def test_a_used_page_is_loaded_anew_before_its_login_ends(rig: Rig) -> None:
    rig.use()
    rig.pass_time(LIFE - upkeep_module.LEAD - 1)
    rig.use()
    assert rig.page.loads == 0
    rig.pass_time(1)
    rig.await_loaded()
    assert rig.loads == [rig.browser.tab], "in its own tab: nothing runs there"
    rig.use()
    assert rig.page.token == token(since=rig.clock())


def test_a_used_page_is_loaded_anew_before_its_cookies_end(make_rig: MakeRig) -> None:
    rig = make_rig(Loaded(Login("no-jwt"), False, 1800.0))
    rig.use()
    rig.pass_time(1800 - upkeep_module.LEAD)
    rig.await_loaded()


def test_a_page_nobody_uses_is_left_alone_until_somebody_does(rig: Rig) -> None:
    rig.pass_time(LIFE + 1)
    rig.page.make_fit()
    assert len(rig.loads) == 1, "the request had it loaded, not the time"
    rig.page.make_fit()
    assert len(rig.loads) == 1


def test_each_load_is_told_with_the_tab_that_has_the_page(rig: Rig) -> None:
    [first] = rig.loaded_tabs
    rig.page.renew(0)
    assert rig.loaded_tabs == [first, first]
    number, response, page = rig.fetch()
    rig.page.renew(1)
    assert len(rig.loaded_tabs) == 3
    assert rig.loaded_tabs[2] is not first, "a second tab took over"
    page.push(number, "end")
    response.close()


def test_a_failed_load_is_not_told(rig: Rig) -> None:
    rig.outcomes.append(NetworkFailed("down"))
    with pytest.raises(NetworkFailed):
        rig.page.renew(0)
    assert len(rig.loaded_tabs) == 1


def test_a_call_in_the_tab_that_was_told_is_no_use_of_the_page(rig: Rig) -> None:
    response = rig.loaded_tabs[0].fetch(ASK)
    page = rig.browser.tabs[0].driver.page
    page.await_that(lambda: page.started)
    page.push(response.number, "head", [200, {}])
    page.push(response.number, "end")
    assert response.head(5) and read(response) == ""
    rig.pass_time(LIFE + 1)
    rig.page.make_fit()
    assert len(rig.loads) == 1, "the request had it loaded, not the time"


def test_what_is_known_to_last_is_not_loaded_anew(make_rig: MakeRig) -> None:
    rig = make_rig(Loaded(Login("no-jwt")))
    rig.use()
    rig.pass_time(10 * 86400)
    rig.page.make_fit()
    assert rig.loads == []


def test_a_token_that_nothing_renews_has_no_page_loaded(make_rig: MakeRig) -> None:
    rig = make_rig(renewable=False)
    rig.use()
    rig.pass_time(LIFE + 1)
    rig.page.make_fit()
    assert rig.loads == []


def test_a_page_that_turns_out_to_renew_is_kept_fit(make_rig: MakeRig) -> None:
    rig = make_rig(renewable=False)
    number, response, page = rig.fetch()
    page.push(0, "token", token(since=NOW + 60))
    rig.await_that(lambda: rig.logins)
    page.push(number, "head", [200, {}])
    page.push(number, "end")
    assert response.head(5) and read(response) == ""
    rig.pass_time(LIFE + 60 - upkeep_module.LEAD)
    rig.await_loaded()


def test_a_clock_ahead_of_the_sites_loads_nothing_by_itself(make_rig: MakeRig) -> None:
    rig = make_rig(Loaded(Login(token(since=NOW - 7200))))
    rig.use()
    rig.page.make_fit()
    assert rig.loads == []


@pytest.mark.parametrize("life", [60.0, 900.0, 30 * 86400.0], ids=["a minute", "15 minutes", "30 days"])
def test_a_page_that_does_not_renew_is_asked_ever_closer_to_the_end(life: float) -> None:
    left, loads = life, []
    while left > 0:
        due, last_call = lead_times(left)
        assert due >= last_call >= 0
        left = due
        loads.append(left)
    assert loads[0] <= upkeep_module.LEAD
    assert loads[-1] == 0 and len(loads) <= 6


class TestAnswersUnderWay:
    def test_hold_the_load_back_until_they_are_done(self, rig: Rig) -> None:
        number, response, page = rig.fetch()
        rig.pass_time(LIFE - upkeep_module.LEAD + 1)
        page.push(number, "head", [200, {}])
        assert response.head(5)
        assert rig.loads == []
        page.push(number, "end")
        assert read(response) == ""
        rig.await_loaded()
        assert rig.loads == [rig.browser.tab]

    def test_are_not_cut_when_a_second_tab_takes_over(self, rig: Rig) -> None:
        number, response, page = rig.fetch()
        page.push(number, "head", [200, {}])
        assert response.head(5)
        rig.pass_time(LIFE - upkeep_module.LAST_CALL)
        rig.await_loaded()
        first, second = rig.browser.tabs
        assert rig.loads == [second]
        rig.use()
        assert second.driver.page.started and not first.closed, "new calls go to the second tab"
        page.push(number, "data", "whole")
        page.push(number, "end")
        assert read(response) == "whole"
        rig.browser.await_that(lambda: first.closed == [True])
        assert rig.page.alive

    def test_go_on_when_another_ones_refusal_needs_the_page_loaded(self, rig: Rig) -> None:
        number, response, page = rig.fetch()
        page.push(number, "head", [200, {}])
        assert response.head(5)
        rig.page.renew(0)
        assert rig.page.loads == 1
        assert rig.loads == [rig.browser.tabs[1]]
        page.push(number, "end")
        assert read(response) == ""

    def test_do_not_make_a_refused_request_wait_for_the_last_call(self, rig: Rig) -> None:
        number, response, page = rig.fetch()
        page.push(number, "head", [200, {}])
        assert response.head(5)
        rig.pass_time(LIFE - upkeep_module.LEAD + 1)  # the page waits for a gap from now on
        rig.page.renew(0)
        assert rig.page.loads == 1
        page.push(number, "end")
        assert read(response) == ""


def test_a_renewed_login_is_kept_with_its_cookies(rig: Rig) -> None:
    rig.pass_time(1)
    rig.page.renew(0, suspect=True)
    rig.await_that(lambda: rig.logins)
    assert rig.logins == [(token(since=rig.clock()), "page-a")]
    assert rig.cookies == COOKIES
    assert not rig.page.unrenewed


def test_a_refused_login_that_the_page_does_not_renew_is_known_as_such(rig: Rig) -> None:
    rig.outcomes.append(Loaded(Login(token())))
    rig.page.renew(0, suspect=True)
    assert rig.page.unrenewed
    rig.page.renew(1, suspect=True)
    assert not rig.page.unrenewed


def test_a_page_that_was_loaded_just_now_is_waited_for_first(rig: Rig) -> None:
    rig.page.renew(0, suspect=True)
    rig.pass_time(kept_page_module.YOUNG)
    rig.page.renew(1)
    assert [(before.refused, before.young) for before in rig.knowledge] == [(True, True), (False, False)]


def test_no_two_loads_at_once(rig: Rig) -> None:
    rig.gate = threading.Event()
    errors = []

    def refused() -> None:
        try:
            rig.page.renew(0)
        except Exception as error:
            errors.append(error)

    requests = [threading.Thread(target=refused) for _ in range(8)]
    for request in requests:
        request.start()
    assert rig.loading.wait(5)
    rig.gate.set()
    for request in requests:
        request.join(10)
    assert errors == []
    assert len(rig.loads) == rig.page.loads == 1


def test_a_call_that_comes_during_a_load_is_made_after_it(rig: Rig) -> None:
    rig.gate = threading.Event()
    renewing = threading.Thread(target=rig.page.renew, args=(0,))
    renewing.start()
    assert rig.loading.wait(5)
    response = rig.page.fetch(ASK)
    assert rig.browser.tab.driver.page.started == []
    rig.gate.set()
    renewing.join()
    page = rig.browser.tab.driver.page
    page.await_that(lambda: page.started)
    page.push(response.number, "head", [200, {}])
    page.push(response.number, "end")
    assert response.head(5) and read(response) == ""


def test_a_renewed_token_is_kept_and_not_by_the_tabs_own_thread(rig: Rig) -> None:
    number, response, page = rig.fetch()
    renewed = token(since=NOW + 60)
    page.push(0, "token", renewed)
    rig.await_that(lambda: rig.logins)
    assert rig.logins == [(renewed, "page-a")]
    assert rig.page.token == renewed
    page.push(number, "head", [200, {}])
    page.push(number, "end")
    assert response.head(5) and read(response) == ""
    rig.pass_time(LIFE - upkeep_module.LEAD + 1)
    rig.use()
    assert rig.loads == [], "the token that the page renewed by itself lives longer"


@pytest.mark.parametrize(
    "error", [NotLoggedIn("Sent to sign-in."), NetworkFailed("Not reached.")], ids=["sign-in", "network"]
)
def test_a_load_in_time_that_fails_is_noted_and_ends_the_page(rig: Rig, error: ProxyError) -> None:
    rig.outcomes.append(error)
    rig.use()
    rig.pass_time(LIFE - upkeep_module.LEAD)
    rig.await_that(lambda: rig.refusals)
    assert rig.refusals == [error]
    assert not rig.page.alive
    with pytest.raises(type(error)):
        rig.page.fetch(ASK)


def test_a_load_for_a_request_that_fails_is_told_to_it(rig: Rig) -> None:
    rig.outcomes.append(NotLoggedIn("Sent to sign-in."))
    rig.pass_time(LIFE)
    with pytest.raises(NotLoggedIn):
        rig.page.make_fit()


def test_a_page_that_is_distrusted_is_loaded_for_the_next_request(rig: Rig) -> None:
    rig.page.distrust()
    assert rig.loads == []
    rig.page.make_fit()
    rig.page.make_fit()
    assert len(rig.loads) == 1


FAR = Pace(gather=50, answer_wait=5.0, renews_session=False)


def test_a_page_full_of_garbage_is_loaded_anew_where_the_driver_cannot_tidy_it(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_page_module, "LITTER", 2 * exchange.CALL_LITTER)
    rig = make_rig(pace=FAR)
    number, running, page = rig.fetch()
    rig.use()
    rig.await_that(lambda: rig.page._tab._load)  # it waits for the answer that runs
    assert not rig.loads
    page.push(number, "head", [200, {}])
    page.push(number, "end")
    assert running.head(5) and read(running) == ""
    rig.await_loaded()
    assert rig.loads == rig.browser.tabs == [rig.browser.tab] and rig.page._tab.litter == 0


def test_on_this_machine_garbage_is_no_reason_to_load_a_page(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_page_module, "LITTER", 0)
    rig.use()
    assert not rig.page._is_due()


def test_a_page_that_is_never_idle_and_too_full_moves_into_a_browser_with_the_login_on_file(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_page_module, "LITTER", 0)
    monkeypatch.setattr(kept_page_module, "MOST_LITTER", exchange.CALL_LITTER)
    monkeypatch.setattr(kept_page_module, "GAP_WAIT", 0.001)
    rig = make_rig(pace=FAR, shares_login=False)
    _, running, _ = rig.fetch()
    rig.await_loaded()
    # The first load, because a page that is always too full is loaded again and again.
    moved = rig.loads[0] is rig.browser.tabs[1] and rig.planted[0] == KEPT
    goes_on = running.head(0) is None  # in the browser where it began
    running.close()
    assert moved and goes_on


def test_a_second_tab_of_the_same_browser_has_the_login_already(rig: Rig) -> None:
    _, running, _ = rig.fetch()
    rig.page.renew(rig.page.loads)
    assert rig.planted == [None] and len(rig.browser.tabs) == 2
    running.close()


def test_closing_ends_answers_in_both_tabs(rig: Rig) -> None:
    number, response, page = rig.fetch()
    page.push(number, "head", [200, {}])
    assert response.head(5)
    rig.page.renew(0)
    _, second, _ = rig.fetch()
    rig.page.close()
    for open_response in (response, second):
        with pytest.raises(TabLost):
            open_response.head(5)
            read(open_response)


def test_closing_ends_a_load_that_hangs(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tab_module, "CLOSE_WAIT", 0.05)
    rig.gate = threading.Event()
    rig.browser.on_close = rig.gate.set  # the driver's call fails when its browser ends
    rig.outcomes.append(OSError("the driver went away"))
    failures = []

    def renew() -> None:
        try:
            rig.page.renew(0)
        except TabLost as error:
            failures.append(error)

    renewing = threading.Thread(target=renew)
    renewing.start()
    assert rig.loading.wait(5)
    rig.page.close()
    renewing.join(5)
    assert not renewing.is_alive()
    assert len(failures) == 1


class TestTheLoginForSafekeeping:
    """Read by the tab's own thread while no call runs, after a renewal at once; handed on by the page's."""

    @pytest.fixture
    def rig(self, rig: Rig) -> Rig:
        set_storage(rig, token())
        rig.browser.tab.cookies = [dict(cookie) for cookie in COOKIES]
        return rig

    def test_is_read_after_the_first_use(self, rig: Rig) -> None:
        rig.use()
        rig.await_that(lambda: rig.logins)
        assert rig.logins == [(token(), "page-a")]
        assert rig.cookies == COOKIES
        assert rig.page.renewable, "it says nothing of renewal"

    def test_is_read_again_after_ten_minutes_of_use(self, rig: Rig) -> None:
        rig.use()
        rig.await_that(lambda: rig.logins)
        rig.use()
        rig.pass_time(login_readings.READ_EVERY)
        rig.await_that(lambda: len(rig.logins) == 2)
        assert rig.browser.tab.driver.readings == 2

    def test_is_not_read_by_the_clock_during_an_answer(self, rig: Rig) -> None:
        number, response, page = rig.fetch()
        page.push(number, "head", [200, {}])
        assert response.head(5)
        rig.page._news.set()
        orders = len(page.orders)
        page.await_that(lambda: len(page.orders) > orders + 5)
        assert rig.browser.tab.driver.readings == 0
        page.push(number, "end")
        assert read(response) == ""
        rig.await_that(lambda: rig.logins)

    def test_is_read_during_an_answer_once_the_page_has_renewed_it(self, rig: Rig) -> None:
        """A browser that dies after that answer would take the only refresh that still works with it."""
        renewed = token(since=NOW + 60)
        number, response, page = rig.fetch()
        set_storage(rig, renewed)
        page.push(0, "token", renewed)
        page.push(number, "head", [200, {}])
        rig.await_that(lambda: rig.cookies)
        assert {each for each, _ in rig.logins} == {renewed}
        assert rig.browser.tab.driver.readings == 1
        page.push(number, "data", "whole")
        page.push(number, "end")
        assert response.head(5) and read(response) == "whole"

    def test_is_read_at_a_polite_end_and_brings_a_token_renewed_meanwhile(self, rig: Rig) -> None:
        renewed = token(since=NOW + 60)
        set_storage(rig, renewed)
        rig.page.close()
        assert [each for each, _ in rig.logins] == [renewed]
        assert rig.cookies == COOKIES

    def test_is_not_read_where_the_page_has_none(self, rig: Rig) -> None:
        rig.browser.tab.driver.storage = {}
        rig.use()
        rig.page.close()
        assert rig.logins == []


def set_storage(rig: Rig, value: str) -> None:
    """Give the first tab's page a token in its storage."""
    rig.browser.tab.driver.storage = {"token": value, "lswusea": "device"}
