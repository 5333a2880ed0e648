"""How long a limit makes an account rest, why no account can serve, and which command is the quickest way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spelling import spelled

from qwenproxy.accounts.kind_rests import KindRests, read_rests
from qwenproxy.accounts.registry import Registry
from qwenproxy.accounts.standing import rest_until, why_unavailable
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import AccountsResting, NoAccounts, NotLoggedIn, ProxyError, RateLimited, VerificationRequired
from qwenproxy.texts import Phrase

NOW = 1_800_000_000.0
Folders = Callable[[str], AccountFolder]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return an empty registry."""
    return Registry.open(SessionFolder(tmp_path))


def _add(registry: Registry, account_id: str, state: str) -> None:
    registry.add(f"eyJh.{account_id}.c2ln", account_id)
    if state == "limited":
        registry.rest(account_id, NOW + 3600)
    elif state == "verify":
        registry.rest(account_id, NOW + 600, reason="verification")
    elif state == "invalid":
        registry.mark_invalid(account_id)


def _why_unavailable(registry: Registry) -> ProxyError:
    """Return why no account can serve; there must be a reason."""
    error = why_unavailable(registry.all(), NOW)
    assert error
    return error


@pytest.mark.parametrize(
    ("states", "kind", "command"),
    [
        ((), NoAccounts, "qwenproxy account add"),
        (("invalid", "invalid"), NoAccounts, "qwenproxy account relogin"),
        (("verify", "verify"), VerificationRequired, "qwenproxy account relogin acc0"),
        (("invalid", "verify"), VerificationRequired, "qwenproxy account relogin acc1"),
        (("limited", "invalid"), AccountsResting, "qwenproxy account add"),
        (("limited", "verify"), AccountsResting, "qwenproxy account relogin acc1"),
    ],
    ids=spelled,
)
def test_the_quickest_way_out_is_named(
    registry: Registry, states: tuple[str, ...], kind: type[ProxyError], command: str
) -> None:
    for number, state in enumerate(states):
        _add(registry, f"acc{number}", state)
    error = _why_unavailable(registry)
    assert type(error) is kind
    assert error.message.rstrip(".").endswith(command)


def test_a_browser_that_does_not_start_is_told_beside_a_limit(registry: Registry) -> None:
    _add(registry, "limited", "limited")
    _add(registry, "sick", "ok")
    registry.rest("sick", NOW + 10, "browser", Phrase("browser_late", path="chrome", seconds="14", cure="x"))
    error = _why_unavailable(registry)
    assert (type(error), error.retry_after) == (AccountsResting, 10)
    assert "its browser does not start" in error.message


def test_the_first_account_that_returns_sets_the_wait(registry: Registry) -> None:
    _add(registry, "limited", "limited")
    _add(registry, "verify", "verify")
    assert _why_unavailable(registry).retry_after == 600


def test_one_usable_account_is_enough(registry: Registry) -> None:
    _add(registry, "limited", "limited")
    _add(registry, "well", "ok")
    assert why_unavailable(registry.all(), NOW) is None


DAY = 86400
MIDNIGHT = NOW // DAY * DAY + DAY


def limited(kind: str | None = None, **more: Any) -> RateLimited:
    error = RateLimited("The site limits this account.", **more)
    error.kind = kind
    return error


@pytest.mark.parametrize(
    ("error", "before_midnight", "rest"),
    [
        (limited(hours=6), 10 * 3600, 6 * 3600 + 300),
        (limited(hours=23), 23 * 60, 23 * 60 + 300),
        (limited(hours=24), 24 * 3600, 24 * 3600 + 300),
        (limited(hours=8784), 5 * 3600, 5 * 3600 + 300),
        (limited(hours=1), 1, 301),
        (limited(for_today=True), 7 * 3600, 7 * 3600 + 300),
        (limited(), 7 * 3600, 120),
        (limited(), 60, 120),
    ],
    ids=[
        "6 hours",
        "23 hours, past midnight",
        "24 hours, to midnight",
        "a year, past midnight",
        "1 hour, past midnight",
        "for today",
        "no end named",
        "no end named, near midnight",
    ],
)
def test_a_limit_ends_when_the_shares_of_a_day_come_back(
    error: RateLimited, before_midnight: float, rest: float
) -> None:
    now = MIDNIGHT - before_midnight
    assert rest_until(error, now) == now + rest


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Return what names an account's folder."""
    return SessionFolder(tmp_path).account


