"""The door: which key opens what."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest

from qwenproxy.access.door import Door
from qwenproxy.errors import InvalidApiKey


@dataclass
class Held:
    """Keys at hand."""

    keys: tuple[str, ...] = ()

    @property
    def enabled(self) -> bool:
        return bool(self.keys)

    def check(self, candidate: str) -> bool:
        return candidate in self.keys


def is_let_in(door: Door, *keys: str, scope: str = "client") -> bool:
    try:
        door.check(keys, scope)  # type: ignore[arg-type]
    except InvalidApiKey:
        return False
    return True


@pytest.mark.parametrize(
    ("client_keys", "key_required", "sent", "expected"),
    [
        pytest.param((), False, (), True, id="no key is needed"),
        pytest.param((), False, ("x",), True, id="a key that is not needed"),
        pytest.param((), True, (), False, id="a key is needed and there is none"),
        pytest.param(("k",), False, (), False, id="none sent"),
        pytest.param(("k",), False, ("x", "k"), True, id="one of those sent"),
        pytest.param(("k",), True, ("x",), False, id="a wrong one"),
    ],
)
def test_clients(client_keys: tuple[str, ...], key_required: bool, sent: tuple[str, ...], expected: bool) -> None:
    assert is_let_in(Door(Held(client_keys), key_required=key_required), *sent) is expected


@pytest.mark.parametrize(
    ("sent", "scope", "expected"),
    [
        pytest.param(("a",), "admin", True, id="the admin key opens the admin scope"),
        pytest.param(("a",), "client", True, id="and everything else"),
        pytest.param(("k",), "admin", False, id="a client's key does not open it"),
        pytest.param((), "admin", False, id="nor does none"),
    ],
)
def test_admins(sent: tuple[str, ...], scope: str, expected: bool) -> None:
    assert is_let_in(Door(Held(("k",)), admin_keys=Held(("a",))), *sent, scope=scope) is expected


def test_whoever_lacks_the_admin_key_is_told_where_that_one_is() -> None:
    with pytest.raises(InvalidApiKey, match=r"Admin\.txt"):
        Door(Held(("k",)), admin_keys=Held(("a",))).check(("k",), "admin")


@pytest.mark.parametrize("client_keys", [(), ("k",)], ids=["without client keys", "with client keys"])
def test_without_an_admin_key_nobody_is_an_admin(client_keys: tuple[str, ...]) -> None:
    assert not is_let_in(Door(Held(client_keys)), "k", "", scope="admin")


def test_that_nobody_can_come_in_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    door = Door(Held(), key_required=True)
    with caplog.at_level(logging.WARNING):
        assert not is_let_in(door, "x")
        assert not is_let_in(door, "y")
    assert len(caplog.records) == 1
