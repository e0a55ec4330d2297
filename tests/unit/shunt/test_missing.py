# SPDX-License-Identifier: Apache-2.0
"""What is known to be nowhere."""

import pytest
from onespace_shunt.missing import Missing

from onespace_core.swift.local_cache import LocalCache

NAME = ("mapping", "AUTH_a", "c", "o")


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def missing(clock):
    return Missing(5, lambda: clock[0])


@pytest.fixture(params=["process", "memcache"])
def cache(request, clock):
    if request.param == "process":
        return None
    return LocalCache(now=lambda: clock[0])


def test_it_is_remembered_for_a_while(missing, cache, clock):
    assert not missing.knows(cache, *NAME)
    missing.remember(cache, *NAME)
    assert missing.knows(cache, *NAME)
    assert not missing.knows(cache, *NAME[:3], "other")
    clock[0] += 5.1
    assert not missing.knows(cache, *NAME)


def test_it_is_forgotten_at_once(missing, cache):
    missing.remember(cache, *NAME)
    missing.forget(cache, *NAME)
    missing.forget(cache, *NAME)
    assert not missing.knows(cache, *NAME)


def test_names_that_are_no_utf8_can_be_keys(missing, cache):
    missing.remember(cache, "m", "a", "c", "\udcff")
    assert missing.knows(cache, "m", "a", "c", "\udcff")


def test_nothing_is_remembered_with_a_time_of_zero(cache):
    missing = Missing(0)
    missing.remember(cache, *NAME)
    assert not missing.knows(cache, *NAME)


def test_the_memory_of_a_process_is_bounded(missing):
    for number in range(10_010):
        missing.remember(None, str(number))
    assert not missing.knows(None, "9")
    assert missing.knows(None, "10009")


def test_an_answer_that_is_older_than_a_write_is_not_remembered(
    missing, cache, clock
):
    # Asked, then written and archived by others, then answered.
    missing.forget(cache, *NAME)
    clock[0] += 20
    missing.remember(cache, *NAME)
    assert not missing.knows(cache, *NAME)
    clock[0] += 60
    missing.remember(cache, *NAME)
    assert missing.knows(cache, *NAME)


@pytest.mark.parametrize(("ttl", "sent"), [(0.2, 1), (5, 5), (5.5, 6)])
def test_memcache_is_never_told_to_keep_it_for_ever(ttl, sent):
    times = []

    class Memcache:
        def get(self, _key):
            return None

        def set(self, _key, _value, time):
            times.append(time)

    Missing(ttl).remember(Memcache(), *NAME)
    assert times == [sent]
    assert type(times[0]) is int
