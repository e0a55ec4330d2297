# SPDX-License-Identifier: Apache-2.0
"""When what is left behind is cleaned up."""

import logging

import pytest

from onespace_core.concurrency import Event, sleep
from onespace_core.crawler.poller import Poller, Target
from onespace_core.state import StateStore

LOG = logging.getLogger("test.sweeps")


@pytest.fixture
def store(tmp_path):
    store = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield store
    store.close()


def poller(store, *sweeps):
    targets = [
        Target(
            name=f"m{number}",
            account="AUTH_t",
            containers=list,
            make_job=lambda key: None,
            sweep=sweep,
        )
        for number, sweep in enumerate(sweeps)
    ]
    return Poller(targets, None, store, 1, LOG, interval=1, discovery=60)


def test_once_sweeps_each_mapping_whatever_the_time(store):
    asked = []
    one = poller(
        store,
        lambda _go_on, everything: asked.append(everything) or True,
        None,
    )
    one.run_once()
    assert asked == [True]
    assert not one.broken


def test_sweep_that_leaves_something_is_told_and_stops_no_other(store):
    asked = []

    def fail(_go_on, _everything):
        raise RuntimeError

    one = poller(
        store,
        lambda _go_on, _everything: False,
        fail,
        lambda _go_on, _everything: asked.append(1) or True,
    )
    one.run_once()
    assert one.broken
    assert asked == [1]


def test_rounds_do_not_wait_for_a_sweep_and_begin_no_second(store):
    gate, asked = Event(), []

    def slow(go_on, everything):
        asked.append(everything)
        gate.wait()
        asked.append(go_on())
        return True

    one = poller(store, slow)
    one._round(everything=False)
    sleep(0)
    one._round(everything=False)
    sleep(0)
    assert asked == [False]
    one.stop()
    gate.send()
    one.wait()
    assert asked == [False, False]
