"""Tickets: for one place, once, and soon."""

from __future__ import annotations

import base64

from clocks import FakeClock

from qwenproxy.access.tickets import TICKET_LIFE, Tickets


def test_a_ticket_lets_in_once() -> None:
    tickets = Tickets(FakeClock())
    ticket = tickets.give("here")
    assert tickets.redeem(ticket) == "here"
    assert tickets.redeem(ticket) is None


def test_a_ticket_is_for_its_own_place() -> None:
    tickets = Tickets(FakeClock())
    here, there = tickets.give("here"), tickets.give("there")
    assert (tickets.redeem(there), tickets.redeem(here)) == ("there", "here")


def test_an_old_ticket_lets_nobody_in() -> None:
    clock = FakeClock()
    tickets = Tickets(clock)
    old, young = tickets.give("here"), tickets.give("here")
    clock.now += TICKET_LIFE - 1
    assert tickets.redeem(young) == "here"
    clock.now += 1
    assert tickets.redeem(old) is None


def test_a_ticket_cannot_be_guessed() -> None:
    tickets = Tickets(FakeClock())
    made = {tickets.give("here") for _ in range(100)}
    assert len(made) == 100
    assert {len(base64.urlsafe_b64decode(f"{each}=")) for each in made} == {32}
    assert [tickets.redeem(each) for each in ("", "x", "\ud800", next(iter(made))[:-1])] == [None] * 4
