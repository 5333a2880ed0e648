"""An account that travels: what is packed, what arrives, and what is refused before anything changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from clocks import NOW, FakeClock
from jwts import jwt
from session_files import account_of

from qwenproxy.accounts import identity
from qwenproxy.accounts.account import UserKnown
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.page_login import Login, Storage
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.logins import parcel
from qwenproxy.logins.parcel import Parcel
from qwenproxy.texts import Phrase

TOKEN = jwt(id="ann", exp=NOW + 900)
COOKIE = {"name": "refresh_token", "value": "r", "domain": ".site.test", "httpOnly": True}
LOGIN = Login(TOKEN, (COOKIE,), Storage("https://site.test", (("lswusea", "device"),)))


def registry_in(folder: Path) -> Registry:
    return Registry.open(SessionFolder(folder), FakeClock())


@pytest.fixture
def here(tmp_path: Path) -> Registry:
    """A session folder with an account whose login is kept."""
    registry = registry_in(tmp_path / "here")
    registry.add(TOKEN, "hers", renewable=True)
    identity.write(registry.folder("hers"), LOGIN)
    return registry


@pytest.fixture
def there(tmp_path: Path) -> Registry:
    return registry_in(tmp_path / "there")


def packed(registry: Registry) -> Parcel:
    return parcel.from_bytes(parcel.to_bytes(parcel.pack(registry, account_of(registry, "hers"))))


def test_what_is_packed_arrives(here: Registry, there: Registry) -> None:
    here.folder("hers").proxy.write_text("socks5://ann:secret@proxy.test:1080\n")
    assert parcel.take_in(there, packed(here)) == "hers"
    account = account_of(there, "hers")
    assert (account.token, account.renewable, account.status(NOW)) == (TOKEN, True, "OK")
    assert account.status(NOW + 86400) == "OK", "its page can renew the token without a profile"
    folder = there.folder("hers")
    assert identity.read(folder, TOKEN) == LOGIN
    assert folder.proxy.read_text() == "socks5://ann:secret@proxy.test:1080\n"
    assert {path.stat().st_mode & 0o777 for path in (folder.login, folder.proxy, folder.token)} == {0o600}
    assert not folder.profile.exists()


def test_nothing_secret_is_shown(here: Registry) -> None:
    here.folder("hers").proxy.write_text("socks5://ann:secret@proxy.test:1080\n")
    shown = repr(packed(here))
    assert "secret" not in shown and TOKEN not in shown


@pytest.mark.parametrize("reason", [None, "verification"])
def test_a_rest_goes_along(here: Registry, there: Registry, reason: str | None) -> None:
    here.rest("hers", NOW + 600, reason)
    parcel.take_in(there, packed(here))
    account = account_of(there, "hers")
    assert (account.reset_at, account.reason) == (NOW + 600, reason)


def test_trouble_with_the_browser_here_does_not(here: Registry, there: Registry) -> None:
    here.rest("hers", NOW + 600, "browser", Phrase("cure_memory"))
    parcel.take_in(there, packed(here))
    assert account_of(there, "hers").reset_at is None


def test_a_login_that_has_ended_stays_so(here: Registry, there: Registry) -> None:
    here.mark_invalid("hers")
    parcel.take_in(there, packed(here))
    assert account_of(there, "hers").status(NOW) == "INVALID"


def test_an_account_of_a_token_alone_travels_as_one(tmp_path: Path, there: Registry) -> None:
    registry = registry_in(tmp_path / "tokens")
    registry.add(TOKEN, "hers")
    parcel.take_in(there, packed(registry))
    assert not account_of(there, "hers").renewable
    assert not there.folder("hers").login.exists()


def test_a_login_in_the_profile_alone_has_to_be_read_first(here: Registry) -> None:
    here.folder("hers").login.unlink()
    with pytest.raises(SetupError, match="account check hers"):
        packed(here)


def test_a_person_who_has_an_account_gets_no_second_one(here: Registry, there: Registry) -> None:
    there.add(jwt(id="ann", exp=NOW + 60), "mine")
    before = sorted(there.folder("mine").path.parent.rglob("*"))
    with pytest.raises(UserKnown, match="mine"):
        parcel.take_in(there, packed(here))
    assert sorted(there.folder("mine").path.parent.rglob("*")) == before


def test_an_account_that_needs_its_person_gets_the_login_and_stays_itself(here: Registry, there: Registry) -> None:
    there.add(jwt(id="ann", exp=NOW - 60), "mine")
    folder = there.folder("mine")
    folder.proxy.write_text("http://mine.test:80\n")
    (folder.profile / "Default").mkdir(parents=True)
    assert parcel.renew(there, packed(here), NOW) == "mine"
    account = account_of(there, "mine")
    assert (account.token, account.renewable, account.status(NOW)) == (TOKEN, True, "OK")
    assert identity.read(folder, TOKEN) == LOGIN
    assert not folder.profile.exists(), "its cookies are those of the ended login"
    assert folder.proxy.read_text() == "http://mine.test:80\n"


def test_an_account_in_verification_gets_the_login(here: Registry, there: Registry) -> None:
    there.add(jwt(id="ann", exp=NOW + 60), "mine")
    there.rest("mine", NOW + 600, "verification")
    assert parcel.renew(there, packed(here), NOW) == "mine"
    assert account_of(there, "mine").status(NOW) == "OK"


def test_an_account_that_works_keeps_its_login(here: Registry, there: Registry) -> None:
    there.add(jwt(id="ann", exp=NOW + 60), "mine")
    before = account_of(there, "mine")
    with pytest.raises(SetupError, match="account check mine"):
        parcel.renew(there, packed(here), NOW)
    assert account_of(there, "mine") == before


def test_a_login_that_ended_renews_nothing(here: Registry, there: Registry) -> None:
    there.add(jwt(id="ann", exp=NOW - 60), "mine")
    before = account_of(there, "mine")
    here.mark_invalid("hers")
    with pytest.raises(SetupError, match="The login in the file has ended"):
        parcel.renew(there, packed(here), NOW)
    assert account_of(there, "mine") == before
    assert not identity.exists(there.folder("mine"))


def test_somebody_elses_login_renews_nothing(here: Registry, there: Registry) -> None:
    there.add(jwt(id="ben", exp=NOW - 60), "mine")
    assert parcel.renew(there, packed(here), NOW) is None


def test_an_id_that_is_taken_gets_another(here: Registry, there: Registry) -> None:
    there.add(jwt(id="ben", exp=NOW + 60), "HERS")
    new_id = parcel.take_in(there, packed(here))
    assert new_id.startswith("acc_")
    assert account_of(there, new_id).user_id == "ann"
    assert account_of(there, "HERS").user_id == "ben"


def test_what_an_ended_login_left_gives_way(here: Registry, there: Registry) -> None:
    (there.folder("hers").profile / "Default").mkdir(parents=True)
    parcel.take_in(there, packed(here))
    assert not there.folder("hers").profile.exists()


def test_what_cannot_be_written_leaves_nothing(
    here: Registry, there: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    traveller = packed(here)

    def refuse(*_: object) -> None:
        raise SetupError("full")

    monkeypatch.setattr(identity, "write", refuse)
    with pytest.raises(SetupError, match="full"):
        parcel.take_in(there, traveller)
    assert there.all() == ()
    assert not there.folder("hers").path.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"account": None}, {"account": {"id": "../x", "token": TOKEN}}, {"account": {"id": "a"}},
        {"account": {"id": "a", "token": " "}}, {"identity": []}, {"identity": {"cookies": 1}}, {"proxy": 1},
        {"proxy": "a\nb"},
    ],
    ids=["none", "bad id", "no token", "blank token", "a list", "a number", "a number for a proxy", "two lines"],
)  # fmt: skip
def test_what_is_no_account_is_refused(here: Registry, change: dict[str, Any]) -> None:
    content = {**json.loads(parcel.to_bytes(parcel.pack(here, account_of(here, "hers")))), **change}
    with pytest.raises(SetupError, match="does not hold an account"):
        parcel.from_bytes(json.dumps(content).encode())


@pytest.mark.parametrize("data", [b"", b"x", b"[]"], ids=["empty", "text", "a list"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SetupError, match="does not hold an account"):
        parcel.from_bytes(data)
