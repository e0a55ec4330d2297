# SPDX-License-Identifier: Apache-2.0
"""The cache that stands in for memcached."""

import inspect

import pytest
from swift.common.exceptions import MemcacheConnectionError
from swift.common.memcached import MemcacheRing
from swift.common.utils import cache_from_env

from onespace_core.swift.local_cache import LocalCache, filter_factory


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> LocalCache:
    return LocalCache(now=clock)


def test_a_missing_key_gives_none(cache):
    assert cache.get("k") is None


def test_an_empty_cache_is_true_because_tempauth_asks(cache):
    assert cache


def test_values_come_back_as_json_would_give_them(cache):
    cache.set("k", (12.5, ["AUTH_test", "é"]))
    assert cache.get("k") == [12.5, ["AUTH_test", "é"]]


def test_a_caller_cannot_change_what_is_stored(cache):
    value = {"status": 204}
    cache.set("k", value)
    value["status"] = 404
    cache.get("k")["status"] = 500
    assert cache.get("k") == {"status": 204}


def test_bytes_are_stored_as_text_when_serialised(cache):
    cache.set("k", b"text")
    assert cache.get("k") == "text"


def test_an_unserialised_value_comes_back_as_bytes(cache):
    cache.set("k", "12", serialize=False)
    assert cache.get("k") == b"12"


def test_a_value_that_json_cannot_hold_is_a_type_error(cache):
    with pytest.raises(TypeError):
        cache.set("k", object())


def test_none_can_be_stored_and_reads_as_none(cache):
    cache.set("k", None)
    assert cache.get("k") is None


def test_a_value_expires_when_its_time_is_over(cache, clock):
    cache.set("k", 1, time=10)
    clock.now += 9.9
    assert cache.get("k") == 1
    clock.now += 0.1
    assert cache.get("k") is None


def test_time_zero_never_expires(cache, clock):
    cache.set("k", 1, time=0)
    clock.now += 10**9
    assert cache.get("k") == 1


def test_a_negative_time_expires_at_once(cache):
    cache.set("k", 1, time=-1)
    assert cache.get("k") is None


def test_setting_again_replaces_value_and_time(cache, clock):
    cache.set("k", 1, time=10)
    cache.set("k", 2, time=100)
    clock.now += 50
    assert cache.get("k") == 2


def test_delete_forgets_and_a_second_delete_is_fine(cache):
    cache.set("k", 1)
    cache.delete("k")
    cache.delete("k", server_key="other")
    assert cache.get("k") is None


def test_a_counter_starts_at_its_first_step(cache):
    assert cache.incr("n", delta=5) == 5
    assert cache.incr("n") == 6
    assert cache.decr("n", delta=2) == 4


def test_a_counter_never_goes_below_zero(cache):
    assert cache.incr("n", delta=-3) == 0
    cache.incr("n", delta=2)
    assert cache.decr("n", delta=5) == 0


def test_a_counter_keeps_its_first_time(cache, clock):
    cache.incr("n", time=10)
    clock.now += 6
    cache.incr("n", time=10)
    clock.now += 6
    assert cache.incr("n", time=10) == 1


def test_a_counter_counts_on_from_a_stored_number(cache):
    cache.set("n", "41", serialize=False)
    assert cache.incr("n") == 42
    cache.set("json", 41)
    assert cache.incr("json") == 42


def test_counting_on_text_fails_as_memcached_does(cache):
    cache.set("n", "text")
    with pytest.raises(MemcacheConnectionError):
        cache.incr("n")


def test_fractions_of_a_step_are_cut(cache):
    assert cache.incr("n", delta=2.9) == 2


def test_many_values_are_set_and_got_in_order(cache):
    cache.set_multi({"a": 1, "b": [2]}, "server", time=10)
    assert cache.get_multi(["b", "gap", "a"], "server") == [[2], None, 1]


def test_the_least_recently_used_makes_room(clock):
    cache = LocalCache(max_entries=2, now=clock)
    cache.set("a", 1)
    cache.set("b", 2)
    cache.get("a")
    cache.set("c", 3)
    assert cache.get_multi(["a", "b", "c"], "") == [1, None, 3]


def test_bytes_are_bounded(clock):
    cache = LocalCache(max_bytes=100, now=clock)
    for number in range(50):
        cache.set(f"{number:02}", "x" * 20)
    kept = [n for n in range(50) if cache.get(f"{n:02}")]
    assert kept == [46, 47, 48, 49]  # 24 bytes each


def test_deleted_and_replaced_values_give_their_bytes_back(clock):
    cache = LocalCache(max_bytes=60, now=clock)
    cache.set("keep", "x")
    for _ in range(100):
        cache.set("other", "x" * 20)
        cache.delete("other")
    assert cache.get("keep") == "x"


def test_expired_values_give_their_bytes_back(clock):
    cache = LocalCache(max_bytes=60, now=clock)
    cache.set("keep", "x")
    for _ in range(100):
        cache.set("other", "x" * 20, time=1)
        clock.now += 2
        assert cache.get("other") is None
    assert cache.get("keep") == "x"


def test_a_value_larger_than_the_cache_only_forgets_the_older_one(clock):
    cache = LocalCache(max_bytes=60, now=clock)
    cache.set("a", "old")
    cache.set("b", "other")
    cache.set("a", "x" * 100)
    assert cache.get_multi(["a", "b"], "") == [None, "other"]


@pytest.mark.parametrize("limit", ["max_bytes", "max_entries"])
def test_limits_must_be_positive(limit):
    with pytest.raises(ValueError, match="positive"):
        LocalCache(**{limit: 0})


@pytest.mark.parametrize(
    "method",
    ["set", "get", "incr", "decr", "delete", "set_multi", "get_multi"],
)
def test_signatures_are_those_of_swift(method):
    theirs = inspect.signature(inspect.unwrap(getattr(MemcacheRing, method)))
    ours = inspect.signature(getattr(LocalCache, method))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


def test_the_filter_gives_the_application_one_cache():
    seen = []

    def app(env, start_response):
        seen.append(cache_from_env(env))
        return [b"answer"]

    filtered = filter_factory({"log_name": "x"}, max_entries="5")(app)
    assert filtered({}, None) == [b"answer"]
    filtered({}, None)
    assert isinstance(seen[0], LocalCache)
    assert seen[0] is seen[1]


def test_two_filters_share_nothing():
    def app(env, start_response):
        return env["swift.cache"]

    one = filter_factory({})(app)({}, None)
    two = filter_factory({})(app)({}, None)
    one.set("k", 1)
    assert two.get("k") is None


def test_a_bad_limit_is_refused_when_the_filter_is_made():
    with pytest.raises(ValueError, match="many"):
        filter_factory({}, max_entries="many")
