"""The watch over a login window, with a scripted window and person: every way it can end, and what is left then."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import login_window
import pytest
from cli_runner import new_token
from clocks import FakeClock
from login_window import (
    CAPTCHA,
    GOING,
    NOBODY,
    SIGN_IN,
    SITE,
    SOMEBODY,
    STRANGE,
    FakeDriver,
    Play,
    Script,
    View,
    somebody,
)
from selenium.common.exceptions import TimeoutException, UnexpectedAlertPresentException
from session_files import account_of
from spelling import spelled

from qwenproxy.accounts import identity
from qwenproxy.accounts.account import Account, OtherUser
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser import site
from qwenproxy.browser.local import LocalLauncher
from qwenproxy.browser.profile import ProfileClaim, ProfileInUse
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import NetworkFailed, SetupError
from qwenproxy.logins import watch
from qwenproxy.logins.window import LoginFailed, LoginWindow, add_account, renew_account

# an earlier and a later login of one person
OLD, NEW = new_token(expires_at=3_000_000_000), new_token(expires_at=4_000_000_000)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.open(SessionFolder(tmp_path / "session"))


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> Play:
    """Return a function that puts a script in the place of the browser and returns it."""
    return lambda first, *then: login_window.play(monkeypatch, clock, Script(first, *then))


@pytest.fixture
def window(clock: FakeClock) -> LoginWindow:
    return login_window.login_window(clock)


def _folders(registry: Registry) -> list[str]:
    return [path.name for path in registry.folder("x").path.parent.iterdir()]


def test_a_login_becomes_an_account(registry: Registry, window: LoginWindow, play: Play) -> None:
    script = play(SIGN_IN, "wait", View(new_token(), answer=SOMEBODY))
    added = add_account(registry, window, script)
    assert account_of(registry, added).token == new_token()
    assert account_of(registry, added).status(time.time()) == "OK"
    assert script.driver.opened == [SITE + "/auth?action=signin"]
    assert script.steps == ["opening", "waiting", "closing"]
    assert script.closed
    assert registry.folder(added).planted.exists()
    login = identity.read(registry.folder(added), new_token())
    assert login.cookies == (login_window.COOKIE,) and ("lswusea", "device") in login.storage.items
    ProfileClaim.take(registry.folder(added)).release()  # free again


def test_somebody_who_logs_in_between_look_and_question_is_not_taken_for_the_account(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    """The page still shows the old token while the site already answers for somebody else."""
    registry.add(OLD, "mine")
    late = View(OLD, answer=somebody("his"))
    script = play(late, "wait", View(new_token("his"), answer=somebody("his")))
    with pytest.raises(OtherUser):
        renew_account(registry, window, script, account_of(registry, "mine"))
    assert account_of(registry, "mine").token == OLD


def test_a_site_that_names_people_in_two_ways_is_believed_in_the_end(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    odd = View(new_token(), answer=somebody("a-name-of-its-own"))
    assert add_account(registry, window, play(odd, *["wait"] * 10), "mine") == "mine"


def test_a_login_may_have_a_name_of_its_own(registry: Registry, window: LoginWindow, play: Play) -> None:
    assert add_account(registry, window, play(View(new_token(), answer=SOMEBODY)), "mine") == "mine"


@pytest.mark.parametrize(
    ("then", "ending"),
    [(["ctrl-c"], (KeyboardInterrupt, None)), ([None], (LoginFailed, "closed")), ([], (LoginFailed, "timeout"))],
    ids=["cancelled", "closed", "timeout"],
)
@pytest.mark.parametrize("account_id", [None, "mine"])
def test_nothing_stays_of_a_login_that_did_not_happen(
    registry: Registry,
    window: LoginWindow,
    play: Play,
    then: list[object],
    ending: tuple[type[BaseException], str | None],
    account_id: str | None,
) -> None:
    error, outcome = ending
    script = play(SIGN_IN, *then)
    with pytest.raises(error) as raised:
        add_account(registry, window, script, account_id)
    assert getattr(raised.value, "outcome", None) == outcome
    assert registry.all() == ()
    assert _folders(registry) == []
    assert script.closed


def test_an_unfinished_relogin_leaves_the_account_as_it_was(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    registry.add(OLD, "mine")
    registry.mark_invalid("mine")
    before = account_of(registry, "mine")
    with pytest.raises(LoginFailed):
        renew_account(registry, window, play(SIGN_IN, None), before)
    assert registry.get("mine") == before


def test_the_time_out_is_the_one_that_was_asked_for(registry: Registry, window: LoginWindow, play: Play) -> None:
    script = play(SIGN_IN)
    with pytest.raises(LoginFailed):
        add_account(registry, replace(window, login_wait=7.0), script)
    assert script.waited == pytest.approx(7.0, abs=0.01)


ERROR_PAGE = View(origin="null", failed=True)


def test_a_site_that_cannot_be_reached_is_named(registry: Registry, window: LoginWindow, play: Play) -> None:
    with pytest.raises(NetworkFailed, match=SITE):
        add_account(registry, window, play(View(origin="null"), ERROR_PAGE))
    assert _folders(registry) == []


def test_an_error_page_after_the_site_was_there_is_for_the_person_to_reload(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    add_account(registry, window, play(SIGN_IN, ERROR_PAGE, "wait", View(new_token(), answer=SOMEBODY)))
    assert registry.all()


def test_a_token_elsewhere_than_on_the_site_is_none(registry: Registry, window: LoginWindow, play: Play) -> None:
    elsewhere = View(new_token(), origin="https://auth.localhost", answer=SOMEBODY)
    script = play(elsewhere, elsewhere, View(new_token("real"), answer=SOMEBODY))
    assert account_of(registry, add_account(registry, window, script)).token == new_token("real")
    assert script.driver.asked == [new_token("real")]


def test_the_site_is_asked_only_when_its_page_has_settled(registry: Registry, window: LoginWindow, play: Play) -> None:
    script = play(View(new_token(), settled=False, answer=CAPTCHA), View(new_token(), answer=SOMEBODY))
    add_account(registry, window, script)
    assert len(script.driver.asked) == 1


def test_the_stale_login_of_a_profile_does_not_count(registry: Registry, window: LoginWindow, play: Play) -> None:
    registry.add(OLD, "mine")
    registry.mark_invalid("mine")
    stale = View(OLD, answer=NOBODY)
    script = play(stale, *["wait"] * 3, View(NEW, answer=SOMEBODY))
    renew_account(registry, window, script, account_of(registry, "mine"))
    assert account_of(registry, "mine").token == NEW
    assert account_of(registry, "mine").status(time.time()) == "OK"
    assert script.driver.asked == [OLD, NEW]


def test_the_same_token_is_asked_about_again_only_after_a_while_or_at_enter(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    out = View(new_token(), answer=NOBODY)
    script = play(out, *["wait"] * 10, "enter", "ctrl-c")
    with pytest.raises(KeyboardInterrupt):
        add_account(registry, window, script)
    # at once, after 5 s of the 7.7 that went by, and at ENTER
    assert len(script.driver.asked) == 3


def test_an_answer_of_unknown_form_counts_with_a_new_token_only(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    registry.add(OLD, "mine")
    script = play(View(OLD, answer=STRANGE), "wait", View(NEW, answer=STRANGE))
    renew_account(registry, window, script, account_of(registry, "mine"))
    assert account_of(registry, "mine").token == NEW


def test_an_expired_token_of_unknown_standing_does_not_count(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    with pytest.raises(LoginFailed, match="timeout"):
        add_account(registry, window, play(View(new_token(expires_at=1_000_000_000), answer=STRANGE)))


@pytest.mark.parametrize("answer", [None, TimeoutException()], ids=spelled)
def test_no_answer_is_no_login(
    registry: Registry, window: LoginWindow, play: Play, answer: TimeoutException | None
) -> None:
    with pytest.raises(LoginFailed, match="timeout"):
        add_account(registry, window, play(View(new_token(), answer=answer)))


@pytest.mark.parametrize("shown", [View(verification=True), View(new_token(), answer=CAPTCHA)], ids=spelled)
def test_a_verification_waits_for_the_person(registry: Registry, window: LoginWindow, play: Play, shown: View) -> None:
    script = play(shown, "wait", SIGN_IN, View(new_token("human"), answer=SOMEBODY))
    assert account_of(registry, add_account(registry, window, script)).token == new_token("human")
    assert script.steps == ["opening", "waiting", "verification", "waiting", "closing"]


def test_a_page_that_does_not_answer_is_looked_at_again(registry: Registry, window: LoginWindow, play: Play) -> None:
    script = play(TimeoutException(), "wait", GOING, View(new_token(), answer=SOMEBODY))
    add_account(registry, window, script)
    assert registry.all()


def test_a_second_tab_is_followed_when_the_first_is_closed(registry: Registry, window: LoginWindow, play: Play) -> None:
    def close_first(driver: FakeDriver) -> None:
        driver.view, driver.handles = None, ["second"]

    script = play(SIGN_IN, close_first, View(new_token(), answer=SOMEBODY))
    add_account(registry, window, script)
    assert script.driver.turned_to == "second"


# the VERIFY state


def _verify(registry: Registry) -> Account:
    registry.add(new_token(), "mine")
    registry.rest("mine", time.time() + 600, reason="verification")
    return account_of(registry, "mine")


def test_a_working_page_ends_verify_after_a_moment_for_the_check_to_show_up(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    account = _verify(registry)
    script = play(View(new_token(), answer=SOMEBODY))
    assert not renew_account(registry, window, script, account)
    assert watch.LINGER <= script.waited <= watch.LINGER + watch.ASK_EVERY + 1
    assert script.steps == ["opening", "waiting", "works", "closing"]
    assert account_of(registry, "mine").status(time.time()) == "OK"


def test_a_solved_check_ends_verify_at_once(registry: Registry, window: LoginWindow, play: Play) -> None:
    account = _verify(registry)
    script = play(View(new_token(), verification=True), View(new_token(), answer=SOMEBODY))
    script.present = False  # who solved it sat at the window
    assert renew_account(registry, window, script, account)
    assert script.waited < 2
    assert account_of(registry, "mine").status(time.time()) == "OK"


def test_enter_ends_the_wait_for_a_check(registry: Registry, window: LoginWindow, play: Play) -> None:
    account = _verify(registry)
    script = play(View(new_token(), answer=SOMEBODY), "enter")
    assert renew_account(registry, window, script, account)
    assert script.waited < 2


def test_without_anybody_a_page_that_shows_no_check_proves_nothing(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    account = _verify(registry)
    script = play(View(new_token(), answer=SOMEBODY))
    script.present = False
    with pytest.raises(LoginFailed, match="unproven"):
        renew_account(registry, window, script, account)
    assert script.waited >= watch.LINGER
    assert registry.get("mine") == account


def test_a_new_login_ends_verify_whoever_is_there(registry: Registry, window: LoginWindow, play: Play) -> None:
    account = _verify(registry)
    script = play(View(new_token(expires_at=5_000_000_000), answer=SOMEBODY))
    script.present = False
    assert renew_account(registry, window, script, account)
    assert account_of(registry, "mine").status(time.time()) == "OK"


# profiles and folders


def test_a_profile_in_use_is_left_alone(registry: Registry, window: LoginWindow, play: Play) -> None:
    registry.add(new_token(), "mine")
    claim = ProfileClaim.take(registry.folder("mine"))
    try:
        with pytest.raises(ProfileInUse):
            renew_account(registry, window, play(SIGN_IN), account_of(registry, "mine"))
    finally:
        claim.release()
    assert account_of(registry, "mine").token == new_token()


def test_a_name_that_another_login_is_using_is_left_to_it(registry: Registry, window: LoginWindow, play: Play) -> None:
    claim = ProfileClaim.take(registry.folder("mine"))
    try:
        with pytest.raises(ProfileInUse):
            add_account(registry, window, play(SIGN_IN), "mine")
        assert _folders(registry) == ["mine"]
    finally:
        claim.release()


def test_a_profile_that_an_ended_login_left_does_not_count(registry: Registry, window: LoginWindow, play: Play) -> None:
    registry.folder("mine").profile.mkdir(parents=True)
    (registry.folder("mine").profile / "cookies").write_text("somebody else's")
    add_account(registry, window, play(View(new_token(), answer=SOMEBODY)), "mine")
    assert not (registry.folder("mine").profile / "cookies").exists()


def test_an_account_that_was_removed_meanwhile_does_not_come_back(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    registry.add(OLD, "mine")
    account = account_of(registry, "mine")

    def removed(driver: FakeDriver) -> None:
        Registry.open(SessionFolder(registry.folder("mine").path.parent.parent)).remove("mine")
        driver.view = View(NEW, answer=SOMEBODY)

    with pytest.raises(SetupError, match="removed"):
        renew_account(registry, window, play(SIGN_IN, removed), account)
    assert registry.all() == ()


def test_an_account_that_took_the_name_meanwhile_is_not_deleted(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    def taken(driver: FakeDriver) -> None:
        registry.add(new_token("other"), "mine")
        driver.view = View(NEW, answer=SOMEBODY)

    with pytest.raises(SetupError, match="already"):
        add_account(registry, window, play(SIGN_IN, taken), "mine")
    assert account_of(registry, "mine").token == new_token("other")


@pytest.mark.parametrize(
    "words", ["Missing X server or $DISPLAY", "Unable to open X display.", "cannot open display: :9"]
)
def test_a_display_that_does_not_answer_is_no_display(
    registry: Registry, window: LoginWindow, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    def failing(_launcher: LocalLauncher, folder: AccountFolder) -> None:
        folder.path.mkdir(exist_ok=True)
        folder.chrome_log.write_text(f"[1:1:ERROR] {words}\n")
        raise SetupError("The browser ended at once.")

    monkeypatch.setattr(LocalLauncher, "launch", failing)
    with pytest.raises(LoginFailed, match="no_display"):
        add_account(registry, window, Script(SIGN_IN))
    assert _folders(registry) == []


def test_a_browser_that_fails_otherwise_keeps_its_own_message(
    registry: Registry, window: LoginWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_launcher: LocalLauncher, folder: AccountFolder) -> None:
        raise SetupError("The browser ended at once.")

    monkeypatch.setattr(LocalLauncher, "launch", failing)
    with pytest.raises(SetupError, match="at once") as raised:
        add_account(registry, window, Script(SIGN_IN))
    assert not isinstance(raised.value, LoginFailed)


def test_a_dialog_of_the_page_waits_for_its_person(registry: Registry, window: LoginWindow, play: Play) -> None:
    dialog = UnexpectedAlertPresentException("Do you agree?")
    script = play(SIGN_IN, dialog, "wait", View(new_token(), answer=SOMEBODY))
    assert add_account(registry, window, script)
    assert not script.driver.turned_to, "the watch took the window for closed"


def test_a_window_that_stays_waits_for_its_persons_word(registry: Registry, window: LoginWindow, play: Play) -> None:
    registry.add(OLD, "mine")
    script = play(View(OLD, answer=SOMEBODY), *["wait"] * 40, "enter")
    assert renew_account(registry, replace(window, stays=True), script, account_of(registry, "mine"))
    assert script.waited > watch.LINGER and script.steps[-2:] == ["works", "closing"]


def test_a_window_that_stays_closes_by_itself_for_an_account_that_was_logged_out(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    registry.add(OLD, "mine")
    registry.mark_invalid("mine")
    script = play(View(NEW, answer=SOMEBODY))
    assert renew_account(registry, replace(window, stays=True), script, account_of(registry, "mine"))
    assert script.waited < watch.LINGER


def test_a_login_in_the_cookie_alone_counts(registry: Registry, window: LoginWindow, play: Play) -> None:
    script = play(View("", answer=SOMEBODY))
    script.driver.token_cookie = NEW
    assert account_of(registry, add_account(registry, window, script)).token == NEW


class TestTheLoginItBeginsWith:
    """The window of an account there is: logged in, as the account's own browser is."""

    def test_a_profile_that_lacks_the_login_gets_it(self, registry: Registry, window: LoginWindow, play: Play) -> None:
        registry.add(OLD, "mine")
        script = play(View(OLD, answer=SOMEBODY), "enter")
        assert renew_account(registry, replace(window, stays=True), script, account_of(registry, "mine"))
        assert (script.driver.put, script.driver.opened) == ([("token", OLD)], [SITE + "/"])

    def test_a_check_is_for_who_is_logged_in(self, registry: Registry, window: LoginWindow, play: Play) -> None:
        registry.add(OLD, "mine")
        registry.rest("mine", time.time() + 600, reason="verification")
        script = play(View(OLD, answer=SOMEBODY), "enter")
        renew_account(registry, window, script, account_of(registry, "mine"))
        assert script.driver.put == [("token", OLD)]

    def test_a_mere_token_gives_way_to_a_login(self, registry: Registry, window: LoginWindow, play: Play) -> None:
        registry.add(OLD, "mine")
        script = play(View(NEW, answer=SOMEBODY))
        renew_account(registry, window, script, account_of(registry, "mine"))
        assert (script.driver.put, script.driver.opened) == ([], [SITE + "/auth?action=signin"])

    @pytest.mark.parametrize("cookie", [OLD, NEW])
    def test_a_profile_that_has_it_keeps_what_it_has(
        self, registry: Registry, window: LoginWindow, play: Play, cookie: str
    ) -> None:
        registry.add(OLD, "mine")
        site.remember_token(registry.folder("mine"), window.site, OLD)
        script = play(View(cookie, answer=SOMEBODY), "enter")
        script.driver.token_cookie = cookie
        renew_account(registry, replace(window, stays=True), script, account_of(registry, "mine"))
        assert (script.driver.put, script.driver.opened) == ([], [SITE + "/auth?action=signin"])

    def test_a_login_that_has_ended_is_not_put_there(self, registry: Registry, window: LoginWindow, play: Play) -> None:
        registry.add(OLD, "mine", renewable=True)
        registry.mark_invalid("mine")
        script = play(View(NEW, answer=SOMEBODY))
        renew_account(registry, window, script, account_of(registry, "mine"))
        assert (script.driver.put, script.driver.opened) == ([], [SITE + "/auth?action=signin"])

    def test_a_login_that_begins_elsewhere_begins_there(
        self, registry: Registry, window: LoginWindow, play: Play
    ) -> None:
        registry.add(OLD, "mine", renewable=True)
        script = play(View(NEW, answer=SOMEBODY))
        renew_account(registry, replace(window, sign_in="https://there/"), script, account_of(registry, "mine"))
        assert (script.driver.put, script.driver.opened) == ([], ["https://there/"])


def test_whoever_shows_the_window_gets_its_tab_before_the_site_is_there(
    registry: Registry, window: LoginWindow, play: Play
) -> None:
    script = play(SIGN_IN, View(new_token(), answer=SOMEBODY))
    met: list[tuple[object, int]] = []
    shown = replace(window, on_open=lambda tab: met.append((tab.driver, len(script.driver.opened))))
    add_account(registry, shown, script)
    assert met == [(script.driver, 0)]
