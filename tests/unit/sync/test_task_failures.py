# SPDX-License-Identifier: Apache-2.0
"""Container tasks that failed, in a real state file."""

import logging

import pytest

from onespace_core.state import ContainerKey, StateStore
from onespace_core.sync.container_tasks import ContainerNotes
from onespace_core.sync.task_failures import (
    TaskFailure,
    TaskFailures,
    failures,
)

KEY = ContainerKey("m", "AUTH_t", "c")


@pytest.fixture
def opened(tmp_path):
    """A function that opens the file, as a program that starts does."""
    made = []

    def store():
        path = str(tmp_path / "state.sqlite")
        made.append(StateStore(path, logging.getLogger("test")))
        return made[-1]

    yield store
    for each in made:
        each.close()


def teller(store, now=1.0, key=KEY):
    return TaskFailures(ContainerNotes(store, key), clock=lambda: now)


def test_failure_survives_a_restart_and_has_failed_since_then(opened):
    teller(opened()).tell("age-rules", "denied")
    teller(opened(), 2.0).tell("age-rules", "denied")
    assert failures(opened()) == [TaskFailure(KEY, "age-rules", "denied", 1.0)]
    teller(opened(), 3.0).tell("age-rules", None)
    assert failures(opened()) == []


def test_another_reason_begins_anew(opened):
    store = opened()
    tell = teller(store).tell
    tell("age-rules", "denied")
    teller(store, 2.0).tell("age-rules", "somebody's rule")
    (found,) = failures(store)
    assert (found.reason, found.since) == ("somebody's rule", 2.0)


def test_other_notes_are_no_failures(opened):
    store = opened()
    store.save_note(KEY, "age-rules", "{}")
    teller(store, key=ContainerKey("m", "AUTH_t", "b")).tell("headers", "x")
    teller(store).tell("age-rules", "y")
    teller(store).tell("container-metadata", None)
    found = [(each.key.container, each.task) for each in failures(store)]
    assert found == [("b", "headers"), ("c", "age-rules")]