@pytest.fixture
def usable(registry: Registry) -> tuple[str, str]:
    """Return two accounts that are well."""
    for account_id in ("a", "b"):
        registry.add(f"token-{account_id}", account_id)
    return ("a", "b")


def test_a_limit_of_one_kind_rests_that_kind_only(usable: tuple[str, str], folders: Folders) -> None:
    rests = KindRests(folders)
    error = limited("upload")
    assert rests.note("a", error, NOW)
    assert error.retry_after == 120
    assert rests.resting(("upload",), usable, NOW + 119) == {"a"}
    kinds: tuple[Any, ...] = (None, "t2i")
    for kind in kinds:
        assert rests.resting((kind,), usable, NOW) == frozenset()
    assert rests.resting(("upload",), usable, NOW + 120) == frozenset()


def test_a_kind_that_rests_everywhere_is_told_with_the_first_return(usable: tuple[str, str], folders: Folders) -> None:
    rests = KindRests(folders)
    rests.note("a", limited("t2v", for_today=True), NOW)
    rests.note("b", limited("t2v"), NOW)
    with pytest.raises(AccountsResting, match="limit of films") as caught:
        rests.resting(("t2v",), usable, NOW + 20)
    assert caught.value.retry_after == 100


@pytest.mark.parametrize("error", [limited(), NotLoggedIn("x")], ids=["a limit of no kind", "a refused login"])
def test_other_refusals_concern_the_account(usable: tuple[str, str], folders: Folders, error: ProxyError) -> None:
    rests = KindRests(folders)
    assert not rests.note("a", error, NOW)
    assert rests.resting(("upload",), usable, NOW) == frozenset()


def test_no_account_rests_where_there_is_none(folders: Folders) -> None:
    assert KindRests(folders).resting(("upload",), (), NOW) == frozenset()
    assert KindRests(folders).everywhere((), NOW) == {}


def test_a_restart_forgets_no_rest(usable: tuple[str, str], folders: Folders) -> None:
    KindRests(folders).note("a", limited("t2i", for_today=True), NOW)
    KindRests(folders).note("a", limited("t2v"), NOW)
    after = KindRests(folders)
    assert after.of("a", NOW) == {"t2i": rest_until(limited("t2i", for_today=True), NOW), "t2v": NOW + 120}
    assert after.of("a", NOW + 120).keys() == read_rests(folders("a"), NOW + 120).keys() == {"t2i"}
    assert after.resting(("t2i",), usable, NOW) == {"a"}
    assert after.everywhere(usable, NOW) == {}
    assert after.everywhere(("a",), NOW).keys() == {"t2i", "t2v"}


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"t2i":"soon","t2v":true}', "\x00"])
def test_a_damaged_file_rests_nothing(folders: Folders, content: str) -> None:
    folders("a").path.mkdir(parents=True)
    folders("a").rests.write_text(content)
    assert KindRests(folders).of("a", NOW) == {}


def test_a_disk_that_takes_nothing_keeps_the_rest_until_the_end(folders: Folders) -> None:
    folders("a").rests.mkdir(parents=True)  # no file can take its place
    rests = KindRests(folders)
    assert rests.note("a", limited("t2i"), NOW)
    assert rests.of("a", NOW).keys() == {"t2i"}


def test_a_limit_of_an_account_that_was_removed_does_not_bring_its_folder_back(folders: Folders) -> None:
    rests = KindRests(folders)
    assert rests.note("gone", limited("upload"), NOW)
    assert not folders("gone").path.exists()
