"""Which pictures the last answers held: a bounded number, each with the account that answered last."""

from __future__ import annotations

from qwenproxy.observe.pictures import AnsweredPictures


def test_an_address_leads_to_the_account_that_answered_last() -> None:
    pictures = AnsweredPictures()
    pictures.note(["https://site/1", "https://site/2"], "a")
    pictures.note(["https://site/2"], "b")
    found = [pictures.account_of(f"https://site/{name}") for name in ("1", "2", "3")]
    assert found == ["a", "b", None]


def test_the_oldest_are_forgotten() -> None:
    pictures = AnsweredPictures(kept=2)
    for name in "1213":
        pictures.note([name], "a")
    assert [pictures.account_of(name) for name in "123"] == ["a", None, "a"]
