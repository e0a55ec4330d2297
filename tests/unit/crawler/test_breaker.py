# SPDX-License-Identifier: Apache-2.0
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers.crawler_fakes import Clock

from onespace_core.crawler.breaker import Breaker, Limits, too_many
from onespace_core.state import (
    Access,
    ContainerKey,
    Cursor,
    Entry,
    Kind,
    StateStore,
)

LOG = logging.getLogger("test.breaker")
KEY = ContainerKey("m", "AUTH_test", "c")
SECOND = ContainerKey("m", "AUTH_test", "d")


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(store, clock):
    def make(mapping="m", **limits):
        return Breaker(mapping, Limits(**limits), store, LOG, clock=clock)

    return make


def allowed(breaker, count, key=KEY, objects=10**6):
    """Ask so many times; return how often the answer was yes."""
    return sum(breaker.allow(key, objects) for _ in range(count))


def owe_deletions(store, clock, count, kind=Kind.WAITING):
    store.commit(
        KEY,
        Cursor("db", "f", 1),
        owed=[
            Entry(
                f"{kind.value}{n}", kind, "deletions are paused", 3,
                clock.now, clock.now + 3600, n, True, "1.0", "1.0", 0, "", "",
                0,
            )
            for n in range(count)
        ],
    )  # fmt: skip


# -- the decision ------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "mapping", "container", "objects", "trips"),
    [
        (Limits(number=10), 10, 10, 0, False),
        (Limits(number=10), 11, 1, 10**6, True),
        (Limits(number=0), 10**9, 10**9, 0, False),
        (Limits(share=0.5), 100, 100, 100, False),
        (Limits(share=0.5), 100, 100, 99, True),
        (Limits(share=0.5), 99, 99, 0, False),  # below the floor
        (Limits(share=0.5), 10**6, 99, 0, False),  # others' do not count
        (Limits(share=0.5, floor=0), 1, 1, 0, True),
        (Limits(share=1.0), 10**6, 10**6, 0, False),  # all is not more
    ],
)
def test_what_is_too_much(limits, mapping, container, objects, trips):
    reason = too_many(
        limits, mapping=mapping, container=container, objects=objects
    )
    assert (reason is not None) is trips


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_limits_are_never_too_much(mapping, container, objects):
    assert Limits().off
    assert not too_many(
        Limits(), mapping=mapping, container=container, objects=objects
    )


# -- counting ----------------------------------------------------------------


def test_deletions_beyond_the_number_are_paused_and_that_is_said(
    make, store, clock, caplog
):
    breaker = make(number=10)
    assert allowed(breaker, 30) == 10
    assert allowed(breaker, 5, SECOND) == 0, "the whole mapping's"
    reason, since = store.breaker_tripped()["m"]
    assert "more than 10 deletions" in reason
    assert since == clock.now
    assert caplog.text.count("deletions are paused") == 1
    assert "--resume-deletes m" in caplog.text


def test_each_mapping_has_a_breaker_of_its_own(make, store):
    assert allowed(make("m", number=1), 5) == 1
    assert allowed(make("n", number=3), 5) == 3
    other = make("o", number=9)
    assert allowed(other, 5) == 5
    assert store.breaker_tripped().keys() == {"m", "n"}


def test_share_is_of_a_container_with_what_was_deleted_of_it(make):
    breaker = make(share=0.5, floor=10)
    left = {KEY: 1000, SECOND: 30}
    for key, possible in ((KEY, 400), (SECOND, 15)):
        for _ in range(possible):
            left[key] -= 1
            assert breaker.allow(key, left[key])
    # Half of SECOND is gone; the object that goes now is one too many.
    assert not breaker.allow(SECOND, 14)


def test_deletions_leave_the_window(make, store, clock):
    breaker = make(number=10, window=3600.0)
    for _ in range(50):
        assert allowed(breaker, 5) == 5
        clock.now += 1860
    assert store.breaker_tripped() == {}
    assert len(store.deletions("m")) < 5, "and the state"


