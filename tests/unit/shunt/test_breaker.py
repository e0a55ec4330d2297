# SPDX-License-Identifier: Apache-2.0
"""When a store is left alone."""

import logging

import pytest
from onespace_shunt.breaker import FAILURES, Breaker, BreakerLayer

from onespace_core.layers import RetryLayer
from onespace_core.provider import (
    ConnectionFailed,
    ObjectNotFound,
    ServiceUnavailable,
)
from onespace_core.testing.memory import MemoryProvider, MemoryStore


@pytest.fixture
def clock():
    """A clock that stands still: change its only item."""
    return [100.0]


@pytest.fixture
def breaker(clock):
    return Breaker(lambda: clock[0])


def fail(breaker, times):
    for _ in range(times):
        assert breaker.enter() is None
        breaker.failed()


def test_it_opens_after_failures_in_a_row(breaker):
    fail(breaker, FAILURES - 1)
    breaker.enter()
    breaker.succeeded()
    fail(breaker, FAILURES - 1)
    assert breaker.enter() is None
    breaker.failed()
    assert breaker.is_open
    assert breaker.enter() == 5.0


def test_one_probe_at_a_time_and_pauses_that_double(breaker, clock):
    fail(breaker, FAILURES)
    for pause in (5, 10, 20, 40, 60, 60):
        clock[0] += pause - 0.1
        assert breaker.enter() is not None
        clock[0] += 0.1
        assert breaker.enter() is None
        assert breaker.enter() == 1.0
        breaker.failed()
    clock[0] += 60
    assert breaker.enter() is None
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.enter() is None


def test_a_probe_that_is_given_up_lets_the_next_one_in(breaker, clock):
    fail(breaker, FAILURES)
    clock[0] += 5
    assert breaker.enter() is None
    breaker.abandoned()
    assert breaker.enter() is None


def test_a_failure_that_began_before_changes_nothing(breaker, clock):
    fail(breaker, FAILURES)
    clock[0] += 3
    breaker.failed()
    assert breaker.enter() == 2.0


class Store:
    """Raises what it is told to."""

    def __init__(self):
        self.error = None
        self.asked = 0

    def head_account(self):
        self.asked += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def layer(breaker):
    return BreakerLayer(MemoryProvider(MemoryStore("b"), bucket="b"), breaker)


@pytest.mark.parametrize("down", [True, False])
def test_only_silence_opens_it(layer, breaker, down):
    store = Store()
    store.error = ConnectionFailed("x") if down else ObjectNotFound("x")
    for _ in range(FAILURES):
        with pytest.raises(type(store.error)):
            layer.around(store.head_account)
    assert breaker.is_open is down


def test_what_it_refuses_is_not_repeated_by_a_retry_layer(layer, breaker):
    fail(breaker, FAILURES)
    waits = []
    retry = RetryLayer(
        layer, sleep=waits.append, logger=logging.getLogger("test")
    )
    with pytest.raises(ServiceUnavailable) as caught:
        retry.head_account()
    assert caught.value.retry_after == 5
    assert waits == []
