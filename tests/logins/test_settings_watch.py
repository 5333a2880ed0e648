"""Settings that change answers, read in the background whenever a page was loaded: kept, and warned of once."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from clocks import NOW, FakeClock
from fake_site import FakeResponse
from replies import CAPTCHA, GATEWAY_DOWN, LOGGED_OUT, UNKNOWN_FORM, Reply
from settings_page import PERSONAL, SECRET, SETTINGS, SettingsPage
from spelling import spelled

from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.page import PageRequest
from qwenproxy.errors import NetworkFailed, TabLost
from qwenproxy.logins import site_report
from qwenproxy.logins.settings_watch import SettingsWatch
from qwenproxy.logins.site_questions import ask_quota
from qwenproxy.observe import journal


@pytest.fixture
def watch(registry: Registry, clock: FakeClock) -> SettingsWatch:
    registry.add("token", "a")
    return SettingsWatch(registry, clock)


@pytest.fixture
def warnings() -> Iterator[list[journal.SettingsChangeAnswers]]:
    """The warnings of the journal, as they come."""
    noted: list[journal.SettingsChangeAnswers] = []

    def keep(event: journal.Event) -> None:
        if isinstance(event, journal.SettingsChangeAnswers):
            noted.append(event)

    with journal.Subscription(keep):
        yield noted


def load(watch: SettingsWatch, page: SettingsPage) -> None:
    watch.note_load(page)
    wait_for_readers()


def readers() -> list[threading.Thread]:
    """Return the threads that read settings now."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("settings-")]


def wait_for_readers() -> None:
    for reader in readers():
        reader.join(10)
    assert not readers()


def test_settings_are_kept_with_their_time_and_without_texts(
    watch: SettingsWatch, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="qwenproxy"):
        load(watch, SettingsPage(personalization=PERSONAL, tools_enabled={"web_search": True}))
    report = site_report.read(registry.folder("a"))
    assert report.settings == watch.settings_of("a")
    assert report.settings is not None
    assert (report.settings.changing, report.settings.tools_on) == (("personalization",), ("web_search",))
    assert report.settings_at == NOW
    written = registry.folder("a").site_report
    assert written.stat().st_mode & 0o077 == 0
    assert SECRET not in written.read_text() + caplog.text


def test_only_a_reading_is_asked_for(watch: SettingsWatch) -> None:
    page = SettingsPage(personalization=PERSONAL)
    load(watch, page)
    assert page.calls == [f"GET {SETTINGS}"]


def test_a_change_of_answers_is_warned_of_once_and_again_when_it_is_another(
    watch: SettingsWatch, registry: Registry, warnings: list[journal.SettingsChangeAnswers]
) -> None:
    page = SettingsPage(personalization=PERSONAL)
    for _ in range(2):
        load(watch, page)
    load(SettingsWatch(registry, lambda: NOW), page)  # another start of the server
    page.settings["memory"] = {"enable_memory": True}
    load(watch, page)
    page.settings.clear()
    load(watch, page)
    page.settings["memory"] = {"enable_memory": True}
    load(watch, page)
    names = [list(each.names) for each in warnings]
    assert names == [["personalization"], ["personalization", "memory"], ["memory"]]


def test_the_warning_names_the_command(warnings: list[journal.SettingsChangeAnswers], watch: SettingsWatch) -> None:
    load(watch, SettingsPage(mcp={"amap": True}))
    assert str(warnings[0]).startswith("account=a its settings on the site change its answers (mcp:amap).")
    assert str(warnings[0]).endswith("qwenproxy account settings a")
    assert warnings[0].level == logging.WARNING


def test_an_account_whose_settings_change_nothing_is_not_warned_of(
    watch: SettingsWatch, warnings: list[journal.SettingsChangeAnswers]
) -> None:
    load(watch, SettingsPage(tools_enabled={"web_search": True}, memory={"enable_memory": False}))
    assert warnings == []


@pytest.mark.parametrize(
    "trouble", [LOGGED_OUT, CAPTCHA, GATEWAY_DOWN, UNKNOWN_FORM, Reply(), NetworkFailed("down")], ids=spelled
)
def test_a_failure_is_logged_once_and_harms_nobody(
    watch: SettingsWatch, registry: Registry, caplog: pytest.LogCaptureFixture, trouble: Reply | Exception
) -> None:
    page = SettingsPage(memory={"enable_memory": True})
    page.troubles[SETTINGS] = trouble
    before = registry.all()
    with caplog.at_level(logging.INFO, logger="qwenproxy"):
        for _ in range(3):
            load(watch, page)
    lines = [one for one in caplog.messages if "account=a" in one]
    assert (len(lines), registry.all(), watch.settings_of("a")) == (1, before, None)
    page.troubles.clear()
    load(watch, page)
    settings = watch.settings_of("a")
    assert settings is not None
    assert settings.changing == ("memory",)


def test_a_page_that_closes_meanwhile_is_no_news(watch: SettingsWatch, caplog: pytest.LogCaptureFixture) -> None:
    page = SettingsPage()
    page.troubles[SETTINGS] = TabLost("closed")
    with caplog.at_level(logging.INFO, logger="qwenproxy"):
        load(watch, page)
    assert caplog.messages == []


def test_an_account_that_was_removed_does_not_come_back(watch: SettingsWatch, registry: Registry) -> None:
    registry.remove("a")
    load(watch, SettingsPage(memory={"enable_memory": True}))
    assert not registry.folder("a").path.exists()


def test_what_cannot_be_written_is_still_known(
    watch: SettingsWatch, registry: Registry, warnings: list[journal.SettingsChangeAnswers]
) -> None:
    registry.folder("a").site_report.mkdir()  # nobody can write this file, not even root
    for _ in range(2):
        load(watch, SettingsPage(memory={"enable_memory": True}))
    settings = watch.settings_of("a")
    assert settings is not None
    assert settings.changing == ("memory",)
    assert len(warnings) == 1


class SlowPage(SettingsPage):
    """A page whose site answers when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def fetch(self, request: PageRequest) -> FakeResponse:
        self.asked.set()
        assert self.may_answer.wait(10)
        return super().fetch(request)


def test_nobody_waits_for_it_and_one_reading_is_enough(watch: SettingsWatch) -> None:
    page = SlowPage()
    watch.note_load(page)
    assert page.asked.wait(10)
    watch.note_load(page)  # returns although the site has not answered
    assert readers()
    page.may_answer.set()
    wait_for_readers()
    assert len(page.calls) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", "nonsense", '{"settings":7,"settingsAt":"x","quota":[1]}'])
def test_an_unreadable_report_is_an_empty_one(registry: Registry, watch: SettingsWatch, content: str) -> None:
    path: Path = registry.folder("a").site_report
    path.write_text(content)
    assert site_report.read(registry.folder("a")) == site_report.SiteReport()


def test_what_was_left_on_another_day_is_not_left_today(registry: Registry, watch: SettingsWatch) -> None:
    folder = registry.folder("a")
    midnight = NOW // 86400 * 86400
    site_report.write(folder, site_report.SiteReport(quota=ask_quota(SettingsPage()), quota_at=midnight))
    report = site_report.read(folder)
    assert [left.kind for left in report.quota_left(midnight + 86399)] == ["t2i", "thinking"]
    assert report.quota_left(midnight - 1) == report.quota_left(midnight + 86400) == ()
    assert site_report.for_programs(report, midnight + 86400)["quota"] is None
    told = json.loads(json.dumps(site_report.for_programs(report, midnight)))
    assert (told["quota"], told["settings"]) == ({"t2i": 3, "thinking": -1}, None)
