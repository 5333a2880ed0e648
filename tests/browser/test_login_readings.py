"""When the login of an open page is read: not while nobody uses it, else every ten minutes of use."""

from __future__ import annotations

from typing import cast

import pytest
from clocks import FakeClock
from fake_driver import FakeChrome, FakeDriver, FakePage
from selenium.common.exceptions import InvalidSessionIdException

from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.browser.login_readings import READ_EVERY, LoginReadings

ORIGIN = "https://site.test"


@pytest.fixture
def heard() -> list[bool]:
    return []


@pytest.fixture
def readings(clock: FakeClock, heard: list[bool]) -> LoginReadings:
    return LoginReadings(ORIGIN, clock, lambda: heard.append(True))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_page_that_nobody_uses_is_not_read(readings: LoginReadings, clock: FakeClock) -> None:
    clock.now += 10 * READ_EVERY
    assert not readings.take_due()


def test_a_used_page_is_read_at_first_and_then_every_ten_minutes(readings: LoginReadings, clock: FakeClock) -> None:
    due = []
    for _ in range(21):
        readings.note_use()
        due.append(readings.take_due())
        clock.now += 60
    assert due == [minute % 10 == 0 for minute in range(21)]


def test_use_during_the_ten_minutes_counts_at_their_end(readings: LoginReadings, clock: FakeClock) -> None:
    readings.note_use()
    assert readings.take_due()
    readings.note_use()
    assert not readings.take_due()
    clock.now += READ_EVERY
    assert readings.take_due()
    clock.now += READ_EVERY
    assert not readings.take_due(), "nobody used it since"


def test_a_reading_that_was_ordered_otherwise_counts(readings: LoginReadings, clock: FakeClock) -> None:
    readings.note_use()
    readings.note_order()
    assert not readings.take_due()
    readings.note_use()
    clock.now += READ_EVERY
    assert readings.take_due()


def test_a_clock_that_is_set_back_puts_nothing_off(readings: LoginReadings, clock: FakeClock) -> None:
    readings.note_use()
    assert readings.take_due()
    clock.now -= 86400
    readings.note_use()
    assert readings.take_due()


class TestReading:
    @pytest.fixture
    def chrome(self) -> FakeChrome:
        chrome = FakeChrome(FakeDriver(FakePage(ORIGIN)))
        chrome.driver.storage = {"token": "t1", "id": "1"}
        chrome.cookies = [{"name": "c", "value": "v", "domain": "site.test"}]
        return chrome

    def test_hands_the_login_on_once(self, readings: LoginReadings, chrome: FakeChrome, heard: list[bool]) -> None:
        readings.read(cast(ChromeTab, chrome))
        login = readings.take()
        assert login is not None
        assert (login.token, dict(login.storage.items)["id"], login.cookies[0]["name"]) == ("t1", "1", "c")
        assert heard == [True]
        assert readings.take() is None

    def test_of_a_page_without_login_brings_nothing(self, readings: LoginReadings, chrome: FakeChrome) -> None:
        chrome.driver.storage = {}
        readings.read(cast(ChromeTab, chrome))
        assert readings.take() is None

    def test_with_a_driver_that_is_gone_is_left_to_the_next_call(
        self, readings: LoginReadings, chrome: FakeChrome
    ) -> None:
        chrome.driver.always = InvalidSessionIdException("gone")
        readings.read(cast(ChromeTab, chrome))
        assert readings.take() is None
