# SPDX-License-Identifier: Apache-2.0
"""Who restores what."""

from __future__ import annotations

from onespace_shunt.flights import Flights

from onespace_core.concurrency import sleep, spawn


def test_one_restore_for_an_object() -> None:
    flights = Flights(limit=5)
    assert flights.take_off("a")
    assert not flights.take_off("a")
    assert flights.take_off("b")
    flights.land("a")
    assert flights.take_off("a")


def test_no_more_than_the_limit() -> None:
    flights = Flights(limit=1)
    assert flights.take_off("a")
    assert not flights.take_off("b")
    flights.land("a")
    assert flights.take_off("b")


def test_all_who_wait_go_on_at_its_end() -> None:
    flights = Flights(limit=1)
    flights.take_off("a")
    flight = flights.flying("a")
    assert flight is not None
    waiting = [spawn(flight.wait, 5) for _ in range(3)]
    sleep(0)
    flights.land("a")
    assert [each.wait() for each in waiting] == [True, True, True]
    assert flights.flying("a") is None
    assert flight.wait(5)


def test_waiting_has_an_end() -> None:
    flights = Flights(limit=1)
    flights.take_off("a")
    flight = flights.flying("a")
    assert flight is not None
    assert not flight.wait(0.01)


def test_landing_what_does_not_fly_does_nothing() -> None:
    Flights(limit=1).land("a")
