"""`qwenproxy account settings`, and what `list`, `check` and the doctor say of settings and quota; no browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest
from cli_runner import Ended, new_token, run_here
from replies import CAPTCHA, GATEWAY_DOWN, LOGGED_OUT, Reply
from settings_page import PERSONAL, QUOTA, SECRET, SETTINGS, UPDATE, SettingsPage, enveloped
from spelling import spelled

from qwenproxy.accounts.account import iso_text
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.profile import ProfileClaim
from qwenproxy.cli.account import check
from qwenproxy.cli.account import settings as account_settings
from qwenproxy.disk.claim import claimed_session
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import TabLost

SECTIONS = {
    "personalization": PERSONAL,
    "memory": {"enable_memory": True, "enable_history_memory": False},
    "tools_enabled": {"web_search": True, "bio": False},
    "mcp": {"amap": True},
}
CHANGING = ["personalization", "memory", "mcp:amap"]


@pytest.fixture
def registry(session: Path) -> Registry:
    registry = Registry.open(SessionFolder(session))
    registry.add(new_token("ann"), "mine")
    return registry


@pytest.fixture
def page(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> SettingsPage:
    """The page of "mine", which the commands open."""
    page = SettingsPage("mine", **SECTIONS)
    for module in (check, account_settings):
        open_as(module, lambda _: page, monkeypatch)
    return page


def open_as(module: ModuleType, opener: Callable[[object], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "opener_for", lambda *_: opener)


def settings(*words: str, text: str = "") -> Ended:
    return run_here("account", "settings", "mine", *words, text=text)


def listed(session: Path) -> dict[str, object]:
    [one] = json.loads(run_here("account", "list", "--json").stdout)
    assert isinstance(one, dict)
    return one


# show


def test_every_setting_is_shown_with_its_state_and_nothing_changes(page: SettingsPage) -> None:
    ended = settings()
    assert ended.status == 0, ended.output
    rows = {row[3:].split()[0]: row for row in ended.output.splitlines()[1:-1]}
    marked = [name for name, row in rows.items() if row.startswith("⚠️")]
    assert marked == CHANGING
    assert rows["personalization"].endswith("it holds: name, instruction")
    states = {name: row[3:].split()[1] for name, row in rows.items()}
    assert (states["memory"], states["bio"], states["image_search"]) == ("on", "off", "?")
    assert ended.output.splitlines()[-1] == "Nothing was changed."
    assert (page.updates, page.closed) == ([], 1)
    assert SECRET not in ended.output


def test_a_prompt_for_code_is_shown_with_where_to_change_it(page: SettingsPage) -> None:
    page.settings = {"code_settings": {"custom_prompt": SECRET}}
    ended = settings()
    assert "⚠️  code_prompt" in ended.output
    assert "only the site's page can change it" in ended.output
    assert SECRET not in ended.output


def test_settings_for_programs(page: SettingsPage) -> None:
    told = json.loads(settings("--json").stdout)
    assert (told["id"], told["changed"], told["settings"]["changesAnswers"]) == ("mine", {}, CHANGING)
    assert told["settings"]["switches"]["web_search"] is True
    assert told["settingsAt"].endswith("Z")
    assert page.updates == []


# change


@pytest.mark.parametrize(
    ("words", "sent", "lines"),
    [
        (
            ["--off", "memory"],
            {"memory": {"enable_memory": False, "enable_history_memory": False}},
            ["memory: on -> off"],
        ),
        (
            ["--off", "personalization"],
            {"personalization": {**PERSONAL, "enable_for_new_chat": False}},
            ["personalization: on -> off"],
        ),
        (
            ["--on", "history-memory", "--off", "memory"],
            {"memory": {"enable_memory": False, "enable_history_memory": True}},
            ["history_memory: off -> on", "memory: on -> off"],
        ),
        (
            ["--off", "web_search", "--off", "image_search"],
            {"tools_enabled": {"web_search": False, "bio": False, "image_search": False}},
            ["image_search: ? -> off", "web_search: on -> off"],
        ),
        (["--off", "mcp"], {"mcp": {"amap": False}}, ["mcp:amap: on -> off"]),
        (["--on", "mcp:fetch"], {"mcp": {"amap": True, "fetch": True}}, ["mcp:fetch: ? -> on"]),
        (
            ["--off", "all"],
            {
                "mcp": {"amap": False},
                "memory": {"enable_memory": False, "enable_history_memory": False},
                "personalization": {**PERSONAL, "enable_for_new_chat": False},
            },
            ["mcp:amap: on -> off", "memory: on -> off", "personalization: on -> off"],
        ),
    ],
    ids=spelled,
)
def test_what_is_named_is_changed_and_nothing_else(
    page: SettingsPage, session: Path, words: list[str], sent: dict[str, object], lines: list[str]
) -> None:
    ended = settings(*words, "--yes")
    assert ended.status == 0, ended.output
    assert page.updates == [sent]
    assert ended.output.splitlines()[-len(lines) :] == lines
    assert page.settings["personalization"]["instruction"] == SECRET
    assert listed(session)["settings"] == json.loads(settings("--json").stdout)["settings"]


def test_a_change_for_programs_names_before_and_after(page: SettingsPage) -> None:
    told = json.loads(settings("--off", "memory", "--yes", "--json").stdout)
    assert told["changed"] == {"memory": [True, False]}
    assert told["settings"]["switches"]["memory"] is False


def test_what_is_so_already_is_not_sent(page: SettingsPage) -> None:
    ended = settings("--on", "memory", "--off", "bio", "--yes")
    assert (ended.status, page.updates) == (0, [])
    assert ended.output.splitlines()[-1] == "Nothing was changed."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--off", "memory"], "add --yes"),
        (["--off", "memory", "--json"], "add --yes"),
        (["--yes"], "--yes goes with --on or --off"),
        (["--on", "memory", "--off", "memory", "--yes"], "memory is to be on and off at once"),
        (["--off", "memry", "--yes"], "There is no setting memry. There are: personalization, memory"),
        (["--on", "all", "--yes"], "There is no setting all"),
        (["--off", "code_prompt", "--yes"], "Only the site's own page can change code_prompt"),
        (["--off", "mcp:", "--yes"], "There is no setting mcp:."),
        (["--off", "mcp:amap", "--on", "mcp:amap", "--yes"], "mcp:amap is to be on and off at once"),
        (["--off", "memory", "--off", "", "--yes"], "There is no setting ."),
    ],
    ids=spelled,
)
def test_an_order_that_cannot_be_carried_out_changes_nothing(
    page: SettingsPage, words: list[str], message: str
) -> None:
    ended = settings(*words)
    assert (ended.status, message in ended.output) == (2, True), ended.output
    assert (page.calls, page.closed) == ([], 0), "no browser was opened"


def test_a_server_that_only_the_site_may_know_is_asked_for_there(page: SettingsPage) -> None:
    ended = settings("--off", "mcp:fetch", "--yes")
    assert (ended.status, page.updates, page.closed) == (2, [], 1)
    assert "There is no setting mcp:fetch" in ended.output


def test_a_tool_that_the_site_told_of_is_known_without_it(page: SettingsPage) -> None:
    page.settings["tools_enabled"]["brand_new_tool"] = True
    assert settings("--off", "brand_new_tool", "--yes").status == 2
    assert settings().status == 0
    assert settings("--off", "brand_new_tool", "--yes").status == 0
    assert len(page.updates) == 1


def test_an_unknown_account_opens_no_browser(page: SettingsPage, session: Path) -> None:
    hint = f"--session-dir {session / 'sandbox'}"
    for words in (["settings", "mien"], ["settings", "sandbox1"], ["check", "sandbox1"]):
        with claimed_session(SessionFolder(session / "sandbox")):
            ended = run_here("account", *words)
            assert (ended.status, hint in ended.output) == (1, True)
        assert hint not in run_here("account", *words).output
    assert page.closed == 0


@pytest.mark.parametrize(("answer", "sent"), [("y", 1), ("д", 1), ("n", 0), ("", 0)])
def test_on_a_terminal_a_change_is_asked_for(
    page: SettingsPage, monkeypatch: pytest.MonkeyPatch, answer: str, sent: int
) -> None:
    monkeypatch.setattr(account_settings, "is_interactive", lambda: True)
    ended = settings("--off", "memory", text=f"{answer}\n")
    assert "Change this for all devices of the account: memory -> off? [y/N]" in ended.output
    assert (ended.status, len(page.updates)) == (0, sent)


def test_on_a_terminal_each_setting_that_changes_answers_is_asked_for(
    page: SettingsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_settings, "is_interactive", lambda: True)
    ended = settings(text="n\ny\ny\n")
    assert [ended.output.count(f"Switch {name} off?") for name in CHANGING] == [1, 1, 1]
    assert "Switch web_search off?" not in ended.output
    memory = {"enable_memory": False, "enable_history_memory": False}
    assert page.updates == [{"memory": memory, "mcp": {"amap": False}}]


def test_a_question_that_is_not_answered_changes_nothing(page: SettingsPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_settings, "is_interactive", lambda: True)
    ended = settings(text="y\n")
    assert (ended.status, page.updates, page.closed) == (1, [], 1)


# failures


def test_a_site_that_ignores_the_change_is_not_believed(page: SettingsPage) -> None:
    page.troubles[UPDATE] = enveloped(True)
    ended = settings("--off", "memory", "--yes")
    assert ended.status == 1
    assert "memory: on -> on" in ended.output
    assert "The site did not take the change of: memory." in ended.output


@pytest.mark.parametrize(
    ("path", "trouble", "words"),
    [
        (SETTINGS, LOGGED_OUT, "qwenproxy account relogin mine"),
        (SETTINGS, CAPTCHA, "qwenproxy account relogin mine"),
        (SETTINGS, GATEWAY_DOWN, "failed"),
        (SETTINGS, enveloped([1]), "unknown form"),
        (SETTINGS, TabLost("The browser went away."), "went away"),
        (UPDATE, GATEWAY_DOWN, "failed"),
    ],
    ids=["logged out", "human check", "down", "another form", "lost", "down at the change"],
)
def test_a_failure_is_said_and_the_browser_closed(
    page: SettingsPage, path: str, trouble: Reply | Exception, words: str
) -> None:
    page.troubles[path] = trouble
    ended = settings("--off", "memory", "--yes")
    assert (ended.status, page.updates, page.closed) == (1, [], 1)
    assert words in ended.output
    assert "Traceback" not in ended.output


class TestBesideAServer:
    """Another process has the profile open."""

    @pytest.fixture(autouse=True)
    def held(self, registry: Registry, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
        claim = ProfileClaim.take(registry.folder("mine"))
        request.addfinalizer(claim.release)
        for module in (check, account_settings):
            open_as(module, lambda _: ProfileClaim.take(registry.folder("mine")), monkeypatch)

    @pytest.fixture
    def known(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        """A report that the server wrote."""
        content = {"settings": {"switches": {"memory": True}, "personalizationFields": []}, "settingsAt": time.time()}
        registry.folder("mine").site_report.write_text(json.dumps(content))

    @pytest.mark.usefixtures("known")
    def test_what_it_knew_last_is_shown(self) -> None:
        ended = settings()
        assert ended.status == 0
        assert "⚠️  memory" in ended.output
        assert "a running qwenproxy (process " in ended.output.splitlines()[-1]
        assert json.loads(settings("--json").stdout)["settings"]["changesAnswers"] == ["memory"]

    @pytest.mark.usefixtures("known")
    def test_a_change_needs_the_profile(self) -> None:
        ended = settings("--off", "memory", "--yes")
        assert (ended.status, "Stop that process" in ended.output) == (1, True)

    def test_nothing_is_known_yet(self) -> None:
        ended = settings()
        assert (ended.status, "Stop that process" in ended.output) == (1, True)

    @pytest.mark.usefixtures("known")
    def test_check_and_list_show_what_it_knew_last(self) -> None:
        for command in ("check", "list"):
            ended = run_here("account", command)
            assert ended.status == 0
            assert "change this account's answers: memory." in ended.output


# list, check and doctor


def test_check_says_what_changes_answers_and_what_is_left_and_list_repeats_it(
    page: SettingsPage, session: Path
) -> None:
    ended = run_here("account", "check")
    assert ended.status == 0, ended.output
    _, *notes = ended.output.splitlines()
    assert notes == [
        "⚠️  mine: settings on the site change this account's answers: "
        "personalization (name, instruction), memory, mcp:amap.",
        "   -> qwenproxy account settings mine",
        "mine: left today: pictures 3, thinking unlimited",
    ]
    assert run_here("account", "list").output.splitlines()[-3:] == notes
    one = listed(session)
    assert one["quota"] == {"t2i": 3, "thinking": -1}
    assert SECRET not in ended.output + json.dumps(one)
    assert page.updates == []


def test_list_and_check_say_what_is_used_up_and_until_when(
    page: SettingsPage, registry: Registry, session: Path
) -> None:
    page.settings, page.quota = {}, {}
    until = time.time() + 7200
    rests = {"t2i": until, "tts": until, "t2v": time.time() - 1, "odd": until}
    registry.folder("mine").rests.write_text(json.dumps(rests))
    moment = datetime.fromtimestamp(until).strftime("%Y-%m-%d %H:%M")
    told = f"mine: used up for now: odd until {moment}, pictures until {moment}, speech until {moment}"
    assert run_here("account", "check").output.splitlines()[-1] == told
    assert run_here("account", "list").output.splitlines()[-1] == told
    assert listed(session)["resting"] == {kind: iso_text(until) for kind in ("t2i", "tts", "odd")}


def test_check_and_list_are_silent_about_settings_that_change_nothing(page: SettingsPage, session: Path) -> None:
    page.settings, page.quota = {"tools_enabled": {"web_search": True}}, {}
    assert run_here("account", "check").output.count("\n") == 1
    assert run_here("account", "list").output.count("\n") == 2
    one = listed(session)
    assert (one["quota"], one["quotaAt"]) == (None, None)


def test_list_of_an_account_that_nobody_asked_about(registry: Registry, session: Path) -> None:
    one = listed(session)
    assert [one[key] for key in ("settings", "settingsAt", "quota", "quotaAt")] == [None] * 4


@pytest.mark.parametrize("path", [SETTINGS, QUOTA])
@pytest.mark.parametrize("trouble", [GATEWAY_DOWN, CAPTCHA, LOGGED_OUT, TabLost("gone")], ids=spelled)
def test_a_site_that_does_not_tell_fails_no_check(page: SettingsPage, path: str, trouble: Reply | Exception) -> None:
    page.troubles[path] = trouble
    ended = run_here("account", "check")
    assert (ended.status, page.closed) == (0, 1)
    assert "mine: the site did not tell settings and quota: " in ended.output
    assert ("left today" in ended.output) == (path != QUOTA)
    assert ("change this account's answers" in ended.output) == (path != SETTINGS)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_texts_are_in_the_persons_language(page: SettingsPage, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    words = {"en": "Nothing was changed.", "ru": "Ничего не изменено."}
    assert settings().output.splitlines()[-1] == words[lang]
