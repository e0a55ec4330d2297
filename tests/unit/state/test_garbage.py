# SPDX-License-Identifier: Apache-2.0
"""Candidates for deletion in the state."""

import dataclasses
import logging

import pytest

from onespace_core.state import (
    Candidate,
    ContainerKey,
    Side,
    StateStore,
    SweepReport,
)

LOG = logging.getLogger("test")
KEY = ContainerKey("m", "AUTH_test", "c")
ONE = Candidate(
    side=Side.LOCAL,
    key=KEY,
    manifest="slo",
    place="segs",
    name="s/ü",
    version="1700000000.00000",
    etag="e",
    size=3,
    timestamp="1700000001.00000",
    manifest_etag="m",
    manifest_size=9,
    noted=100.0,
)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "state.sqlite")


@pytest.fixture
def store(path):
    store = StateStore(path, LOG)
    yield store
    store.close()


def noted(store, before=1000.0, side=Side.LOCAL):
    return list(store.garbage("m", side, before))


def test_what_is_noted_is_given_back_after_a_restart(store, path):
    store.note_garbage([ONE])
    store.close()
    again = StateStore(path, LOG)
    assert noted(again) == [ONE]
    again.close()


def test_only_what_is_old_enough_is_given(store):
    store.note_garbage([ONE])
    assert noted(store, before=99.0) == []
    assert not store.has_garbage("m", Side.LOCAL, 99.0)
    assert noted(store, before=100.0) == [ONE]
    assert store.has_garbage("m", Side.LOCAL, 100.0)
    assert noted(store, side=Side.REMOTE) == []
    assert list(store.garbage("other", Side.LOCAL, 1000.0)) == []


def test_a_later_note_begins_anew_and_is_not_struck_with_the_earlier(store):
    later = dataclasses.replace(ONE, noted=200.0, manifest="other")
    store.note_garbage([ONE])
    store.note_garbage([later])
    store.strike_garbage([ONE])
    assert noted(store) == [later]
    store.strike_garbage([later])
    assert noted(store) == []


def test_many_are_given_once_each_while_some_are_struck(store):
    many = [dataclasses.replace(ONE, name=f"{n:05}") for n in range(2500)]
    store.note_garbage(many)
    found = []
    for each in store.garbage("m", Side.LOCAL, 1000.0):
        found.append(each)
        store.strike_garbage([each])
    assert found == many
    assert store.garbage_noted() == {}


def test_candidates_outlive_their_mapping(store):
    store.note_garbage([ONE])
    store.keep_only(set())
    store.forget(KEY)
    assert store.garbage_noted() == {("m", Side.LOCAL): 1}


def test_the_last_report_of_each_side_is_kept(store):
    report = SweepReport(ended=5.0, took=1.0, deleted=2, reason="ü")
    store.save_sweep("m", Side.LOCAL, SweepReport(ended=1.0))
    store.save_sweep("m", Side.LOCAL, report)
    store.save_sweep("m", Side.REMOTE, SweepReport(ended=7.0))
    assert store.sweeps() == {
        ("m", Side.LOCAL): report,
        ("m", Side.REMOTE): SweepReport(ended=7.0),
    }
