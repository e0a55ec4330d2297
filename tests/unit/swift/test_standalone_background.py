# SPDX-License-Identifier: Apache-2.0
"""Chores of a standalone, and who may log in."""

import logging

import pytest

from onespace_core import concurrency
from onespace_core.swift.standalone.background import Background, Chore
from onespace_core.swift.standalone.conf import User, parse_user


def run_for_a_moment(*chores: Chore) -> None:
    background = Background(chores)
    background.start()
    concurrency.sleep(0.2)
    background.stop()


@pytest.mark.parametrize(
    "error", [RuntimeError("broken"), concurrency.Timeout()]
)
def test_a_chore_that_fails_is_logged_and_tried_again(caplog, error):
    calls = []

    def fail() -> None:
        calls.append("x")
        raise error

    with caplog.at_level(logging.ERROR):
        run_for_a_moment(Chore("sweeper", fail, rest=0.01))
    assert len(calls) > 1
    assert "sweeper failed" in caplog.text


def test_a_chore_that_fails_does_not_end_the_others():
    calls = []

    def fail() -> None:
        raise RuntimeError("broken")

    run_for_a_moment(
        Chore("bad", fail, rest=0.01),
        Chore("good", lambda: calls.append("x"), rest=0.01),
    )
    assert len(calls) > 1


def test_nothing_runs_after_a_stop():
    calls = []
    run_for_a_moment(Chore("good", lambda: calls.append("x"), rest=0.01))
    done = len(calls)
    concurrency.sleep(0.1)
    assert len(calls) == done


def test_a_key_may_hold_colons():
    assert parse_user("a:b:c:d") == User("a", "b", "c:d")


@pytest.mark.parametrize(
    "text", ["", "a:b", "a:b:", "a::c", ":b:c", "a/x:b:c", "a:b:c d", "a:b:%("]
)
def test_a_user_that_tempauth_cannot_take_is_refused(text):
    with pytest.raises(ValueError, match=r"ACCOUNT:USER:KEY|key cannot hold"):
        parse_user(text)


def test_a_key_is_in_no_repr_and_no_error():
    assert "geheim" not in repr(User("a", "b", "geheim"))
    with pytest.raises(ValueError, match="ACCOUNT:USER:KEY") as refused:
        parse_user("a b:c:geheim")
    assert "geheim" not in str(refused.value)