def test_clock_that_was_ahead_does_not_count_for_ever(make, store, clock):
    breaker = make(number=10)
    assert allowed(breaker, 8) == 8
    clock.now -= 10**6
    assert allowed(breaker, 8) == 8
    breaker.flush()
    clock.now += 10**6
    assert allowed(make(number=10), 8) == 8


def test_restart_forgets_few(make):
    assert allowed(make(number=1000), 990) == 990
    assert allowed(make(number=1000), 990) <= 60


def test_restart_forgets_nothing_that_was_saved(make):
    breaker = make(number=10)
    allowed(breaker, 8)
    breaker.flush()
    assert allowed(make(number=10), 8) == 2


def test_deletion_that_did_not_happen_does_not_count(make):
    breaker = make(number=10)
    for _ in range(50):
        assert breaker.allow(KEY, 5)
        breaker.take_back(KEY)
    assert allowed(breaker, 20) == 10


def test_taking_back_what_was_never_counted_grants_no_more_than_one(make):
    breaker = make(number=10)
    breaker.take_back(KEY)
    assert allowed(breaker, 20) == 11


# -- tripped -----------------------------------------------------------------


def test_tripped_breaker_stays_so_over_time_and_restarts(make, clock):
    assert allowed(make(number=3), 5) == 3
    clock.now += 10**6
    breaker = make(number=3)
    assert allowed(breaker, 5) == 0
    clock.now += 10**6
    breaker.flush()
    assert allowed(breaker, 5) == 0


def test_resuming_lets_the_whole_backlog_through_and_counts_anew(
    make, store, clock, caplog
):
    breaker = make(number=10, share=0.5, floor=5)
    assert allowed(breaker, 500) == 10
    owe_deletions(store, clock, 490)
    owe_deletions(store, clock, 3, Kind.FAILED)
    assert store.waiting_deletions("m") == 490
    beside = StateStore(store.path, LOG, access=Access.GUEST)
    assert beside.resume_deletions("m", clock.now) == 490
    beside.close()
    due = store.due(KEY, clock.now, 1000)
    assert len(due) == 490, "they are tried at once"
    clock.now += 1
    assert allowed(breaker, 490, objects=0) == 490
    assert "deletions go on; 490" in caplog.text
    # What comes now is counted, from zero.
    assert allowed(breaker, 20) == 10
    assert "m" in store.breaker_tripped()


def test_what_was_granted_is_not_granted_again_after_a_restart(
    make, store, clock
):
    allowed(make(number=3), 5)
    owe_deletions(store, clock, 100)
    store.resume_deletions("m", clock.now)
    breaker = make(number=3)
    assert allowed(breaker, 60) == 60
    breaker.flush()
    assert allowed(make(number=3), 90) == 40 + 3


def test_resume_is_noticed_by_a_breaker_that_was_loaded_tripped(
    make, store, clock
):
    allowed(make(number=3), 5)
    breaker = make(number=3)
    assert allowed(breaker, 5) == 0
    store.resume_deletions("m", clock.now)
    clock.now += 1
    assert allowed(breaker, 5) == 3


def test_resuming_what_is_not_paused_changes_nothing(make, store, clock):
    breaker = make(number=10)
    allowed(breaker, 8)
    breaker.flush()
    owe_deletions(store, clock, 100)
    assert store.resume_deletions("m", clock.now) is None
    assert allowed(make(number=10), 8) == 2


def test_switching_the_limits_off_resumes(make, store):
    allowed(make(number=3), 5)
    assert allowed(make(), 1000) == 1000
    assert store.breaker_tripped() == {}


def test_state_of_a_mapping_that_is_gone_goes(make, store):
    allowed(make(number=3), 5)
    store.keep_only(set())
    assert store.breaker_tripped() == {}
    assert store.deletions("m") == {}
